//! `rollcall import calendar`: days that somebody publishes, laid over those that are in force.
//!
//! What was written by hand stays; what an earlier import brought is replaced, and what its source no longer says is taken back. The
//! result is one new edition of the calendar, and exactly the days that it touches are judged again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;
use rules::facts::SiteFacts;
use rules::model::{CalendarDay, DayKind};
use rules::time::Instant;
use serde_json::json;
use store::rows::{AuditRecord, DocumentEdition, FindingQuery, Review};
use store::{Ledger, StoreError};

use super::days::{self, DayFile, DayRow};
use super::due::{Due, Judged};
use crate::folder::{self, Compiled, FolderError, Problem, Severity, Shipped, SiteSource, TableFile};
use crate::transfer::{csv_text, source_of};
use crate::words::{self, Language, Value};

/// The edition's kind in the database.
const KIND: &str = "calendar";
/// The setting that names the sources that imports brought, so that a row of theirs is told from one that was written by hand.
const IMPORTED_SOURCES: &str = "calendar_sources";
/// The act that the audit knows an import by.
pub const ACT: &str = "import_calendar";
/// How often an import starts anew because somebody changed the facts while it was comparing.
const ATTEMPTS: usize = 5;

/// How to import.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Take the good days although others are wrong.
    pub accept_good_rows: bool,
    /// What the file comes from, where it does not say so itself.
    pub source: Option<String>,
    /// Who imports.
    pub actor: String,
}

/// A file that is to be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is no site yet, so nobody can say what a date means.
    #[error("there is no usable site.toml in the database: import a site folder first ({0})")]
    NoSite(FolderError),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The facts changed again and again while they were being compared.
    #[error("somebody else keeps changing the facts; nothing was imported, try again")]
    FactsKeepChanging,
}

/// A date that means something else than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The date.
    pub date: NaiveDate,
    /// What it was; `None` for what the week says.
    pub before: Option<DayKind>,
    /// What it is.
    pub after: Option<DayKind>,
    /// The holiday's name.
    pub name: String,
    /// Where it is from; empty for a date that is taken back.
    pub source: String,
}

/// What an import did, or would do.
#[derive(Debug, Default)]
pub struct Report {
    /// Where the days are from.
    pub sources: BTreeSet<String>,
    /// Addresses of the notices.
    pub papers: Vec<String>,
    /// Dates that mean something else.
    pub changes: Vec<Change>,
    /// Dates of the files that mean what they meant.
    pub unchanged: usize,
    /// Of how many people something else is asked.
    pub people: usize,
    /// How many stored days are judged again.
    pub days: usize,
    /// How many findings of those days somebody has decided.
    pub decided: usize,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// How many of the problems are errors.
    pub errors: usize,
    /// Whether it was only asked.
    pub dry_run: bool,
    /// Whether the database holds it now.
    pub applied: bool,
}

/// Lays what the files say over the calendar in force.
pub async fn import(
    ledger: &dyn Ledger,
    files: &[File],
    options: &Options,
    now: Instant,
) -> Result<Report, ImportError> {
    for _ in 0..ATTEMPTS {
        // The revision comes first: whatever changes after it is noticed before anything is written.
        let revision = ledger.facts_revision().await?;
        let stored = source_of(&ledger.documents().await?, &ledger.facts().await?)?;
        let imported = imported_sources(ledger).await?;
        let draft = Draft::new(stored, files, &imported, options, now)?;
        let judged = Judged::of(ledger, &draft.after, now).await?;
        let due = Due::of_calendar(&draft.before, &draft.after, judged);
        let mut report = draft.report(options);
        count_affected(ledger, &due, &mut report).await?;
        let applies = !options.dry_run && (report.errors == 0 || options.accept_good_rows);
        if !applies {
            return Ok(report);
        }
        if !draft.differs {
            report.applied = true;
            return Ok(report);
        }
        let mut transaction = ledger.begin().await?;
        if transaction.facts_revision().await? != revision {
            continue;
        }
        due.apply(&mut *transaction).await?;
        transaction.add_document(&draft.edition(options, now)).await?;
        transaction
            .set_setting(IMPORTED_SOURCES, &draft.sources_setting(&imported))
            .await?;
        transaction.bump_facts_revision().await?;
        report.applied = true;
        transaction.append_audit(&report.audit_record(options, now)).await?;
        transaction.commit().await?;
        return Ok(report);
    }
    Err(ImportError::FactsKeepChanging)
}

async fn imported_sources(ledger: &dyn Ledger) -> Result<BTreeSet<String>, StoreError> {
    let bad_row = |_| StoreError::BadRow {
        table: "setting",
        column: "value",
        id: IMPORTED_SOURCES.to_owned(),
    };
    match ledger.setting(IMPORTED_SOURCES).await? {
        Some(text) => serde_json::from_str(&text).map_err(bad_row),
        None => Ok(BTreeSet::new()),
    }
}

async fn count_affected(ledger: &dyn Ledger, due: &Due, report: &mut Report) -> Result<(), StoreError> {
    report.people = due.people();
    let Some(hull) = due.hull() else { return Ok(()) };
    let (from, until) = (hull.from.to_string(), hull.until.to_string());
    let touches = |person: &str, date: &str| date.parse().is_ok_and(|date| due.touches(person, date));
    let days = ledger.days(&from, &until).await?;
    report.days = days
        .iter()
        .filter(|day| touches(&day.key.person, &day.key.date))
        .count();
    let query = FindingQuery {
        from: Some(from),
        until: Some(until),
        ..FindingQuery::default()
    };
    let findings = ledger.findings(&query).await?;
    report.decided = findings
        .iter()
        .filter(|finding| finding.review != Review::Open && touches(&finding.person, &finding.date))
        .count();
    Ok(())
}

/// The calendar as it is and as it would be.
struct Draft {
    before: SiteFacts,
    after: SiteFacts,
    table: folder::Table,
    sources: BTreeSet<String>,
    papers: Vec<String>,
    problems: Vec<Problem>,
    dates: BTreeSet<NaiveDate>,
    differs: bool,
}

impl Draft {
    fn new(
        stored: SiteSource,
        files: &[File],
        imported: &BTreeSet<String>,
        options: &Options,
        now: Instant,
    ) -> Result<Self, ImportError> {
        let before = folder::compile(&stored).map_err(ImportError::NoSite)?;
        let zone = before.records.site.zone;
        let kept = stored.tables.get(&TableFile::Calendar);
        let mut laying = Laying {
            rows: kept.map(|table| days::days_of(table, zone)).unwrap_or_default(),
            shipped: Shipped::chosen(&stored.site),
            imported: imported.clone(),
            sources: BTreeSet::new(),
            papers: Vec::new(),
            problems: Vec::new(),
            dates: BTreeSet::new(),
        };
        let earlier = laying.rows.clone();
        for file in files {
            laying.lay(file, options, zone, now);
        }
        let differs = laying.rows != earlier;
        let table = days::table_of(&laying.rows);
        let mut merged = stored;
        merged.tables.insert(TableFile::Calendar, table.clone());
        let after = folder::compile(&merged).map_err(ImportError::NoSite)?;
        let facts = |compiled: Compiled| SiteFacts::new(compiled.records);
        Ok(Self {
            before: facts(before),
            after: facts(after),
            table,
            sources: laying.sources,
            papers: laying.papers,
            problems: laying.problems,
            dates: laying.dates,
            differs,
        })
    }

    fn edition(&self, options: &Options, now: Instant) -> DocumentEdition {
        DocumentEdition {
            kind: KIND.to_owned(),
            effective_from: String::new(),
            recorded_at: now,
            recorded_by: options.actor.clone(),
            body: csv_text(&self.table),
        }
    }

    fn sources_setting(&self, imported: &BTreeSet<String>) -> String {
        let all: BTreeSet<&String> = imported.union(&self.sources).collect();
        json!(all).to_string()
    }

    fn report(&self, options: &Options) -> Report {
        let changes = changes(&self.before.records().calendar, &self.after.records().calendar);
        let other_dates: BTreeSet<NaiveDate> = changes.iter().map(|change| change.date).collect();
        Report {
            sources: self.sources.clone(),
            papers: self.papers.clone(),
            unchanged: self.dates.difference(&other_dates).count(),
            changes,
            problems: self.problems.clone(),
            errors: self
                .problems
                .iter()
                .filter(|problem| problem.severity == Severity::Error)
                .count(),
            dry_run: options.dry_run,
            ..Report::default()
        }
    }
}

fn changes(before: &[CalendarDay], after: &[CalendarDay]) -> Vec<Change> {
    let by_date = |days: &'_ [CalendarDay]| -> BTreeMap<NaiveDate, CalendarDay> {
        days.iter().map(|day| (day.date, day.clone())).collect()
    };
    let dates = super::due::changed_dates(before, after);
    let (before, after) = (by_date(before), by_date(after));
    let change = |date: &NaiveDate| {
        let (was, is) = (before.get(date), after.get(date));
        let text = |value: Option<&rules::model::Id>| value.map(ToString::to_string).unwrap_or_default();
        Change {
            date: *date,
            before: was.map(|day| day.kind),
            after: is.map(|day| day.kind),
            name: text(is.or(was).and_then(|day| day.name.as_ref())),
            source: text(is.and_then(|day| day.source.as_ref())),
        }
    };
    dates.iter().map(change).collect()
}

/// The rows while files are laid over them.
struct Laying {
    rows: BTreeMap<NaiveDate, DayRow>,
    shipped: Option<Shipped>,
    imported: BTreeSet<String>,
    sources: BTreeSet<String>,
    papers: Vec<String>,
    problems: Vec<Problem>,
    dates: BTreeSet<NaiveDate>,
}

impl Laying {
    fn lay(&mut self, file: &File, options: &Options, zone: Tz, now: Instant) {
        let source = options.source.as_deref();
        let read = match days::read(&file.name, &file.bytes, source, zone, now) {
            Ok(read) => read,
            Err(problem) => return self.problems.push(problem),
        };
        self.problems.extend(read.problems.iter().cloned());
        self.papers.extend(read.papers.iter().cloned());
        let own: BTreeSet<&String> = read.days.values().map(|row| &row.source).collect();
        self.sources.extend(own.into_iter().cloned());
        self.sources.extend(read.whole.iter().map(|whole| whole.source.clone()));
        self.take_back(&read);
        for (date, row) in read.days {
            self.dates.insert(date);
            self.put(&file.name, date, row);
        }
    }

    /// What the source said before and does not say any more.
    fn take_back(&mut self, read: &DayFile) {
        let Some(whole) = &read.whole else { return };
        let is_spoken_of = |date: NaiveDate| whole.dates.is_none_or(|(from, last)| from <= date && date <= last);
        self.rows
            .retain(|date, row| row.source != whole.source || read.days.contains_key(date) || !is_spoken_of(*date));
        let shipped = self.shipped.map(Shipped::days).unwrap_or_default();
        for day in shipped {
            let is_of_source = day.source.as_deref() == Some(whole.source.as_str());
            if is_of_source && !read.days.contains_key(&day.date) && !self.rows.contains_key(&day.date) {
                let row = DayRow {
                    kind: "ordinary".to_owned(),
                    source: whole.source.clone(),
                    ..DayRow::default()
                };
                self.rows.insert(day.date, row);
            }
        }
    }

    fn put(&mut self, file: &str, date: NaiveDate, row: DayRow) {
        if let Some(there) = self.rows.get(&date) {
            let by_hand = there.source != row.source && !self.imported.contains(&there.source);
            if by_hand {
                if (&there.kind, &there.acts_as) != (&row.kind, &row.acts_as) {
                    let problem = Problem::of_file(file, folder::Code::DayByHand).warning();
                    self.problems.push(problem.with("value", date));
                }
                return;
            }
        }
        if self.ships(date, &row) {
            self.rows.remove(&date);
        } else {
            self.rows.insert(date, row);
        }
    }

    /// Whether the calendar that comes with Rollcall says the same already.
    fn ships(&self, date: NaiveDate, row: &DayRow) -> bool {
        let shipped = self.shipped.map(Shipped::days).unwrap_or_default();
        let day = shipped.binary_search_by_key(&date, |day| day.date);
        day.is_ok_and(|at| kind_name(Some(shipped[at].kind)) == row.kind && row.acts_as.is_empty())
    }
}

/// A kind of day as `calendar.csv` writes it.
pub fn kind_name(kind: Option<DayKind>) -> &'static str {
    match kind {
        Some(DayKind::Holiday) => "holiday",
        Some(DayKind::Workday) => "workday",
        Some(DayKind::MorningOff) => "morning_off",
        Some(DayKind::AfternoonOff) => "afternoon_off",
        None => "ordinary",
    }
}

impl Report {
    /// Whether the command may end with exit code 0.
    pub fn succeeded(&self) -> bool {
        self.errors == 0 || self.applied
    }

    fn counted(&self) -> [usize; 3] {
        let count = |is: fn(&Change) -> bool| self.changes.iter().filter(|change| is(change)).count();
        [
            count(|change| change.before.is_none()),
            count(|change| change.after.is_none()),
            count(|change| change.before.is_some() && change.after.is_some()),
        ]
    }

    /// What people read.
    pub fn lines(&self, language: Language) -> Vec<String> {
        let mut lines = super::problem_lines(&self.problems, language);
        let kind = |kind| words::text(language, &format!("calendar-kind-{}", kind_name(kind)), &[]);
        lines.extend(self.changes.iter().map(|change| {
            let arguments = [
                ("date", Value::from(change.date.to_string())),
                ("name", Value::from(change.name.as_str())),
                ("before", Value::from(kind(change.before))),
                ("after", Value::from(kind(change.after))),
            ];
            words::text(language, "calendar-change", &arguments)
        }));
        let [added, removed, changed] = self.counted();
        let number = |count: usize| Value::from(count.to_string());
        let sources: Vec<&str> = self.sources.iter().map(String::as_str).collect();
        lines.push(words::text(
            language,
            "calendar-difference",
            &[
                ("sources", Value::from(sources.join("；"))),
                ("added", number(added)),
                ("removed", number(removed)),
                ("changed", number(changed)),
                ("unchanged", number(self.unchanged)),
            ],
        ));
        lines.push(words::text(
            language,
            "calendar-affected",
            &[
                ("people", number(self.people)),
                ("days", number(self.days)),
                ("decided", number(self.decided)),
            ],
        ));
        lines.push(super::outcome_line(language, self.applied, self.dry_run, self.errors));
        lines
    }

    /// What scripts read.
    pub fn to_json(&self) -> serde_json::Value {
        let mut object = self.body();
        object["applied"] = json!(self.applied);
        object["dry_run"] = json!(self.dry_run);
        object["errors"] = json!(self.errors);
        object["problems"] = super::problems_json(&self.problems);
        object
    }

    fn body(&self) -> serde_json::Value {
        let [added, removed, changed] = self.counted();
        let dates = self.changes.iter().map(|change| {
            json!({
                "date": change.date.to_string(),
                "name": change.name,
                "before": kind_name(change.before),
                "after": kind_name(change.after),
                "source": change.source,
            })
        });
        json!({
            "sources": self.sources,
            "papers": self.papers,
            "effective_from": self.changes.first().map(|change| change.date.to_string()),
            "effective_through": self.changes.last().map(|change| change.date.to_string()),
            "added": added,
            "removed": removed,
            "changed": changed,
            "unchanged": self.unchanged,
            "affected": { "people": self.people, "days": self.days, "decided_findings": self.decided },
            "changes": dates.collect::<Vec<_>>(),
        })
    }

    fn audit_record(&self, options: &Options, now: Instant) -> AuditRecord {
        let mut body = self.body();
        body["errors"] = json!(self.errors);
        body["accept_good_rows"] = json!(options.accept_good_rows);
        AuditRecord {
            at: now,
            actor: options.actor.clone(),
            act: ACT.to_owned(),
            subject: KIND.to_owned(),
            body: body.to_string(),
        }
    }
}
