//! Meetings that calendars brought: `feed_meetings.csv` and `feed_roster.csv`. Nobody edits these two; a refresh of the calendar that
//! a row names in `source` replaces it. Whatever `meetings.toml` and `meeting_roster.csv` say of the same meeting or person wins.

use std::collections::HashSet;
use std::fmt::Write as _;

use rules::model::{MeetingIndex, Role, RosterEntry};

use super::bureau::FirstLines;
use super::compile::{Draft, next};
use super::document::Document;
use super::gathering::Cells;
use super::meetings::{self, meeting_of};
use super::problem::{Code, Problem, Problems};
use super::source::{SiteSource, TableFile};

/// Columns that are keys of a `[[meeting]]` with a text, and with a number.
const TEXTS: [&str; 5] = ["title", "place", "starts", "ends", "sign_in_opens"];
const NUMBERS: [&str; 6] = [
    "late_grace_minutes",
    "absent_after_minutes",
    "late_absent_after_minutes",
    "exit_allowance_minutes",
    "exits_allowed",
    "early_grace_minutes",
];

/// `feed_meetings.csv`.
pub(super) fn meetings(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let mut lines = FirstLines::default();
    draft.rows(source, TableFile::FeedMeetings, problems, |draft, cells| {
        let id = cells.require("meeting")?;
        lines.refuse_second(&cells, id.to_owned())?;
        if draft.meetings.contains_key(id) {
            return Ok(());
        }
        let meeting = as_document(&cells)?;
        let mut malformed = Problems::default();
        let document = Document::parse(TableFile::FeedMeetings.name(), &meeting, &mut malformed);
        let meeting = meetings::meeting(&document.top(), draft).map_err(|problem| of_row(problem, &cells))?;
        draft
            .meetings
            .insert(id.into(), MeetingIndex(next(&draft.records.meetings)));
        draft.records.meetings.push(meeting);
        Ok(())
    });
}

/// The row as the `[[meeting]]` that it stands for, so that both files mean the same.
fn as_document(cells: &Cells<'_>) -> Result<String, Problem> {
    let mut text = String::new();
    let mut push = |key: &str, value: &dyn std::fmt::Display| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{key} = {value}");
    };
    push("id", &quoted(cells.require("meeting")?));
    for column in TEXTS {
        if let Some(value) = cells.get(column) {
            push(column, &quoted(value));
        }
    }
    for column in NUMBERS {
        if let Some(value) = cells.get(column) {
            match value.parse::<i64>() {
                Ok(number) => push(column, &number),
                Err(_) => push(column, &quoted(value)),
            }
        }
    }
    Ok(text)
}

fn quoted(value: &str) -> toml::Value {
    toml::Value::String(value.to_owned())
}

fn of_row(mut problem: Problem, cells: &Cells<'_>) -> Problem {
    problem.row = Some(cells.line());
    problem.key = None;
    problem
}

/// `feed_roster.csv`.
pub(super) fn rosters(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let roles = [
        ("chair", Role::Chair),
        ("required", Role::Required),
        ("optional", Role::Optional),
    ];
    let by_hand: HashSet<(u32, u32)> = draft
        .records
        .meetings
        .iter()
        .zip(0..)
        .flat_map(|(meeting, index)| meeting.roster.iter().map(move |entry| (index, entry.person.0)))
        .collect();
    let mut lines = FirstLines::<(u32, u32)>::default();
    draft.rows(source, TableFile::FeedRoster, problems, |draft, cells| {
        let meeting = meeting_of(draft, &cells)?;
        let person = cells.find("person", Code::PersonUnknown, |id| draft.people.get(id).copied())?;
        let role = cells.choice("role", &roles)?.unwrap_or(Role::Required);
        lines.refuse_second(&cells, (meeting.0, person.0))?;
        if !by_hand.contains(&(meeting.0, person.0)) {
            draft.records.meetings[meeting.at()].roster.push(RosterEntry {
                person,
                role,
                seat: None,
            });
        }
        Ok(())
    });
}
