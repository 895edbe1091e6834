//! `replay`, `recalculate`, `rebuild --check`, and what `import --dry-run` adds.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::anyhow;
use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::Args;
use rules::time::Instant;
use serde_json::json;

use super::{CliError, Installation};
use crate::clock::Clock;
use crate::engine::load_site;
use crate::folder;
use crate::recalculate::{self, Recalculation, Scope};
use crate::replay::{self, Labels, Question, Replay, lines_of, to_json};
use crate::words::{self, Language, Value};

/// Who a recalculation on the host is recorded as.
const HOST_ACTOR: &str = "host";

#[derive(Args, Debug)]
pub struct ReplayArguments {
    #[command(flatten)]
    installation: Installation,
    /// The first date; without it the first that was ever judged.
    #[arg(long, value_name = "DATE", value_parser = super::parse_date)]
    from: Option<NaiveDate>,
    /// The date before which to stop; without it after the last that was judged.
    #[arg(long, value_name = "DATE", value_parser = super::parse_date)]
    until: Option<NaiveDate>,
    /// Judge at this instant by what had been received and recorded by then, beside what the record said then.
    #[arg(long, value_name = "INSTANT")]
    known_at: Option<String>,
    /// A site folder whose files stand in for those stored: shows what those rules would have made of the same swipes.
    #[arg(long, value_name = "DIR")]
    with: Option<PathBuf>,
    /// Only this person.
    #[arg(long, value_name = "ID")]
    person: Option<String>,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
    /// The language of the text: zh-CN or en; without it that of the environment.
    #[arg(long, value_name = "TAG", value_parser = super::parse_language)]
    lang: Option<Language>,
}

/// Proves that what is stored is what the rules say, or shows what other rules would say.
pub async fn replay(arguments: ReplayArguments) -> Result<ExitCode, CliError> {
    check_dates(arguments.from, arguments.until)?;
    let (ledger, _) = arguments.installation.ledger().await?;
    let zone = load_site(&*ledger).await?.facts.records().site.zone;
    let known_at = arguments
        .known_at
        .as_deref()
        .map(|text| instant("--known-at", text, zone))
        .transpose()?;
    let question = Question {
        from: arguments.from,
        until: arguments.until,
        known_at,
        with: arguments.with,
        person: arguments.person.map(|id| id.trim_start_matches("person:").to_owned()),
    };
    let replayed = replay::replay(&*ledger, &question).await?;
    ledger.close().await;
    let is_proof = question.with.is_none();
    let is_equal = replayed.comparison.differences.is_empty();
    if arguments.json {
        println!("{}", replay_json(&replayed, &question, zone));
    } else {
        let language = super::language(arguments.lang);
        for line in replay_lines(&replayed, known_at, zone, language) {
            println!("{line}");
        }
        if is_proof {
            let key = if is_equal { "replay-equal" } else { "replay-unequal" };
            println!("{}", words::text(language, key, &[]));
        }
    }
    Ok(if is_equal || !is_proof {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Refuses a range that holds no date.
pub(super) fn check_dates(from: Option<NaiveDate>, until: Option<NaiveDate>) -> Result<(), CliError> {
    match (from, until) {
        (Some(from), Some(until)) if until <= from => Err(CliError::Usage(anyhow!(
            "--from {from} --until {until} leaves no date: --until is the date before which to stop, so write a later one"
        ))),
        _ => Ok(()),
    }
}

fn instant(option: &str, text: &str, zone: Tz) -> Result<Instant, CliError> {
    folder::local_instant(text, zone).ok_or_else(|| {
        CliError::Usage(anyhow!(
            "{option} {text} is no instant; write 2026-09-16T18:00:00+08:00, or \"2026-09-16 18:00\""
        ))
    })
}

fn shown(at: Instant, zone: Tz) -> String {
    at.to_utc().with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string()
}

fn replay_json(replayed: &Replay, question: &Question, zone: Tz) -> serde_json::Value {
    let mut object = to_json(&replayed.comparison, zone);
    object["days"] = json!(replayed.days);
    object["meetings"] = json!(replayed.meetings);
    object["pending"] = json!(replayed.pending);
    object["swipes"] = json!(replayed.swipes);
    object["equal"] = json!(replayed.comparison.differences.is_empty());
    object["rules_version"] = json!(rules::VERSION);
    object["other_rules_versions"] = json!(replayed.other_versions);
    object["facts_known"] = json!(replayed.facts_known);
    object["known_at"] = json!(
        question
            .known_at
            .map(|at| at.to_utc().with_timezone(&zone).to_rfc3339())
    );
    object["problems"] = problems_json(replayed);
    object
}

fn problems_json(replayed: &Replay) -> serde_json::Value {
    let problems = replayed.problems.iter().map(|problem| {
        let text = problem.text();
        json!({ "file": problem.file, "row": problem.row, "key": problem.key, "problem": problem.code.name(),
            "text": { "zh-CN": text.chinese, "en": text.english } })
    });
    problems.collect()
}

fn replay_lines(replayed: &Replay, known_at: Option<Instant>, zone: Tz, language: Language) -> Vec<String> {
    let mut lines: Vec<String> = replayed
        .problems
        .iter()
        .map(|problem| problem.text_in(language))
        .collect();
    lines.extend(comparison_lines(replayed, language));
    if let Some(at) = known_at.filter(|_| !replayed.facts_known) {
        let arguments = [("at", Value::from(shown(at, zone)))];
        lines.push(words::text(language, "replay-no-facts", &arguments));
    }
    if !replayed.other_versions.is_empty() {
        let versions: Vec<String> = replayed.other_versions.iter().map(ToString::to_string).collect();
        let arguments = [
            ("versions", Value::from(versions.join(", "))),
            ("version", Value::from(rules::VERSION.to_string())),
        ];
        lines.push(words::text(language, "replay-other-versions", &arguments));
    }
    let arguments = [
        ("days", Value::from(replayed.days.to_string())),
        ("meetings", Value::from(replayed.meetings.to_string())),
        ("swipes", Value::from(replayed.swipes.to_string())),
        ("pending", Value::from(replayed.pending.to_string())),
    ];
    lines.push(words::text(language, "replay-summary", &arguments));
    lines
}

fn comparison_lines(replayed: &Replay, language: Language) -> Vec<String> {
    let Some(site) = &replayed.site else {
        return Vec::new();
    };
    let labels = Labels {
        site: &site.facts,
        language,
    };
    lines_of(&replayed.comparison, &labels)
}

#[derive(Args, Debug)]
pub struct RecalculateArguments {
    #[command(flatten)]
    installation: Installation,
    /// A site folder as it would be imported; without it the facts in force, by this version of the rules.
    #[arg(long, value_name = "DIR")]
    with: Option<PathBuf>,
    /// The first date; without it the first that can change.
    #[arg(long, value_name = "DATE", value_parser = super::parse_date)]
    from: Option<NaiveDate>,
    /// The date before which to stop.
    #[arg(long, value_name = "DATE", value_parser = super::parse_date)]
    until: Option<NaiveDate>,
    /// Have the daemon judge every day of these dates again. A folder is applied by importing it.
    #[arg(long, conflicts_with = "with")]
    apply: bool,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
    /// The language of the text: zh-CN or en; without it that of the environment.
    #[arg(long, value_name = "TAG", value_parser = super::parse_language)]
    lang: Option<Language>,
}

/// Shows what judging again would change, or has it done.
pub async fn recalculate(arguments: RecalculateArguments) -> Result<ExitCode, CliError> {
    check_dates(arguments.from, arguments.until)?;
    let language = super::language(arguments.lang);
    let (ledger, _) = arguments.installation.ledger().await?;
    let now = Clock::host().now();
    let scope = Scope {
        people: None,
        from: arguments.from,
        until: arguments.until,
    };
    if arguments.apply {
        let days = recalculate::apply(&*ledger, &scope, HOST_ACTOR, now).await?;
        ledger.close().await;
        if arguments.json {
            println!("{}", json!({ "applied": true, "days": days }));
        } else {
            let count = [("days", Value::from(days.to_string()))];
            println!("{}", words::text(language, "recalculate-applied", &count));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let tried = recalculate::dry_run(&*ledger, arguments.with.as_deref(), scope, now).await?;
    ledger.close().await;
    if arguments.json {
        println!("{}", recalculation_json(&tried));
    } else {
        for line in recalculation_lines(&tried, language) {
            println!("{line}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What a recalculation would change, as JSON.
pub(super) fn recalculation_json(tried: &Recalculation) -> serde_json::Value {
    let zone = tried
        .replay
        .site
        .as_ref()
        .map_or(chrono_tz::UTC, |site| site.facts.records().site.zone);
    let mut object = to_json(&tried.replay.comparison, zone);
    object["days"] = json!(tried.replay.days);
    object["meetings"] = json!(tried.replay.meetings);
    object["unjudged"] = json!(tried.unjudged);
    object
}

/// What a recalculation would change, line by line.
pub(super) fn recalculation_lines(tried: &Recalculation, language: Language) -> Vec<String> {
    let mut lines = comparison_lines(&tried.replay, language);
    let arguments = [
        ("days", Value::from(tried.replay.days.to_string())),
        ("meetings", Value::from(tried.replay.meetings.to_string())),
        ("missing", Value::from(tried.unjudged.to_string())),
    ];
    lines.push(words::text(language, "recalculate-summary", &arguments));
    lines
}

#[derive(Args, Debug)]
pub struct RebuildArguments {
    #[command(flatten)]
    installation: Installation,
    /// Only compare; nothing is written.
    #[arg(long, required = true)]
    check: bool,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

/// A replay of everything, in the form that `rebuild --check` has always had.
pub async fn rebuild(arguments: RebuildArguments) -> Result<ExitCode, CliError> {
    let (ledger, _) = arguments.installation.ledger().await?;
    let replayed = replay::replay(&*ledger, &Question::default()).await?;
    ledger.close().await;
    let mut lines = comparison_lines(&replayed, super::language(None));
    // The last lines are sums; what differs comes first.
    lines.truncate(replayed.comparison.differences.len());
    if arguments.json {
        println!(
            "{}",
            json!({"days": replayed.days, "meetings": replayed.meetings, "pending": replayed.pending, "swipes": replayed.swipes, "differences": lines})
        );
    } else {
        for line in &lines {
            println!("{line}");
        }
        println!(
            "{} days compared, {} waiting to be judged again, {} swipes, {} differences",
            replayed.days,
            replayed.pending,
            replayed.swipes,
            lines.len()
        );
    }
    Ok(if lines.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
