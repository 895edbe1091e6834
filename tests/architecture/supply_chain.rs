//! `deny.toml`, held without `cargo deny`, which takes longer to build than this project: licences, bans and sources of
//! everything that is built here. `cargo deny check bans licenses sources` reads the same file and also looks at what
//! other platforms would build.

use std::collections::BTreeSet;

use acceptance::programs::repository;
use anyhow::{Context as _, Result};
use toml::{Table, Value};

use crate::cargo_tree;

fn policy() -> Result<Table> {
    let text = std::fs::read_to_string(repository().join("deny.toml"))?;
    text.parse().context("deny.toml is no TOML")
}

fn strings<'a>(policy: &'a Table, section: &str, key: &str) -> Result<Vec<&'a str>> {
    let list = policy
        .get(section)
        .and_then(|section| section.get(key))
        .and_then(Value::as_array);
    let list = list.with_context(|| format!("deny.toml has no [{section}] {key}"))?;
    Ok(list
        .iter()
        .filter_map(|entry| entry.as_str().or_else(|| entry.get("crate")?.as_str()))
        .collect())
}

/// Whether a licence expression can be met with what is allowed: `AND` needs both sides, `OR` (or an old `/`) one.
fn is_met(expression: &str, allowed: &[&str]) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    if expression.contains(')') && expression.contains(" AND ") {
        // The one shape with brackets in use: "(A OR B) AND C".
        return expression
            .split(" AND ")
            .all(|part| is_met(part.trim_matches(['(', ')']), allowed));
    }
    plain
        .split(" OR ")
        .any(|choice| choice.split(" AND ").all(|licence| allowed.contains(&licence.trim())))
}

#[test]
fn every_licence_is_allowed() -> Result<()> {
    let policy = policy()?;
    let allowed = strings(&policy, "licenses", "allow")?;
    let packages = cargo_tree(&[
        "--workspace",
        "--edges",
        "normal,build,dev",
        "--no-dedupe",
        "--format",
        "{p}|{l}",
    ])?;
    let refused: Vec<&String> = packages
        .iter()
        .filter(|package| {
            !package
                .split_once('|')
                .is_some_and(|(_, licence)| is_met(licence, &allowed))
        })
        .collect();
    assert!(
        refused.is_empty(),
        "licences that deny.toml does not allow: {refused:?}"
    );
    Ok(())
}

#[test]
fn nothing_banned_is_built() -> Result<()> {
    let policy = policy()?;
    let banned = strings(&policy, "bans", "deny")?;
    let packages = cargo_tree(&["--workspace", "--edges", "normal,build,dev"])?;
    let names: BTreeSet<&str> = packages.iter().filter_map(|line| line.split(' ').next()).collect();
    let found: Vec<&&str> = banned.iter().filter(|name| names.contains(**name)).collect();
    assert!(
        found.is_empty(),
        "deny.toml bans {found:?}; `cargo tree --invert NAME` says who brings them in"
    );
    Ok(())
}

#[test]
fn everything_comes_from_one_registry() -> Result<()> {
    let lock: Table = std::fs::read_to_string(repository().join("Cargo.lock"))?.parse()?;
    let packages = lock
        .get("package")
        .and_then(Value::as_array)
        .context("Cargo.lock lists no package")?;
    let sources: BTreeSet<&str> = packages
        .iter()
        .filter_map(|package| package.get("source")?.as_str())
        .collect();
    assert!(
        sources.len() == 1 && sources.iter().all(|source| source.starts_with("registry+")),
        "sources: {sources:?}"
    );
    Ok(())
}

#[test]
fn the_sqlite_that_is_built_is_without_the_wal_reset_bug() -> Result<()> {
    let packages = cargo_tree(&["--package", "rollcall-store"])?;
    let sqlite = packages
        .iter()
        .find_map(|line| line.strip_prefix("libsqlite3-sys v0."))
        .context("the store builds without SQLite")?;
    let minor: u32 = sqlite.split('.').next().unwrap_or_default().parse()?;
    assert!(minor >= 37, "libsqlite3-sys 0.{minor} carries a SQLite before 3.51.3");
    Ok(())
}

#[test]
fn an_expression_is_met_by_either_side_of_or_and_both_of_and() {
    let allowed = ["MIT", "ISC"];
    assert!(is_met("MIT OR GPL-3.0-only", &allowed));
    assert!(is_met("GPL-3.0-only/MIT", &allowed));
    assert!(is_met("MIT AND ISC", &allowed));
    assert!(is_met("(GPL-3.0-only OR MIT) AND ISC", &allowed));
    assert!(!is_met("MIT AND GPL-3.0-only", &allowed));
    assert!(!is_met("(GPL-3.0-only OR MIT) AND Zlib", &allowed));
    assert!(!is_met("GPL-3.0-only", &allowed));
}
