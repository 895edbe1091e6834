//! The program `rollcall`.

use std::process::ExitCode;

fn main() -> ExitCode {
    rollcall::cli::run()
}
