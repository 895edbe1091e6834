//! The book over a restart, and for tools beside the daemon: every few seconds it is written into a setting of the database.
//!
//! What must not be lost is not kept here: swipes and inputs are in their own tables, and the counts of the day are counted from
//! those when the daemon starts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{Days, NaiveDate, NaiveTime};
use rules::time::{Instant, Interval, civil_instant};
use serde::{Deserialize, Serialize};
use store::rows::ReaderTally;
use store::{Ledger, StoreError};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use super::state::{BadFrame, Counts, SourceState};
use super::{Line, Lines, Sources};
use crate::clock::Clock;
use crate::lifecycle::Lifecycle;
use crate::shared::SiteSnapshot;

/// The setting that holds it.
pub const SETTING: &str = "readers";

/// How often it is looked whether the book has changed and is written down.
const INTERVAL: Duration = Duration::from_secs(3);

/// After how many looks it is written down although it has not changed: signs of life are no changes.
const PATIENCE: u32 = 5;

/// How many of the newest inputs that could not be read are looked at for the last one of each reader.
const REJECTED_LOOKED_AT: i64 = 500;

/// The book as it was written down.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
pub struct Kept {
    /// When, by the host's clock.
    pub written_at_ms: i64,
    /// When, in judging time.
    pub judged_at_ms: i64,
    /// When the daemon started, by the host's clock.
    pub started_at_ms: i64,
    /// Whether the daemon wrote it as it stopped.
    pub stopped: bool,
    /// The date that `today` of the readers counts, `YYYY-MM-DD`.
    pub date: String,
    /// The readers.
    pub readers: Vec<SourceState>,
}

/// The book as it was last written down; `None` where it never was, or by a version that wrote it otherwise.
pub async fn kept(ledger: &dyn Ledger) -> Result<Option<Kept>, StoreError> {
    let text = ledger.setting(SETTING).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

impl Kept {
    /// The readers, with counts of the day that the database does not hold where it is still that date.
    pub fn readers_on(&self, today: NaiveDate) -> Vec<SourceState> {
        let mut readers = self.readers.clone();
        if self.date != today.to_string() {
            for reader in &mut readers {
                reader.today = Counts::default();
            }
        }
        readers
    }
}

/// The instants of a date at a site.
pub fn instants_of(date: NaiveDate, zone: chrono_tz::Tz) -> Interval {
    let midnight = |date: NaiveDate| civil_instant(date.and_time(NaiveTime::MIN), zone);
    let tomorrow = date.checked_add_days(Days::new(1)).unwrap_or(date);
    Interval::new(midnight(date), midnight(tomorrow))
}

/// Fills the book with what an earlier run knew and what the database holds of the day.
pub async fn remember(
    sources: &Sources,
    ledger: &dyn Ledger,
    site: &SiteSnapshot,
    now: Instant,
) -> Result<(), StoreError> {
    let zone = site.facts.records().site.zone;
    let today = rules::time::local_date(now, zone);
    let earlier = kept(ledger).await?.unwrap_or_default();
    let tallies = Tallies::of(ledger, instants_of(today, zone)).await?;
    let mut lines = sources.lines();
    lines.today = today;
    for state in earlier.readers {
        lines.take_over(state, earlier.date == today.to_string());
    }
    tallies.write(&mut lines);
    Ok(())
}

/// What the database holds of a day.
pub struct Tallies {
    swipes: Vec<ReaderTally>,
    rejected: Vec<ReaderTally>,
    /// The last input of each reader that could not be read, of any day.
    bad: BTreeMap<String, BadFrame>,
    /// When each reader was last back after an outage.
    back_ms: BTreeMap<String, i64>,
}

impl Tallies {
    /// Counts.
    pub async fn of(ledger: &dyn Ledger, received: Interval) -> Result<Self, StoreError> {
        let mut bad = BTreeMap::new();
        for input in ledger.rejected_inputs(REJECTED_LOOKED_AT).await? {
            bad.entry(input.reader.clone()).or_insert_with(|| BadFrame::of(&input));
        }
        let outages = ledger.outages().await?.into_iter();
        let ended = outages.filter_map(|outage| Some((outage.reader, outage.down_until?.as_ms())));
        Ok(Self {
            swipes: ledger.swipe_tallies(received).await?,
            rejected: ledger.rejected_tallies(received).await?,
            bad,
            back_ms: ended.collect(),
        })
    }

    /// What the database says of each reader over what was kept of it.
    pub fn over(self, kept: Vec<SourceState>) -> Vec<SourceState> {
        let line = |state: SourceState| {
            let line = Line { state, presented: None };
            (line.state.reader.clone(), line)
        };
        let mut lines = Lines {
            by_reader: kept.into_iter().map(line).collect(),
            ..Lines::default()
        };
        self.write(&mut lines);
        lines.by_reader.into_values().map(|line| line.state).collect()
    }

    fn write(self, lines: &mut Lines) {
        for line in lines.by_reader.values_mut() {
            line.state.today.readings = 0;
            line.state.today.held.clear();
            line.state.today.malformed.clear();
        }
        let count = |times: i64| u64::try_from(times).unwrap_or_default();
        for tally in self.swipes {
            let Some(line) = lines.line(&tally.reader) else {
                continue;
            };
            line.state.today.readings += count(tally.times);
            if let Some(reason) = tally.reason {
                line.state.today.held.insert(reason, count(tally.times));
            }
        }
        for tally in self.rejected {
            if let (Some(line), Some(reason)) = (lines.line(&tally.reader), tally.reason) {
                line.state.today.malformed.insert(reason, count(tally.times));
            }
        }
        for (reader, bad) in self.bad {
            if let Some(line) = lines.line(&reader) {
                line.state.bad = Some(bad);
            }
        }
        for (reader, back_ms) in self.back_ms {
            if let Some(line) = lines.line(&reader) {
                line.state.covered_since_ms = Some(back_ms);
            }
        }
    }
}

impl Lines {
    /// What an earlier run knew of a reader, as far as it still holds: links and clocks are looked at anew.
    fn take_over(&mut self, earlier: SourceState, is_today: bool) {
        let Some(line) = self.line(&earlier.reader) else { return };
        let state = &mut line.state;
        state.heard_at_ms = earlier.heard_at_ms;
        state.recent = earlier.recent;
        state.details = earlier.details;
        state.bad = earlier.bad;
        state.drift = earlier.drift.map(|mut drift| {
            drift.is_off = false;
            drift
        });
        if is_today {
            state.today.duplicates = earlier.today.duplicates;
        }
    }
}

/// Writes the book down until the daemon stops, and once more then.
pub async fn keep(
    sources: Sources,
    ledger: Arc<dyn Ledger>,
    site: watch::Receiver<SiteSnapshot>,
    lifecycle: Lifecycle,
) -> anyhow::Result<()> {
    let host = Clock::host();
    let started_at_ms = host.now().as_ms();
    let mut interval = tokio::time::interval(INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut changes, mut looks) = (sources.changes(), PATIENCE);
    loop {
        let stopped = tokio::select! {
            () = lifecycle.soft.cancelled() => true,
            _ = interval.tick() => false,
        };
        looks += 1;
        let is_new = changes.has_changed().unwrap_or(false);
        if !stopped && !is_new && looks < PATIENCE {
            continue;
        }
        changes.mark_unchanged();
        looks = 0;
        let judged_at = sources.0.clock.now();
        let date = rules::time::local_date(judged_at, site.borrow().facts.records().site.zone);
        let kept = Kept {
            written_at_ms: host.now().as_ms(),
            judged_at_ms: judged_at.as_ms(),
            started_at_ms,
            stopped,
            date: date.to_string(),
            readers: sources.all(date),
        };
        match write(&*ledger, &kept).await {
            // The engine meets the same trouble and says so; here it only means that tools see an older book.
            Err(StoreError::Full(_) | StoreError::Unavailable(_)) | Ok(()) => {}
            Err(error) => return Err(error.into()),
        }
        if stopped {
            return Ok(());
        }
    }
}

async fn write(ledger: &dyn Ledger, kept: &Kept) -> Result<(), StoreError> {
    let text = serde_json::to_string(kept).unwrap_or_default();
    let mut transaction = ledger.begin().await?;
    transaction.set_setting(SETTING, &text).await?;
    transaction.commit().await
}
