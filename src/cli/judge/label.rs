//! `evals judge label`: labels made at the terminal, one key each.
//!
//! Whoever labels sees the question, what was expected and the answer, and neither whose answer it is
//! nor what it scored. The file is written after every key, so that nothing is lost however it ends.

use std::{collections::HashSet, fs, io, path::Path};

use console::{Key, Term};

use super::{
    calibrate,
    labels::{self, Answers, Columns},
};
use crate::{
    base::text::visible,
    cli::{
        Out,
        args_judge::JudgeLabelArgs,
        ask, env,
        exit::{Exit, Failure},
        stored::write_file,
    },
    domain::{
        calibration::Judged,
        message::{Message, Role},
        run::RunRecord,
    },
    stats::shuffled,
    store::Store,
};

/// The columns of the file.
const HEAD: [&str; 6] = ["sample_id", "model", "prompt", "epoch", "rater", "label"];

/// A choice: its key, what is written for it, and what is shown.
struct Choice {
    key: char,
    label: String,
    shown: String,
}

pub(super) fn run(args: &JudgeLabelArgs, db: &Path, out: &mut Out) -> Result<Exit, Failure> {
    if !ask::can_ask() {
        return Err(Failure::usage("labels are typed at a terminal, and there is none")
            .hint("`evals judge calibrate --labels FILE` reads labels that were made elsewhere"));
    }
    let choices = choices(args.grades.as_deref())?;
    let store = Store::open_existing(db)?;
    let run = store.find_run(&args.run)?;
    let scorer = match &args.scorer {
        Some(id) => Some(calibrate::scorer(&run.header, Some(id), &[])?),
        None => None,
    };
    // Without a scorer none has scored, which is no matter here.
    let answers = Answers::of(&store, &run, scorer.unwrap_or(u32::MAX))?;
    let rater = args.rater.clone().or_else(|| env::variable("USER")).unwrap_or_default();
    let rater = if rater.trim().is_empty() { "me".to_owned() } else { rater.trim().to_owned() };
    let mut file = File::open(&args.out, &answers, &rater)?;
    let open = drawn(args.sample.as_deref(), &answers, scorer.is_some(), &file)?;
    if open.is_empty() {
        out.note("every answer that was drawn has its label");
        return Ok(Exit::Done);
    }
    let mut desk = Desk { store: &store, run: &run, choices: &choices, terminal: Term::stderr() };
    let made = desk.ask_all(&open, &answers, &mut file)?;
    out.note(&format!(
        "{made} labels made, {} in `{}`; next: evals judge calibrate {} --labels {}",
        file.rows.len(),
        args.out.display(),
        run.header.id,
        args.out.display(),
    ));
    Ok(Exit::Done)
}

fn choices(grades: Option<&str>) -> Result<Vec<Choice>, Failure> {
    let Some(grades) = grades else {
        return Ok([('p', "pass"), ('f', "fail")]
            .map(|(key, label)| Choice {
                key,
                label: label.to_owned(),
                shown: format!("{key} {label}"),
            })
            .into());
    };
    let digits: Vec<char> = grades.chars().filter(|c| !matches!(c, ',' | ' ')).collect();
    let different: HashSet<&char> = digits.iter().collect();
    let sound = digits.iter().all(char::is_ascii_digit) && different.len() == digits.len();
    if digits.len() < 2 || !sound {
        return Err(Failure::usage(format!("--grades: `{grades}` are no different digits"))
            .hint("write them together: --grades 12345"));
    }
    let choice = |key: char| Choice { key, label: key.to_string(), shown: key.to_string() };
    Ok(digits.into_iter().map(choice).collect())
}

/// The answers to be labelled, in a random order, without those that the file has.
fn drawn<'a>(
    sample: Option<&str>,
    answers: &'a Answers<'_>,
    scored: bool,
    file: &File<'_>,
) -> Result<Vec<&'a Judged>, Failure> {
    let (count, seed) = match sample {
        None => (usize::MAX, 0),
        Some(text) => {
            let (count, seed) = text.split_once(':').unwrap_or((text, "0"));
            match (count.parse(), seed.parse()) {
                (Ok(count), Ok(seed)) => (count, seed),
                _ => {
                    let message = format!("--sample: `{text}` is not of the form N or N:SEED");
                    return Err(Failure::usage(message));
                }
            }
        }
    };
    let all: Vec<&Judged> = answers
        .judged
        .iter()
        .filter(|answer| answer.length.is_some() && (!scored || answer.value.is_some()))
        .collect();
    if all.is_empty() {
        return Err(Failure::usage("the run has no answer to label"));
    }
    let order = shuffled(all.len(), seed).into_iter().take(count).map(|at| all[at]);
    Ok(order.filter(|answer| !file.has(answer.seq)).collect())
}

/// A file of labels that is being made.
struct File<'a> {
    path: &'a Path,
    rater: &'a str,
    /// The rows in their order, as they are written, by the place of their answer.
    rows: Vec<(u64, [String; 6])>,
    /// The answers that this rater labelled.
    own: HashSet<u64>,
}

impl<'a> File<'a> {
    fn open(path: &'a Path, answers: &Answers<'_>, rater: &'a str) -> Result<Self, Failure> {
        let mut file = Self { path, rater, rows: Vec::new(), own: HashSet::new() };
        if !path.exists() {
            return Ok(file);
        }
        let shown = path.display();
        let failed = |error: &dyn std::fmt::Display| {
            Failure::usage(format!("failed to read `{shown}`: {error}"))
        };
        let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
        let mut csv = ::csv::Reader::from_reader(text.as_bytes());
        let head = csv.headers().map_err(|error| failed(&error))?;
        if head.iter().ne(HEAD) {
            let message = format!("{shown}:1: this file was not made by `evals judge label`");
            return Err(Failure::usage(message).hint(format!(
                "its columns would be {}; name another by `--out`",
                HEAD.join(",")
            )));
        }
        let labels = labels::read(path, answers, Columns::default())?;
        for (row, label) in csv.records().zip(&labels) {
            let row = row.map_err(|error| failed(&error))?;
            let cells = std::array::from_fn(|at| row.get(at).unwrap_or_default().to_owned());
            file.rows.push((label.seq, cells));
            if label.rater == rater {
                file.own.insert(label.seq);
            }
        }
        if labels.len() != csv_rows(&text) {
            return Err(Failure::usage(format!("{shown}: a row has no label"))
                .hint("delete the row; the answer is asked again"));
        }
        Ok(file)
    }

    fn has(&self, seq: u64) -> bool {
        self.own.contains(&seq)
    }

    fn put(
        &mut self,
        answer: &Judged,
        id: &str,
        run: &RunRecord,
        label: &str,
    ) -> Result<(), Failure> {
        let header = &run.header;
        let name = |names: Option<&String>| names.cloned().unwrap_or_default();
        let row = [
            id.to_owned(),
            name(header.models.get(answer.model as usize).map(|model| &model.name)),
            name(header.prompts.get(answer.prompt as usize).map(|prompt| &prompt.id)),
            answer.epoch.to_string(),
            self.rater.to_owned(),
            label.to_owned(),
        ];
        self.rows.push((answer.seq, row));
        self.own.insert(answer.seq);
        self.write()
    }

    /// Takes the label of this rater about an answer back.
    fn take_back(&mut self, seq: u64) -> Result<(), Failure> {
        self.rows.retain(|(known, row)| *known != seq || row[4] != self.rater);
        self.own.remove(&seq);
        self.write()
    }

    fn write(&self) -> Result<(), Failure> {
        write_file(self.path, |to| {
            let mut csv = ::csv::Writer::from_writer(to);
            let mut all = || -> Result<(), ::csv::Error> {
                csv.write_record(HEAD)?;
                for (_, row) in &self.rows {
                    csv.write_record(row)?;
                }
                csv.flush()?;
                Ok(())
            };
            all().map_err(|error| {
                Failure::usage(format!("failed to write `{}`: {error}", self.path.display()))
            })
        })
    }
}

fn csv_rows(text: &str) -> usize {
    ::csv::Reader::from_reader(text.as_bytes()).records().count()
}

/// Where answers are shown and keys are read.
struct Desk<'a> {
    store: &'a Store,
    run: &'a RunRecord,
    choices: &'a [Choice],
    terminal: Term,
}

/// What a key means.
enum Said<'a> {
    Choice(&'a Choice),
    Skip,
    Undo,
    Quit,
}

impl Desk<'_> {
    /// Asks about each of `open`; gives how many labels were made.
    fn ask_all(
        &mut self,
        open: &[&Judged],
        answers: &Answers<'_>,
        file: &mut File<'_>,
    ) -> Result<usize, Failure> {
        let mut at = 0;
        let mut made = HashSet::new();
        let mut shown = None;
        while let Some(answer) = open.get(at) {
            if shown != Some(at) {
                self.show(answer, at + 1, open.len())?;
                shown = Some(at);
            }
            let id = answers.sample_id(answer.sample);
            match self.key()? {
                Said::Choice(choice) => {
                    file.put(answer, id, self.run, &choice.label)?;
                    self.line(&choice.label);
                    made.insert(at);
                    at += 1;
                }
                Said::Skip => {
                    self.line("skipped");
                    at += 1;
                }
                Said::Undo if at == 0 => self.line("nothing to undo"),
                Said::Undo => {
                    self.line("undo");
                    at -= 1;
                    if made.remove(&at) {
                        file.take_back(open[at].seq)?;
                    }
                }
                Said::Quit => {
                    self.line("quit");
                    break;
                }
            }
        }
        Ok(made.len())
    }

    fn show(&self, answer: &Judged, place: usize, of: usize) -> Result<(), Failure> {
        let sample = self.store.sample(self.run, answer.sample)?;
        let messages = self.store.messages(self.run, answer.sample, answer.prompt)?;
        let recorded = self.store.recorded(self.run, answer.seq)?;
        let output = recorded
            .and_then(|recorded| recorded.answer.result.ok())
            .map(|generation| generation.text)
            .unwrap_or_default();
        self.line("");
        self.line(&format!("--- {place} of {of} ---"));
        let asked: Option<String> = messages.map(|messages| {
            let said = messages.iter().filter(|message| message.role != Role::System);
            said.map(Message::joined_text).collect::<Vec<_>>().join("\n")
        });
        let input = sample.as_ref().and_then(|sample| sample.input.clone());
        self.part("Asked", &asked.or(input).unwrap_or_default());
        if let Some(sample) = sample.filter(|sample| !sample.expected.is_empty()) {
            self.part("Expected", &sample.expected.join("\n"));
        }
        self.part("Answer", &output);
        Ok(())
    }

    fn part(&self, title: &str, text: &str) {
        self.line(&format!("{title}:"));
        for line in visible(text).lines() {
            self.line(&format!("  {line}"));
        }
        if text.is_empty() {
            self.line("  (empty)");
        }
    }

    /// Waits for a key that means something.
    fn key(&self) -> Result<Said<'_>, Failure> {
        let shown: Vec<&str> = self.choices.iter().map(|choice| choice.shown.as_str()).collect();
        self.terminal
            .write_str(&format!("{} | s skip | u undo | q quit: ", shown.join(" | ")))
            .ok();
        loop {
            let key = match self.terminal.read_key() {
                Ok(key) => key,
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::Interrupted | io::ErrorKind::UnexpectedEof
                    ) =>
                {
                    Key::Char('q')
                }
                Err(error) => {
                    return Err(Failure::usage(format!("failed to read a key: {error}")));
                }
            };
            match key {
                Key::Char('s') => return Ok(Said::Skip),
                Key::Char('u') | Key::Backspace => return Ok(Said::Undo),
                Key::Char('q' | '\u{4}') | Key::Escape | Key::CtrlC => return Ok(Said::Quit),
                Key::Char(key) => {
                    if let Some(choice) = self.choices.iter().find(|choice| choice.key == key) {
                        return Ok(Said::Choice(choice));
                    }
                }
                _ => {}
            }
        }
    }

    fn line(&self, text: &str) {
        self.terminal.write_line(text).ok();
    }
}
