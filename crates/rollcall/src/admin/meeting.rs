//! A meeting as a whole: what its units sent, who came without being on the roster, and what an inspector saw there.
//!
//! Accepting a substitute and writing down an observation each record a fact, as an import of the row would, with an audit record
//! in the same transaction; the engine judges again what they touch.

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{Days, NaiveTime};
use chrono_tz::Tz;
use rules::finding::FindingKind;
use rules::model::{Meeting, MeetingIndex, PersonIndex, Subject, Swipe, UnitIndex};
use rules::time::{Instant, Interval, civil_instant};
use rules::units::{MeetingAssessment, UnitScope};
use serde::Deserialize;
use store::rows::AuditRecord;

use super::directory::Directory;
use super::error::AdminError;
use super::page::{Page, Section, respond};
use super::visitor::{Reviewer, Signed};
use super::{secret, show};
use crate::engine::meetings::facts_of;
use crate::folder::TableFile;
use crate::transfer::{NewFact, record};
use crate::words::{self, Language, Value};

/// The most characters of a reason or note.
const LONGEST_NOTE: usize = 500;

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
    accepted: Vec<String>,
    observed: Vec<String>,
    subjects: Vec<(String, String)>,
    now: String,
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
}

/// The query string.
#[derive(Debug, Default, Deserialize)]
pub struct After {
    done: Option<Done>,
}

/// Who is accepted to stand in for whom.
#[derive(Deserialize)]
pub struct Acceptance {
    person: String,
    substitute: String,
    #[serde(default)]
    reason: String,
}

/// What an inspector saw.
#[derive(Deserialize)]
pub struct Seen {
    /// `person:ID` or `unit:ID`.
    subject: String,
    kind: String,
    /// `HH:MM` on the meeting's date.
    at: String,
    #[serde(default)]
    note: String,
}

type MeetingPath = Result<Path<String>, PathRejection>;

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
    });
    show_page(&reviewer, &id, notice, StatusCode::OK).await
}

/// `POST /meetings/{meeting}/substitutes`
pub async fn accept(path: MeetingPath, signed: Signed<Acceptance>) -> Result<Response, AdminError> {
    let (Path(id), Signed { reviewer, form }) = (path?, signed);
    let facts = &reviewer.site.facts;
    let meeting = Directory::of(facts).meeting(&id).ok_or(AdminError::NotFound)?;
    let people = (facts.person_index(&form.person), facts.person_index(&form.substitute));
    let (Some(named), Some(substitute)) = people else {
        return show_page(
            &reviewer,
            &id,
            Some("admin-meeting-nobody"),
            StatusCode::UNPROCESSABLE_ENTITY,
        )
        .await;
    };
    let records = facts.records();
    let known = records.meetings[meeting.at()]
        .substitutes_of(named)
        .any(|accepted| accepted.substitute == substitute);
    if known || records.may_stand_in(meeting, named, substitute).is_err() {
        return show_page(&reviewer, &id, Some("admin-meeting-not-allowed"), StatusCode::CONFLICT).await;
    }
    let accepted_at = rfc3339(reviewer.now, records.site.zone);
    let cells = [
        ("meeting", id.as_str()),
        ("person", &form.person),
        ("substitute", &form.substitute),
        ("accepted_by", &reviewer.account),
        ("accepted_at", &accepted_at),
    ];
    let people = [form.person.as_str(), form.substitute.as_str()];
    let body = serde_json::json!({
        "meeting": id, "person": form.person, "substitute": form.substitute, "reason": note(&form.reason),
    });
    let fact = (TableFile::Substitutes, &cells[..], &people[..]);
    write(&reviewer, meeting, fact, ("meeting.accept_substitute", body)).await?;
    Ok(Redirect::to(&format!("{}?done=accepted", path_of(&id))).into_response())
}

/// `POST /meetings/{meeting}/observations`
pub async fn observe(path: MeetingPath, signed: Signed<Seen>) -> Result<Response, AdminError> {
    let (Path(id), Signed { reviewer, form }) = (path?, signed);
    let facts = &reviewer.site.facts;
    let meeting = Directory::of(facts).meeting(&id).ok_or(AdminError::NotFound)?;
    let zone = facts.records().site.zone;
    let at = NaiveTime::parse_from_str(&form.at, "%H:%M")
        .or_else(|_| NaiveTime::parse_from_str(&form.at, "%H:%M:%S"))
        .map(|time| civil_instant(facts.date_of_meeting(meeting).and_time(time), zone));
    let subject = form.subject.split_once(':').filter(|(what, subject)| match *what {
        "person" => facts.person_index(subject).is_some(),
        "unit" => facts.records().units.iter().any(|unit| &*unit.id == *subject),
        _ => false,
    });
    let is_kind = matches!(form.kind.as_str(), "seating" | "conduct");
    let (Ok(at), Some((what, subject)), true) = (at, subject, is_kind) else {
        return show_page(
            &reviewer,
            &id,
            Some("admin-meeting-not-observed"),
            StatusCode::UNPROCESSABLE_ENTITY,
        )
        .await;
    };
    let (observation, at, note) = (secret::name()?, rfc3339(at, zone), note(&form.note));
    let cells = [
        ("observation", observation.as_str()),
        ("meeting", &id),
        (what, subject),
        ("kind", &form.kind),
        ("at", &at),
        ("observer", &reviewer.account),
        ("note", &note),
    ];
    let people: Vec<&str> = if what == "person" { vec![subject] } else { Vec::new() };
    let body = serde_json::json!({
        "observation": observation, "meeting": id, what: subject, "kind": form.kind, "at": at, "note": note,
    });
    let fact = (TableFile::Observations, &cells[..], &people[..]);
    write(&reviewer, meeting, fact, ("meeting.observe", body)).await?;
    Ok(Redirect::to(&format!("{}?done=observed", path_of(&id))).into_response())
}

/// The file, the cells of the row, and whose days it touches.
type Row<'a> = (TableFile, &'a [(&'a str, &'a str)], &'a [&'a str]);

/// Records a row and who recorded it, in one transaction.
async fn write(
    reviewer: &Reviewer,
    meeting: MeetingIndex,
    (file, cells, people): Row<'_>,
    (act, body): (&str, serde_json::Value),
) -> Result<(), AdminError> {
    let facts = &reviewer.site.facts;
    let from = (facts.date_of_meeting(meeting) - Days::new(1)).to_string();
    let fact = NewFact {
        file,
        cells,
        people,
        from: &from,
    };
    let audit = AuditRecord {
        at: reviewer.now,
        actor: reviewer.account.clone(),
        act: act.to_owned(),
        subject: format!("meeting:{}", facts.records().meetings[meeting.at()].id),
        body: body.to_string(),
    };
    let mut transaction = reviewer.app.shared.ledger.begin().await?;
    record(&mut *transaction, &fact, &reviewer.account, reviewer.now).await?;
    transaction.append_audit(&audit).await?;
    transaction.commit().await?;
    Ok(())
}

/// Text of a form as it is kept.
fn note(text: &str) -> String {
    show::plain(text.trim()).chars().take(LONGEST_NOTE).collect()
}

fn rfc3339(at: Instant, zone: Tz) -> String {
    at.to_utc().with_timezone(&zone).to_rfc3339()
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

async fn show_page(
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
    let desk = Desk {
        reviewer,
        directory,
        meeting,
        announced: &facts.records().meetings[meeting.at()],
    };
    respond(status, &desk.page(id, notice, &assessment))
}

/// What the page is put together from.
struct Desk<'a> {
    reviewer: &'a Reviewer,
    directory: Directory<'a>,
    meeting: MeetingIndex,
    announced: &'a Meeting,
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
            accepted: self.accepted(),
            observed: self.observed(),
            subjects: self.subjects(),
            now: show::time(self.reviewer.now, zone),
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

    fn accepted(&self) -> Vec<String> {
        let said = |accepted: &rules::model::Substitution| {
            let arguments = [
                ("person", Value::from(self.name(accepted.person))),
                ("substitute", Value::from(self.name(accepted.substitute))),
                (
                    "by",
                    Value::from(show::plain(accepted.accepted_by.as_deref().unwrap_or("–"))),
                ),
            ];
            words::text(self.language(), "admin-meeting-stands-in", &arguments)
        };
        self.announced.substitutions.iter().map(said).collect()
    }

    fn observed(&self) -> Vec<String> {
        let records = self.reviewer.site.facts.records();
        let here = records
            .observations
            .iter()
            .filter(|seen| seen.meeting == Some(self.meeting));
        let said = |seen: &rules::model::Observation| {
            let (kind, subject) = (rules::finding::FindingKind::from(seen.kind), seen.subject);
            let arguments = [
                ("at", Value::from(show::time(seen.at, self.zone()))),
                (
                    "subject",
                    Value::from(match subject {
                        Subject::Person(person) => self.name(person),
                        Subject::Unit(unit) => self.unit(unit),
                    }),
                ),
                ("kind", Value::from(words::kind(self.language(), kind))),
                ("observer", Value::from(show::plain(&seen.observer))),
                (
                    "note",
                    Value::from(show::plain(seen.note.as_deref().unwrap_or_default())),
                ),
            ];
            words::text(self.language(), "admin-meeting-seen", &arguments)
        };
        here.map(said).collect()
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
