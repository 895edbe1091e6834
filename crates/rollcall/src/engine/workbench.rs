//! A bureau on a bench, for tests: a database, a folder, and an engine that runs to an instant and stops.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use rules::time::Instant;
use store::Ledger;
use store::rows::{DayRow, DecisionRow, FindingQuery, FindingRow, Review};
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::intake::{NewSwipe, Outcome};
use super::{EngineParts, Health, Intake, load_site, run};
use crate::clock::Clock;
use crate::lifecycle::Lifecycle;
use crate::lobby::{Limits, Lobby, LobbySettings, NameMode};
use crate::shared::SiteSnapshot;
use crate::transfer::{ImportOptions, ImportReport, import};

/// How long a run may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Two people who work from 08:30 to 12:00, and from 13:30 to 17:30, through one gate.
pub(crate) const BUREAU: &[(&str, &str)] = &[
    ("site.toml", "name = \"Bureau\"\ntime_zone = \"Asia/Shanghai\"\n"),
    ("units.csv", "unit,name\nplan,Planning\n"),
    ("people.csv", "person,name,unit\nana,An Na,plan\nbo,Bo,plan\n"),
    ("badges.csv", "badge,person\n7,ana\n8,bo\n"),
    ("places.csv", "place,kind\ngate,office\n"),
    ("readers.csv", "reader,place,faces\nin,gate,in\nout,gate,out\n"),
    ("schedules.toml", SCHEDULE),
    ("assignments.csv", "subject,schedule\nunit:plan,office\n"),
];

/// A meeting on Wednesday the 16th to which the unit of [`BUREAU`] has to send somebody.
pub(crate) const MEETING: &[(&str, &str)] = &[
    (
        "places.csv",
        "place,kind,pairing\ngate,office,\nhall,meeting,directed\n",
    ),
    (
        "readers.csv",
        "reader,place,faces\nin,gate,in\nout,gate,out\nhall-in,hall,in\nhall-out,hall,out\n",
    ),
    (
        "meetings.toml",
        "[[meeting]]\nid = \"weekly\"\ntitle = \"Weekly\"\nplace = \"hall\"\nstarts = \"2026-09-16 10:00\"\n\
         ends = \"2026-09-16 11:00\"\n",
    ),
    ("meeting_units.csv", "meeting,unit,at_least\nweekly,plan,1\n"),
];

/// The hours of [`BUREAU`], on every weekday.
pub(crate) const SCHEDULE: &str = "[[schedule]]\nid = \"office\"\n\
    [[schedule.period]]\nname = \"morning\"\nstarts = \"08:30\"\nends = \"12:00\"\n\
    [[schedule.period]]\nname = \"afternoon\"\nstarts = \"13:30\"\nends = \"17:30\"\n";

/// The bench.
pub(crate) struct Workbench {
    /// The database.
    pub(crate) ledger: Arc<dyn Ledger>,
    /// The site folder.
    pub(crate) folder: TempDir,
    _database: TempDir,
}

/// An engine that runs on the bench.
pub(crate) struct Running {
    now: Instant,
    intake: Intake,
    engine: JoinHandle<anyhow::Result<()>>,
    lifecycle: Lifecycle,
    _watching: watch::Receiver<SiteSnapshot>,
}

impl Running {
    /// Sends a swipe (reader, badge, when it happened); what comes back is known after the commit.
    pub(crate) async fn send(
        &self,
        reader: &str,
        badge: &str,
        happened_at: Instant,
    ) -> oneshot::Receiver<Vec<Outcome>> {
        let swipe = NewSwipe {
            reader: reader.into(),
            source_key: source_key(badge, happened_at),
            badge: badge.to_owned(),
            raw: None,
            happened_at,
            received_at: self.now,
            sequence: None,
            faces: None,
            doubt: None,
        };
        self.intake.swipe(swipe).await.expect("taken")
    }

    /// How much the engine has not taken yet.
    pub(crate) fn waiting(&self) -> usize {
        self.intake.waiting()
    }

    /// Lets it judge whatever is due, and stops it.
    pub(crate) async fn stop(self, bench: &Workbench) {
        let settled = tokio::time::timeout(PATIENCE, bench.settled(self.now));
        settled.await.expect("everything that is due is judged");
        self.lifecycle.soft.cancel();
        drop(self.intake);
        self.engine.await.expect("no panic").expect("no error");
    }

    /// Ends it as SIGKILL would, wherever it is.
    pub(crate) async fn kill(self) {
        self.engine.abort();
        assert!(self.engine.await.is_err_and(|died| died.is_cancelled()));
    }
}

/// What makes a swipe that is sent twice one swipe.
pub(crate) fn source_key(badge: &str, happened_at: Instant) -> String {
    format!("{badge}|{}", happened_at.as_ms())
}

/// An instant of September 2026 at the site, such as `16 08:36`.
pub(crate) fn at(text: &str) -> Instant {
    let text = format!("2026-09-{text}:00+08:00").replacen(' ', "T", 1);
    let at = chrono::DateTime::parse_from_rfc3339(&text).expect("an instant");
    Instant::from_ms(at.timestamp_millis())
}

impl Workbench {
    /// An empty database, and [`BUREAU`] in a folder, imported at an instant.
    pub(crate) async fn new(now: Instant) -> Self {
        let database = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite:{}", database.path().join("rollcall.db").display());
        let options = store::Options { exclusive: true };
        let bench = Self {
            ledger: store::open(&url, options).await.expect("an empty database"),
            folder: tempfile::tempdir().expect("a directory"),
            _database: database,
        };
        bench.import(BUREAU, now).await;
        bench
    }

    /// Writes files of the folder.
    pub(crate) fn write(&self, files: &[(&str, &str)]) {
        for (file, text) in files {
            fs::write(self.folder.path().join(file), text).expect("written");
        }
    }

    /// Leaves only these files in the folder, and imports it at an instant.
    pub(crate) async fn import(&self, files: &[(&str, &str)], now: Instant) -> ImportReport {
        for entry in fs::read_dir(self.folder.path()).expect("a folder") {
            fs::remove_file(entry.expect("a file").path()).expect("removed");
        }
        self.write(files);
        let options = ImportOptions {
            dry_run: false,
            accept_good_rows: false,
            actor: "test".to_owned(),
        };
        let report = import(&*self.ledger, self.folder.path(), &options, now)
            .await
            .expect("imported");
        assert_eq!(report.errors, 0, "{:?}", report.problems);
        report
    }

    /// Runs the engine at an instant: it takes these swipes (reader, badge, when they happened), judges whatever is due, and
    /// stops.
    pub(crate) async fn run(&self, now: Instant, swipes: &[(&str, &str, Instant)]) {
        let running = self.start(now).await;
        for (reader, badge, happened_at) in swipes {
            let outcome = running.send(reader, badge, *happened_at).await;
            outcome.await.expect("committed");
        }
        running.stop(self).await;
    }

    /// Starts the engine at an instant, where its clock stays.
    pub(crate) async fn start(&self, now: Instant) -> Running {
        let clock = Clock::driven(now, 0.0);
        let lifecycle = Lifecycle::default();
        let (intake, queue) = Intake::channel();
        let (site, watching) = watch::channel(load_site(&*self.ledger).await.expect("facts"));
        let settings = LobbySettings {
            site: String::new(),
            version: String::new(),
            public_url: String::new(),
            demo: false,
            names: NameMode::Masked,
            limits: Limits::default(),
        };
        let parts = EngineParts {
            ledger: Arc::clone(&self.ledger),
            clock: clock.clone(),
            queue,
            lobby: Lobby::new(settings, clock.clone()).expect("randomness"),
            site,
            readers: Vec::new(),
            heartbeats: super::Heartbeats::default(),
            sources: crate::sources::Sources::empty(clock),
            health: Arc::new(Health::default()),
        };
        Running {
            now,
            intake,
            engine: tokio::spawn(run(parts, lifecycle.clone())),
            lifecycle,
            _watching: watching,
        }
    }

    async fn settled(&self, now: Instant) {
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        loop {
            looks.tick().await;
            let opened = self.ledger.setting(super::OPENED_THROUGH).await.expect("read");
            let today = rules::time::local_date(now, chrono_tz::Asia::Shanghai).to_string();
            let is_due = |day: &DayRow| day.next_check.is_some_and(|at| at <= now);
            let is_open = opened.is_some_and(|opened| opened >= today) || !self.opens_today(now).await;
            let meetings = self.ledger.meeting_days("", "~").await.expect("read");
            let waits = meetings.iter().any(|row| row.next_check.is_some_and(|at| at <= now));
            if is_open && !waits && !self.days().await.iter().any(is_due) {
                return;
            }
        }
    }

    /// Whether judging the date of an instant has begun.
    async fn opens_today(&self, now: Instant) -> bool {
        let site = load_site(&*self.ledger).await.expect("facts");
        let today = rules::time::local_date(now, chrono_tz::Asia::Shanghai);
        super::site::opens_at(&site.facts, today).is_some_and(|at| at <= now)
    }

    /// Every day row.
    pub(crate) async fn days(&self) -> Vec<DayRow> {
        self.ledger.days("", "~").await.expect("read")
    }

    /// Every finding that holds.
    pub(crate) async fn findings(&self) -> Vec<FindingRow> {
        self.ledger.findings(&FindingQuery::default()).await.expect("read")
    }

    /// The findings in short: `16 ana morning late 6 final`.
    pub(crate) async fn told(&self) -> Vec<String> {
        self.findings().await.iter().map(told).collect()
    }

    /// Decides on the finding that reads so in short, as an admin does: with the counting that follows.
    pub(crate) async fn decide(&self, short: &str, review: Review, now: Instant) {
        let rows = self.findings().await;
        let row = rows.iter().find(|row| told(row) == short);
        let row = row.unwrap_or_else(|| panic!("no {short} among {:?}", rows.iter().map(told).collect::<Vec<_>>()));
        let site = load_site(&*self.ledger).await.expect("facts");
        let secret = super::known_secret(&*self.ledger)
            .await
            .expect("read")
            .expect("a secret");
        let mut transaction = self.ledger.begin().await.expect("begin");
        let decision = DecisionRow {
            id: format!("{}-{}", row.id, row.revision),
            finding: row.id.clone(),
            act: if review == Review::Waived { "waive" } else { "confirm" }.to_owned(),
            reason: String::new(),
            actor: "li".to_owned(),
            at: now,
            digest: row.digest.clone(),
            explanation_zh: String::new(),
            explanation_en: String::new(),
        };
        transaction.decide(&decision, review).await.expect("decided");
        let people = [row.person.clone()].into();
        crate::counting::recount(&mut *transaction, &site, &secret, &people, now)
            .await
            .expect("counted");
        transaction.commit().await.expect("commit");
    }
}

/// A finding in short.
pub(crate) fn told(row: &FindingRow) -> String {
    let place = row.period.as_deref().or(row.meeting.as_deref());
    let place = place.or(row.source.as_deref()).unwrap_or("-");
    let subject = if row.person.is_empty() {
        row.unit.as_deref().unwrap_or_default()
    } else {
        &row.person
    };
    let minutes = row.length_ms.map_or("-".to_owned(), |ms| (ms / 60_000).to_string());
    format!(
        "{} {} {place} {} {minutes} {}",
        &row.date[8..],
        subject,
        row.kind,
        row.state
    )
}
