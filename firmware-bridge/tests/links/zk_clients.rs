//! Clients that other people wrote accept our terminal: pyzk, zkteco-js and node-zklib, each as a process of its own.
//!
//! They are installed into the build directory, once, with Python's and Node's own installers. Where that is not possible the test
//! fails and says what is missing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime};
use serde_json::{Value, json};
use tokio::time::{Instant, interval};
use wire::zk::command;

use crate::terminal::Terminal;

const PYZK: &str = "pyzk==0.9";
const NODE_CLIENTS: [&str; 2] = ["zkteco-js@1.7.2", "node-zklib@1.3.0"];

/// From start to end of a client that reads two thousand records, on a busy machine.
const CLIENT_DEADLINE: Duration = Duration::from_secs(90);

fn clock() -> NaiveDateTime {
    let date = NaiveDate::from_ymd_opt(2026, 12, 31).expect("a date");
    date.and_hms_opt(23, 58, 0).expect("a time")
}

/// A terminal that holds so many records, a minute apart, the last one now.
async fn terminal(key: u32, records: i64) -> Terminal {
    let terminal = Terminal::start(key, clock(), 0).await.expect("a free port");
    for minute in (0..records).rev() {
        let pin = if minute % 2 == 0 { "1001" } else { "0042" };
        terminal.record(
            pin,
            clock() - chrono::TimeDelta::minutes(minute),
            1,
            u8::from(minute % 2 == 0),
        );
    }
    terminal
}

/// Where clients are installed; it stays between runs.
fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers").join(name)
}

fn run(what: &str, command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{what}: {command:?} cannot be run ({error}); install python3 with its venv module, Node.js 18 or later, and npm"));
    assert!(
        output.status.success(),
        "{what} failed; it needs a package index it can reach, once: {command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Python with pyzk.
fn python() -> PathBuf {
    python_with("pyzk", PYZK, "zk")
}

/// Python in a folder of that name, with a package from which a module comes.
pub fn python_with(name: &str, package: &str, module: &str) -> PathBuf {
    // Tests run beside each other, and one folder is not made twice at once.
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = place(name);
    let python = folder.join("bin/python");
    let has_module = || {
        Command::new(&python)
            .args(["-c", &format!("import {module}")])
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if !has_module() {
        run(
            "making a Python environment",
            Command::new("python3").args(["-m", "venv"]).arg(&folder),
        );
        run(
            "installing a Python package",
            Command::new(&python).args(["-m", "pip", "install", "--quiet", package]),
        );
    }
    python
}

/// A folder with zkteco-js and node-zklib.
fn node_folder() -> PathBuf {
    let folder = place("zk-node");
    let has_clients = ["zkteco-js", "node-zklib"]
        .iter()
        .all(|name| folder.join("node_modules").join(name).join("package.json").is_file());
    if !has_clients {
        std::fs::create_dir_all(&folder).expect("room");
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--no-save", "--prefix"])
            .arg(&folder)
            .args(NODE_CLIENTS);
        run("installing zkteco-js and node-zklib", npm.current_dir(&folder));
    }
    folder
}

/// Runs a client to its end; somebody punches as soon as it listens for that. What it saw.
async fn seen_by(terminal: &Terminal, mut client: tokio::process::Command) -> Value {
    let child = client
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the client starts");
    let mut output = std::pin::pin!(child.wait_with_output());
    let (mut look, deadline, mut has_punched) = (
        interval(Duration::from_millis(20)),
        Instant::now() + CLIENT_DEADLINE,
        false,
    );
    let output = loop {
        tokio::select! {
            output = &mut output => break output.expect("the client ends"),
            _ = look.tick() => {
                assert!(Instant::now() < deadline, "the client hangs after {:?}", terminal.asked());
                if !has_punched && terminal.asked().contains(&command::EVENT) {
                    terminal.punch("1001", 15, 1);
                    has_punched = true;
                }
            }
        }
    };
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|_| {
        panic!(
            "{}: {said}{}\nasked: {:?}",
            output.status,
            String::from_utf8_lossy(&output.stderr),
            terminal.asked()
        )
    })
}

#[tokio::test]
async fn pyzk_accepts_our_terminal() {
    let python = tokio::task::spawn_blocking(python).await.expect("installed");
    for (transport, key, records) in [
        ("tcp", 0, 3),
        ("tcp", 1_234, 2_000),
        ("udp", 1_234, 3),
        ("udp", 0, 2_000),
    ] {
        let terminal = terminal(key, records).await;
        let mut client = tokio::process::Command::new(&python);
        client.arg(script("pyzk_client.py")).args([
            "127.0.0.1",
            &terminal.address.port().to_string(),
            &key.to_string(),
            transport,
        ]);
        let seen = seen_by(&terminal, client).await;
        assert_eq!(seen["serial"], "0316144680030", "{transport} {records}");
        assert_eq!(seen["users"][1], json!([2, "0042", "Li Si"]));
        let read = seen["records"].as_array().expect("a list");
        assert_eq!(i64::try_from(read.len()), Ok(records), "{transport}");
        assert_eq!(
            read.last(),
            Some(&json!(["1001", "2026-12-31 23:58:00", 1, 1])),
            "{transport}: its own reading of packed times"
        );
        assert_eq!(seen["time"], "2026-09-16 08:30:00");
        assert_eq!(seen["event"], json!(["1001", 15, 1]), "{transport}");
        assert!(terminal.is_enabled());
    }
}

#[tokio::test]
async fn zkteco_js_and_node_zklib_accept_our_terminal() {
    let folder = tokio::task::spawn_blocking(node_folder).await.expect("installed");
    for name in ["zkteco-js", "node-zklib"] {
        for records in [3, 2_000] {
            let terminal = terminal(0, records).await;
            let mut client = tokio::process::Command::new("node");
            client.arg(script("node_client.cjs")).arg(&folder).args([
                name,
                "127.0.0.1",
                &terminal.address.port().to_string(),
            ]);
            client.env("TZ", "UTC");
            let seen = seen_by(&terminal, client).await;
            assert_eq!(seen["info"]["logCounts"], records, "{name}: {}", seen["info"]);
            assert_eq!(seen["users"].as_array().map(Vec::len), Some(3), "{name}");
            assert_eq!(seen["records"], records, "{name}");
            let last = &seen["last"];
            assert_eq!(last[0], "1001", "{name}");
            let time = last[1].as_str().unwrap_or_default();
            assert!(time.starts_with("Thu Dec 31 2026 23:58:00"), "{name}: {last}");
            assert_eq!(seen["event"], "1001", "{name}");
        }
    }
}
