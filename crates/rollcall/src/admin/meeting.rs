//! A meeting as a whole: who is to come and what is said of them, what its units sent, who came without being on the roster, and what was
//! decided and seen there. [`super::meeting_acts`] is what can be done at it.

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::Days;
use chrono_tz::Tz;
use rules::finding::FindingKind;
use rules::model::{Meeting, MeetingIndex, PersonIndex, Role, RosterEntry, Swipe, UnitIndex};
use rules::time::{Instant, Interval};
use rules::units::{MeetingAssessment, UnitScope};
use serde::Deserialize;
use store::rows::{FactRow, FindingQuery, FindingRow};

use super::directory::Directory;
use super::error::AdminError;
use super::page::{Page, Section, respond};
use super::show;
use super::visitor::Reviewer;
use crate::engine::meetings::facts_of;
use crate::folder::{TableFile, local_instant};
use crate::transfer::cell;
use crate::words::{self, Language, Value};

/// The files whose rows are decided at the page, in the order in which it shows them.
pub const ROW_FILES: [TableFile; 4] = [
    TableFile::MeetingEnds,
    TableFile::Permissions,
    TableFile::Substitutes,
    TableFile::Observations,
];

#[derive(Template)]
#[template(path = "admin/meeting.html")]
struct MeetingPage {
    page: Page,
    title: String,
    when: String,
    path: String,
    notice: Option<String>,
    units: Vec<UnitView>,
    proposals: Vec<ProposalView>,
    unlisted: Vec<Stranger>,
    roster: Vec<RosterView>,
    has_seats: bool,
    moved: Vec<RowView>,
    permitted: Vec<RowView>,
    accepted: Vec<RowView>,
    observed: Vec<RowView>,
    subjects: Vec<(String, String)>,
    now: String,
    /// The same with its date, as a form writes it.
    moment: String,
    ends: String,
}

/// Who is to come, and what is said of them.
struct RosterView {
    person: String,
    seat: String,
    name: String,
    unit: String,
    role: String,
    verdict: String,
    shape: &'static str,
}

/// A row that can be taken back.
struct RowView {
    id: String,
    text: String,
}

struct UnitView {
    name: String,
    asked: u32,
    came: u32,
    verdict: String,
    shape: &'static str,
}

struct Stranger {
    name: String,
    unit: String,
    at: String,
}

struct ProposalView {
    stranger: Stranger,
    substitute: String,
    /// For whom: identifier and name.
    named: Vec<(String, String)>,
}

/// What was just done.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Done {
    Accepted,
    Observed,
    EndMoved,
    Permitted,
    TakenBack,
}

/// The query string.
#[derive(Debug, Default, Deserialize)]
pub struct After {
    done: Option<Done>,
}

/// The meeting's identifier.
pub type MeetingPath = Result<Path<String>, PathRejection>;

/// `GET /meetings/{meeting}`
pub async fn show(
    reviewer: Reviewer,
    path: MeetingPath,
    after: Result<Query<After>, QueryRejection>,
) -> Result<Response, AdminError> {
    let (Path(id), Query(after)) = (path?, after?);
    let notice = after.done.map(|done| match done {
        Done::Accepted => "admin-meeting-accepted",
        Done::Observed => "admin-meeting-observed",
        Done::EndMoved => "admin-meeting-end-moved",
        Done::Permitted => "admin-meeting-permitted",
        Done::TakenBack => "admin-meeting-taken-back",
    });
    show_page(&reviewer, &id, notice, StatusCode::OK).await
}

/// Where a meeting's page is.
pub fn path_of(meeting: &str) -> String {
    format!("/meetings/{}", super::page::query_value(meeting))
}

/// Everybody's swipes while the meeting could be attended.
async fn swipes_of(reviewer: &Reviewer, scope: UnitScope) -> Result<Vec<Swipe>, AdminError> {
    let site = &reviewer.site;
    let people = site.facts.person_indexes();
    let badges: Vec<&str> = people.flat_map(|person| site.badge_keys_of(person)).collect();
    let window = site.facts.scope_window(scope);
    let rows = reviewer.app.shared.ledger.swipes(&badges, window).await?;
    Ok(site.swipes(&rows)?)
}

/// The page, with something to say at its top.
pub async fn show_page(
    reviewer: &Reviewer,
    id: &str,
    notice: Option<&str>,
    status: StatusCode,
) -> Result<Response, AdminError> {
    let facts = &reviewer.site.facts;
    let directory = Directory::of(facts);
    let meeting = directory.meeting(id).ok_or(AdminError::NotFound)?;
    let scope = UnitScope::Meeting(meeting);
    let swipes = swipes_of(reviewer, scope).await?;
    let assessment = rules::evaluate_meeting(&facts_of(facts, scope, &swipes), reviewer.now);
    let ledger = &reviewer.app.shared.ledger;
    let date = facts.date_of_meeting(meeting);
    let query = FindingQuery {
        from: Some(date.to_string()),
        until: Some((date + Days::new(1)).to_string()),
        ..FindingQuery::default()
    };
    let mut rows = Vec::new();
    for file in ROW_FILES {
        rows.extend(ledger.facts_of_file(file.name()).await?);
    }
    rows.retain(|row| cell(&row.cells, "meeting").as_deref() == Some(id));
    let mut findings = ledger.findings(&query).await?;
    findings.retain(|finding| finding.meeting.as_deref() == Some(id));
    let desk = Desk {
        reviewer,
        directory,
        meeting,
        announced: &facts.records().meetings[meeting.at()],
        rows,
        findings,
    };
    respond(status, &desk.page(id, notice, &assessment))
}

/// What the page is put together from.
struct Desk<'a> {
    reviewer: &'a Reviewer,
    directory: Directory<'a>,
    meeting: MeetingIndex,
    announced: &'a Meeting,
    /// The rows of [`ROW_FILES`] that are about it.
    rows: Vec<FactRow>,
    /// What is said of it and its people.
    findings: Vec<FindingRow>,
}

impl Desk<'_> {
    fn language(&self) -> Language {
        self.reviewer.language
    }

    fn zone(&self) -> Tz {
        self.reviewer.site.facts.records().site.zone
    }

    fn page(&self, id: &str, notice: Option<&str>, assessment: &MeetingAssessment) -> MeetingPage {
        let (language, zone) = (self.language(), self.zone());
        let times = Interval::new(self.announced.starts, self.announced.last_end());
        let date = self.reviewer.site.facts.date_of_meeting(self.meeting);
        let proposals = assessment.proposals.iter().map(|proposal| ProposalView {
            stranger: self.stranger(proposal.substitute, proposal.unit, proposal.arrived_at),
            substitute: self.id(proposal.substitute),
            named: proposal
                .named
                .iter()
                .map(|person| (self.id(*person), self.name(*person)))
                .collect(),
        });
        let unlisted = assessment.unlisted.iter().map(|unlisted| {
            let unit = self.reviewer.site.facts.unit_at(unlisted.person, self.announced.starts);
            Stranger {
                unit: unit.map_or_else(String::new, |unit| self.unit(unit)),
                ..self.stranger(unlisted.person, UnitIndex(0), unlisted.arrived_at)
            }
        });
        MeetingPage {
            page: Page::of(self.reviewer, Section::Today),
            title: self.directory.title_of(self.meeting),
            when: format!("{} {}", show::day_and_weekday(language, date), show::times(times, zone)),
            path: path_of(id),
            notice: notice.map(|key| words::text(language, key, &[])),
            units: self.units(assessment),
            proposals: proposals.collect(),
            unlisted: unlisted.collect(),
            has_seats: self.announced.roster.iter().any(|entry| entry.seat.is_some()),
            roster: self.roster(),
            moved: self.rows(TableFile::MeetingEnds, |cells| self.moved(cells)),
            permitted: self.rows(TableFile::Permissions, |cells| self.permitted(cells)),
            accepted: self.rows(TableFile::Substitutes, |cells| self.accepted(cells)),
            observed: self.rows(TableFile::Observations, |cells| self.observed(cells)),
            subjects: self.subjects(),
            now: show::time(self.reviewer.now, zone),
            moment: form_time(self.reviewer.now, zone),
            ends: form_time(self.announced.last_end(), zone),
        }
    }

    fn id(&self, person: PersonIndex) -> String {
        self.reviewer.site.facts.records().people[person.at()].id.to_string()
    }

    fn name(&self, person: PersonIndex) -> String {
        let date = self.reviewer.site.facts.date_of_meeting(self.meeting);
        self.directory.name_of(&self.id(person), date)
    }

    fn unit(&self, unit: UnitIndex) -> String {
        show::plain(&self.reviewer.site.facts.records().units[unit.at()].name)
    }

    fn stranger(&self, person: PersonIndex, unit: UnitIndex, at: Instant) -> Stranger {
        Stranger {
            name: self.name(person),
            unit: self.unit(unit),
            at: show::exact_time(at, self.zone()),
        }
    }

    /// Each unit that has to send somebody, with what is wrong if something is.
    fn units(&self, assessment: &MeetingAssessment) -> Vec<UnitView> {
        let wrong = |unit: UnitIndex| {
            let kinds = [FindingKind::UnitAbsent, FindingKind::UnitShort, FindingKind::UnitRank];
            let own = assessment
                .findings
                .iter()
                .filter(move |finding| finding.unit == Some(unit));
            own.filter(move |finding| kinds.contains(&finding.kind))
                .collect::<Vec<_>>()
        };
        let view = |count: &rules::units::UnitCount| {
            let found = wrong(count.unit);
            let kinds: Vec<String> = found
                .iter()
                .map(|finding| words::kind(self.language(), finding.kind))
                .collect();
            UnitView {
                name: self.unit(count.unit),
                asked: count.at_least,
                came: count.arrived,
                verdict: kinds.join(&words::text(self.language(), "words-and", &[])),
                shape: found.first().map_or("fine", |finding| show::shape(finding.kind)),
            }
        };
        assessment.tallies.iter().map(view).collect()
    }

    /// Those of whom something is said first.
    fn roster(&self) -> Vec<RosterView> {
        let mut entries: Vec<_> = self.announced.roster.iter().map(|entry| self.entry(entry)).collect();
        entries.sort_by_key(|entry| entry.verdict.is_empty());
        entries
    }

    fn entry(&self, entry: &RosterEntry) -> RosterView {
        let (language, id) = (self.language(), self.id(entry.person));
        let own = self.findings.iter().filter(|finding| finding.person == id);
        let said = own.clone().map(|finding| {
            let length = finding.length_ms.map(rules::time::Span::from_ms);
            show::verdict(language, &finding.kind, length, finding.since, self.zone())
        });
        let said: Vec<String> = said.collect();
        let kind = own.clone().find_map(|finding| show::known_kind(&finding.kind));
        let unit = self.reviewer.site.facts.unit_at(entry.person, self.announced.starts);
        let role = match entry.role {
            Role::Chair => "admin-meeting-chair",
            Role::Optional => "admin-meeting-optional",
            Role::Required | Role::Substitute => "admin-meeting-required",
        };
        RosterView {
            seat: show::plain(entry.seat.as_deref().unwrap_or_default()),
            name: self.name(entry.person),
            unit: unit.map_or_else(String::new, |unit| self.unit(unit)),
            role: words::text(language, role, &[]),
            verdict: said.join(&words::text(language, "words-and", &[])),
            shape: kind.map_or("fine", show::shape),
            person: id,
        }
    }

    /// The rows of a file, each in words.
    fn rows(&self, file: TableFile, in_words: impl Fn(&str) -> String) -> Vec<RowView> {
        let own = self.rows.iter().filter(|row| row.file == file.name());
        own.map(|row| RowView {
            id: row.id.clone(),
            text: in_words(&row.cells),
        })
        .collect()
    }

    fn moved(&self, cells: &str) -> String {
        let to = |column, key| {
            let at = self.moment_of(cells, column)?;
            Some(words::text(self.language(), key, &[("at", Value::from(at))]))
        };
        let moves = [
            to("extended_until", "admin-meeting-until-later"),
            to("closed_early_at", "admin-meeting-closed-earlier"),
        ];
        let moves: Vec<String> = moves.into_iter().flatten().collect();
        let arguments = [
            (
                "moves",
                Value::from(moves.join(&words::text(self.language(), "words-and", &[]))),
            ),
            ("by", Value::from(text_of(cells, "moved_by"))),
        ];
        words::text(self.language(), "admin-meeting-end-is", &arguments)
    }

    fn permitted(&self, cells: &str) -> String {
        let edge = |column| Value::from(self.moment_of(cells, column).unwrap_or_default());
        let arguments = [
            ("person", Value::from(self.person_of(cells, "person"))),
            ("from", edge("from")),
            ("until", edge("until")),
        ];
        words::text(self.language(), "admin-meeting-may-be-out", &arguments)
    }

    fn accepted(&self, cells: &str) -> String {
        let arguments = [
            ("person", Value::from(self.person_of(cells, "person"))),
            ("substitute", Value::from(self.person_of(cells, "substitute"))),
            ("by", Value::from(text_of(cells, "accepted_by"))),
        ];
        words::text(self.language(), "admin-meeting-stands-in", &arguments)
    }

    fn observed(&self, cells: &str) -> String {
        let unit = cell(cells, "unit");
        let unit = unit.and_then(|id| self.directory.units().find(|(unit, _)| *unit == id));
        let subject = unit.map_or_else(|| self.person_of(cells, "person"), |(_, name)| name);
        let arguments = [
            ("at", Value::from(self.moment_of(cells, "at").unwrap_or_default())),
            ("subject", Value::from(subject)),
            (
                "kind",
                Value::from(show::kind_name(self.language(), &text_of(cells, "kind"))),
            ),
            ("observer", Value::from(text_of(cells, "observer"))),
            (
                "note",
                Value::from(cell(cells, "note").map_or_else(String::new, |note| show::plain(&note))),
            ),
        ];
        words::text(self.language(), "admin-meeting-seen", &arguments)
    }

    fn person_of(&self, cells: &str, column: &str) -> String {
        let date = self.reviewer.site.facts.date_of_meeting(self.meeting);
        self.directory.name_of(&cell(cells, column).unwrap_or_default(), date)
    }

    /// The time of day of a cell, with its date where that is another than the meeting's; as it is written where it is no instant.
    fn moment_of(&self, cells: &str, column: &str) -> Option<String> {
        let written = cell(cells, column)?;
        let Some(at) = local_instant(&written, self.zone()) else {
            return Some(show::plain(&written));
        };
        let date = self.reviewer.site.facts.date_of_meeting(self.meeting);
        let is_same_date = rules::time::local_date(at, self.zone()) == date;
        Some(if is_same_date {
            show::time(at, self.zone())
        } else {
            show::moment(self.language(), at, self.zone())
        })
    }

    /// Of whom something can be written down: units, then who is on the roster, then the others.
    fn subjects(&self) -> Vec<(String, String)> {
        let records = self.reviewer.site.facts.records();
        let units = self.directory.units().map(|(id, name)| (format!("unit:{id}"), name));
        let is_rostered = |person: &PersonIndex| self.announced.roster.iter().any(|entry| entry.person == *person);
        let mut people: Vec<PersonIndex> = (0..).map(PersonIndex).take(records.people.len()).collect();
        people.sort_by_key(|person| !is_rostered(person));
        let people = people
            .into_iter()
            .map(|person| (format!("person:{}", self.id(person)), self.name(person)));
        units.chain(people).collect()
    }
}

/// As a form's field for a date and a time has it.
fn form_time(at: Instant, zone: Tz) -> String {
    at.to_utc().with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string()
}

/// A cell as text.
fn text_of(cells: &str, column: &str) -> String {
    cell(cells, column).map_or_else(|| "–".to_owned(), |text| show::plain(&text))
}
