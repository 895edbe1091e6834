//! `rollcall demo` as somebody starts it who has just cloned the project, but for a few seconds and without looking.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A demo whose temporary files are in a directory of the test's own.
struct Demo {
    child: Child,
    output: BufReader<ChildStdout>,
    address: String,
    temporary: tempfile::TempDir,
}

impl Demo {
    fn start(arguments: &[&str]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
        command
            .args(["demo", "--port", "0"])
            .args(arguments)
            .env("TMPDIR", temporary.path())
            .env("RUST_LOG", "warn");
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line
            .trim()
            .strip_prefix("listening http://")
            .unwrap_or_else(|| panic!("not an address: {line:?}"))
            .to_owned();
        Self {
            child,
            output,
            address,
            temporary,
        }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Asks again and again for a page until it is as it should be.
    fn wait_for(&self, path: &str, wanted: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let answer = self.get(path);
            if wanted(&answer) {
                return answer;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{path} never became as it should be: {answer}"
            );
        }
    }

    /// Waits for its end; returns what it printed after its address.
    fn end(mut self) -> String {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}");
        let left: Vec<_> = std::fs::read_dir(self.temporary.path()).unwrap().collect();
        assert!(left.is_empty(), "everything is thrown away: {left:?}");
        rest
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // A test that failed must not leave a daemon behind; after `end` there is nothing left to kill.
        if let Err(error) = self.child.kill() {
            eprintln!("the demo could not be ended: {error}");
        }
    }
}

/// How many swipes the daemon says it has stored since it started.
fn swipes(metrics: &str) -> Option<u64> {
    let line = metrics
        .lines()
        .find(|line| line.starts_with("rollcall_swipes_stored_total"))?;
    line.split_whitespace().last()?.parse().ok()
}

#[test]
fn cards_are_read_at_once_and_the_demo_ends_by_itself_without_a_trace() {
    let demo = Demo::start(&["--speed", "120", "--headless-for", "8"]);
    demo.wait_for("/metrics", |answer| swipes(answer).is_some_and(|swipes| swipes > 20));
    let printed = demo.end();
    assert!(
        printed.contains("大厅看板") && printed.contains("Lobby screen") && printed.contains("/screen"),
        "{printed}"
    );
}

#[test]
fn a_signal_ends_the_demo_without_a_trace() {
    let demo = Demo::start(&[]);
    let process = demo.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &process])
            .status()
            .unwrap()
            .success()
    );
    demo.end();
}

#[test]
fn a_speed_that_is_none_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_rollcall"))
        .args(["demo", "--speed", "0"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("--speed"),
        "{output:?}"
    );
}
