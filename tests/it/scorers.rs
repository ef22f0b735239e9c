//! What people are told about scorers, and scorers made of others.

use crate::support::Project;

#[test]
fn scorers_are_listed_by_family_and_shown_whole() {
    let project = Project::new();
    let list = project.evals().args(["scorers", "list"]).run().ok().stdout;
    let text = list.find("text: ").expect("a family");
    let operational = list.find("operational: ").expect("a family");
    let place = |name: &str| list.find(&format!("\n  {name} ")).expect(name);
    assert!(text < place("exact_match") && place("exact_match") < operational);
    assert!(operational < place("latency"));

    let rows = project.evals().args(["scorers", "list", "--format", "json"]).run().ok().json();
    let rows = rows.as_array().expect("a list");
    assert_eq!(rows.len(), evals::scorer::SCORERS.len());
    let exact = rows.iter().find(|row| row["name"] == "exact_match").expect("listed");
    assert_eq!(exact["family"], "text");
    assert_eq!(exact["inputs"], serde_json::json!(["output", "expected"]));
    let csv = project.evals().args(["scorers", "list", "--format", "csv"]).run().ok().stdout;
    assert_eq!(csv.lines().count(), rows.len() + 1);

    for row in rows {
        let name = row["name"].as_str().expect("a name");
        let shown = project.evals().args(["scorers", "show", name]).run().ok().stdout;
        for part in ["values ", "better ", "reads ", "normalisation ", "source ", "\nexample\n"] {
            assert!(shown.contains(part), "{name}: {shown}");
        }
        let args = ["scorers", "show", name, "--format", "json"];
        let data = project.evals().args(args).run().ok().json();
        for option in data["options"].as_array().expect("options") {
            assert!(option["default"].is_string() && option["doc"].is_string(), "{option}");
        }
    }
    let wrong = project.evals().args(["scorers", "show", "exct_match"]).run().code(2);
    wrong.complains("did you mean `exact_match`");
    assert!(project.files().is_empty(), "it writes nothing");
}

/// The scores of each exported trial, by the id of its sample.
fn scores(project: &Project) -> serde_json::Map<String, serde_json::Value> {
    let lines = project.evals().arg("export").run().ok().json_lines();
    let by_id = |line: &serde_json::Value| {
        (line["sample_id"].as_str().expect("an id").to_owned(), line["scores"].clone())
    };
    lines.iter().map(by_id).collect()
}

const COMPOSED: &str = "
dataset: {path: rows.csv, expected: answer, scorers: by}
prompts: ['{{q}}']
models: [{id: rec, provider: replay, output: said}]
extract:
  - {id: first, steps: first_line}
  - {id: last, steps: last_line}
scorers:
  - exact_match: {extract: first}
  - exact_match: {id: other, extract: last, expected: also}
  - levenshtein: {id: near, extract: first, threshold: {column: least}}
  - all_of: {id: both, of: [{exact_match: {extract: first}}, {exact_match: {extract: last, expected: also}}]}
  - any_of: {id: either, of: [{exact_match: {id: one, extract: first}}, {exact_match: {id: two, extract: last, expected: also}}]}
  - not: {id: no-apology, of: {contains: {value: sorry, extract: output}}}
  - weighted: {id: mix, of: [{exact_match: {weight: 3, extract: first}}, {levenshtein: {extract: first}}]}
  - threshold: {id: short, of: {levenshtein: {extract: output}}, min: {column: least}}
";

#[test]
fn scorers_are_made_of_others_and_rows_have_a_say() {
    let project = Project::new();
    project.write(
        "rows.csv",
        "id,q,answer,also,least,by,said\n\
         a,?,x,y,0.5,,\"x\ny\"\n\
         b,?,xyzw,,0.5,,\"xyz\nsorry\"\n\
         c,?,x,y,,\"exact_match, near\",x\n",
    );
    project.write("evals.yaml", COMPOSED);
    project.evals().args(["run", "--no-report"]).run().ok();
    let scores = scores(&project);
    let value = |id: &str, scorer: &str| scores[id][scorer]["value"].as_f64();
    let names = ["exact_match", "other", "near", "both", "either", "no-apology"];
    for name in names {
        assert_eq!(value("a", name), Some(1.0), "{name}: {scores:#?}");
    }
    assert_eq!((value("a", "mix"), value("a", "short")), (Some(1.0), Some(0.0)));
    // Without `also` one part has nothing to compare with: only what the other decides is known.
    assert_eq!(value("b", "exact_match"), Some(0.0));
    assert_eq!((value("b", "other"), value("b", "either")), (None, None));
    assert_eq!(value("b", "both"), Some(0.0));
    assert_eq!(value("b", "no-apology"), Some(0.0));
    assert_eq!(value("b", "near"), Some(0.75));
    assert_eq!(scores["b"]["near"]["passed"], true);
    assert_eq!(value("b", "mix"), Some(0.1875));
    let why = scores["b"]["either"]["error"]["message"].as_str().expect("a reason");
    assert_eq!(why, "`two`: the sample has no expected answer");
    let parts = scores["b"]["both"]["explanation"].as_str().expect("an explanation");
    assert!(parts.contains("exact_match 0 failed") && parts.contains("not scored"), "{parts}");
    // The row's own list, and no threshold.
    assert_eq!(value("c", "exact_match"), Some(1.0));
    let skipped = |scorer: &str| scores["c"][scorer]["error"]["message"].as_str();
    assert_eq!(skipped("near"), Some("column `least` is empty in this row"));
    assert_eq!(skipped("mix"), Some("column `by` does not name it"));
}

#[test]
fn wrong_compounds_are_refused_with_their_line() {
    let project = Project::new();
    project.write("rows.csv", "id,q,answer\na,?,x\n");
    let refused = |scorer: &str, part: &str| {
        let config = "dataset: {path: rows.csv, expected: answer}\nprompts: ['{{q}}']\n\
                      models: [sim/instant]\nscorers:\n  - ";
        project.write("evals.yaml", format!("{config}{scorer}\n"));
        let output = project.evals().arg("run").run().code(2).complains("evals.yaml:5:");
        output.complains(part);
    };
    refused("all_of: [exct_match]", "did you mean `exact_match`?");
    refused("not: {of: {regex: {pattern: '('}}}", "part 1: scorer `regex`, option `pattern`");
    refused("weighted: [latency]", "put `threshold` around it");
    refused("levenshtein: {threshold: {column: lest}}", "reads the column `lest`");
    refused("exact_match: {expected: answr}", "did you mean `answer`?");
    assert_eq!(project.files(), ["evals.yaml", "rows.csv"], "nothing was written");
}
