//! A real browser without a window, driven over its protocol for developers: a socket, and JSON in frames of
//! RFC 6455.

use std::{
    cell::RefCell,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::skipped;

/// Longer than any wait of a sound test: ends a test that hangs, asserts nothing about time.
const STUCK: Duration = Duration::from_mins(2);

const FLAGS: &[&str] = &[
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    // A test opens trials faster than people do.
    "--disable-ipc-flooding-protection",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--remote-debugging-port=0",
];

/// Notes what a page is refused, before anything of it runs.
const WATCH: &str = "window.refused = []; document.addEventListener('securitypolicyviolation', \
                     (e) => window.refused.push(e.violatedDirective + ' ' + e.blockedURI));";

/// A browser with one page. Killed when dropped.
pub(crate) struct Browser {
    child: Child,
    directory: TempDir,
    wire: RefCell<Wire>,
}

struct Wire {
    socket: BufReader<TcpStream>,
    /// The page; nothing before there is one.
    session: Option<String>,
    last: u64,
    events: Vec<Value>,
}

impl Browser {
    /// Starts a browser. `None`, with a word on stderr, where there is none.
    pub(crate) fn start() -> Option<Self> {
        let works = |browser: &&str| {
            let version = Command::new(browser).arg("--version").stderr(Stdio::null()).output();
            version.is_ok_and(|output| output.status.success())
        };
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let Some(program) = names.into_iter().find(works) else {
            skipped("there is no chromium on the path");
            return None;
        };
        let directory = TempDir::new().expect("a directory");
        let profile = directory.path().join("profile");
        let mut child = Command::new(program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the browser starts");
        let mut said = BufReader::new(child.stderr.take().expect("a pipe"));
        let address = loop {
            let mut line = String::new();
            let n = said.read_line(&mut line).expect("the browser's words");
            assert!(n > 0, "the browser ended before it listened");
            if let Some((_, address)) = line.split_once("DevTools listening on ws://") {
                break address.trim().to_owned();
            }
        };
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()).ok());
        let wire = RefCell::new(Wire::connect(&address));
        let browser = Self { child, directory, wire };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", &attach);
        let downloads = browser.downloads().display().to_string();
        let allow = json!({"behavior": "allow", "downloadPath": downloads, "eventsEnabled": true});
        browser.call("Browser.setDownloadBehavior", &allow);
        browser.wire.borrow_mut().session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser.call("Page.addScriptToEvaluateOnNewDocument", &json!({"source": WATCH}));
        Some(browser)
    }

    fn downloads(&self) -> PathBuf {
        let path = self.directory.path().join("downloads");
        fs::create_dir_all(&path).expect("a directory");
        path
    }

    /// Calls a method of the protocol and gives its result.
    #[track_caller]
    pub(crate) fn call(&self, method: &str, parameters: &Value) -> Value {
        let mut wire = self.wire.borrow_mut();
        let id = wire.send(method, parameters);
        loop {
            let message = wire.receive();
            if message["id"] == id {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
            wire.note(message);
        }
    }

    /// Opens a file and waits until the browser has all of it.
    pub(crate) fn load(&self, file: &Path) {
        self.call("Page.navigate", &json!({"url": format!("file://{}", file.display())}));
        while self.value("document.readyState + location.protocol") != "completefile:" {}
    }

    /// Opens a file at `place`, such as `#trials`, and waits until its script has read the trials.
    pub(crate) fn open(&self, file: &Path, place: &str) {
        self.call("Page.navigate", &json!({"url": "about:blank"}));
        let url = format!("file://{}{place}", file.display());
        self.call("Page.navigate", &json!({ "url": url }));
        self.until("document.readyState === 'complete' && location.protocol === 'file:'");
        self.until("!document.getElementById('app') || !document.getElementById('app').hidden");
    }

    /// The value of an expression in the page, promises awaited.
    #[track_caller]
    pub(crate) fn value(&self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let found = self.call("Runtime.evaluate", &asked);
        assert!(found.get("exceptionDetails").is_none(), "{expression}: {found}");
        found["result"]["value"].clone()
    }

    /// The same, as text.
    #[track_caller]
    pub(crate) fn text(&self, expression: &str) -> String {
        let value = self.value(expression);
        value.as_str().map_or_else(|| value.to_string(), str::to_owned)
    }

    /// Waits until a condition holds in the page.
    #[track_caller]
    pub(crate) fn until(&self, condition: &str) {
        let look = format!(
            "new Promise((done) => {{ const look = () => ({condition}) ? done(true) : \
             setTimeout(look, 5); look(); }})"
        );
        self.value(&look);
    }

    /// Presses a key, such as `ArrowDown` or `/`.
    pub(crate) fn press(&self, key: &str) {
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "PageUp" => 33,
            "PageDown" => 34,
            "End" => 35,
            "Home" => 36,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            "Tab" => 9,
            _ => 0,
        };
        let mut down = json!({"type": "keyDown", "key": key, "code": key,
            "windowsVirtualKeyCode": code});
        match key {
            "Enter" => down["text"] = json!("\r"),
            one if one.chars().count() == 1 => down["text"] = json!(one),
            _ => {}
        }
        self.call("Input.dispatchKeyEvent", &down);
        self.call("Input.dispatchKeyEvent", &json!({"type": "keyUp", "key": key, "code": key}));
    }

    /// Types text where the focus is.
    pub(crate) fn types(&self, text: &str) {
        self.call("Input.insertText", &json!({ "text": text }));
    }

    /// Emulates a medium and features of it, such as (`prefers-color-scheme`, `dark`).
    pub(crate) fn media(&self, medium: &str, features: &[(&str, &str)]) {
        let features: Vec<Value> =
            features.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        self.call("Emulation.setEmulatedMedia", &json!({"media": medium, "features": features}));
    }

    /// What comes out of the printer, as PDF.
    pub(crate) fn print(&self) -> Vec<u8> {
        let printed = self.call("Page.printToPDF", &json!({"printBackground": true}));
        BASE64_STANDARD.decode(printed["data"].as_str().expect("data")).expect("Base64")
    }

    /// The text of the file that `act` makes the page download.
    #[track_caller]
    pub(crate) fn download(&self, act: &str) -> (String, String) {
        self.value(act);
        let mut wire = self.wire.borrow_mut();
        let mut seen = 0;
        let mut name = String::new();
        loop {
            while let Some(event) = wire.events.get(seen) {
                seen += 1;
                match event["method"].as_str() {
                    Some("Browser.downloadWillBegin") => {
                        let suggested = event["params"]["suggestedFilename"].as_str();
                        suggested.expect("a name").clone_into(&mut name);
                    }
                    Some("Browser.downloadProgress") if event["params"]["state"] == "completed" => {
                        let path = self.directory.path().join("downloads").join(&name);
                        wire.events.clear();
                        return (name, fs::read_to_string(path).expect("the download"));
                    }
                    _ => {}
                }
            }
            let message = wire.receive();
            wire.note(message);
        }
    }

    /// Checks that nothing happened that must not: no dialog, no request but for the page itself, no
    /// error or warning on the console, nothing refused by the policy.
    #[track_caller]
    pub(crate) fn nothing_happened(&self) {
        assert_eq!(self.value("window.refused"), json!([]), "refused by the policy");
        let wire = self.wire.borrow();
        let told = |event: &&Value| {
            let parameters = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Page.javascriptDialogOpening"
                | "Runtime.exceptionThrown"
                | "Log.entryAdded"
                | "Target.targetCreated"
                | "Network.webSocketCreated" => true,
                "Runtime.consoleAPICalled" => parameters["type"] != "log",
                "Network.requestWillBeSent" => {
                    let url = parameters["request"]["url"].as_str().unwrap_or_default();
                    let own = url.starts_with("file://") && parameters["type"] == "Document";
                    !own && !url.starts_with("blob:null/") && url != "about:blank"
                }
                _ => false,
            }
        };
        let events: Vec<&Value> = wire.events.iter().filter(told).collect();
        assert!(events.is_empty(), "{events:#?}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Wire {
    /// Connects to `HOST:PORT/PATH`.
    fn connect(address: &str) -> Self {
        let (host, path) = address.split_once('/').expect("an address with a path");
        let mut socket = TcpStream::connect(host).expect("the browser's port");
        socket.set_read_timeout(Some(STUCK)).expect("a timeout");
        let ask = format!(
            "GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        socket.write_all(ask.as_bytes()).expect("written");
        let mut socket = BufReader::new(socket);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(socket.read_line(&mut head).expect("a head") > 0, "{head}");
        }
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        Self { socket, session: None, last: 0, events: Vec::new() }
    }

    fn send(&mut self, method: &str, parameters: &Value) -> u64 {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let text = message.to_string();
        // A whole text frame, masked as clients must, by a mask that changes nothing.
        let mut frame = vec![0x81];
        match text.len() {
            n @ 0..126 => frame.push(0x80 | n as u8),
            n @ 126..=0xFFFF => {
                frame.push(0xFE);
                frame.extend((n as u16).to_be_bytes());
            }
            n => {
                frame.push(0xFF);
                frame.extend((n as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.socket.get_mut().write_all(&frame).expect("written");
        self.last
    }

    fn receive(&mut self) -> Value {
        let mut text = Vec::new();
        loop {
            let mut head = [0; 2];
            self.socket.read_exact(&mut head).expect("the browser answers");
            let mut bytes = |n: usize| {
                let mut bytes = vec![0; n];
                self.socket.read_exact(&mut bytes).expect("a whole frame");
                bytes
            };
            let whole = |bytes: Vec<u8>| bytes.iter().fold(0, |n, b| n << 8 | usize::from(*b));
            let length = match head[1] & 0x7F {
                126 => whole(bytes(2)),
                127 => whole(bytes(8)),
                short => usize::from(short),
            };
            let payload = bytes(length);
            // Pings are for those who keep a connection for long.
            if head[0] & 0x0F >= 8 {
                continue;
            }
            text.extend(payload);
            if head[0] & 0x80 != 0 {
                return serde_json::from_slice(&text).expect("JSON");
            }
        }
    }

    /// Keeps an event; answers a dialog, which would stop the page.
    fn note(&mut self, message: Value) {
        if message["method"] == "Page.javascriptDialogOpening" {
            self.send("Page.handleJavaScriptDialog", &json!({"accept": false}));
        }
        if message.get("method").is_some() {
            self.events.push(message);
        }
    }
}
