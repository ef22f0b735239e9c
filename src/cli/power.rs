//! `evals power`: what samples can show, and how many it takes.

use std::path::Path;

use super::{
    Out,
    args_power::{PowerArgs, PowerFormat},
    env,
    exit::{Exit, Failure},
};
use crate::{
    base::quantity,
    config::error::suggestion,
    domain::run::RunHeader,
    metric::{
        Tally,
        power::{Outlook, independent, outlooks},
    },
    report::{
        power::{Question, planned, power_json, table},
        table::Style,
    },
    stats::{Design, Spread, detectable, needed},
    store::Store,
};

pub(super) fn run(args: &PowerArgs, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    let asked = question(args)?;
    let style = Style { color: env::stdout_color(), unicode: env::unicode() };
    let text = if let Some(n) = args.n {
        let found = imagined(args, n, asked)?;
        match args.format {
            PowerFormat::Json => format!("{:#}\n", power_json(None, &[found], asked)),
            PowerFormat::Table => planned(&found, asked, env::width(), style),
        }
    } else {
        let (header, found) = of_run(args, db, asked)?;
        match args.format {
            PowerFormat::Json => format!("{:#}\n", power_json(Some(&header), &found, asked)),
            PowerFormat::Table => table(&header, &found, asked, env::width(), style),
        }
    };
    out.data(&text)?;
    Ok(Exit::Done)
}

/// A share between 0 and 1, the ends not among them.
fn chance(text: &str, flag: &str) -> Result<f64, Failure> {
    let inside = |share: &f64| *share > 0.0 && *share < 1.0;
    quantity::share(text).filter(inside).ok_or_else(|| {
        Failure::usage(format!("{flag}: `{text}` does not lie between 0 and 1"))
            .hint(format!("write it as 0.8 or 80%: {flag} 0.8"))
    })
}

fn question(args: &PowerArgs) -> Result<Question, Failure> {
    let design = Design {
        alpha: chance(&args.alpha, "--alpha")?,
        power: chance(&args.power, "--power")?,
        effect: 1.0,
    };
    let difference = args.difference.as_deref().map(|text| {
        let found = quantity::share(text).filter(|off| off.abs() > 0.0);
        found.ok_or_else(|| {
            Failure::usage(format!("--difference: `{text}` is no difference"))
                .hint("write it in the unit of the scorer, such as 0.03 or 3%")
        })
    });
    Ok(Question { design, difference: difference.transpose()? })
}

/// The outlook for `n` samples of yes and no.
fn imagined(args: &PowerArgs, n: u64, asked: Question) -> Result<Outlook, Failure> {
    let rate = chance(args.rate.as_deref().unwrap_or_default(), "--rate")?;
    let disagree = args.disagree.as_deref().map(|text| chance(text, "--disagree")).transpose()?;
    // Two that are right equally often disagree on no more than this.
    let most = 2.0 * rate.min(1.0 - rate);
    if let Some(share) = disagree.filter(|share| *share > most) {
        let message = format!("--disagree: two that are right in {rate} cannot differ in {share}");
        return Err(Failure::usage(message).hint(format!("{most:.4} is the most")));
    }
    let spread = disagree
        .map_or_else(|| independent(rate), |discordance| Some(Spread::YesNo { discordance }));
    Ok(Outlook {
        scorer: 0,
        sides: (0, 0, None),
        unit_range: true,
        n,
        spread,
        effect: 1.0,
        detectable: spread.and_then(|spread| detectable(spread, n, asked.design)),
        needed: spread
            .zip(asked.difference)
            .and_then(|(spread, off)| needed(spread, off, asked.design)),
    })
}

/// The outlooks for the samples of a stored run.
fn of_run(
    args: &PowerArgs,
    db: &Path,
    asked: Question,
) -> Result<(RunHeader, Vec<Outlook>), Failure> {
    let store = Store::open_existing(db)?;
    let run = store.find_run(&args.run)?;
    let ids = || run.header.scorers.iter().map(|scorer| scorer.id.as_str());
    if ids().next().is_none() {
        return Err(Failure::usage(format!("run {} has no scorer", run.header.id))
            .hint("score it first: evals score last -s exact_match"));
    }
    let only = args.scorer.as_deref().map(|name| {
        let place = ids().position(|id| id == name);
        place.ok_or_else(|| {
            Failure::usage(format!("run {} has no scorer `{name}`", run.header.id))
                .hint(suggestion(name, ids(), "scorers"))
        })
    });
    let only = only.transpose()?;
    let mut tally = Tally::new(&run.header).keeping(&run.header);
    store.digests(&run, &mut |digest| tally.add(&digest))?;
    let values = tally.finish_values();
    let mut found =
        values.map(|values| outlooks(&values, asked.design, asked.difference)).unwrap_or_default();
    found.retain(|outlook| only.is_none_or(|only| outlook.scorer as usize == only));
    Ok((run.header, found))
}
