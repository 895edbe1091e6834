//! The rules of `docs/architecture.md` that a compiler does not hold: who may import what, where SQL is, what we depend on.

mod documents;
mod imports;
mod sql;
mod supply_chain;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use acceptance::programs::repository;
use anyhow::{Context as _, Result};

/// What `cargo tree` prints for the given arguments, a line each, without its marks for repetition.
fn cargo_tree(arguments: &[&str]) -> Result<BTreeSet<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--prefix", "none"])
        .args(arguments)
        .current_dir(repository())
        .output()
        .context("cargo cannot be run")?;
    anyhow::ensure!(
        output.status.success(),
        "cargo tree {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout)?;
    Ok(text
        .lines()
        .map(|line| line.trim_end_matches(" (*)").to_owned())
        .filter(|line| !line.is_empty())
        .collect())
}

/// Every file below `folder` whose name ends in `suffix`, build results left out.
fn files(folder: &Path, suffix: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && name != "artefacts" && !name.starts_with('.') {
            found.append(&mut files(&path, suffix)?);
        } else if name.ends_with(suffix) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
