//! Words that several stories are told with.

use std::time::Duration;

use acceptance::browser::Size;
use acceptance::bureau::DATE;
use acceptance::daemon::{Daemon, Installation, Simulated};
use acceptance::http;
use acceptance::line::LineReader;
use acceptance::wait::within;
use anyhow::{Context as _, Result};
use chrono::DateTime;
use serde_json::Value;

/// The promise to somebody in front of a screen.
pub const A_SECOND: Duration = Duration::from_secs(1);
/// For what is promised to happen soon, on a machine that has other work.
pub const SOON: Duration = Duration::from_secs(15);
/// A common screen.
pub const FULL_HD: Size = Size {
    width: 1920,
    height: 1080,
};

/// An instant of the day of the stories, at the site.
pub fn instant(time: &str) -> String {
    format!("{DATE}T{time}+08:00")
}

/// Starts the daemon at a time of the day, its clock running as fast as ours.
pub async fn start_at(installation: &Installation, time: &str) -> Result<Daemon> {
    installation
        .start(Simulated {
            from: &instant(time),
            speed: 1.0,
        })
        .await
}

/// Moves the judging clock to a time of the day, and waits until the engine has seen it.
pub async fn set_clock(daemon: &mut Daemon, time: &str) -> Result<()> {
    set_clock_to(daemon, &instant(time)).await
}

/// Moves the judging clock to an instant, and waits until the engine has seen it.
pub async fn set_clock_to(daemon: &mut Daemon, instant: &str) -> Result<()> {
    let seconds = DateTime::parse_from_rfc3339(instant)?.timestamp();
    daemon.set_clock(instant)?;
    within(SOON, &format!("the engine sees {instant}"), || async {
        let metrics = http::get(&daemon.authority, "/metrics").await?.text();
        let seen = metrics
            .lines()
            .find_map(|line| line.strip_prefix("rollcall_engine_seen_seconds "));
        let seen: i64 = seen.context("no rollcall_engine_seen_seconds")?.trim().parse()?;
        Ok((seen >= seconds).then_some(()))
    })
    .await
}

/// The connected line reader; where nobody is connected, what it would have heard is unknown.
pub async fn line_reader(installation: &Installation) -> Result<LineReader> {
    within(SOON, "the line reader's port is open", || async {
        Ok(LineReader::connect(&installation.line_address).await.ok())
    })
    .await
}

/// A screen's right to look, as `rollcall screen create` gives it.
#[derive(Clone, Debug)]
pub struct Viewer {
    authority: String,
    /// The screen's token.
    pub token: String,
}

impl Viewer {
    /// Creates a screen of that name.
    pub fn create(installation: &Installation, name: &str) -> Result<Self> {
        let said = installation.tool(&["screen", "create", name])?;
        let token = said
            .split("#token=")
            .nth(1)
            .and_then(|rest| rest.split_whitespace().next());
        let token = token
            .with_context(|| format!("`screen create` prints no address with a token: {said}"))?
            .to_owned();
        Ok(Self {
            authority: installation.authority.clone(),
            token,
        })
    }

    /// What a person opens in a browser.
    pub fn address(&self, language: &str) -> String {
        format!("http://{}/screen?lang={language}#token={}", self.authority, self.token)
    }

    /// What the screen would show, as the server sends it to a program that polls.
    pub async fn snapshot(&self) -> Result<Value> {
        let bearer = format!("Bearer {}", self.token);
        let answer = http::get_with(&self.authority, "/screen/snapshot", &[("Authorization", &bearer)]).await?;
        anyhow::ensure!(
            answer.status == 200,
            "/screen/snapshot: {} {}",
            answer.status,
            answer.text()
        );
        let snapshot = answer.json()?;
        Ok(if snapshot["d"].is_object() {
            snapshot["d"].clone()
        } else {
            snapshot
        })
    }

    /// Waits until the snapshot meets a condition, and gives what that found.
    pub async fn sees<T>(&self, deadline: Duration, what: &str, meets: impl Fn(&Value) -> Option<T>) -> Result<T> {
        within(deadline, what, || async {
            let snapshot = self.snapshot().await?;
            meets(&snapshot)
                .map(Some)
                .with_context(|| format!("the snapshot is {snapshot}"))
        })
        .await
    }

    /// Waits until a reader's state is the one given.
    pub async fn sees_reader(&self, reader: &str, state: &str) -> Result<()> {
        self.sees(SOON, &format!("{reader} is {state}"), |snapshot| {
            let mut sources = snapshot["sources"].as_array()?.iter();
            sources
                .any(|source| source["reader"] == reader && source["state"] == state)
                .then_some(())
        })
        .await
    }

    /// Waits until a row of that name and kind is shown, and gives it.
    pub async fn sees_row(&self, name: &str, kind: &str) -> Result<Value> {
        self.sees(SOON, &format!("{name} is {kind}"), |snapshot| {
            row(snapshot, name, kind).cloned()
        })
        .await
    }
}

/// The row of a masked name and a kind.
pub fn row<'a>(snapshot: &'a Value, name: &str, kind: &str) -> Option<&'a Value> {
    snapshot["rows"]
        .as_array()?
        .iter()
        .find(|row| row["name"] == name && row["kind"] == kind)
}

/// One of the counts of a snapshot.
pub fn count(snapshot: &Value, name: &str) -> Option<u64> {
    snapshot["counts"][name].as_u64()
}
