//! Where the programs under test are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};

/// The daemon: `ROLLCALL_BIN`, else the one that the same build left beside this test program.
pub fn rollcall() -> Result<PathBuf> {
    program("ROLLCALL_BIN", "rollcall")
}

/// The bridge: `ROLLCALL_BRIDGE_BIN`, else the one that the same build left beside this test program.
pub fn bridge() -> Result<PathBuf> {
    program("ROLLCALL_BRIDGE_BIN", "rollcall-bridge")
}

fn program(variable: &str, name: &str) -> Result<PathBuf> {
    if let Some(given) = std::env::var_os(variable) {
        let given = PathBuf::from(given);
        return if given.is_file() {
            Ok(given)
        } else {
            bail!("{variable} is {}, which is no file", given.display())
        };
    }
    let own = std::env::current_exe().context("the test program does not know where it is")?;
    let built = own.ancestors().nth(2).unwrap_or(Path::new(".")).join(name);
    if built.is_file() {
        return Ok(built);
    }
    bail!(
        "{} is not built: run tests/run.sh, or `cargo build --workspace`, or set {variable}",
        built.display()
    )
}

/// Runs a tool of the daemon to its end.
pub fn run<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Result<Output> {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    Command::new(rollcall()?)
        .args(&arguments)
        .env("ROLLCALL_LOG", "info")
        .output()
        .with_context(|| format!("rollcall {arguments:?} could not be started"))
}

/// Runs a tool of the daemon to its end and gives its standard output; any exit code but 0 is an error with what it said.
pub fn run_well<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Result<String> {
    let output = run(arguments)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(said);
    }
    bail!("{}: {said}{}", output.status, String::from_utf8_lossy(&output.stderr))
}

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
        .to_path_buf()
}

/// The first of `names` that is on the `PATH`, or an error that says what to install.
pub fn installed(names: &[&str], remedy: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|candidate| candidate.is_file());
    found.with_context(|| format!("none of {names:?} is installed: {remedy}"))
}
