//! The judges that are compiled in.

use std::sync::LazyLock;

use super::card::Definition;

/// The files by their names, in the order of listings.
const FILES: &[(&str, &str)] = &[
    ("factuality", include_str!("../../../scorers/judges/factuality.yaml")),
    ("closed_qa", include_str!("../../../scorers/judges/closed_qa.yaml")),
    ("rubric", include_str!("../../../scorers/judges/rubric.yaml")),
    ("summary", include_str!("../../../scorers/judges/summary.yaml")),
    ("translation", include_str!("../../../scorers/judges/translation.yaml")),
    ("sql", include_str!("../../../scorers/judges/sql.yaml")),
    ("security", include_str!("../../../scorers/judges/security.yaml")),
    ("humor", include_str!("../../../scorers/judges/humor.yaml")),
    ("possible", include_str!("../../../scorers/judges/possible.yaml")),
    ("battle", include_str!("../../../scorers/judges/battle.yaml")),
    ("relevance", include_str!("../../../scorers/judges/relevance.yaml")),
    ("conciseness", include_str!("../../../scorers/judges/conciseness.yaml")),
    ("helpfulness", include_str!("../../../scorers/judges/helpfulness.yaml")),
    ("harmfulness", include_str!("../../../scorers/judges/harmfulness.yaml")),
    ("refusal", include_str!("../../../scorers/judges/refusal.yaml")),
    ("style_match", include_str!("../../../scorers/judges/style_match.yaml")),
    ("tool_use", include_str!("../../../scorers/judges/tool_use.yaml")),
];

static JUDGES: LazyLock<Vec<Definition>> = LazyLock::new(|| {
    let read = |(name, text): &(&str, &str)| Definition::read(text, &format!("{name}.yaml")).ok();
    FILES.iter().filter_map(read).collect()
});

/// Every judge.
pub fn all() -> &'static [Definition] {
    &JUDGES
}

/// The judge called `name`.
pub fn find(name: &str) -> Option<&'static Definition> {
    all().iter().find(|judge| judge.name == name)
}

/// The file of the judge called `name`, as it is.
pub fn source(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The names of all judges.
pub fn names() -> Vec<&'static str> {
    FILES.iter().map(|(name, _)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_judge_can_be_read_and_is_described() {
        for (name, text) in FILES {
            let judge = Definition::read(text, name).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(judge.name, *name);
            assert!(judge.summary.ends_with('.') && !judge.source.is_empty(), "{name}");
            assert!(judge.needs.contains(&"output".to_owned()) || *name == "tool_use", "{name}");
            let named = |parameter: &super::super::card::Parameter| !parameter.doc.is_empty();
            assert!(judge.with.values().all(named), "{name}");
        }
        assert_eq!(all().len(), FILES.len());
    }
}
