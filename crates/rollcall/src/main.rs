//! The program `rollcall`.

use std::process::ExitCode;

/// A swipe costs dozens of small blocks, many of which are given back by another thread than asked for them; the C library's allocator
/// took a fifth of the processor for that. How it is set is said in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    rollcall::cli::run()
}
