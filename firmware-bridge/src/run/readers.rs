//! What is known of the readers: for the daemon, and for the next start.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::clocks::HostClocks;
use crate::delivery::{self, LinkEvent};
use crate::queue::{self, Backlog};
use crate::record::{Record, Said, Stamp};
use crate::uplink::message::ReaderReport;

/// A clock that is off by as much more or less than before is news.
const CLOCK_NEWS_MS: i64 = 1_000;

/// The readers; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Readers(Arc<Mutex<BTreeMap<String, Note>>>);

#[derive(Clone, Debug, Default)]
struct Note {
    report: ReaderReport,
    heard_at_ms: Option<i64>,
    clock_ahead_ms: Option<i64>,
    /// Whether somebody stands before it who is shown what became of the badge.
    shows_outcome: bool,
}

impl Readers {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Note>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These are the readers from now on.
    pub fn configure<'a>(&self, readers: impl Iterator<Item = (&'a str, bool)>) {
        let mut notes = self.lock();
        let mut before = std::mem::take(&mut *notes);
        for (reader, shows_outcome) in readers {
            let mut note = before.remove(reader).unwrap_or_default();
            reader.clone_into(&mut note.report.reader);
            note.shows_outcome = shows_outcome;
            notes.insert(reader.to_owned(), note);
        }
    }

    /// Whether a reader shows what became of a badge.
    pub fn shows_outcome(&self, reader: &str) -> bool {
        self.lock().get(reader).is_some_and(|note| note.shows_outcome)
    }

    /// A link said something; what of it is to be kept.
    pub fn note(&self, event: &LinkEvent, clocks: &HostClocks) -> Option<Said> {
        let (LinkEvent::Reading { reader, .. }
        | LinkEvent::Malformed { reader, .. }
        | LinkEvent::Clock { reader, .. }
        | LinkEvent::Note { reader, .. }
        | LinkEvent::State { reader, .. }
        | LinkEvent::Complete { reader, .. }) = event;
        let mut notes = self.lock();
        let note = notes.entry(reader.clone()).or_default();
        note.report.reader.clone_from(reader);
        if let LinkEvent::Note { note: said, .. } = event {
            note.take(said);
        }
        let said = Said::of(event)?;
        match &said {
            Said::Reading(_) => note.report.readings += 1,
            Said::Malformed { reason, bytes, .. } => {
                note.report.malformed += 1;
                note.report.last_malformed = Some((reason.clone(), bytes.clone()));
            }
            Said::Clock { ahead_ms, .. } => {
                note.heard_at_ms = Some(clocks.elapsed_ms());
                let before = note.clock_ahead_ms;
                if before.is_some_and(|before| (before - ahead_ms).abs() < CLOCK_NEWS_MS) {
                    return None;
                }
                note.clock_ahead_ms = Some(*ahead_ms);
            }
            Said::State { up, detail, .. } => {
                note.report.detail.clone_from(detail);
                let was_up = std::mem::replace(&mut note.report.up, *up);
                return (was_up != *up).then_some(said);
            }
        }
        note.heard_at_ms = Some(clocks.elapsed_ms());
        Some(said)
    }

    /// What the daemon is told of them.
    pub fn report(&self, clocks: &HostClocks) -> Vec<ReaderReport> {
        let now_ms = clocks.elapsed_ms();
        let notes = self.lock();
        let report = |note: &Note| ReaderReport {
            heard_ms_ago: note.heard_at_ms.map(|at| now_ms - at),
            ..note.report.clone()
        };
        notes.values().map(report).collect()
    }

    /// Those that can be heard.
    fn up(&self) -> BTreeSet<String> {
        let notes = self.lock();
        let up = notes.iter().filter(|(_, note)| note.report.up);
        up.map(|(reader, _)| reader.clone()).collect()
    }
}

impl Note {
    fn take(&mut self, said: &delivery::Note) {
        match said {
            delivery::Note::Alarms { tamper, power } => self.report.alarms = Some((*tamper, *power)),
            delivery::Note::Backlog { records } => self.report.backlog = Some(*records),
            delivery::Note::Detail { name, text } => {
                self.report.facts.insert(name.clone(), text.clone());
            }
        }
    }
}

/// What the program writes down now and then, so that its next start knows since when nothing was heard.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Alive {
    /// When it was written.
    pub at: Stamp,
    /// The newest record then.
    pub newest: u64,
    /// The readers that could be heard.
    pub up: BTreeSet<String>,
}

const ALIVE: &str = "alive";

impl Alive {
    /// Writes down that the program is alive.
    pub fn write(directory: &Path, readers: &Readers, backlog: &Backlog, clocks: &HostClocks) -> std::io::Result<()> {
        let alive = Self {
            at: clocks.now(),
            newest: backlog.status().last,
            up: readers.up(),
        };
        queue::replace(&directory.join(ALIVE), &serde_json::to_string(&alive)?)
    }

    /// What an earlier run wrote.
    pub fn read(directory: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(directory.join(ALIVE)).ok()?;
        serde_json::from_str(&text).ok()
    }
}

/// What is to be said of the time in which this program did not run: each reader that could be heard before it ended could not be heard
/// from then on, or, where records are lost, from the record before the first of them on.
pub fn since_last_run(
    directory: &Path,
    backlog: &Backlog,
    lost_from: Option<u64>,
    clocks: &HostClocks,
) -> std::io::Result<Vec<Record>> {
    let alive = Alive::read(directory);
    let mut up = alive.as_ref().map(|alive| alive.up.clone()).unwrap_or_default();
    let mut at = alive.as_ref().map(|alive| alive.at.clone());
    let (mut reader, mut last) = (backlog.reader(), alive.map_or(0, |alive| alive.newest));
    if let Some(lost_from) = lost_from {
        last = last.min(lost_from.saturating_sub(2));
    }
    let mut before_loss = None;
    loop {
        let records = reader.after(last, 256, 256 * 1024)?;
        let Some((newest, _)) = records.last() else { break };
        last = *newest;
        for (number, text) in &records {
            let Ok(record) = serde_json::from_str::<Record>(text) else {
                continue;
            };
            if let Said::State { reader, up: is_up, .. } = &record.said {
                if *is_up {
                    up.insert(reader.clone());
                } else {
                    up.remove(reader);
                }
            }
            if lost_from.is_some_and(|lost| *number < lost) {
                before_loss = Some(record.at.clone());
            }
            at = Some(record.at);
        }
    }
    let at = before_loss.or(at).unwrap_or_else(|| clocks.now());
    let record = |reader: String| Record {
        at: at.clone(),
        said: Said::State {
            reader,
            up: false,
            detail: "the bridge did not run".to_owned(),
        },
    };
    Ok(up.into_iter().map(record).collect())
}
