//! BLEU: how many n-grams of the output stand in a reference.

mod tokens;

use tokens::Tokenizer;

use crate::{
    domain::score::{Corpus, Smooth},
    scorer::{
        ArgError, Args, Better, Built, Card, OptionCard, Range, ScorerKind,
        against::{Compare, Found, THRESHOLD, likeness},
        ngrams::Grams,
        words::Ids,
    },
};

static CARD: Card = Card {
    name: "bleu",
    summary: "Share of the 1- to 4-grams that stand in an expected answer, their geometric mean, less for outputs that are too short.",
    range: Range::Unit,
    better: Better::Higher,
    reads_output: true,
    options: &[
        THRESHOLD,
        OptionCard {
            name: "tokenize",
            kind: "13a, intl, char or none",
            default: "13a",
            doc: "How texts become words: `13a` as WMT does, `intl` by Unicode's punctuation and symbols, `char` each character, `none` by white space alone.",
        },
        OptionCard {
            name: "smooth",
            kind: "none, floor, add-k or exp",
            default: "exp",
            doc: "What is done about orders of n-grams without a match.",
        },
        OptionCard {
            name: "smooth_value",
            kind: "number",
            default: "0.1 for floor, 1 for add-k",
            doc: "The value of `floor` and `add-k`.",
        },
        OptionCard {
            name: "effective_order",
            kind: "flag",
            default: "false",
            doc: "Leaves out orders that the output is too short for; wanted for single sentences.",
        },
        OptionCard {
            name: "lowercase",
            kind: "flag",
            default: "false",
            doc: "Compares in lower case.",
        },
    ],
    edge_cases: &[
        "The value is sacreBLEU's divided by 100.",
        "The metric `mean` is the mean over answers, `corpus` is BLEU as papers report it: of all \
         answers as one text.",
        "N-grams may match in any of several expected answers; the length is compared with the one \
         nearest in length.",
        "Without `effective_order` an output of fewer than four words scores 0, as in sacreBLEU.",
    ],
    source: "Papineni et al. 2002; `BLEU` of sacrebleu 2.6.0",
};

/// The longest n-grams.
const ORDERS: usize = 4;

/// The kind.
#[derive(Debug)]
pub(super) struct Bleu;

#[derive(Debug)]
struct Precision {
    tokenizer: Tokenizer,
    lowercase: bool,
    corpus: Corpus,
}

impl ScorerKind for Bleu {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn build(&self, args: &Args) -> Result<Built, ArgError> {
        let tokenizer = match args.name("tokenize", &["13a", "intl", "char", "none"])? {
            None | Some("13a") => Tokenizer::Mteval,
            Some("intl") => Tokenizer::International,
            Some("char") => Tokenizer::Characters,
            Some(_) => Tokenizer::Words,
        };
        let written = args.number("smooth_value", 0.0, f64::MAX)?;
        let name = args.name("smooth", &["none", "floor", "add-k", "exp"])?;
        let smooth = match name {
            Some("none") => Smooth::None,
            Some("floor") => Smooth::Floor(written.unwrap_or(0.1)),
            Some("add-k") => Smooth::AddK(written.unwrap_or(1.0)),
            _ => Smooth::Exp,
        };
        if written.is_some() && matches!(smooth, Smooth::None | Smooth::Exp) {
            let message = "only `smooth: floor` and `smooth: add-k` take a value";
            return Err(args.error("smooth_value", message));
        }
        let corpus = Corpus::Bleu { smooth, effective_order: args.flag("effective_order")? };
        likeness(args, Precision { tokenizer, lowercase: args.flag("lowercase")?, corpus })
    }
}

impl Compare for Precision {
    fn compare(&self, expected: &[String], output: &str) -> Result<Found, String> {
        let output = self.tokenizer.apply(output, self.lowercase);
        let expected: Vec<String> =
            expected.iter().map(|text| self.tokenizer.apply(text, self.lowercase)).collect();
        let mut ids = Ids::for_texts(expected.iter().map(String::as_str).chain([&*output]));
        let references: Vec<Vec<u32>> = expected.iter().map(|text| ids.of_words(text)).collect();
        let output = ids.of_words(&output);
        let nearest = references
            .iter()
            .map(Vec::len)
            .min_by_key(|length| (length.abs_diff(output.len()), *length))
            .unwrap_or_default();
        let bits = ids.bits();
        let grams = Grams::new(&output, ORDERS, bits);
        let others: Vec<Grams> =
            references.iter().map(|words| Grams::new(words, ORDERS, bits)).collect();
        let others: Vec<&Grams> = others.iter().collect();
        let mut counts = vec![0.0; 2 + 2 * ORDERS];
        (counts[0], counts[1]) = (output.len() as f64, nearest as f64);
        for n in 1..=ORDERS {
            counts[1 + n] = grams.matches(&others, n) as f64;
            counts[1 + ORDERS + n] = grams.count(n) as f64;
        }
        Ok(Found::counted(self.corpus, counts))
    }

    fn corpus(&self) -> Option<Corpus> {
        Some(self.corpus)
    }
}
