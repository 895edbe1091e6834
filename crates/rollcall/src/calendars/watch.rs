//! Calendars that are followed while the daemon runs: each is looked at again and again, and how that went is written down for the
//! operator. A calendar that is broken or away changes nothing of what it brought before.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use rules::time::{Instant, Span, local_date};
use serde::{Deserialize, Serialize};
use store::StoreError;
use tokio::sync::Mutex;

use super::fetch::{Fetched, Fetcher, Version};
use super::import_days::{File, ImportError};
use super::import_meetings::{self, Act, Options, Report, Wanted};
use super::source::MeetingCalendar;
use crate::folder::{Code, Problem, Severity};
use crate::lifecycle::Lifecycle;
use crate::shared::Shared;

/// The setting that says how the calendars are.
pub const SETTING: &str = "meeting_calendars";

/// Problems of a calendar that are kept for the operator.
const PROBLEMS_KEPT: usize = 20;

/// How long "all is as before" may stand without being written down again.
const SEEN_INTERVAL: Span = Span::from_minutes(5);

/// How a calendar is, for the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Where it is, without what is secret of it.
    pub place: String,
    /// When it was last looked at, in milliseconds.
    pub seen_at_ms: i64,
    /// When it was last had and imported.
    pub imported_at_ms: Option<i64>,
    /// Whether it could be had last time.
    pub reached: bool,
    /// Meetings that it has in the window.
    pub meetings: usize,
    /// What the last change did.
    pub added: usize,
    /// See `added`.
    pub changed: usize,
    /// See `added`.
    pub withdrawn: usize,
    /// How many things are wrong in it.
    pub errors: usize,
    /// How many more are worth a look.
    pub warnings: usize,
    /// The first of them, in zh-CN and English.
    pub problems: Vec<(String, String)>,
}

/// Reads how the calendars are, by id.
pub fn parse_statuses(text: Option<&str>) -> BTreeMap<String, Status> {
    // A text that an older version wrote says nothing any more; the next look writes it anew.
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

type Statuses = Arc<Mutex<BTreeMap<String, Status>>>;

/// Follows every configured calendar until the daemon stops.
pub fn start(calendars: &[MeetingCalendar], shared: &Shared, lifecycle: &Lifecycle) -> anyhow::Result<()> {
    if calendars.is_empty() {
        return Ok(());
    }
    let fetcher = Fetcher::new()?;
    let statuses = Statuses::default();
    for calendar in calendars {
        let watched = Watched {
            calendar: calendar.clone(),
            fetcher: fetcher.clone(),
            shared: shared.clone(),
            statuses: Arc::clone(&statuses),
            version: Version::default(),
            files: None,
            imported: None,
            status: Status {
                place: calendar.place.shown(),
                ..Status::default()
            },
            written_at: None,
        };
        let soft = lifecycle.soft.clone();
        lifecycle.spawn_vital("a meeting calendar", async move {
            tokio::select! {
                () = soft.cancelled() => Ok(()),
                never = watched.follow() => match never {},
            }
        });
    }
    Ok(())
}

struct Watched {
    calendar: MeetingCalendar,
    fetcher: Fetcher,
    shared: Shared,
    statuses: Statuses,
    version: Version,
    /// What was had last: people or places that come later may make meetings of it.
    files: Option<Vec<File>>,
    /// At which facts, and on which date, it was last imported: the window moves on with the days.
    imported: Option<(i64, NaiveDate)>,
    status: Status,
    written_at: Option<Instant>,
}

impl Watched {
    async fn follow(mut self) -> std::convert::Infallible {
        loop {
            if let Err(error) = self.look().await {
                // The database is full or away: the engine says so too, and the next look tries again.
                tracing::error!(event = "meeting_calendar.not_stored", calendar = %self.calendar.id, error = %error);
            }
            tokio::time::sleep(self.calendar.every).await;
        }
    }

    async fn look(&mut self) -> Result<(), StoreError> {
        let now = self.shared.clock.now();
        let fetched = self.fetcher.fetch(&self.calendar.place, &self.version).await;
        let before = self.status.clone();
        self.status.seen_at_ms = now.as_ms();
        match fetched {
            Ok(fetched) => {
                self.status.reached = true;
                let is_new = self.take(fetched);
                if is_new || !before.reached || self.is_stale(now).await? {
                    self.import(now).await?;
                }
            }
            Err(error) => {
                self.status.reached = false;
                let problem = Problem::of_file(&self.calendar.id, Code::CalendarUnreachable);
                self.note_problems(&[problem.with("reason", error)]);
            }
        }
        self.tell(&before);
        self.write(&before, now).await
    }

    /// Keeps what was had; tells whether it is another than before.
    fn take(&mut self, fetched: Fetched) -> bool {
        let Fetched::Files(files, version) = fetched else {
            return false;
        };
        self.version = version;
        let is_new = self.files.as_ref() != Some(&files);
        self.files = Some(files);
        is_new
    }

    /// Whether the facts or the date are others than at the last import.
    async fn is_stale(&self, now: Instant) -> Result<bool, StoreError> {
        let revision = self.shared.ledger.facts_revision().await?;
        Ok(self.imported != Some((revision, self.date(now))))
    }

    fn date(&self, now: Instant) -> NaiveDate {
        local_date(now, self.shared.site.borrow().facts.records().site.zone)
    }

    async fn import(&mut self, now: Instant) -> Result<(), StoreError> {
        let Some(files) = &self.files else { return Ok(()) };
        // Should this fail, the next look tries again although the calendar is the same as now.
        self.imported = None;
        // Before the import, so that whatever changes after it makes it stale: once more is cheap, once too few loses a meeting.
        let revision = self.shared.ledger.facts_revision().await?;
        let options = Options {
            source: self.calendar.id.clone(),
            settings: self.calendar.settings.clone(),
            window: self.calendar.window,
            dry_run: false,
            // Nobody sits before it, so what is good counts, and what is not is listed.
            accept_good_rows: true,
            actor: format!("calendar:{}", self.calendar.id),
        };
        let wanted = Wanted::Files(files.clone());
        match import_meetings::import(&*self.shared.ledger, &wanted, &options, now).await {
            Ok(report) => {
                self.note(&report, now);
                self.imported = Some((revision, self.date(now)));
                Ok(())
            }
            Err(ImportError::Store(error)) => Err(error),
            Err(error @ (ImportError::NoSite(_) | ImportError::FactsKeepChanging)) => {
                let problem = Problem::of_file(&self.calendar.id, Code::CalendarUnreachable);
                self.note_problems(&[problem.with("reason", error)]);
                Ok(())
            }
        }
    }

    fn note(&mut self, report: &Report, now: Instant) {
        self.status.imported_at_ms = Some(now.as_ms());
        self.status.meetings = report.unchanged + report.count(Act::Added) + report.count(Act::Changed);
        if !report.changes.is_empty() {
            self.status.added = report.count(Act::Added);
            self.status.changed = report.count(Act::Changed);
            self.status.withdrawn = report.count(Act::Withdrawn);
            tracing::info!(
                event = "meeting_calendar.imported",
                calendar = %self.calendar.id,
                added = self.status.added,
                changed = self.status.changed,
                withdrawn = self.status.withdrawn,
                kept = report.kept,
            );
        }
        self.note_problems(&report.problems);
    }

    fn note_problems(&mut self, problems: &[Problem]) {
        let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
        self.status.errors = errors.count();
        self.status.warnings = problems.len() - self.status.errors;
        // What does not count comes before what is worth a look.
        let mut ordered: Vec<&Problem> = problems.iter().collect();
        ordered.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
        let words = ordered.iter().take(PROBLEMS_KEPT).map(|problem| {
            let text = problem.text();
            (text.chinese, text.english)
        });
        self.status.problems = words.collect();
    }

    /// Says in the log what is another than before, once.
    fn tell(&self, before: &Status) {
        if self.status.problems == before.problems {
            return;
        }
        for (_, problem) in &self.status.problems {
            tracing::warn!(event = "meeting_calendar.problem", calendar = %self.calendar.id, problem);
        }
        if self.status.problems.is_empty() {
            tracing::info!(event = "meeting_calendar.well", calendar = %self.calendar.id);
        }
    }

    async fn write(&mut self, before: &Status, now: Instant) -> Result<(), StoreError> {
        let same = Status {
            seen_at_ms: self.status.seen_at_ms,
            ..before.clone()
        };
        let is_recent = self.written_at.is_some_and(|at| now - at < SEEN_INTERVAL && at <= now);
        if self.status == same && is_recent {
            return Ok(());
        }
        // Held over the write, so that two calendars do not write over each other's news.
        let mut statuses = self.statuses.lock().await;
        statuses.insert(self.calendar.id.clone(), self.status.clone());
        let text = serde_json::to_string(&*statuses).unwrap_or_default();
        let mut transaction = self.shared.ledger.begin().await?;
        transaction.set_setting(SETTING, &text).await?;
        transaction.commit().await?;
        self.written_at = Some(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use store::Ledger;
    use tokio::sync::watch;

    use super::*;
    use crate::calendars::source::Written;
    use crate::clock::Clock;
    use crate::engine::load_site;
    use crate::transfer;

    const SITE: &[(&str, &str)] = &[
        ("site.toml", "time_zone = \"Asia/Shanghai\"\n"),
        ("units.csv", "unit\nplan\n"),
        ("people.csv", "person,name,unit,mail\nana,An,plan,ana@bureau.example\n"),
        ("places.csv", "place,kind\nroom1,meeting\n"),
    ];

    fn meeting(uid: &str, mail: &str) -> String {
        format!(
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:{uid}\nDTSTART:20261201T010000Z\nDURATION:PT1H\nSUMMARY:{uid}\n\
             LOCATION:room1\nATTENDEE:mailto:{mail}\nEND:VEVENT\nEND:VCALENDAR\n"
        )
    }

    fn now() -> Instant {
        crate::folder::local_instant("2026-11-25 10:00", chrono_tz::Asia::Shanghai).expect("an instant")
    }

    async fn import_site(ledger: &dyn Ledger, files: &[(&str, &str)]) {
        let folder = tempfile::tempdir().expect("a folder");
        for (file, text) in files {
            std::fs::write(folder.path().join(file), text).expect("written");
        }
        let options = transfer::ImportOptions {
            dry_run: false,
            accept_good_rows: false,
            actor: "test".to_owned(),
        };
        let report = transfer::import(ledger, folder.path(), &options, now())
            .await
            .expect("imports");
        assert_eq!(report.errors, 0);
    }

    async fn watched(database: &Path, table: &str) -> Watched {
        let url = format!("sqlite:{}", database.join("rollcall.db").display());
        let ledger = store::open(&url, store::Options { exclusive: true })
            .await
            .expect("opens");
        import_site(&*ledger, SITE).await;
        let (_, site) = watch::channel(load_site(&*ledger).await.expect("a site"));
        let written: Written = toml::from_str(table).expect("a table");
        let calendar = written.check().expect("a calendar");
        Watched {
            status: Status::default(),
            calendar,
            fetcher: Fetcher::new().expect("a client"),
            shared: Shared {
                ledger,
                site,
                clock: Clock::driven(now(), 0.0),
                sources: crate::sources::Sources::empty(Clock::driven(now(), 0.0)),
                bridges: crate::bridges::Bridges::default(),
                public_url: "http://localhost".into(),
                demo: false,
            },
            statuses: Statuses::default(),
            version: Version::default(),
            files: None,
            imported: None,
            written_at: None,
        }
    }

    async fn meetings(watched: &Watched) -> usize {
        let source = transfer::site_source(&*watched.shared.ledger).await.expect("read");
        crate::folder::compile(&source).expect("a site").records.meetings.len()
    }

    async fn stored_status(watched: &Watched) -> Status {
        let text = watched.shared.ledger.setting(SETTING).await.expect("read");
        parse_statuses(text.as_deref())["team"].clone()
    }

    #[tokio::test]
    async fn a_folder_is_followed_and_what_is_broken_or_gone_keeps_what_it_brought() {
        let (database, folder) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("another"));
        let table = format!("id = \"team\"\nfolder = \"{}\"\n", folder.path().display());
        let mut watched = watched(database.path(), &table).await;
        std::fs::write(folder.path().join("a.ics"), meeting("a", "ana@bureau.example")).expect("written");
        std::fs::write(folder.path().join("b.ics"), meeting("b", "bo@bureau.example")).expect("written");
        watched.look().await.expect("looks");
        assert_eq!(meetings(&watched).await, 1);
        let status = stored_status(&watched).await;
        assert!(
            status.reached && status.meetings == 1 && status.added == 1,
            "{status:?}"
        );
        assert_eq!((status.errors, status.warnings), (0, 1), "nobody has bo's address yet");
        let revision = watched.shared.ledger.facts_revision().await.expect("read");
        watched.look().await.expect("looks");
        assert_eq!(watched.shared.ledger.facts_revision().await.expect("read"), revision);
        let people = "person,name,unit,mail\nana,An,plan,ana@bureau.example\nbo,Bo,plan,BO@bureau.example\n";
        import_site(&*watched.shared.ledger, &[("people.csv", people)]).await;
        watched.look().await.expect("looks");
        assert_eq!(
            meetings(&watched).await,
            2,
            "the same files mean more once somebody is known"
        );
        std::fs::write(folder.path().join("b.ics"), "<html>").expect("written");
        watched.look().await.expect("looks");
        assert_eq!(meetings(&watched).await, 2, "a broken file withdraws nothing");
        assert_eq!(stored_status(&watched).await.errors, 1);
        let path = folder.path().to_owned();
        drop(folder);
        watched.look().await.expect("looks");
        let status = stored_status(&watched).await;
        assert!(!status.reached && status.errors == 1, "{status:?}");
        assert_eq!(meetings(&watched).await, 2, "a folder that is away withdraws nothing");
        std::fs::create_dir(&path).expect("made");
        std::fs::write(path.join("a.ics"), meeting("a", "ana@bureau.example")).expect("written");
        watched.look().await.expect("looks");
        assert_eq!(
            meetings(&watched).await,
            1,
            "the meeting whose file is gone is withdrawn"
        );
        std::fs::remove_dir_all(&path).expect("removed");
    }

    #[tokio::test]
    async fn what_could_not_be_stored_is_imported_at_the_next_look() {
        let (database, folder) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("another"));
        let table = format!("id = \"team\"\nfolder = \"{}\"\n", folder.path().display());
        let mut watched = watched(database.path(), &table).await;
        std::fs::write(folder.path().join("a.ics"), meeting("a", "ana@bureau.example")).expect("written");
        watched.look().await.expect("looks");
        assert!(watched.imported.is_some());
        std::fs::write(folder.path().join("b.ics"), meeting("b", "ana@bureau.example")).expect("written");
        watched.shared.ledger.close().await;
        assert!(watched.look().await.is_err(), "the database is away");
        assert_eq!(watched.imported, None, "the same files must be imported again");
    }

    #[tokio::test]
    async fn a_server_is_followed() {
        use axum::Router;
        use axum::routing::get;
        let router = Router::new().route("/a.ics", get(async || meeting("a", "ana@bureau.example")));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        let database = tempfile::tempdir().expect("a folder");
        let table = format!("id = \"team\"\nurl = \"http://{server}/a.ics\"\n");
        let mut watched = watched(database.path(), &table).await;
        watched.look().await.expect("looks");
        assert_eq!(meetings(&watched).await, 1);
        assert!(stored_status(&watched).await.reached);
    }
}
