//! A reader as programs are told of it: the JSON API and `rollcall readers --json` say the same.

use std::collections::BTreeMap;

use chrono::SecondsFormat;
use chrono_tz::Tz;
use rules::facts::SiteFacts;
use rules::time::Instant;
use serde::Serialize;

use super::condition::Condition;
use super::state::{Counts, SourceState};
use crate::transfer::facing;

/// What is known of a reader; instants are RFC 3339 in the site's zone.
#[derive(Clone, Debug, Serialize)]
pub struct SourceView {
    /// Its id.
    pub reader: String,
    /// The place where it stands now, by its id.
    pub place: Option<String>,
    /// Which way it faces now.
    pub faces: Option<&'static str>,
    /// [`Condition::name`].
    pub condition: &'static str,
    /// Whether judging takes it as heard.
    pub covered: bool,
    /// Since when it is not heard.
    pub not_covered_since: Option<String>,
    /// When it was last back.
    pub covered_since: Option<String>,
    /// Its last sign of life.
    pub heard_at: Option<String>,
    /// The link as configured.
    pub link: Option<String>,
    /// The name of its format.
    pub format: Option<String>,
    /// Whether its link is up; `None` for readers that call us.
    pub link_up: Option<bool>,
    /// What the link says.
    pub link_text: Option<String>,
    /// Since when.
    pub link_since: Option<String>,
    /// The last badge, masked.
    pub last_badge: Option<LastBadge>,
    /// Its clock.
    pub clock: Option<ClockView>,
    /// How many records it keeps that are not here.
    pub backlog: Option<u64>,
    /// What came today.
    pub today: Counts,
    /// What came since the daemon started.
    pub since_start: Counts,
    /// The last input that could not be read.
    pub last_bad_frame: Option<BadFrameView>,
    /// Its alarms.
    pub alarms: Option<AlarmsView>,
    /// What it says of itself.
    pub details: BTreeMap<String, String>,
}

/// The last badge that was read.
#[derive(Clone, Debug, Serialize)]
pub struct LastBadge {
    /// Its key, masked.
    pub badge: String,
    /// When it was read, by the source.
    pub happened_at: String,
    /// When it came.
    pub received_at: String,
    /// Why it is held.
    pub held: Option<String>,
}

/// How a clock was found.
#[derive(Clone, Debug, Serialize)]
pub struct ClockView {
    /// Ahead of ours, milliseconds.
    pub ahead_ms: i64,
    /// When it was measured.
    pub measured_at: String,
    /// Whether swipes are held for it.
    pub is_off: bool,
}

/// An input that could not be read.
#[derive(Clone, Debug, Serialize)]
pub struct BadFrameView {
    /// When it came.
    pub at: String,
    /// Why.
    pub reason: String,
    /// Its bytes.
    pub bytes_hex: String,
}

/// A reader's own alarms.
#[derive(Clone, Debug, Serialize)]
pub struct AlarmsView {
    /// It is open or was moved.
    pub tamper: bool,
    /// Its power fails.
    pub power: bool,
    /// Since when it is so.
    pub since: String,
}

/// A reader as it is now in a bureau.
pub fn view(state: &SourceState, facts: &SiteFacts, now: Instant) -> SourceView {
    let records = facts.records();
    let zone = records.site.zone;
    let shown = |ms: i64| rfc3339(ms, zone);
    let reader = facts.reader_index(&state.reader);
    let stand = reader.and_then(|reader| facts.stand_at(reader, now));
    let (configured, link) = (state.configured.as_ref(), state.link.as_ref());
    SourceView {
        reader: state.reader.clone(),
        place: stand.map(|stand| records.places[stand.place.at()].id.to_string()),
        faces: stand.map(|stand| facing(stand.faces)),
        condition: Condition::of(state, reader.is_some()).name(),
        covered: state.down_since_ms.is_none(),
        not_covered_since: state.down_since_ms.map(shown),
        covered_since: state
            .covered_since_ms
            .filter(|_| state.down_since_ms.is_none())
            .map(shown),
        heard_at: state.heard_at_ms.map(shown),
        link: configured.map(|configured| configured.link.clone()),
        format: configured.map(|configured| configured.format.clone()),
        link_up: link.map(|link| link.up),
        link_text: link.map(|link| link.text.clone()),
        link_since: link.map(|link| shown(link.since_ms)),
        last_badge: state.recent.front().map(|seen| LastBadge {
            badge: mask_badge(&seen.badge),
            happened_at: shown(seen.happened_at_ms),
            received_at: shown(seen.received_at_ms),
            held: seen.held.clone(),
        }),
        clock: state.drift.as_ref().map(|drift| ClockView {
            ahead_ms: drift.ahead_ms,
            measured_at: shown(drift.measured_at_ms),
            is_off: drift.is_off,
        }),
        backlog: state.backlog,
        today: state.today.clone(),
        since_start: state.run.clone(),
        last_bad_frame: state.bad.as_ref().map(|bad| BadFrameView {
            at: shown(bad.at_ms),
            reason: bad.reason.clone(),
            bytes_hex: bad.raw_hex.clone(),
        }),
        alarms: state.alarms.as_ref().map(|alarms| AlarmsView {
            tamper: alarms.tamper,
            power: alarms.power,
            since: shown(alarms.since_ms),
        }),
        details: state.details.clone(),
    }
}

fn rfc3339(ms: i64, zone: Tz) -> String {
    Instant::from_ms(ms)
        .to_utc()
        .with_timezone(&zone)
        .to_rfc3339_opts(SecondsFormat::AutoSi, false)
}

/// A badge key of which only the end can be read: enough to tell two cards apart, not enough to make one.
pub fn mask_badge(badge: &str) -> String {
    let length = badge.chars().count();
    let shown = match length {
        0..=3 => 0,
        4..=7 => 2,
        _ => 4,
    };
    let letter = |(position, letter)| if position < length - shown { '*' } else { letter };
    badge.chars().enumerate().map(letter).collect()
}
