//! `OPERLOG`: what was done at a terminal. The same body carries people, templates and photos, one kind a line.

use alloc::vec::Vec;

use chrono::NaiveDateTime;

use super::attendance::{TIME, next_line};
use crate::malformed::{Malformed, Reason};
use crate::zk::time::unpack;

/// The operation that sets the clock.
const CLOCK_SET: &str = "21";

/// How many changes of the clock of one body are kept: the last ones.
const MOST_CLOCK_CHANGES: usize = 16;

/// What a body of `OPERLOG` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    /// How many lines it has, of whatever kind.
    pub lines: usize,
    /// Changes of the terminal's clock, oldest first.
    pub clock_changes: Vec<ClockChange>,
    /// Operations that could not be read. Lines of other kinds are never kept.
    pub malformed: Vec<Malformed>,
}

/// Somebody, or a command, set the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockChange {
    /// When, by the terminal's own clock.
    pub at: NaiveDateTime,
    /// What it was set to, where the terminal says it.
    pub to: Option<NaiveDateTime>,
}

/// Reads a body: `OPLOG`, code, administrator, time, and four numbers, with tabs between.
pub fn operations(body: &[u8]) -> Operations {
    let mut operations = Operations::default();
    let mut rest = body;
    while let Some((line, behind)) = next_line(rest) {
        rest = behind;
        operations.lines += 1;
        let Some(line) = line.strip_prefix(b"OPLOG") else {
            continue;
        };
        match clock_change(line) {
            Ok(Some(change)) => {
                if operations.clock_changes.len() == MOST_CLOCK_CHANGES {
                    operations.clock_changes.remove(0);
                }
                operations.clock_changes.push(change);
            }
            // One is enough to see what is wrong.
            Err(reason) if operations.malformed.is_empty() => {
                operations.malformed.push(Malformed::new(reason, line));
            }
            Ok(None) | Err(_) => {}
        }
    }
    operations
}

fn clock_change(line: &[u8]) -> Result<Option<ClockChange>, Reason> {
    let text = str::from_utf8(line).map_err(|_| Reason::NotUtf8)?;
    let mut fields = text.split('\t').map(str::trim);
    let code = fields.next().unwrap_or_default();
    let time = fields.nth(1).ok_or(Reason::Truncated)?;
    let at = NaiveDateTime::parse_from_str(time, TIME).map_err(|_| Reason::BadInstant)?;
    if code != CLOCK_SET {
        return Ok(None);
    }
    // Which of the four numbers holds the new time differs; small numbers are something else.
    let packed = fields
        .filter_map(|field| field.parse().ok())
        .find(|packed| *packed > 1_000_000);
    Ok(Some(ClockChange {
        at,
        to: packed.and_then(unpack),
    }))
}
