//! Meetings, their rosters, and who may be out.

use std::collections::HashMap;

use chrono_tz::Tz;
use rules::model::{Meeting, MeetingIndex, Permission, Role, RosterEntry, Substitutes};
use rules::time::{Instant, Interval, Span, instant_of, local_date};

use super::bureau::FirstLines;
use super::compile::{Draft, next};
use super::document::{Document, Node};
use super::gathering::Cells;
use super::problem::{Code, Problem, Problems};
use super::source::{SiteSource, TableFile};

const MEETING_KEYS: [&str; 15] = [
    "id",
    "title",
    "place",
    "starts",
    "ends",
    "extended_until",
    "closed_early_at",
    "sign_in_opens",
    "late_grace_minutes",
    "absent_after_minutes",
    "late_absent_after_minutes",
    "exit_allowance_minutes",
    "exits_allowed",
    "early_grace_minutes",
    "substitutes",
];

/// Longest length in minutes that a setting may have: two days.
const MINUTES_MAX: i64 = 2_880;

/// Most exits that a meeting may allow.
const EXITS_MAX: i64 = 1_000;

/// `meetings.toml`.
pub(super) fn meetings(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let document = Document::parse("meetings.toml", &source.meetings, problems);
    let top = document.top();
    top.warn_of_other_keys(&["meeting"], problems);
    let mut first_lines = HashMap::new();
    for node in top.tables("meeting", problems) {
        node.warn_of_other_keys(&MEETING_KEYS, problems);
        let Some(meeting) = problems.keep(meeting(&node, draft)) else {
            continue;
        };
        if let Some(first) = first_lines.get(&meeting.id) {
            problems.add(node.problem(Code::Duplicate, "id").with("first", first));
            continue;
        }
        first_lines.insert(meeting.id.clone(), node.line());
        draft
            .meetings
            .insert(meeting.id.clone(), MeetingIndex(next(&draft.records.meetings)));
        draft.records.meetings.push(meeting);
    }
}

pub(super) fn meeting(node: &Node<'_>, draft: &Draft) -> Result<Meeting, Problem> {
    let zone = draft.zone();
    let id = node.required("id", node.text("id"))?.into();
    let title = node.required("title", node.text("title"))?.into();
    let place = node.required("place", node.text("place"))?;
    let place = *draft
        .places
        .get(place.as_str())
        .ok_or_else(|| node.problem(Code::PlaceUnknown, "place").with("value", place))?;
    let starts = node.required("starts", node.instant("starts", zone))?;
    let ends = node.required("ends", node.instant("ends", zone))?;
    if ends <= starts {
        return Err(empty(node, "ends", ["starts", "ends"]));
    }
    let sign_in_opens = sign_in_opens(node, starts, zone)?;
    if ends <= sign_in_opens {
        return Err(empty(node, "sign_in_opens", ["sign_in_opens", "ends"]));
    }
    let minutes = |key| {
        node.integer(key, 0, MINUTES_MAX)
            .map(|minutes| minutes.map(Span::from_minutes))
    };
    let substitutes = [
        ("none", Substitutes::None),
        ("with_approval", Substitutes::WithApproval),
        ("within_unit", Substitutes::WithinUnit),
    ];
    let exits_allowed = node.integer("exits_allowed", 0, EXITS_MAX)?;
    let extended_until = moved_end(node, "extended_until", ends, zone)?;
    let closed_early_at = moved_end(node, "closed_early_at", starts, zone)?;
    let announced = Meeting::new(id, title, place, Interval::new(starts, ends));
    Ok(Meeting {
        extended_until,
        closed_early_at,
        sign_in_opens,
        late_grace: minutes("late_grace_minutes")?.unwrap_or(announced.late_grace),
        absent_after: minutes("absent_after_minutes")?.unwrap_or(announced.absent_after),
        late_absent_after: minutes("late_absent_after_minutes")?,
        exit_allowance: minutes("exit_allowance_minutes")?.unwrap_or(announced.exit_allowance),
        exits_allowed: exits_allowed.map_or(announced.exits_allowed, |exits| {
            u32::try_from(exits).expect("bounded above")
        }),
        early_grace: minutes("early_grace_minutes")?.unwrap_or(announced.early_grace),
        substitutes: node
            .choice("substitutes", &substitutes)?
            .unwrap_or(announced.substitutes),
        ..announced
    })
}

/// An instant to which the end was moved, which must be later than another.
fn moved_end(node: &Node<'_>, key: &str, after: Instant, zone: Tz) -> Result<Option<Instant>, Problem> {
    let at = node.instant(key, zone)?;
    if at.is_some_and(|at| at <= after) {
        let before = if key == "extended_until" { "ends" } else { "starts" };
        return Err(empty(node, key, [before, key]));
    }
    Ok(at)
}

fn empty(node: &Node<'_>, key: &str, edges: [&str; 2]) -> Problem {
    let written = |key: &str| node.text(key).ok().flatten().unwrap_or_default();
    node.problem(Code::IntervalEmpty, key)
        .with("from", written(edges[0]))
        .with("until", written(edges[1]))
}

/// An instant, or a time of day relative to the date on which the meeting starts.
fn sign_in_opens(node: &Node<'_>, starts: Instant, zone: Tz) -> Result<Instant, Problem> {
    if !node.has("sign_in_opens") {
        return Ok(starts - Span::from_minutes(30));
    }
    match node.civil_time("sign_in_opens") {
        Ok(Some(time)) => Ok(instant_of(local_date(starts, zone), time, zone)),
        Ok(None) | Err(_) => node.required("sign_in_opens", node.instant("sign_in_opens", zone)),
    }
}

/// `meeting_ends.csv`: what it says of a meeting wins over what the meeting says itself.
pub(super) fn moved_ends(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let mut lines = FirstLines::<u32>::default();
    draft.rows(source, TableFile::MeetingEnds, problems, |draft, cells| {
        let index = meeting_of(draft, &cells)?;
        let meeting = &draft.records.meetings[index.at()];
        let (ends, starts) = (meeting.ends, meeting.starts);
        let extended_until = later_than(&cells, "extended_until", ends, draft.zone())?;
        let closed_early_at = later_than(&cells, "closed_early_at", starts, draft.zone())?;
        lines.refuse_second(&cells, index.0)?;
        let meeting = &mut draft.records.meetings[index.at()];
        meeting.extended_until = extended_until.or(meeting.extended_until);
        meeting.closed_early_at = closed_early_at.or(meeting.closed_early_at);
        Ok(())
    });
}

fn later_than(cells: &Cells<'_>, column: &'static str, before: Instant, zone: Tz) -> Result<Option<Instant>, Problem> {
    let at = cells.optional_instant(column)?;
    if at.is_some_and(|at| at <= before) {
        let problem = cells.problem(Code::IntervalEmpty).with("column", column);
        return Err(problem
            .with("from", before.to_utc().with_timezone(&zone).format("%Y-%m-%d %H:%M"))
            .with("until", cells.get(column).unwrap_or_default()));
    }
    Ok(at)
}

/// `meeting_roster.csv`.
pub(super) fn rosters(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let roles = [
        ("chair", Role::Chair),
        ("required", Role::Required),
        ("optional", Role::Optional),
    ];
    let mut lines = FirstLines::<(u32, u32)>::default();
    draft.rows(source, TableFile::MeetingRoster, problems, |draft, cells| {
        let meeting = meeting_of(draft, &cells)?;
        let person = cells.find("person", Code::PersonUnknown, |id| draft.people.get(id).copied())?;
        let role = cells.choice("role", &roles)?.unwrap_or(Role::Required);
        lines.refuse_second(&cells, (meeting.0, person.0))?;
        let seat = cells.get("seat").map(Into::into);
        draft.records.meetings[meeting.at()]
            .roster
            .push(RosterEntry { person, role, seat });
        Ok(())
    });
}

/// `permissions.csv`.
pub(super) fn permissions(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    draft.rows(source, TableFile::Permissions, problems, |draft, cells| {
        let meeting = meeting_of(draft, &cells)?;
        let person = cells.find("person", Code::PersonUnknown, |id| draft.people.get(id).copied())?;
        let interval = cells.required_interval("from", "until")?;
        draft.records.meetings[meeting.at()]
            .permissions
            .push(Permission { person, interval });
        Ok(())
    });
}

/// The meeting that a row names.
pub(super) fn meeting_of(draft: &Draft, cells: &Cells<'_>) -> Result<MeetingIndex, Problem> {
    cells.find("meeting", Code::MeetingUnknown, |id| draft.meetings.get(id).copied())
}
