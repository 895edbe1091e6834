//! What a terminal may be asked to do, and what it says became of it. Nothing here changes or deletes what it holds.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use chrono::NaiveDateTime;

use super::attendance::{next_line, show};
use crate::zk::time::pack;

/// The longest id of a command, in bytes.
pub const LONGEST_COMMAND_ID: usize = 16;

/// How many results of one body are looked at.
const MOST_RESULTS: usize = 256;

/// A command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Read our options again and send what is new.
    Check,
    /// Send the records of this time again, both ends included, in the terminal's local time.
    Attendance {
        /// From here.
        from: NaiveDateTime,
        /// Until here.
        until: NaiveDateTime,
    },
    /// Set the clock to the time at which the terminal fetches the command.
    SetClock,
}

impl Command {
    /// The line that a terminal is sent; `now` is its local time. `None` where the time cannot be written as terminals do.
    pub fn line(self, id: &str, now: NaiveDateTime) -> Option<String> {
        Some(match self {
            Self::Check => format!("C:{id}:CHECK\n"),
            Self::Attendance { from, until } => format!(
                "C:{id}:DATA QUERY ATTLOG StartTime={}\tEndTime={}\n",
                show(from),
                show(until)
            ),
            Self::SetClock => format!("C:{id}:SET OPTION DateTime={}\n", pack(now)?),
        })
    }
}

/// What became of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandResult {
    /// The id that it was sent with.
    pub id: String,
    /// 0 and above: done.
    pub code: i64,
}

/// The results of a body: lines of `ID=…&Return=…&CMD=…`. Ids need not be ours, nor numbers; lines between them are what a command
/// printed, and are not looked at.
pub fn results(body: &[u8]) -> Vec<CommandResult> {
    let mut results = Vec::new();
    let mut rest = body;
    while let Some((line, behind)) = next_line(rest)
        && results.len() < MOST_RESULTS
    {
        rest = behind;
        results.extend(str::from_utf8(line).ok().and_then(result));
    }
    results
}

fn result(line: &str) -> Option<CommandResult> {
    let value = |key: &str| {
        line.split('&')
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(name, value)| name.trim().eq_ignore_ascii_case(key).then_some(value.trim()))
    };
    let id = value("ID").filter(|id| !id.is_empty() && id.len() <= LONGEST_COMMAND_ID)?;
    let code = value("Return")?.parse().ok()?;
    Some(CommandResult {
        id: id.to_string(),
        code,
    })
}
