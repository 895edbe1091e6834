//! `readers`: how every reader is, from what the running daemon writes down every few seconds and from what the database holds.

use std::process::ExitCode;

use clap::Args;
use rules::time::{Instant, Span, local_date};
use serde_json::json;

use super::{CliError, Installation};
use crate::clock::Clock;
use crate::engine::load_site;
use crate::sources::{self, Condition, Kept, SourceState, SourceView, Tallies, mask_badge};
use crate::words::{self, Language, Value};

/// How old what the daemon wrote may be while it runs.
const FRESH: Span = Span::from_seconds(25);

#[derive(Args, Debug)]
pub struct ReadersArguments {
    #[command(flatten)]
    installation: Installation,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
    /// zh-CN or en [default: that of the environment]
    #[arg(long, value_parser = super::parse_language)]
    lang: Option<Language>,
}

pub async fn readers(arguments: ReadersArguments) -> Result<ExitCode, CliError> {
    let (ledger, config) = arguments.installation.ledger().await?;
    let site = load_site(&*ledger).await?;
    let kept = sources::kept(&*ledger).await?;
    let host_now = Clock::host().now();
    let daemon = Daemon::of(kept.as_ref(), host_now);
    let is_driven = crate::serve::is_simulated(&*ledger).await?;
    let now = daemon.judging_time(kept.as_ref(), is_driven, host_now);
    let zone = site.facts.records().site.zone;
    let today = local_date(now, zone);
    let tallies = Tallies::of(&*ledger, sources::instants_of(today, zone)).await?;
    ledger.close().await;
    let mut states = kept.as_ref().map_or_else(Vec::new, |kept| kept.readers_on(today));
    if let Some(kept) = &kept {
        for state in &mut states {
            daemon.correct(kept, state);
        }
    }
    for reader in &config.readers {
        if states.iter().all(|state| state.reader != reader.id) {
            states.push(SourceState::of(reader));
        }
    }
    let states = tallies.over(states);
    let views: Vec<SourceView> = states
        .iter()
        .map(|state| sources::view(state, &site.facts, now))
        .collect();
    if arguments.json {
        let written_at = kept.map(|kept| Instant::from_ms(kept.written_at_ms).to_utc().to_rfc3339());
        println!(
            "{}",
            json!({"daemon": daemon.name(), "written_at": written_at, "readers": views})
        );
        return Ok(ExitCode::SUCCESS);
    }
    let language = super::language(arguments.lang);
    println!("{}", daemon.line(kept.as_ref(), language, host_now));
    for (state, view) in states.iter().zip(&views) {
        for line in lines(state, view, site.facts.reader_index(&state.reader).is_some(), language) {
            println!("{line}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether there is a daemon that writes down what it knows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Daemon {
    Running,
    Stopped,
    /// It has not stopped and does not write any more: it was killed, or hangs.
    Gone,
    NeverRan,
}

impl Daemon {
    fn of(kept: Option<&Kept>, host_now: Instant) -> Self {
        match kept {
            None => Self::NeverRan,
            Some(kept) if kept.stopped => Self::Stopped,
            Some(kept) if host_now - Instant::from_ms(kept.written_at_ms) <= FRESH => Self::Running,
            Some(_) => Self::Gone,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Gone => "gone",
            Self::NeverRan => "never_ran",
        }
    }

    /// The daemon's own time while it runs or where that is driven; else the host's.
    fn judging_time(self, kept: Option<&Kept>, is_driven: bool, host_now: Instant) -> Instant {
        match kept {
            Some(kept) if is_driven || self == Self::Running => Instant::from_ms(kept.judged_at_ms),
            _ => host_now,
        }
    }

    /// While no daemon runs nobody hears anything.
    fn correct(self, kept: &Kept, state: &mut SourceState) {
        if self != Self::Running {
            state.link = None;
            state.down_since_ms.get_or_insert(kept.judged_at_ms);
        }
    }

    fn line(self, kept: Option<&Kept>, language: Language, host_now: Instant) -> String {
        let age = kept.map_or(0, |kept| {
            (host_now - Instant::from_ms(kept.written_at_ms)).as_ms() / 1_000
        });
        let key = match self {
            Self::Running => "readers-running",
            Self::Stopped => "readers-stopped",
            Self::Gone => "readers-gone",
            Self::NeverRan => "readers-never-ran",
        };
        words::text(language, key, &[("seconds", Value::from(age.to_string()))])
    }
}

/// A reader in a few lines.
fn lines(state: &SourceState, view: &SourceView, is_registered: bool, language: Language) -> Vec<String> {
    let text = |key: &str| words::text(language, key, &[]);
    let condition = Condition::of(state, is_registered);
    let mut first = format!("{}\t{}", state.reader, text(condition.words()));
    for since in [&view.not_covered_since, &view.heard_at].into_iter().flatten().take(1) {
        first.push('\t');
        first.push_str(since);
    }
    let mut lines = vec![first];
    let mut add = |line: String| lines.push(format!("\t{line}"));
    if let (Some(link), text) = (&view.link, view.link_text.as_deref().unwrap_or_default()) {
        add(format!("{link} {text}").trim_end().to_owned());
    }
    if let Some(advice) = condition.advice() {
        add(text(advice));
    }
    let counts = [
        ("admin-count-readings", state.today.readings),
        ("admin-count-duplicates", state.today.duplicates),
        ("admin-count-held", state.today.held_in_all()),
        ("admin-count-malformed", state.today.malformed_in_all()),
    ];
    let counts = counts.map(|(key, count)| format!("{} {count}", text(key)));
    add(format!("{}: {}", text("admin-reader-today"), counts.join(", ")));
    if let Some(seen) = state.recent.front() {
        let last = view.last_badge.as_ref().map_or("", |last| last.received_at.as_str());
        add(format!(
            "{}: {last} {}",
            text("admin-reader-last"),
            mask_badge(&seen.badge)
        ));
    }
    if let Some(clock) = &view.clock {
        add(format!(
            "{}: {:+} ms, {}",
            text("admin-reader-clock"),
            clock.ahead_ms,
            clock.measured_at
        ));
    }
    if let Some(bad) = &view.last_bad_frame {
        add(format!(
            "{}: {} {} {}",
            text("admin-reader-bad"),
            bad.at,
            bad.reason,
            bad.bytes_hex
        ));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_that_does_not_write_any_more_is_not_taken_for_one_that_runs() {
        let now = Instant::from_ms(100_000);
        let kept = |written_at_ms, stopped| Kept {
            written_at_ms,
            stopped,
            ..Kept::default()
        };
        assert_eq!(Daemon::of(None, now), Daemon::NeverRan);
        assert_eq!(Daemon::of(Some(&kept(80_000, false)), now), Daemon::Running);
        assert_eq!(Daemon::of(Some(&kept(70_000, false)), now), Daemon::Gone);
        assert_eq!(Daemon::of(Some(&kept(99_000, true)), now), Daemon::Stopped);
    }

    #[test]
    fn a_reader_is_told_in_both_languages_with_its_last_bad_bytes() {
        let state = SourceState {
            reader: "gate".to_owned(),
            bad: Some(crate::sources::BadFrame {
                at_ms: 0,
                reason: "checksum".to_owned(),
                raw_hex: "0230".to_owned(),
            }),
            ..SourceState::default()
        };
        let records = rules::model::SiteRecords::of_site(rules::model::Site::of_zone("局".into(), chrono_tz::UTC));
        let facts = rules::facts::SiteFacts::new(records);
        let view = sources::view(&state, &facts, Instant::from_ms(0));
        for language in Language::ALL {
            let lines = lines(&state, &view, false, language);
            assert!(
                lines[0].starts_with("gate\t") && lines.last().is_some_and(|line| line.contains("0230")),
                "{lines:?}"
            );
        }
    }
}
