//! What is done at the page of a meeting: a substitute is accepted, an end moved, somebody let out, something seen written down, and each
//! of these taken back. Each records or supersedes a row as an import would, with an audit record in the same transaction; the
//! engine judges again what it touches.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{Days, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;
use rules::model::{Meeting, MeetingIndex, PersonIndex};
use rules::time::{Instant, civil_instant};
use serde::Deserialize;
use store::Transaction;
use store::rows::{AuditRecord, FactRow};

use super::directory::Directory;
use super::error::AdminError;
use super::meeting::{MeetingPath, ROW_FILES, path_of, show_page};
use super::visitor::{Reviewer, Signed};
use super::{secret, show};
use crate::folder::TableFile;
use crate::transfer::{NewFact, cell, record, take_back};

/// The most characters of a reason or note.
const LONGEST_NOTE: usize = 500;

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

/// Where an end is moved to.
#[derive(Deserialize)]
pub struct MovedEnd {
    which: MovedTo,
    /// `YYYY-MM-DDTHH:MM` at the site.
    at: String,
    #[serde(default)]
    reason: String,
}

/// Later or earlier.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum MovedTo {
    Later,
    Earlier,
}

/// Who may be out when.
#[derive(Deserialize)]
pub struct Leave {
    person: String,
    /// `YYYY-MM-DDTHH:MM` at the site.
    from: String,
    until: String,
    #[serde(default)]
    reason: String,
}

/// Which row is taken back.
#[derive(Deserialize)]
pub struct TakenBack {
    row: String,
    #[serde(default)]
    reason: String,
}

/// `POST /meetings/{meeting}/substitutes`
pub async fn accept(path: MeetingPath, signed: Signed<Acceptance>) -> Result<Response, AdminError> {
    let desk = Desk::of(path, signed.reviewer)?;
    let form = signed.form;
    let facts = &desk.reviewer.site.facts;
    let people = (facts.person_index(&form.person), facts.person_index(&form.substitute));
    let (Some(named), Some(substitute)) = people else {
        return desk
            .refuse("admin-meeting-nobody", StatusCode::UNPROCESSABLE_ENTITY)
            .await;
    };
    let known = desk
        .meeting()
        .substitutes_of(named)
        .any(|accepted| accepted.substitute == substitute);
    if known || facts.records().may_stand_in(desk.index, named, substitute).is_err() {
        return desk.refuse("admin-meeting-not-allowed", StatusCode::CONFLICT).await;
    }
    let accepted_at = desk.written(desk.reviewer.now);
    let cells = [
        ("meeting", desk.id.as_str()),
        ("person", &form.person),
        ("substitute", &form.substitute),
        ("accepted_by", &desk.reviewer.account),
        ("accepted_at", &accepted_at),
    ];
    let people = [form.person.as_str(), form.substitute.as_str()];
    let body = serde_json::json!({
        "meeting": desk.id, "person": form.person, "substitute": form.substitute, "reason": note(&form.reason),
    });
    let change = Change {
        people: &people,
        ..Change::adding(TableFile::Substitutes, &cells)
    };
    desk.write(&change, "meeting.accept_substitute", &body).await?;
    Ok(desk.done("accepted"))
}

/// `POST /meetings/{meeting}/observations`
pub async fn observe(path: MeetingPath, signed: Signed<Seen>) -> Result<Response, AdminError> {
    let desk = Desk::of(path, signed.reviewer)?;
    let form = signed.form;
    let facts = &desk.reviewer.site.facts;
    let at = NaiveTime::parse_from_str(&form.at, "%H:%M")
        .or_else(|_| NaiveTime::parse_from_str(&form.at, "%H:%M:%S"))
        .map(|time| civil_instant(facts.date_of_meeting(desk.index).and_time(time), desk.zone()));
    let subject = form.subject.split_once(':').filter(|(what, subject)| match *what {
        "person" => facts.person_index(subject).is_some(),
        "unit" => facts.records().units.iter().any(|unit| &*unit.id == *subject),
        _ => false,
    });
    let is_kind = matches!(form.kind.as_str(), "seating" | "conduct");
    let (Ok(at), Some((what, subject)), true) = (at, subject, is_kind) else {
        return desk
            .refuse("admin-meeting-not-observed", StatusCode::UNPROCESSABLE_ENTITY)
            .await;
    };
    let (observation, at, note) = (secret::name()?, desk.written(at), note(&form.note));
    let cells = [
        ("observation", observation.as_str()),
        ("meeting", &desk.id),
        (what, subject),
        ("kind", &form.kind),
        ("at", &at),
        ("observer", &desk.reviewer.account),
        ("note", &note),
    ];
    let people: Vec<&str> = if what == "person" { vec![subject] } else { Vec::new() };
    let body = serde_json::json!({
        "observation": observation, "meeting": desk.id, what: subject, "kind": form.kind, "at": at, "note": note,
    });
    let change = Change {
        people: &people,
        ..Change::adding(TableFile::Observations, &cells)
    };
    desk.write(&change, "meeting.observe", &body).await?;
    Ok(desk.done("observed"))
}

/// `POST /meetings/{meeting}/end`: what was said of the end before stays where this does not say otherwise.
pub async fn move_end(path: MeetingPath, signed: Signed<MovedEnd>) -> Result<Response, AdminError> {
    let desk = Desk::of(path, signed.reviewer)?;
    let form = signed.form;
    let meeting = desk.meeting();
    let at = desk.instant(&form.at).filter(|at| match form.which {
        MovedTo::Later => *at > meeting.ends,
        MovedTo::Earlier => *at > meeting.starts && *at < meeting.last_end(),
    });
    let Some(at) = at else {
        return desk
            .refuse("admin-meeting-end-not-moved", StatusCode::UNPROCESSABLE_ENTITY)
            .await;
    };
    let before = desk.rows_of(TableFile::MeetingEnds).await?;
    let said = |column| {
        before
            .iter()
            .find_map(|row| cell(&row.cells, column))
            .unwrap_or_default()
    };
    let (mut later, mut earlier) = (said("extended_until"), said("closed_early_at"));
    match form.which {
        MovedTo::Later => later = desk.written(at),
        MovedTo::Earlier => earlier = desk.written(at),
    }
    let moved_at = desk.written(desk.reviewer.now);
    let cells = [
        ("meeting", desk.id.as_str()),
        ("extended_until", &later),
        ("closed_early_at", &earlier),
        ("moved_by", &desk.reviewer.account),
        ("moved_at", &moved_at),
    ];
    let (superseded, people) = (ids_of(&before), desk.attendees());
    let body = serde_json::json!({
        "meeting": desk.id, "extended_until": later, "closed_early_at": earlier, "reason": note(&form.reason),
    });
    let change = Change {
        superseded: &superseded,
        people: &people,
        ..Change::adding(TableFile::MeetingEnds, &cells)
    };
    desk.write(&change, "meeting.move_end", &body).await?;
    Ok(desk.done("end_moved"))
}

/// `POST /meetings/{meeting}/permissions`
pub async fn permit(path: MeetingPath, signed: Signed<Leave>) -> Result<Response, AdminError> {
    let desk = Desk::of(path, signed.reviewer)?;
    let form = signed.form;
    let is_known = desk.reviewer.site.facts.person_index(&form.person).is_some();
    let times = desk.instant(&form.from).zip(desk.instant(&form.until));
    let Some((from, until)) = times.filter(|(from, until)| is_known && from < until) else {
        return desk
            .refuse("admin-meeting-not-permitted", StatusCode::UNPROCESSABLE_ENTITY)
            .await;
    };
    let (from, until) = (desk.written(from), desk.written(until));
    let cells = [
        ("meeting", desk.id.as_str()),
        ("person", &form.person),
        ("from", &from),
        ("until", &until),
    ];
    let people = [form.person.as_str()];
    let body = serde_json::json!({
        "meeting": desk.id, "person": form.person, "from": from, "until": until, "reason": note(&form.reason),
    });
    let change = Change {
        people: &people,
        ..Change::adding(TableFile::Permissions, &cells)
    };
    desk.write(&change, "meeting.permit", &body).await?;
    Ok(desk.done("permitted"))
}

/// `POST /meetings/{meeting}/taken_back`: a row of this meeting is in force no longer. It stays on record with what replaced it.
pub async fn withdraw(path: MeetingPath, signed: Signed<TakenBack>) -> Result<Response, AdminError> {
    let desk = Desk::of(path, signed.reviewer)?;
    let form = signed.form;
    let mut rows = Vec::new();
    for file in ROW_FILES {
        rows.extend(desk.rows_of(file).await?);
    }
    let Some(row) = rows.into_iter().find(|row| row.id == form.row) else {
        return desk.refuse("admin-meeting-gone", StatusCode::CONFLICT).await;
    };
    let named = ["person", "substitute"].map(|column| cell(&row.cells, column));
    let mut people: Vec<&str> = named.iter().flatten().map(String::as_str).collect();
    if row.file == TableFile::MeetingEnds.name() {
        people = desk.attendees();
    }
    let body = serde_json::json!({"file": row.file, "row": row.cells, "reason": note(&form.reason)});
    let change = Change {
        added: None,
        superseded: &[row.id.as_str()],
        people: &people,
    };
    desk.write(&change, "meeting.take_back", &body).await?;
    Ok(desk.done("taken_back"))
}

/// A meeting and who is at its page.
struct Desk {
    reviewer: Reviewer,
    id: String,
    index: MeetingIndex,
}

/// What happens to the rows of a meeting.
struct Change<'a> {
    /// The file and the cells of a new row.
    added: Option<(TableFile, &'a [(&'a str, &'a str)])>,
    /// Ids of rows that are in force no longer.
    superseded: &'a [&'a str],
    /// Whose days it touches.
    people: &'a [&'a str],
}

impl<'a> Change<'a> {
    fn adding(file: TableFile, cells: &'a [(&'a str, &'a str)]) -> Self {
        Self {
            added: Some((file, cells)),
            superseded: &[],
            people: &[],
        }
    }
}

impl Desk {
    fn of(path: MeetingPath, reviewer: Reviewer) -> Result<Self, AdminError> {
        let Path(id) = path?;
        let meeting = Directory::of(&reviewer.site.facts).meeting(&id);
        let index = meeting.ok_or(AdminError::NotFound)?;
        Ok(Self { reviewer, id, index })
    }

    fn meeting(&self) -> &Meeting {
        &self.reviewer.site.facts.records().meetings[self.index.at()]
    }

    fn zone(&self) -> Tz {
        self.reviewer.site.facts.records().site.zone
    }

    /// An instant as it is written in a row.
    fn written(&self, at: Instant) -> String {
        at.to_utc().with_timezone(&self.zone()).to_rfc3339()
    }

    fn instant(&self, text: &str) -> Option<Instant> {
        let civil = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M");
        let civil = civil.or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"));
        civil.ok().map(|civil| civil_instant(civil, self.zone()))
    }

    /// Everybody whom the meeting's times concern.
    fn attendees(&self) -> Vec<&str> {
        let people = &self.reviewer.site.facts.records().people;
        let id = |person: PersonIndex| -> &str { &people[person.at()].id };
        let meeting = self.meeting();
        let named = meeting.roster.iter().map(|entry| id(entry.person));
        let substitutes = meeting.substitutions.iter().map(|accepted| id(accepted.substitute));
        named.chain(substitutes).collect()
    }

    /// The rows of this meeting in a file.
    async fn rows_of(&self, file: TableFile) -> Result<Vec<FactRow>, AdminError> {
        let rows = self.reviewer.app.shared.ledger.facts_of_file(file.name()).await?;
        let is_own = |row: &FactRow| cell(&row.cells, "meeting").as_deref() == Some(&*self.id);
        Ok(rows.into_iter().filter(is_own).collect())
    }

    async fn refuse(&self, notice: &str, status: StatusCode) -> Result<Response, AdminError> {
        show_page(&self.reviewer, &self.id, Some(notice), status).await
    }

    fn done(&self, what: &str) -> Response {
        Redirect::to(&format!("{}?done={what}", path_of(&self.id))).into_response()
    }

    /// Changes rows and records who did it, in one transaction.
    async fn write(&self, change: &Change<'_>, act: &str, body: &serde_json::Value) -> Result<(), AdminError> {
        let audit = AuditRecord {
            at: self.reviewer.now,
            actor: self.reviewer.account.clone(),
            act: act.to_owned(),
            subject: format!("meeting:{}", self.id),
            body: body.to_string(),
        };
        let mut transaction = self.reviewer.app.shared.ledger.begin().await?;
        self.apply(change, &mut *transaction).await?;
        transaction.append_audit(&audit).await?;
        transaction.commit().await?;
        Ok(())
    }

    async fn apply(&self, change: &Change<'_>, transaction: &mut dyn Transaction) -> Result<(), AdminError> {
        let (people, now) = (change.people, self.reviewer.now);
        let date = self.reviewer.site.facts.date_of_meeting(self.index);
        let from = (date - Days::new(1)).to_string();
        if !change.superseded.is_empty() {
            take_back(transaction, change.superseded, (people, &from), now).await?;
        }
        if let Some((file, cells)) = change.added {
            let from = &from;
            let fact = NewFact {
                file,
                cells,
                people,
                from,
            };
            record(transaction, &fact, &self.reviewer.account, now).await?;
        }
        Ok(())
    }
}

fn ids_of(rows: &[FactRow]) -> Vec<&str> {
    rows.iter().map(|row| row.id.as_str()).collect()
}

/// Text of a form as it is kept.
fn note(text: &str) -> String {
    show::plain(text.trim()).chars().take(LONGEST_NOTE).collect()
}
