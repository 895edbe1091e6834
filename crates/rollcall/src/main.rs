//! The daemon and its tools.

use std::process::ExitCode;

use clap::Parser;
use rollcall::cli::{Cli, run};

fn main() -> ExitCode {
    run(&Cli::parse())
}
