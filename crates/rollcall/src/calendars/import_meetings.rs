//! `rollcall import meetings`, and every refresh of a calendar that the configuration names: what the calendar says against what is
//! stored of it.
//!
//! A calendar owns the meetings that it brought, by its name in `source`, and nothing else. What it changed is changed, what it cancels
//! is withdrawn, and what it no longer has is withdrawn as far as it speaks of that time at all.

use std::collections::{BTreeMap, BTreeSet};

use chrono::SecondsFormat;
use chrono_tz::Tz;
use rules::facts::SiteFacts;
use rules::model::SiteRecords;
use rules::time::{Instant, Span, local_date};
use serde_json::{Map, Value as Json, json};
use store::rows::{AuditRecord, DocumentEdition, FactRow};
use store::{Ledger, StoreError};

use super::due::{Due, Judged};
use super::event::{self, Feed};
use super::import_days::{File, ImportError};
use super::meetings::{self, Meeting, Settings, Window};
use super::series::{self, Expanded};
use crate::folder::{self, Code, Problem, Severity, TableFile};
use crate::transfer::{fact_id, source_of};
use crate::words::{self, Language, Value};

/// The act that the audit knows an import by.
pub const ACT: &str = "import_meetings";
/// How often an import starts anew because somebody changed the facts while it was comparing.
const ATTEMPTS: usize = 5;

/// How to import.
#[derive(Clone, Debug)]
pub struct Options {
    /// The calendar's name: what it brought is its own.
    pub source: String,
    /// How entries become meetings.
    pub settings: Settings,
    /// Which meetings.
    pub window: WindowOptions,
    /// Only say what would be done.
    pub dry_run: bool,
    /// Take the good entries although others are wrong.
    pub accept_good_rows: bool,
    /// Who imports.
    pub actor: String,
}

/// Which meetings, in terms of the day on which the import runs.
#[derive(Clone, Copy, Debug)]
pub struct WindowOptions {
    /// How many days back the calendar is taken at its word; `None` takes a month and withdraws nothing of it.
    pub past_days: Option<i64>,
    /// How many days ahead.
    pub future_days: i64,
    /// From this date instead.
    pub from: Option<chrono::NaiveDate>,
    /// Until before this date instead.
    pub until: Option<chrono::NaiveDate>,
}

/// What happened to a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It is new.
    Added,
    /// Its time, place, title or roster is another.
    Changed,
    /// It does not take place any more.
    Withdrawn,
}

/// A meeting that something happened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What.
    pub act: Act,
    /// The meeting.
    pub id: String,
    /// Its title.
    pub title: String,
    /// When it begins, as `feed_meetings.csv` writes it.
    pub starts: String,
    /// Where.
    pub place: String,
    /// How many are on its roster.
    pub people: usize,
}

/// What an import did, or would do.
#[derive(Debug, Default)]
pub struct Report {
    /// The calendar's name.
    pub source: String,
    /// Meetings that something happened to.
    pub changes: Vec<Change>,
    /// Meetings that are as they were.
    pub unchanged: usize,
    /// Meetings of the calendar that it no longer speaks of, and that stay.
    pub kept: usize,
    /// Entries to which nobody of the bureau is asked.
    pub without_people: usize,
    /// Of how many people something else is asked.
    pub people: usize,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// How many of the problems are errors.
    pub errors: usize,
    /// Whether it was only asked.
    pub dry_run: bool,
    /// Whether the database holds it now.
    pub applied: bool,
}

/// What is asked of the database.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// What these files say together.
    Files(Vec<File>),
    /// Nothing any more: the calendar is given up, and its meetings that have not begun with it.
    Nothing,
}

/// Brings the meetings of one calendar to what it says.
pub async fn import(
    ledger: &dyn Ledger,
    wanted: &Wanted,
    options: &Options,
    now: Instant,
) -> Result<Report, ImportError> {
    for _ in 0..ATTEMPTS {
        // The revision comes first: whatever changes after it is noticed before anything is written.
        let revision = ledger.facts_revision().await?;
        let stored = Stored {
            documents: ledger.documents().await?,
            facts: ledger.facts().await?,
            revision,
        };
        let source = source_of(&stored.documents, &stored.facts)?;
        let compiled = folder::compile(&source).map_err(ImportError::NoSite)?;
        let window = options.window.at(now, compiled.records.site.zone);
        let (said, records) = said(wanted.clone(), options.clone(), compiled.records, window, now).await;
        let plan = Plan::new(&said, &stored, records.site.zone, window, options, now)?;
        let mut report = plan.report(&said, options);
        let refused = options.dry_run || (report.errors > 0 && !options.accept_good_rows);
        if plan.is_empty() {
            report.applied = !refused;
            return Ok(report);
        }
        let before = SiteFacts::new(records);
        let after = SiteFacts::new(plan.compile(&stored)?);
        let judged = Judged::of(ledger, &after, now).await?;
        let due = Due::of_meetings(&before, &after, &plan.touched(), judged);
        report.people = due.people();
        if refused {
            return Ok(report);
        }
        report.applied = true;
        if write(ledger, &plan, &due, &report, options, revision, now).await? {
            return Ok(report);
        }
    }
    Err(ImportError::FactsKeepChanging)
}

impl WindowOptions {
    fn at(self, now: Instant, zone: Tz) -> Window {
        let mut window = Window::around(now, zone, self.past_days, self.future_days);
        if let Some(from) = self.from {
            window.taken.from = folder::midnight(from, zone);
            window.withdrawn_from = window.taken.from;
        }
        if let Some(until) = self.until {
            window.taken.until = folder::midnight(until, zone);
        }
        window
    }
}

/// What the files say of meetings.
#[derive(Debug, Default)]
struct Said {
    meetings: BTreeMap<String, Meeting>,
    /// Meetings that exist and could not be read, placed or timed.
    unplaced: BTreeSet<String>,
    unread_uids: BTreeSet<String>,
    cancelled: BTreeSet<String>,
    /// Series that are called off as a whole.
    cancelled_uids: BTreeSet<String>,
    /// Meetings and series of which everything is said, whatever is said of others.
    whole_uids: BTreeSet<String>,
    without_people: usize,
    /// Whether what is missing here is missing in the calendar.
    is_whole: bool,
    problems: Vec<Problem>,
}

/// Reads and expands on a thread of its own, with a time limit. Should a file bring the reader down, that is a problem of the
/// file and of nobody else.
async fn said(
    wanted: Wanted,
    options: Options,
    records: SiteRecords,
    window: Window,
    now: Instant,
) -> (Said, SiteRecords) {
    let Wanted::Files(files) = wanted else {
        let nothing = Said {
            is_whole: true,
            ..Said::default()
        };
        return (nothing, records);
    };
    let name = options.source.clone();
    let kept = records.clone();
    let work = move || said_by(&files, &options, &records, window, now);
    let said = tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Said {
        problems: vec![Problem::of_file(&name, Code::CalendarMalformed)],
        ..Said::default()
    });
    (said, kept)
}

fn said_by(files: &[File], options: &Options, records: &SiteRecords, window: Window, now: Instant) -> Said {
    let zone = records.site.zone;
    let today = local_date(now, zone);
    let mut all = Feed::default();
    let mut is_whole = true;
    let mut messages = 0;
    for file in files {
        let text = std::str::from_utf8(&file.bytes).map_err(|_| Problem::of_file(&file.name, Code::NotUtf8));
        match text.and_then(|text| event::read(&file.name, text, zone, today)) {
            Ok(feed) => {
                messages += usize::from(feed.is_message);
                all.events.extend(feed.events);
                all.unread.extend(feed.unread);
                all.problems.extend(feed.problems);
                all.is_incomplete |= feed.is_incomplete;
            }
            Err(problem) => {
                is_whole = false;
                all.problems.push(problem);
            }
        }
    }
    let name = files.first().map_or(options.source.as_str(), |file| file.name.as_str());
    if is_whole && all.events.is_empty() && all.problems.is_empty() {
        all.problems.push(Problem::of_file(name, Code::CalendarEmpty).warning());
        is_whole = false;
    }
    if all.is_incomplete {
        all.problems
            .push(Problem::of_file(name, Code::CalendarIncomplete).warning());
        is_whole = false;
    }
    // An invitation says nothing of other meetings.
    is_whole &= messages == 0 || messages < files.len();
    match series::expand(name, &all, window.taken) {
        Ok(expanded) => said_of(name, &all, &expanded, records, options, is_whole),
        Err(problem) => Said {
            problems: all.problems.into_iter().chain([problem]).collect(),
            ..Said::default()
        },
    }
}

fn said_of(
    file: &str,
    feed: &Feed,
    expanded: &Expanded<'_>,
    records: &SiteRecords,
    options: &Options,
    is_whole: bool,
) -> Said {
    let matched = meetings::match_all(file, expanded, records, &options.settings);
    let unread = feed.unread.iter().map(String::as_str);
    let cancelled = expanded
        .cancelled
        .iter()
        .map(|(uid, occurrence)| meetings::meeting_id(uid, *occurrence));
    let whole = expanded.cancelled.iter().filter(|(_, occurrence)| occurrence.is_none());
    let masters = feed.events.iter().filter(|event| event.recurrence_id.is_none());
    let mut problems = feed.problems.clone();
    problems.extend(expanded.problems.iter().cloned());
    problems.extend(matched.problems);
    Said {
        unread_uids: unread
            .chain(expanded.unread.iter().copied())
            .map(str::to_owned)
            .collect(),
        cancelled: cancelled.collect(),
        cancelled_uids: whole.map(|(uid, _)| (*uid).to_owned()).collect(),
        whole_uids: masters.map(|event| event.uid.clone()).collect(),
        meetings: matched.meetings,
        unplaced: matched.unplaced,
        without_people: matched.without_people,
        is_whole,
        problems,
    }
}

struct Stored {
    documents: Vec<DocumentEdition>,
    facts: Vec<FactRow>,
    revision: i64,
}

/// A stored meeting of the calendar.
struct Known<'a> {
    fact: &'a FactRow,
    cells: BTreeMap<String, String>,
    roster: Vec<&'a FactRow>,
}

impl Known<'_> {
    fn cell(&self, column: &str) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    fn change(&self, act: Act) -> Change {
        Change {
            act,
            id: self.cell("meeting").to_owned(),
            title: self.cell("title").to_owned(),
            starts: self.cell("starts").to_owned(),
            place: self.cell("place").to_owned(),
            people: self.roster.len(),
        }
    }
}

/// What has to be written.
#[derive(Default)]
struct Plan {
    added: Vec<FactRow>,
    superseded: Vec<String>,
    changes: Vec<Change>,
    unchanged: usize,
    kept: usize,
    problems: Vec<Problem>,
}

/// Where a plan is made.
struct Planning<'a> {
    zone: Tz,
    window: Window,
    options: &'a Options,
    revision: i64,
    now: Instant,
}

impl Plan {
    fn new(
        said: &Said,
        stored: &Stored,
        zone: Tz,
        window: Window,
        options: &Options,
        now: Instant,
    ) -> Result<Self, StoreError> {
        let planning = Planning {
            zone,
            window,
            options,
            revision: stored.revision,
            now,
        };
        let (mut known, foreign) = known(stored, &options.source)?;
        let mut plan = Self::default();
        let mut meetings: Vec<&Meeting> = said.meetings.values().collect();
        meetings.sort_by_key(|meeting| (meeting.starts, &meeting.id));
        for meeting in meetings {
            if let Some(other) = foreign.get(&meeting.id) {
                let problem = Problem::of_file(&options.source, Code::EventElsewhere).warning();
                plan.problems
                    .push(problem.with("value", &meeting.title).with("reason", other));
                continue;
            }
            let known = known.remove(&meeting.id);
            plan.compare(meeting, known.as_ref(), &planning);
        }
        for known in known.values() {
            if planning.withdraws(known, said) {
                plan.changes.push(known.change(Act::Withdrawn));
                plan.supersede(known);
            } else {
                plan.kept += 1;
            }
        }
        plan.changes
            .sort_by(|one, other| (&one.starts, &one.id).cmp(&(&other.starts, &other.id)));
        Ok(plan)
    }

    fn compare(&mut self, meeting: &Meeting, known: Option<&Known<'_>>, planning: &Planning<'_>) {
        let cells = planning.meeting_cells(meeting);
        let roster = planning.roster_cells(meeting);
        let same = |known: &Known<'_>| {
            let listed: BTreeSet<&str> = known.roster.iter().map(|fact| fact.cells.as_str()).collect();
            known.fact.cells == cells && listed == roster.iter().map(String::as_str).collect()
        };
        if known.is_some_and(same) {
            self.unchanged += 1;
            return;
        }
        if let Some(known) = known {
            self.supersede(known);
        }
        self.changes.push(Change {
            act: if known.is_some() { Act::Changed } else { Act::Added },
            id: meeting.id.clone(),
            title: meeting.title.clone(),
            starts: planning.written(meeting.starts),
            place: meeting.place.clone(),
            people: meeting.roster.len(),
        });
        self.added.push(planning.fact(TableFile::FeedMeetings, cells));
        let roster = roster
            .into_iter()
            .map(|cells| planning.fact(TableFile::FeedRoster, cells));
        self.added.extend(roster);
    }

    fn supersede(&mut self, known: &Known<'_>) {
        let facts = std::iter::once(&known.fact).chain(&known.roster);
        self.superseded.extend(facts.map(|fact| fact.id.clone()));
    }

    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.superseded.is_empty()
    }

    fn touched(&self) -> BTreeSet<&str> {
        self.changes.iter().map(|change| change.id.as_str()).collect()
    }

    /// The records as they would be.
    fn compile(&self, stored: &Stored) -> Result<SiteRecords, ImportError> {
        let gone: BTreeSet<&str> = self.superseded.iter().map(String::as_str).collect();
        let kept = stored.facts.iter().filter(|fact| !gone.contains(fact.id.as_str()));
        let facts: Vec<FactRow> = kept.chain(&self.added).cloned().collect();
        let source = source_of(&stored.documents, &facts)?;
        Ok(folder::compile(&source).map_err(ImportError::NoSite)?.records)
    }

    fn report(&self, said: &Said, options: &Options) -> Report {
        let mut problems = said.problems.clone();
        problems.extend(self.problems.iter().cloned());
        Report {
            source: options.source.clone(),
            changes: self.changes.clone(),
            unchanged: self.unchanged,
            kept: self.kept,
            without_people: said.without_people,
            errors: problems
                .iter()
                .filter(|problem| problem.severity == Severity::Error)
                .count(),
            problems,
            dry_run: options.dry_run,
            ..Report::default()
        }
    }
}

impl Planning<'_> {
    /// Whether a stored meeting that the files do not have any more is gone.
    fn withdraws(&self, known: &Known<'_>, said: &Said) -> bool {
        let (id, uid) = (known.cell("meeting"), known.cell("uid"));
        let Some(starts) = folder::local_instant(known.cell("starts"), self.zone) else {
            // A row that cannot be read is of no use to anybody.
            return true;
        };
        if said.cancelled.contains(id) {
            return true;
        }
        if starts < self.window.withdrawn_from || starts >= self.window.taken.until {
            return false;
        }
        if said.cancelled_uids.contains(uid) {
            return true;
        }
        (said.is_whole || said.whole_uids.contains(uid))
            && !said.unread_uids.contains(uid)
            && !said.unplaced.contains(id)
    }

    fn meeting_cells(&self, meeting: &Meeting) -> String {
        let mut cells = Map::new();
        let mut put = |column: &str, value: String| {
            if !value.is_empty() {
                cells.insert(column.to_owned(), Json::from(value));
            }
        };
        put("meeting", meeting.id.clone());
        put("title", meeting.title.clone());
        put("place", meeting.place.clone());
        put("starts", self.written(meeting.starts));
        put("ends", self.written(meeting.ends));
        put("source", self.options.source.clone());
        put("uid", meeting.uid.clone());
        put(
            "occurrence",
            meeting.occurrence.map(|at| self.written(at)).unwrap_or_default(),
        );
        if let Some(minutes) = self.options.settings.sign_in_minutes {
            put(
                "sign_in_opens",
                self.written(meeting.starts - Span::from_minutes(minutes)),
            );
        }
        for (column, value) in &self.options.settings.rules {
            put(column, value.to_string());
        }
        Json::Object(cells).to_string()
    }

    fn roster_cells(&self, meeting: &Meeting) -> Vec<String> {
        let source = &self.options.source;
        let cells = |(person, role): (&String, &&str)| {
            json!({"meeting": meeting.id, "person": person, "role": role, "source": source}).to_string()
        };
        meeting.roster.iter().map(cells).collect()
    }

    fn fact(&self, file: TableFile, cells: String) -> FactRow {
        FactRow {
            id: fact_id(&format!("{}|{cells}|{}|feed", file.name(), self.revision)),
            file: file.name().to_owned(),
            cells,
            recorded_at: self.now,
            recorded_by: self.options.actor.clone(),
        }
    }

    fn written(&self, at: Instant) -> String {
        let local = at.to_utc().with_timezone(&self.zone);
        local.to_rfc3339_opts(SecondsFormat::AutoSi, false)
    }
}

type Foreign = BTreeMap<String, String>;

/// The stored meetings of a calendar by id, and the ids of other calendars' with their names.
fn known<'a>(stored: &'a Stored, source: &str) -> Result<(BTreeMap<String, Known<'a>>, Foreign), StoreError> {
    let (mut known, mut foreign) = (BTreeMap::<String, Known<'a>>::new(), Foreign::new());
    for fact in stored
        .facts
        .iter()
        .filter(|fact| fact.file == TableFile::FeedMeetings.name())
    {
        let cells = cells(fact)?;
        let cell = |column: &str| cells.get(column).cloned().unwrap_or_default();
        if cell("source") == source {
            let (fact, roster) = (fact, Vec::new());
            known.insert(cell("meeting"), Known { fact, cells, roster });
        } else {
            foreign.insert(cell("meeting"), cell("source"));
        }
    }
    for fact in stored
        .facts
        .iter()
        .filter(|fact| fact.file == TableFile::FeedRoster.name())
    {
        let cells = cells(fact)?;
        let meeting = cells.get("meeting").and_then(|id| known.get_mut(id));
        if let Some(meeting) = meeting {
            meeting.roster.push(fact);
        }
    }
    Ok((known, foreign))
}

fn cells(fact: &FactRow) -> Result<BTreeMap<String, String>, StoreError> {
    serde_json::from_str(&fact.cells).map_err(|_| StoreError::BadRow {
        table: "fact",
        column: "cells",
        id: fact.id.clone(),
    })
}

/// Writes everything in one transaction; `false` where the facts have changed since they were compared.
async fn write(
    ledger: &dyn Ledger,
    plan: &Plan,
    due: &Due,
    report: &Report,
    options: &Options,
    revision: i64,
    now: Instant,
) -> Result<bool, StoreError> {
    let mut transaction = ledger.begin().await?;
    if transaction.facts_revision().await? != revision {
        return Ok(false);
    }
    due.apply(&mut *transaction).await?;
    let superseded: Vec<&str> = plan.superseded.iter().map(String::as_str).collect();
    transaction.supersede_facts(&superseded, now).await?;
    transaction.add_facts(&plan.added).await?;
    transaction.bump_facts_revision().await?;
    let record = AuditRecord {
        at: now,
        actor: options.actor.clone(),
        act: ACT.to_owned(),
        subject: options.source.clone(),
        body: report.body().to_string(),
    };
    transaction.append_audit(&record).await?;
    transaction.commit().await?;
    Ok(true)
}

impl Act {
    /// The word in JSON and in the audit.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

impl Report {
    /// Whether the command may end with exit code 0.
    pub fn succeeded(&self) -> bool {
        self.errors == 0 || self.applied
    }

    /// How many meetings that happened to.
    pub fn count(&self, act: Act) -> usize {
        self.changes.iter().filter(|change| change.act == act).count()
    }

    /// What people read.
    pub fn lines(&self, language: Language) -> Vec<String> {
        let mut lines = super::problem_lines(&self.problems, language);
        lines.extend(self.changes.iter().map(|change| {
            let arguments = [
                ("starts", Value::from(change.starts.as_str())),
                ("title", Value::from(change.title.as_str())),
                ("place", Value::from(change.place.as_str())),
                ("people", Value::from(change.people.to_string())),
            ];
            words::text(language, &format!("meetings-act-{}", change.act.name()), &arguments)
        }));
        let number = |count: usize| Value::from(count.to_string());
        let arguments = [
            ("source", Value::from(self.source.as_str())),
            ("added", number(self.count(Act::Added))),
            ("changed", number(self.count(Act::Changed))),
            ("withdrawn", number(self.count(Act::Withdrawn))),
            ("unchanged", number(self.unchanged)),
            ("kept", number(self.kept)),
            ("without_people", number(self.without_people)),
            ("people", number(self.people)),
        ];
        lines.push(words::text(language, "meetings-difference", &arguments));
        lines.push(super::outcome_line(language, self.applied, self.dry_run, self.errors));
        lines
    }

    /// What scripts read.
    pub fn to_json(&self) -> Json {
        let mut object = self.body();
        object["applied"] = json!(self.applied);
        object["dry_run"] = json!(self.dry_run);
        object["errors"] = json!(self.errors);
        object["problems"] = super::problems_json(&self.problems);
        object
    }

    fn body(&self) -> Json {
        let changes = self.changes.iter().map(|change| {
            json!({
                "act": change.act.name(),
                "meeting": change.id,
                "title": change.title,
                "starts": change.starts,
                "place": change.place,
                "people": change.people,
            })
        });
        json!({
            "source": self.source,
            "added": self.count(Act::Added),
            "changed": self.count(Act::Changed),
            "withdrawn": self.count(Act::Withdrawn),
            "unchanged": self.unchanged,
            "kept": self.kept,
            "without_people": self.without_people,
            "affected": { "people": self.people },
            "changes": changes.collect::<Vec<_>>(),
        })
    }
}
