//! What a screen is told: absolute values, with names already masked. These are the `d` of `snapshot` and `event` frames;
//! `docs/display-protocol.md` describes every field.

use std::collections::HashMap;

use serde::Serialize;

/// The whole state of a screen: the `d` of a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct View {
    /// The site's date, `YYYY-MM-DD`; empty before the first facts are known.
    pub date: String,
    /// The name of the period that most people who are counted are in, as the schedule names it.
    pub period: Option<String>,
    /// How many people are how.
    pub counts: Counts,
    /// People to show, newest first; at most [`super::board::LISTED_ROWS`].
    pub rows: Vec<Row>,
    /// Meetings that are going on or signing in, then the next of the day.
    pub meetings: Vec<MeetingPanel>,
    /// Readers, silent ones first.
    pub sources: Vec<Source>,
}

/// How many people are how. `due = arrived + missing + withheld + expected`; `late` counts some of `arrived`; those on
/// leave are no part of `due`. Everybody is counted once, nobody who has no period today is counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Who should be there.
    pub due: u32,
    /// Who came.
    pub arrived: u32,
    /// Who of `arrived` came late today.
    pub late: u32,
    /// Who should have come and was not seen.
    pub missing: u32,
    /// Whose absence cannot be told while a reader is silent.
    pub withheld: u32,
    /// Who has not come and need not yet.
    pub expected: u32,
    /// Who is on leave, away on duty, or excused.
    pub leave: u32,
    /// How many people the rows about lateness are about.
    pub late_today: u32,
}

/// One person's matter, or in [`super::NameMode::Counts`] one unit's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The finding's own id, never a person's.
    pub id: String,
    /// Grows whenever the finding changes.
    pub revision: i64,
    /// The unit's name.
    pub unit: String,
    /// The name as far as the screen may show it; `None` where it shows units only.
    pub name: Option<String>,
    /// How many people it stands for, where it stands for a unit.
    pub people: Option<u32>,
    /// A finding's kind in `snake_case`.
    pub kind: &'static str,
    /// `provisional`, `final` or `withheld`.
    pub state: &'static str,
    /// An absence by lateness: the person came, but later than the bureau's own rule lets count.
    pub by_lateness: bool,
    /// When: the arrival of somebody late, the departure of who left early, the due time of who is not there. RFC 3339.
    pub at: Option<String>,
    /// How long, rounded up.
    pub minutes: Option<i64>,
    /// Since when it is going on; the screen counts the minutes. RFC 3339.
    pub since: Option<String>,
    /// The title of the meeting it belongs to.
    pub meeting: Option<String>,
}

/// A meeting's state on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It has begun.
    Running,
    /// It has not begun and sign-in is open.
    SignIn,
    /// It is the next of the day.
    Next,
}

/// One meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MeetingPanel {
    /// Its identifier.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Where.
    pub room: String,
    /// Where it stands.
    pub phase: Phase,
    /// When it starts, RFC 3339.
    pub starts: String,
    /// When it ends, RFC 3339.
    pub ends: String,
    /// How its people are.
    pub counts: Tally,
    /// The same by unit; they sum to `counts`.
    pub units: Vec<UnitTally>,
    /// Who walked out for longer than the allowance and is not back.
    pub out: Vec<Row>,
    /// Units that did not send what they had to, while that is so; at most [`super::board::LISTED_SHORTFALLS`].
    pub shortfalls: Vec<Shortfall>,
}

/// What a unit did not do at a meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shortfall {
    /// The finding's own id.
    pub id: String,
    /// Grows whenever the finding changes.
    pub revision: i64,
    /// The unit's name.
    pub unit: String,
    /// `unit_absent`, `unit_short` or `unit_rank`.
    pub kind: &'static str,
    /// `provisional` or `final`.
    pub state: &'static str,
    /// How many it has to send.
    pub asked: u32,
    /// How many came.
    pub came: u32,
}

/// How a meeting's people are: `required = present + absent + out + excused + withheld + expected`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// On the roster.
    pub required: u32,
    /// In the room, or there to the end.
    pub present: u32,
    /// Who of those that came was late.
    pub late: u32,
    /// Should be there, not seen.
    pub absent: u32,
    /// Went out and is not back.
    pub out: u32,
    /// On leave, or permitted to be elsewhere.
    pub excused: u32,
    /// Cannot be told while a reader is silent.
    pub withheld: u32,
    /// Not there and need not be yet.
    pub expected: u32,
}

/// One unit's part of a meeting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnitTally {
    /// The unit's name.
    pub name: String,
    /// How its people are.
    #[serde(flatten)]
    pub tally: Tally,
}

/// A reader's line on the screen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Reader id.
    pub reader: String,
    /// The name of the place where it stands.
    pub place: String,
    /// `heard` or `silent`.
    pub state: &'static str,
    /// Since when, RFC 3339.
    pub since: String,
}

/// What changed, in absolute values: the `d` of an event. Applied to the view before, it gives the view after.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// Rows that are new or changed.
    pub put: Vec<Row>,
    /// Ids of rows that are gone.
    pub drop: Vec<String>,
    /// As in the view.
    pub date: String,
    /// As in the view.
    pub period: Option<String>,
    /// As in the view.
    pub counts: Counts,
    /// All meetings, or nothing where none changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meetings: Option<Vec<MeetingPanel>>,
    /// All readers, or nothing where none changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<Source>>,
}

impl View {
    /// What a screen that shows `old` must be told to show `new`; `None` where that is nothing.
    pub fn diff(old: &Self, new: &Self) -> Option<Event> {
        if old == new {
            return None;
        }
        let before: HashMap<&str, &Row> = old.rows.iter().map(|row| (row.id.as_str(), row)).collect();
        let after: HashMap<&str, &Row> = new.rows.iter().map(|row| (row.id.as_str(), row)).collect();
        Some(Event {
            put: new
                .rows
                .iter()
                .filter(|row| before.get(row.id.as_str()) != Some(row))
                .cloned()
                .collect(),
            drop: old
                .rows
                .iter()
                .filter(|row| !after.contains_key(row.id.as_str()))
                .map(|row| row.id.clone())
                .collect(),
            date: new.date.clone(),
            period: new.period.clone(),
            counts: new.counts,
            meetings: (old.meetings != new.meetings).then(|| new.meetings.clone()),
            sources: (old.sources != new.sources).then(|| new.sources.clone()),
        })
    }

    /// Sorts rows as a screen lists them: newest first, then by minutes, then by id.
    pub(super) fn sort_rows(rows: &mut [Row]) {
        rows.sort_by(|a, b| {
            b.at.cmp(&a.at)
                .then(b.minutes.cmp(&a.minutes))
                .then_with(|| a.id.cmp(&b.id))
        });
    }
}
