//! The import table.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::cargo_tree;

/// The packages that a package's programs are linked with, macros that only run in the compiler left out.
fn imports(package: &str) -> Result<BTreeSet<String>> {
    let lines = cargo_tree(&["--package", package, "--edges", "normal,no-proc-macro"])?;
    Ok(lines
        .iter()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| *name != package)
        .map(str::to_owned)
        .collect())
}

fn refuses(package: &str, forbidden: &[&str]) -> Result<()> {
    let imports = imports(package)?;
    let found: Vec<&&str> = forbidden.iter().filter(|name| imports.contains(**name)).collect();
    assert!(
        found.is_empty(),
        "{package} imports {found:?}, which docs/architecture.md forbids"
    );
    Ok(())
}

fn features(package: &str) -> Result<BTreeSet<String>> {
    cargo_tree(&["--package", package, "--edges", "normal,no-proc-macro,features"])
}

#[test]
fn the_rules_import_nothing_but_calendars_and_errors() -> Result<()> {
    let direct = cargo_tree(&["--package", "rollcall-rules", "--edges", "normal", "--depth", "1"])?;
    let direct: Vec<&str> = direct
        .iter()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| *name != "rollcall-rules")
        .collect();
    assert_eq!(direct, ["chrono", "chrono-tz", "smallvec", "thiserror"]);
    refuses(
        "rollcall-rules",
        &[
            "tokio",
            "sqlx",
            "axum",
            "serde",
            "serde_core",
            "tracing",
            "getrandom",
            "rand",
            "rand_core",
        ],
    )
}

#[test]
fn the_rules_cannot_name_a_clock() -> Result<()> {
    let features = features("rollcall-rules")?;
    for clock in [
        "chrono feature \"clock\"",
        "chrono feature \"now\"",
        "chrono feature \"std\"",
        "thiserror feature \"std\"",
    ] {
        assert!(!features.contains(clock), "rollcall-rules builds with {clock}");
    }
    Ok(())
}

#[test]
fn the_codecs_need_no_standard_library() -> Result<()> {
    refuses(
        "rollcall-wire",
        &["tokio", "rollcall-rules", "rollcall-store", "getrandom", "rand"],
    )?;
    let with_std: Vec<String> = features("rollcall-wire")?
        .into_iter()
        .filter(|line| line.contains(" feature \"std\""))
        .collect();
    assert!(with_std.is_empty(), "rollcall-wire builds with {with_std:?}");
    Ok(())
}

#[test]
fn the_pure_crates_say_that_they_are_without_std() -> Result<()> {
    for source in ["crates/rules/src/lib.rs", "crates/wire/src/lib.rs"] {
        let text = std::fs::read_to_string(acceptance::programs::repository().join(source))?;
        assert!(text.contains("#![no_std]"), "{source} lost its #![no_std]");
    }
    Ok(())
}

#[test]
fn the_store_knows_no_network_and_no_reader() -> Result<()> {
    refuses(
        "rollcall-store",
        &["axum", "serialport", "rollcall-wire", "rollcall-bridge", "rollcall"],
    )
}

#[test]
fn the_bridge_knows_no_rule_and_no_database() -> Result<()> {
    refuses("rollcall-bridge", &["rollcall-rules", "rollcall-store", "axum", "sqlx"])
}

#[test]
fn the_stories_use_public_interfaces_only() -> Result<()> {
    refuses(
        "acceptance",
        &[
            "rollcall",
            "rollcall-rules",
            "rollcall-store",
            "rollcall-wire",
            "rollcall-bridge",
        ],
    )
}
