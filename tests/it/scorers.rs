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
