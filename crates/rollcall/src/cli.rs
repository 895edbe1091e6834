//! The command line. Every command is a function of its arguments that returns an exit code: 0 fine, 1 failed, 2 wrong
//! usage or configuration.

mod judge;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::words::Language;

/// Wrong usage or configuration.
const WRONG_USAGE: u8 = 2;

/// The daemon that keeps attendance and meeting discipline, and its tools.
#[derive(Debug, Parser)]
#[command(name = "rollcall", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Judge a site folder with no database.
    Judge(judge::Arguments),
}

/// Runs the command that was asked for.
pub fn run(cli: &Cli) -> ExitCode {
    let result = match &cli.command {
        Command::Judge(arguments) => judge::run(arguments),
    };
    result.unwrap_or_else(|error| {
        eprintln!("rollcall: {error:#}");
        ExitCode::FAILURE
    })
}

/// The language to speak: the one asked for, else that of the environment as POSIX orders it, else zh-CN.
fn language(asked: Option<Language>) -> Language {
    let environment = || {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .filter_map(|name| std::env::var(name).ok());
        set.filter(|value| !value.is_empty())
            .find_map(|value| Language::of_tag(&value))
    };
    asked.or_else(environment).unwrap_or(Language::Chinese)
}

/// Reads `--lang`.
fn parse_language(text: &str) -> Result<Language, String> {
    Language::of_tag(text).ok_or_else(|| "write zh-CN or en".to_owned())
}
