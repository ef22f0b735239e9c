//! What is wrong with a judge is said before any call, with file and line.

use super::{judge, project};
use crate::support::{Stub, openai_chat};

const GOOD: &str = "name: own\nneeds: [output]\nprompt: |\n  Is {{output}} good?\nchoices:\n  Yes: 1\n  No: \
                    0\n";

/// The scorer entry stands on line 6 of the config.
#[track_caller]
fn check(file: &str, options: &str, said: &[&str]) {
    let stub = Stub::start(|_, _| openai_chat("VERDICT: Yes", (1, 1)));
    let model = judge(&stub.base_url(), ", capabilities: {schema: false, tools: false}");
    let options = options.replace("MODEL", &format!("model: {model}"));
    let project = project("id,input,said\na,q,x\n", &format!("- judge: {{{options}}}\n"));
    project.write("judges/own.yaml", file);
    let output = project.evals().args(["run", "--no-report"]).run().code(2);
    let output = output.complains("evals.yaml:6:3: ");
    for said in said {
        assert!(output.stderr.contains(said), "{said:?} is not said: {output:?}");
    }
    assert!(stub.requests().is_empty(), "nothing is called");
    assert!(!project.path(".evals/runs.db").exists(), "nothing is written");
}

#[test]
fn a_judge_file_that_is_wrong() {
    let own = |from: &str, to: &str, said: &str| {
        check(&GOOD.replacen(from, to, 1), "use: own, MODEL", &[said]);
    };
    own("prompt", "promt", "judges/own.yaml:3:1: unknown key `promt`");
    own("No: 0", "No:", "own.yaml:7");
    own("No: 0", "No:", "the choice `No` has no score");
    own("No: 0", "No: 7", "lies between 0 and 1, not 7");
    own(
        "{{output}}",
        "{{answer}}",
        "judges/own.yaml:4:8: the prompt reads `answer`, which no sample has",
    );
    own("{{output}}", "{{vars.colour}}", "needs `output`, and the prompt does not show it");
    own("Is {{output}}", "Is {{output}} {{vars.colour}}", "reads the column `colour`");
    own("[output]", "[output, contexts]", "own.yaml:2:18: a judge cannot need `contexts`");
    own("Is {{output}}", "Is {{#if output}}{{output}}", "judges/own.yaml:4:6: ");
}

#[test]
fn an_entry_that_is_wrong() {
    for (options, said) in [
        ("use: owm, MODEL", "there is no judge `owm`"),
        ("use: factualty, MODEL", "did you mean `factuality`?"),
        ("use: gone.yaml, MODEL", "failed to read judge"),
        ("use: own", "option `model`: is missing: who judges?"),
        ("MODEL", "option `use`: is missing: name a judge, or say a `criterion`"),
        ("use: closed_qa, MODEL", "judge `closed_qa` needs `criterion`"),
        ("use: own, criterion: x, MODEL", "judge `own` knows no `criterion`; it takes nothing"),
        ("use: own, with: {tone: x}, MODEL", "judge `own` knows no `tone`"),
        ("use: own, promt: x, MODEL", "unknown option; did you mean `prompt`?"),
        ("use: own, prompt: x, MODEL", "stands in place of `use`"),
        ("prompt: '{{output}}', MODEL", "option `choice_scores`: is missing"),
        (
            "prompt: '{{outptu}}', choice_scores: {A: 1, B: 0}, MODEL",
            "reads `outptu`, which no sample",
        ),
        ("use: own, choice_scores: {A: 1, B: null}, MODEL", "the choice `B` has no score"),
        ("use: own, choice_scores: {A: 1, B: 2}, MODEL", "lies between 0 and 1, not `2`"),
        ("use: own, choice_scores: {A: 1}, MODEL", "two choices at least"),
        ("use: own, answers: schema, MODEL", "is known not to"),
        ("use: own, answers: tool, MODEL", "needs a model that calls functions"),
        ("use: own, combine: best, MODEL", "there are `mean`, `median`, `majority`, `unanimous`"),
        ("use: own, repeats: 0, MODEL", "a whole number from 1 to 100"),
        ("use: own, model: openai/gpt-5-mini", "OPENAI_API_KEY"),
        ("use: own, model: sim/jugde", "there is no simulated model `jugde`"),
        ("use: own, model: {provider: nobody}", "there is no provider `nobody`"),
        ("use: own, model: {use: sim/judge, colour: red}", "unknown key `colour`"),
        ("use: own, models: sim/judge", "must be a list of models"),
        ("use: own, when: exact == 0, MODEL", "no other scorer is called `exact`"),
        ("use: own, when: judge == 0, MODEL", "no other scorer is called `judge`"),
        ("use: sql, MODEL", "no column holds them"),
        ("use: own, criterion: {column: gone}, MODEL", "knows no `criterion`"),
        ("use: rubric, criterion: {column: gone}, MODEL", "reads the column `gone`"),
    ] {
        check(GOOD, options, &[said]);
    }
}

#[test]
fn conditions_that_come_back_to_themselves() {
    let project = project(
        "id,input,expected,said\na,q,x,x\n",
        "- exact_match: {when: contains}\n- contains: {when: exact_match}\n",
    );
    let output = project.evals().args(["run", "--no-report"]).run().code(2);
    output.complains("comes back to itself");
}

#[test]
fn a_budget_for_judges_needs_their_prices() {
    let stub = Stub::start(|_, _| openai_chat("VERDICT: Yes", (1, 1)));
    let scorer = format!("- judge: {{criterion: x, model: {}}}\n", judge(&stub.base_url(), ""));
    let project = project("id,input,said\na,q,x\n", &scorer);
    let output = project.evals().args(["run", "--no-report", "--judge-budget", "$1"]).run().code(2);
    output.complains("a budget in dollars needs prices, and model `j` has none");
    assert!(stub.requests().is_empty());
}
