//! What samples can show, and results told apart by columns.

use crate::support::Project;

/// Forty rows of two levels; one model is right on all, the other is wrong on the hard ones.
fn project() -> Project {
    let project = Project::new();
    let rows: Vec<String> = (0..40)
        .map(|row| {
            let (level, said) = if row % 2 == 0 { ("easy", "x") } else { ("hard", "y") };
            format!(
                "{{\"id\": \"r{row}\", \"input\": \"q{row}\", \"expected\": \"x\", \
                 \"level\": \"{level}\", \"said\": \"{said}\", \"right\": \"x\"}}\n"
            )
        })
        .collect();
    project.write("rows.jsonl", rows.concat());
    project.write(
        "evals.yaml",
        "dataset: rows.jsonl\nprompts: ['{{input}}']\nmodels:\n  - {id: one, provider: replay, output: said}\n  \
         - {id: two, provider: replay, output: right}\nscorers: [exact_match]\nslices: [level]\n",
    );
    project
}

#[test]
fn results_are_told_apart_by_a_column() {
    let project = project();
    let run = project.evals().args(["run", "--no-report"]).run().ok();
    assert!(run.stdout.contains("By level"), "{}", run.stdout);
    let json = project.evals().args(["show", "--format", "json"]).run().ok().json();
    let slices = json["slices"].as_array().expect("slices");
    assert_eq!(slices.len(), 4);
    let hard = slices.iter().find(|s| s["value"] == "hard" && s["model"] == "one").expect("hard");
    assert_eq!((&hard["n"], &hard["mean"]), (&20.into(), &0.0.into()));
    assert_eq!(hard["difference"], -1.0);
    assert!(hard["p_adjusted"].as_f64().is_some_and(|p| p < 1e-6), "{hard}");
    let two = slices.iter().find(|s| s["value"] == "hard" && s["model"] == "two").expect("two");
    assert_eq!((&two["difference"], &two["p"]), (&0.0.into(), &1.0.into()));

    let other = project.evals().args(["show", "--slice", "expected"]).run().ok();
    assert!(other.stdout.contains("By expected"), "{}", other.stdout);
    project
        .evals()
        .args(["show", "--slice", "levle"])
        .run()
        .code(2)
        .complains("did you mean `level`");
    project.evals().args(["show", "--slice", "input"]).run().ok();
    let markdown = project.evals().args(["show", "--format", "markdown"]).run().ok();
    assert!(markdown.stdout.contains("By level"), "{}", markdown.stdout);
    project.evals().args(["run", "--slice", "levle"]).run().code(2).complains("`levle`");
}

#[test]
fn what_a_run_can_show_and_what_a_plan_could() {
    let project = project();
    project.evals().args(["run", "--no-report"]).run().ok();
    let power = ["power", "last", "--scorer", "exact_match", "--difference", "10%"];
    let json = project.evals().args(power).args(["--format", "json"]).run().ok().json();
    let found = &json["comparisons"][0];
    assert_eq!((&found["n"], &found["discordance"]), (&40.into(), &0.5.into()));
    assert_eq!((&found["model"], &found["other_model"]), (&"one".into(), &"two".into()));
    // (1.96 sqrt(0.5) + 0.8416 sqrt(0.49))² / 0.01, rounded up.
    assert_eq!(found["needed"], 391);
    let table = project.evals().args(power).run().ok();
    assert!(table.stdout.contains("one : two") && table.stdout.contains("391"), "{}", table.stdout);

    let planned = ["power", "--n", "200", "--rate", "0.8", "--format", "json"];
    let json = project.evals().args(planned).run().ok().json();
    let found = &json["comparisons"][0];
    assert!(found["discordance"].as_f64().is_some_and(|share| (share - 0.32).abs() < 1e-9));
    assert!(found["detectable"].as_f64().is_some_and(|off| off > 0.10 && off < 0.12), "{found}");

    let complains = |args: &[&str], what: &str| {
        project.evals().args(args).run().code(2).complains(what);
    };
    complains(&["power", "last", "--scorer", "exact_mtch"], "did you mean `exact_match`");
    complains(&["power", "--n", "200"], "--rate");
    complains(&["power", "--n", "200", "--rate", "1.5"], "--rate");
    complains(&["power", "--power", "80"], "--power 0.8");
    complains(&["power", "--n", "9", "--rate", "0.9", "--disagree", "0.5"], "0.2000 is the most");
}
