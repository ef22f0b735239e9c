//! All faults at once: every row of the matrix that a server or a network can make happen, in one
//! run, against a server that keeps a ledger of what it was asked and what it may send a bill for.
//!
//! Every trial has to be accounted for: once, by the kind of what became of it, with the requests and
//! the bills of the ledger.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    network::{in_clear, listener},
    replies::{bomb, endless, oddly_streamed, two_gib},
    *,
};

/// Rows of the dataset.
const ROWS: usize = 120;

/// What the server has been asked by one trial, and how much of it a provider would send a bill for:
/// what it took and did not refuse.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Entry {
    requests: u32,
    billed: u32,
}

/// Entries by model and question.
type Ledger = Arc<Mutex<BTreeMap<(String, String), Entry>>>;

/// What a fault does to the requests of its question.
struct Case {
    /// Which row of the matrix it is.
    row: u8,
    /// How many of the requests it hits: the first one, or all.
    times: u32,
    reply: Box<dyn Fn(&Request) -> Response + Send + Sync>,
    /// Whether a provider that replied so may send a bill.
    billed: bool,
    /// The status of the trial, or the kind of its error.
    becomes: &'static str,
}

const ONCE: u32 = 1;
const ALWAYS: u32 = u32::MAX;

/// The faults that one account outlives.
fn cases() -> Vec<Case> {
    let mut cases = refusals();
    cases.extend(broken());
    cases.extend(odd());
    cases
}

fn case(
    (row, times, billed): (u8, u32, bool),
    becomes: &'static str,
    reply: impl Fn(&Request) -> Response + Send + Sync + 'static,
) -> Case {
    Case { row, times, reply: Box::new(reply), billed, becomes }
}

/// Replies that are errors.
fn refusals() -> Vec<Case> {
    let dated = |retry_after: &'static str| {
        move |_: &Request| {
            limited()
                .with_header("date", "Wed, 21 Oct 2037 07:25:00 GMT")
                .with_header("retry-after", retry_after)
        }
    };
    let inside = |code: Value| {
        move |_: &Request| Response::json(200, &json!({"error": {"message": "oh", "code": code}}))
    };
    vec![
        case((1, ONCE, false), "ok", |_| limited().with_header("retry-after", "0.3")),
        case((2, ONCE, false), "ok", dated("Wed, 21 Oct 2037 07:25:01 GMT")),
        case((2, ONCE, false), "ok", dated("Wed, 21 Oct 2037 07:24:00 GMT")),
        case((4, ALWAYS, false), "rate_limited", |_| limited()),
        case((6, ONCE, true), "ok", |request| {
            right(request)
                .with_header("x-ratelimit-limit-requests", "600")
                .with_header("x-ratelimit-remaining-requests", "0")
                .with_header("x-ratelimit-reset-requests", "300ms")
        }),
        case((7, ONCE, false), "ok", |_| oops(500)),
        case((7, ONCE, false), "ok", |_| oops(502)),
        case((7, ONCE, false), "ok", |_| oops(504)),
        case((7, ALWAYS, false), "transient", |_| oops(500)),
        case((8, ONCE, false), "ok", |_| oops(503).with_header("retry-after-ms", "200")),
        case((13, ALWAYS, false), "context_length", |_| {
            openai_error(400, "maximum context length is 8", "context_length_exceeded")
        }),
        case((13, ALWAYS, false), "bad_request", |_| openai_error(422, "no such field", "x")),
        case((14, ONCE, false), "ok", inside(json!(429))),
        case((14, ALWAYS, true), "protocol", inside(Value::Null)),
        case((14, ALWAYS, true), "protocol", |_| Response::json(200, &json!({"choices": []}))),
        case((34, ALWAYS, false), "redirect_refused", |_| {
            Response::json(307, &json!({})).with_header("location", "http://127.0.0.1:9/")
        }),
        case((36, ALWAYS, false), "bad_request", |request| {
            let key = request.header("authorization").unwrap_or_default();
            openai_error(400, &format!("not with {key}"), "bad")
        }),
    ]
}

/// Connections that break, stall, or carry what is no reply.
fn broken() -> Vec<Case> {
    let drip = |first: &'static str| {
        move |_: &Request| Response::Again {
            first: first.into(),
            then: b" ".to_vec(),
            every: Duration::from_millis(200),
        }
    };
    let raw = |rest: &'static str| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
        move |_: &Request| Response::Raw(format!("{head}{rest}").into())
    };
    let json = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{";
    vec![
        case((16, ONCE, true), "ok", |_| Response::Reset),
        case((17, ONCE, true), "ok", |_| Response::Raw(half_a_stream().into())),
        case((18, ONCE, true), "ok", |_| Response::Stall(Vec::new())),
        case((19, ONCE, true), "ok", drip("HTTP/1.1 200 OK\r\nx-filler:")),
        case((19, ONCE, true), "ok", drip(json)),
        case((20, ONCE, true), "ok", |_| Response::Stall(half_a_stream().into())),
        case((21, ONCE, true), "ok", |request| Response::Events(first_events(request, 3))),
        case((21, ALWAYS, true), "truncated", |request| Response::Events(first_events(request, 3))),
        case((22, ONCE, true), "ok", |request| {
            let mut events = first_events(request, 3);
            events.push(json!({"error": {"message": "died", "code": 502}}).to_string());
            Response::Events(events)
        }),
        case((30, ONCE, true), "ok", raw("content-length: 900\r\n\r\n{")),
        case((30, ONCE, true), "ok", raw("transfer-encoding: chunked\r\n\r\nzz\r\n{}")),
    ]
}

/// Replies that are whole, and strange.
fn odd() -> Vec<Case> {
    let latin = |request: &Request| {
        let Response::Full { body, headers, .. } = right(request) else { unreachable!("JSON") };
        let body = String::from_utf8(body).expect("text").replace("\"a", "\"\u{1}");
        let body = body.bytes().map(|byte| if byte == 1 { 0xe4 } else { byte }).collect();
        Response::Full { status: 200, headers, body }
    };
    let finished = |reason: &'static str, text: &'static str| {
        move |_: &Request| {
            let choice = json!({"message": {"content": text}, "finish_reason": reason});
            Response::json(200, &json!({"choices": [choice]}))
        }
    };
    vec![
        case((23, ALWAYS, true), "ok", |request| {
            oddly_streamed(&request.last_user().replace('q', "a"))
        }),
        case((24, ALWAYS, true), "too_large", |_| endless("text/event-stream\r\n\r\ndata: ", "x")),
        case((25, ALWAYS, true), "protocol", latin),
        case((26, ONCE, true), "ok", |_| full("<html><title>Log in</title></html>")),
        case((26, ALWAYS, true), "protocol", |_| full("{\"choices\": [{\"mess")),
        case((27, ALWAYS, true), "protocol", |_| {
            full(&format!("{{\"choices\":{}", "[".repeat(100_000)))
        }),
        case((28, ALWAYS, true), "too_large", |_| two_gib()),
        case((29, ALWAYS, true), "too_large", |_| bomb("application/json")),
        case((37, ALWAYS, true), "length", finished("length", "a")),
        case((37, ALWAYS, true), "refused", finished("content_filter", "")),
        case((37, ALWAYS, true), "empty", finished("stop", " ")),
    ]
}

/// The models beside `main`, each behind a key of its own: what comes of all their trials, unless it
/// is an answer.
const OTHERS: [(&str, &str, &str); 5] = [
    // Rows 1 and 8, 5, 11, 13, and 9 with 10.
    ("busy", "stream: true", "ok"),
    ("dry", "limits: {concurrency: 1}", "quota"),
    ("locked", "limits: {concurrency: 1}", "auth"),
    ("gone", "limits: {concurrency: 1}", "bad_request"),
    ("down", "stream: true", "outage"),
];

/// What the row meets: every third one a fault, so that most replies are good ones.
fn case_of(cases: &[Case], row: usize) -> Option<&Case> {
    if row.is_multiple_of(3) { cases.get(row / 3) } else { None }
}

/// The reply to the request `nth` of its trial, and whether it may be billed.
fn reply(cases: &[Case], request: &Request, nth: u32) -> (Response, bool) {
    let model = request.json()["model"].as_str().expect("a model").to_owned();
    let row: usize = request.last_user()[1..].parse().expect("a number");
    match (model.as_str(), case_of(cases, row)) {
        ("main", Some(case)) if nth < case.times => ((case.reply)(request), case.billed),
        ("busy", _) if nth == 0 && row.is_multiple_of(10) => {
            (limited().with_header("retry-after", "0.2"), false)
        }
        ("dry", _) => (openai_error(429, "no credit", "insufficient_quota"), false),
        ("locked", _) => (openai_error(401, "who are you?", "invalid_api_key"), false),
        ("gone", _) => (openai_error(404, "no such model", "model_not_found"), false),
        ("down", _) => (oops(503), false),
        _ => (streamed(request), true),
    }
}

/// What the run is made of: the server, its ledger, and a project.
struct Everything {
    stub: Stub,
    ledger: Ledger,
    project: Project,
    /// What the trials that are not the server's come to, by model.
    elsewhere: Vec<(&'static str, &'static str, usize)>,
    _nobody: Nobody,
}

impl Everything {
    fn new() -> Self {
        let ledger = Ledger::default();
        let (writes, cases) = (Arc::clone(&ledger), cases());
        let stub = Stub::start(move |request, _| {
            let model = request.json()["model"].as_str().expect("a model").to_owned();
            let mut ledger = writes.lock().unwrap();
            let entry = ledger.entry((model, request.last_user())).or_default();
            let (reply, billed) = reply(&cases, request, entry.requests);
            entry.requests += 1;
            entry.billed += u32::from(billed);
            reply
        });
        let (plain, _) = listener(Box::new(in_clear));
        let nobody = Nobody::new();
        let with_key = |id: &str, more: &str| {
            model(id, &stub, &format!("api_key: '${{KEY_{}}}', {more}", id.to_uppercase()))
        };
        let at = |id: &str, base: &str| {
            format!("id: {id}, provider: openai-compatible, base_url: '{base}', model: {id}")
        };
        let timeouts = "timeouts: {first_byte: 2s, idle: 2s, total: 4s}";
        let mut models = vec![with_key("main", timeouts)];
        models.extend(OTHERS.map(|(id, more, _)| with_key(id, more)));
        // Rows 15 and 31.
        models.push(at("nobody", &nobody.base_url()));
        models.push(at("plain", &format!("https://{plain}/v1")));
        let retry = "retry: {base: 50ms, cap: 100ms, breaker: 50ms, max_outage: 3s}";
        let project = project(&models, ROWS, &[retry]);
        let elsewhere = vec![("nobody", "transient", 4), ("plain", "tls", 1)];
        Self { stub, ledger, project, elsewhere, _nobody: nobody }
    }

    fn evals(&self, line: &[&str]) -> Evals {
        let names = OTHERS.iter().map(|(id, ..)| *id).chain(["main"]);
        names.fold(self.project.evals().args(line), |evals, id| {
            evals.env(&format!("KEY_{}", id.to_uppercase()), format!("{KEY}-{id}"))
        })
    }

    /// What has to come of each trial, by model and question.
    fn expected(&self) -> BTreeMap<(String, String), &'static str> {
        let cases = cases();
        let of_main = |row: usize| case_of(&cases, row).map_or("ok", |case| case.becomes);
        let others = OTHERS.iter().map(|(id, _, becomes)| (*id, *becomes));
        let elsewhere = self.elsewhere.iter().map(|(id, becomes, _)| (*id, *becomes));
        let all: Vec<(&str, &str)> = others.chain(elsewhere).collect();
        let trials = (0..ROWS).flat_map(|row| {
            let main = (("main".to_owned(), format!("q{row}")), of_main(row));
            let rest = all.iter().map(move |(id, of)| (((*id).to_owned(), format!("q{row}")), *of));
            std::iter::once(main).chain(rest)
        });
        trials.collect()
    }

    /// What is recorded of the requests of each trial that was asked at the server.
    fn recorded(&self) -> BTreeMap<(String, String), Entry> {
        let store = rusqlite::Connection::open(self.project.path(".evals/runs.db"));
        let store = store.expect("a store");
        let sql = "SELECT m.name, json_extract(s.vars, '$.question'),
                       count(*), sum(a.accepted OR a.error_kind IS NULL)
                   FROM attempts a JOIN trials t USING (run, seq) JOIN models m USING (run, model)
                       JOIN samples s USING (run, sample)
                   WHERE m.name NOT IN ('nobody', 'plain') GROUP BY 1, 2";
        let mut query = store.prepare(sql).expect("a query");
        let rows = query.query_map([], |row| {
            let (requests, billed): (u32, u32) = (row.get(2)?, row.get(3)?);
            Ok(((row.get(0)?, row.get(1)?), Entry { requests, billed }))
        });
        rows.and_then(Iterator::collect).expect("rows")
    }

    /// Every trial is there once, and is what its fault makes of it.
    #[track_caller]
    fn check_trials(&self) {
        let lines = exported(&self.project);
        let mut found = BTreeMap::new();
        for line in &lines {
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            let question = line["vars"]["question"].as_str().expect("a question").to_owned();
            let status =
                line["error"]["kind"].as_str().map_or_else(|| text("status"), str::to_owned);
            if status == "ok" {
                assert_eq!(line["output"], question.replace('q', "a"), "{line}");
                assert_eq!(line["scores"]["exact_match"]["value"], 1.0, "{line}");
            } else {
                let score = &line["scores"]["exact_match"]["value"];
                assert_eq!(*score, Value::Null, "no score for what is no answer: {line}");
            }
            found.insert((text("model"), question), status);
        }
        let expected: BTreeMap<_, _> =
            self.expected().into_iter().map(|(trial, of)| (trial, of.to_owned())).collect();
        assert_eq!(lines.len(), expected.len(), "each trial once");
        let wrong: Vec<_> = expected
            .iter()
            .filter(|(trial, of)| found.get(*trial) != Some(*of))
            .map(|(trial, of)| format!("{trial:?}: {of}, found {:?}", found.get(trial)))
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    /// No key is in the store, its reports or its exports.
    #[track_caller]
    fn check_keys(&self, outputs: &[&Output]) {
        for output in outputs {
            assert!(![&output.stdout, &output.stderr].iter().any(|text| text.contains(KEY)));
        }
        for file in self.project.files() {
            let bytes = fs::read(self.project.path(&file)).expect("a file");
            assert!(!bytes.windows(KEY.len()).any(|w| w == KEY.as_bytes()), "a key in `{file}`");
        }
    }
}

/// Of the matrix: what neither a server nor a network does is met elsewhere.
#[test]
fn the_run_of_all_faults_meets_each_that_a_server_can_make() {
    let mut rows: BTreeSet<u8> = cases().iter().map(|case| case.row).collect();
    // The accounts of OTHERS, and what is no server.
    rows.extend([1, 5, 8, 9, 10, 11, 13, 15, 31]);
    let missing: Vec<u8> = (1..=40).filter(|row| !rows.contains(row)).collect();
    // A wait of 15 minutes, tokens and clocks, names, processes and disks, judges, programs.
    assert_eq!(missing, [3, 12, 32, 33, 35, 38, 39, 40]);
}

#[test]
fn all_faults_at_once_leave_every_trial_accounted_for() {
    let all = Everything::new();
    let output = all.evals(&["run", "--format", "json"]).run().code(3);
    let json = output.json();
    let expected = all.expected();
    assert_eq!(json["status"], "incomplete");
    assert_eq!(json["trials"]["total"], expected.len());
    let mut errors: BTreeMap<&str, usize> = BTreeMap::new();
    let answers = ["ok", "length", "refused", "empty"];
    for kind in expected.values().filter(|kind| !answers.contains(kind)) {
        *errors.entry(kind).or_default() += 1;
    }
    assert_eq!(json["errors"], json!(errors));
    all.check_trials();

    // Request by request, and bill by bill.
    let ledger = all.ledger.lock().unwrap().clone();
    assert_eq!(all.recorded(), ledger);
    let most = ledger.values().map(|entry| entry.requests).max();
    assert_eq!(most, Some(9), "of the trial that is always told to slow down");
    let of = |model: &str| -> u32 {
        ledger.iter().filter(|((id, _), _)| id == model).map(|(_, entry)| entry.requests).sum()
    };
    assert_eq!((of("dry"), of("locked"), of("gone")), (1, 1, 1));
    for (model, _, requests) in &all.elsewhere {
        let lines = exported(&all.project);
        let mut of = lines.iter().filter(|line| line["model"] == *model);
        assert!(of.all(|line| line["attempts"] == *requests), "{model}");
    }
    all.check_keys(&[&output]);
}

/// The same, and the process is killed in the middle of it.
#[test]
fn all_faults_and_a_kill_leave_every_trial_accounted_for() {
    let all = Everything::new();
    let running = all.evals(&["run", "-q", "--no-cache"]).spawn();
    all.stub.wait_for(ROWS);
    running.signal("KILL");
    running.wait();
    all.stub.settle();
    let (asked, known) = (all.ledger.lock().unwrap().clone(), all.recorded());
    let settled = exported(&all.project);
    assert!(settled.len() < all.expected().len(), "nothing was left to do");
    // What was under way at the kill: asked, and not recorded.
    let sum = |entries: &BTreeMap<_, Entry>| {
        entries.values().fold((0, 0), |sum, entry| (sum.0 + entry.requests, sum.1 + entry.billed))
    };
    let (lost, lost_bills) = (sum(&asked).0 - sum(&known).0, sum(&asked).1 - sum(&known).1);

    let output = all.evals(&["resume", "--format", "json"]).run().code(3);
    all.check_trials();
    let (ledger, recorded) = (all.ledger.lock().unwrap().clone(), all.recorded());
    assert_eq!(sum(&ledger).0 - sum(&recorded).0, lost, "the rest is known to the last request");
    assert_eq!(sum(&ledger).1 - sum(&recorded).1, lost_bills);
    for line in settled {
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let trial = (text(&line["model"]), text(&line["vars"]["question"]));
        assert_eq!(ledger.get(&trial), asked.get(&trial), "{trial:?} was settled");
    }
    all.check_keys(&[&output]);
}

/// A storm of rate limits on one of three accounts. The other two have as many requests in flight as
/// ever while it lasts, and are done before it is over.
#[test]
fn row_01_a_storm_on_one_account_leaves_the_others_at_full_speed() {
    const N: usize = 60;
    let over = Arc::new(AtomicBool::new(false));
    let (calm, asked) = (Arc::clone(&over), Asked::default());
    let stub = Stub::start(move |request, _| match request.json()["model"].as_str() {
        // Each is told once to slow down, and then to wait for a quarter of an hour.
        Some("stormy") if !calm.load(Ordering::SeqCst) => match asked.before(request) {
            0 => limited(),
            _ => limited().with_header("retry-after", "900"),
        },
        Some("stormy") => streamed(request),
        _ => streamed(request).held(),
    });
    let count = |requests: &[Request], name: &str| {
        requests.iter().filter(|request| request.json()["model"] == name).count()
    };
    let of = |name: &str| count(&stub.requests(), name);
    let ids = ["stormy", "east", "west"];
    let models = ids.map(|id| model(id, &stub, &format!("api_key: '${{KEY_{id}}}'")));
    let project = project(&models, N, &[QUICK]);
    let evals = |line: &[&str]| {
        let keyed = |evals: Evals, id| evals.env(&format!("KEY_{id}"), format!("{KEY}-{id}"));
        ids.into_iter().fold(project.evals().args(line), keyed)
    };
    let running = evals(&["run", "--format", "json"]).spawn();
    // Neither has had an answer yet, so twenty are all that there can be.
    stub.wait_until("twenty requests of both", |requests| {
        count(requests, "east") >= 20 && count(requests, "west") >= 20
    });
    assert_eq!((of("east"), of("west")), (20, 20));
    stub.release();
    stub.wait_until("all requests of both", |requests| {
        count(requests, "east") == N && count(requests, "west") == N
    });
    running.signal("INT");
    let json = running.wait().code(130).json();
    assert_eq!((&json["trials"]["ok"], &json["trials"]["error"]), (&json!(2 * N), &json!(0)));
    let in_the_storm = of("stormy");
    assert!((1..2 * N).contains(&in_the_storm), "{in_the_storm}");

    // Parked is not failed: when the wait is over, the rest is asked, and nothing else.
    over.store(true, Ordering::SeqCst);
    fs::remove_dir_all(project.home().join("evals/limits")).expect("what is known of the wait");
    let json = evals(&["resume", "--format", "json"]).run().ok().json();
    assert_eq!(json["trials"]["ok"], 3 * N);
    assert_eq!((of("stormy"), of("east"), of("west")), (in_the_storm + N, N, N));
}
