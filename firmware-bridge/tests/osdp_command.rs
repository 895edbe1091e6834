//! `rollcall-bridge osdp` as an operator meets it where something is wrong; what it does with a reader is in `links`.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn osdp(arguments: &[&str], answer: &str) -> Output {
    let mut bridge = Command::new(env!("CARGO_BIN_EXE_rollcall-bridge"))
        .arg("osdp")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // One that refuses its arguments reads nothing.
    let _: Option<()> = bridge.stdin.take().expect("a pipe").write_all(answer.as_bytes()).ok();
    bridge.wait_with_output().expect("it ends")
}

#[test]
fn a_key_is_given_only_to_a_reader_that_has_a_place_for_it_and_after_somebody_said_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("rollcall.toml");
    let key = folder.path().join("door.key");
    let text = format!(
        "listen = '127.0.0.1:0'\n[[osdp_bus]]\nid = 'bus1'\nlink = 'tcp:127.0.0.1:1'\n\
         [[reader]]\nid = 'door'\nlink = 'osdp:bus1/1'\nsecure_channel_key_file = '{}'\n\
         [[reader]]\nid = 'keyless'\nlink = 'osdp:bus1/2'\n[[reader]]\nid = 'gate'\nlink = 'http'\n\
         [[reader]]\nid = 'elsewhere'\nlink = 'osdp:bus2/1'\nsecure_channel_key_file = 'x'\n",
        key.display()
    );
    std::fs::write(&config, text).expect("room");
    let config = config.to_str().expect("UTF-8");
    for (reader, answer, expected) in [
        ("nobody", "", "has no [[reader]] with id"),
        ("gate", "", "only `osdp:` readers have keys"),
        ("keyless", "", "has no secure_channel_key_file: write the path"),
        ("elsewhere", "", "there is no [[osdp_bus]]"),
        ("door", "no\n", "that was not `door`; nothing was sent"),
        ("door", "door\n", "cannot connect to 127.0.0.1:1"),
    ] {
        let output = osdp(&["provision", reader, "--config", config], answer);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(expected), "{reader}: {said}");
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        1,
        "no key was made"
    );
}

#[test]
fn a_line_that_is_none_is_refused_with_what_to_write() {
    for (arguments, expected) in [
        (["--link", "usb"], "write serial:/dev/serial/by-id/"),
        (
            ["--link", "serial:/dev/there-is-no-such-port"],
            "does not exist; is the reader plugged in?",
        ),
    ] {
        let output = osdp(&[&["discover"], &arguments[..]].concat(), "");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(expected), "{said}");
    }
}
