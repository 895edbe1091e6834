//! `rollcall judge` as a program: what it prints and how it ends.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/conformance")
        .join(name)
}

fn judge(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    for name in ["LC_ALL", "LC_MESSAGES", "LANG"] {
        command.env_remove(name);
    }
    command
        .arg("judge")
        .arg(folder)
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[test]
fn one_json_object_with_the_fields_of_the_contract() {
    let output = judge(
        &case("late-fifty-nine-seconds-shows-one-minute"),
        &["--as-of", "2026-09-17 04:00", "--json"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let root: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!(root["as_of"], "2026-09-17T04:00:00+08:00");
    let finding = root["findings"][0].as_object().expect("a finding");
    let names = [
        "subject",
        "unit",
        "date",
        "period",
        "meeting",
        "kind",
        "state",
        "minutes",
        "due",
        "actual",
        "since",
        "source",
        "swipes",
        "explanation",
    ];
    assert_eq!(finding.keys().len(), names.len());
    assert!(names.iter().all(|name| finding.contains_key(*name)), "{finding:?}");
    assert_eq!(finding["swipes"][0].as_str().map(str::len), Some(32));
    assert!(root.get("fine").is_none(), "only --all lists what was fine");
}

#[test]
fn text_in_the_language_of_the_environment_or_the_option() {
    let folder = case("late-fifty-nine-seconds-shows-one-minute");
    let chinese = judge(&folder, &["--as-of", "2026-09-17 04:00"]);
    assert!(
        text(&chinese.stdout).contains("Ana（ana）day：迟到 1 分钟（已定）"),
        "{}",
        text(&chinese.stdout)
    );
    let english = judge(&folder, &["--as-of", "2026-09-17 04:00", "--lang", "en"]);
    assert!(
        text(&english.stdout).contains("Ana (ana), day: late, 1 min (final)"),
        "{}",
        text(&english.stdout)
    );
}

#[test]
fn one_person_and_a_range_of_dates() {
    let folder = case("person-moved-to-another-unit");
    let findings = |arguments: &[&str]| {
        let output = judge(
            &folder,
            &[&["--as-of", "2026-09-17 04:00", "--json"], arguments].concat(),
        );
        let root: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
        root["findings"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|finding| finding["date"].as_str().expect("a date").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(findings(&["--person", "ana"]), ["2026-09-15", "2026-09-16"]);
    assert_eq!(findings(&["--from", "2026-09-16"]), ["2026-09-16"]);
    assert_eq!(findings(&["--until", "2026-09-16"]), ["2026-09-15"]);
}

#[test]
fn wrong_usage_ends_with_two_and_says_what_to_write() {
    let folder = case("fine-day");
    let nowhere = folder.join("nowhere");
    let wrong: [(&Path, &[&str], &str); 6] = [
        (&nowhere, &["--as-of", "2026-09-17 04:00"], "site folder"),
        (&folder, &["--as-of", "tomorrow"], "--as-of"),
        (
            &folder,
            &["--as-of", "2026-09-17 04:00", "--known-at", "4"],
            "--known-at",
        ),
        (
            &folder,
            &["--as-of", "2026-09-17 04:00", "--person", "zoe"],
            "people.csv",
        ),
        (
            &folder,
            &[
                "--as-of",
                "2026-09-17 04:00",
                "--from",
                "2026-09-17",
                "--until",
                "2026-09-17",
            ],
            "--until",
        ),
        (&folder, &[], "--as-of"),
    ];
    for (folder, arguments, named) in wrong {
        let output = judge(folder, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(named), "{}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_folder_without_a_zone_is_refused_in_both_languages() {
    let folder = tempfile::tempdir().expect("a folder");
    for (language, named) in [("en", "time_zone"), ("zh-CN", "请")] {
        let output = judge(folder.path(), &["--as-of", "2026-09-17 04:00", "--lang", language]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains(named), "{}", text(&output.stderr));
    }
}
