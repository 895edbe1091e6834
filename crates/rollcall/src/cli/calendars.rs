//! `import calendar`, `import meetings`, `calendar`, `sources`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use chrono::{Datelike, NaiveDate, NaiveTime};
use clap::Args;
use rules::model::CalendarDay;
use rules::time::{Instant, local_date};
use serde_json::{Value as Json, json};
use store::Ledger;
use store::rows::AuditEntry;

use super::daemon::HOST_ACTOR;
use super::{CliError, Installation};
use crate::calendars::import_days::{self, File};
use crate::calendars::import_meetings::{self, Wanted, WindowOptions};
use crate::calendars::meetings::Settings;
use crate::calendars::source::{self, MeetingCalendar};
use crate::calendars::watch::{self, Status};
use crate::clock::Clock;
use crate::folder::{self, Shipped};
use crate::transfer;
use crate::words::{self, Language, Value};

/// How many audit entries are read at once.
const AUDIT_PAGE: i64 = 1_000;

#[derive(Args, Debug)]
pub struct ImportCalendarArguments {
    #[command(flatten)]
    installation: Installation,
    /// The files; the days of late December stand in the file of the next year, so bring both at once.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What the days come from, where the file does not say so itself.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only say what would change, and for how many.
    #[arg(long)]
    dry_run: bool,
    /// Import the good days even though some are wrong.
    #[arg(long)]
    accept_good_rows: bool,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn import_calendar(arguments: ImportCalendarArguments) -> Result<ExitCode, CliError> {
    let files = arguments
        .files
        .iter()
        .map(|path| read(path))
        .collect::<Result<Vec<_>, _>>()?;
    let (ledger, _) = arguments.installation.ledger().await?;
    let options = import_days::Options {
        dry_run: arguments.dry_run,
        accept_good_rows: arguments.accept_good_rows,
        source: arguments.source,
        actor: HOST_ACTOR.to_owned(),
    };
    let report = import_days::import(&*ledger, &files, &options, Clock::host().now()).await;
    ledger.close().await;
    let report = report?;
    print(arguments.json, &report.to_json(), &report.lines(super::language(None)));
    Ok(exit_code(report.succeeded()))
}

fn read(path: &Path) -> Result<File, CliError> {
    let file = crate::calendars::read_file(path);
    file.with_context(|| {
        let name = path.display();
        let shipped = path.to_str() == Some("cn");
        let remedy = if shipped {
            ": the calendar that comes with Rollcall is chosen by calendar = \"cn\" in site.toml"
        } else {
            ""
        };
        format!("cannot read {name}{remedy}")
    })
    .map_err(CliError::Usage)
}

fn print(as_json: bool, report: &Json, lines: &[String]) {
    if as_json {
        println!("{report}");
    } else {
        for line in lines {
            println!("{line}");
        }
    }
}

fn exit_code(succeeded: bool) -> ExitCode {
    if succeeded {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[derive(Args, Debug)]
pub struct ImportMeetingsArguments {
    #[command(flatten)]
    installation: Installation,
    /// The calendar file.
    #[arg(required_unless_present = "withdraw", value_name = "FILE.ics")]
    file: Option<PathBuf>,
    /// The calendar's name: what it brought before is compared with what it says now [default: the file's name]. The id of a
    /// [[meeting_calendar]] takes that table's settings.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Give a calendar up: its meetings from today (or --from) on are withdrawn.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["file", "source"])]
    withdraw: Option<String>,
    /// Where meetings are whose location is no known place.
    #[arg(long, value_name = "PLACE")]
    place: Option<String>,
    /// From when to when a meeting is that lasts all day [default: such entries are left out].
    #[arg(long, value_name = "HH:MM-HH:MM", value_parser = all_day)]
    all_day: Option<(NaiveTime, NaiveTime)>,
    /// The first date of which the calendar is taken at its word [default: a month back, and nothing of the past is withdrawn].
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// The date after the last [default: half a year ahead].
    #[arg(long, value_name = "DATE")]
    until: Option<NaiveDate>,
    /// Only say what would change.
    #[arg(long)]
    dry_run: bool,
    /// Import the good entries even though some are wrong.
    #[arg(long)]
    accept_good_rows: bool,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

fn all_day(text: &str) -> Result<(NaiveTime, NaiveTime), String> {
    source::all_day(text).map_err(|error| error.to_string())
}

pub async fn import_meetings(arguments: ImportMeetingsArguments) -> Result<ExitCode, CliError> {
    let wanted = match &arguments.file {
        Some(path) => Wanted::Files(vec![read(path)?]),
        None => Wanted::Nothing,
    };
    let (ledger, config) = arguments.installation.ledger().await?;
    let options = meeting_options(&arguments, &config.meeting_calendars)?;
    let report = import_meetings::import(&*ledger, &wanted, &options, Clock::host().now()).await;
    ledger.close().await;
    let report = report?;
    print(arguments.json, &report.to_json(), &report.lines(super::language(None)));
    Ok(exit_code(report.succeeded()))
}

fn meeting_options(
    arguments: &ImportMeetingsArguments,
    configured: &[MeetingCalendar],
) -> Result<import_meetings::Options, CliError> {
    let file_name = arguments.file.as_deref().map(|path| {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        stem.unwrap_or_else(|| source::file_name(path))
    });
    let named = arguments.withdraw.clone().or_else(|| arguments.source.clone());
    let source = named
        .or(file_name)
        .ok_or_else(|| CliError::Usage(anyhow!("name a file")))?;
    let calendar = configured.iter().find(|calendar| calendar.id == source);
    if calendar.is_some() && arguments.withdraw.is_some() {
        let advice = format!(
            "[[meeting_calendar]] id = \"{source}\" would bring them again: take it out of rollcall.toml first"
        );
        return Err(CliError::Usage(anyhow!(advice)));
    }
    let mut settings = calendar.map_or_else(Settings::default, |calendar| calendar.settings.clone());
    settings.place = arguments.place.clone().or(settings.place);
    settings.all_day = arguments.all_day.or(settings.all_day);
    let usual = WindowOptions {
        past_days: None,
        future_days: source::FUTURE_DAYS,
        from: None,
        until: None,
    };
    let window = WindowOptions {
        from: arguments.from,
        until: arguments.until,
        ..calendar.map_or(usual, |calendar| calendar.window)
    };
    Ok(import_meetings::Options {
        source,
        settings,
        window,
        dry_run: arguments.dry_run,
        accept_good_rows: arguments.accept_good_rows,
        actor: HOST_ACTOR.to_owned(),
    })
}

#[derive(Args, Debug)]
pub struct CalendarArguments {
    #[command(flatten)]
    installation: Installation,
    /// Only the dates of this year [default: this year].
    #[arg(long, value_name = "YEAR")]
    year: Option<i32>,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

/// Shows the dates that are not what the week says, where each is from, and who imported what when.
pub async fn calendar(arguments: CalendarArguments) -> Result<ExitCode, CliError> {
    let (ledger, _) = arguments.installation.ledger().await?;
    let source = transfer::site_source(&*ledger).await?;
    let compiled = folder::compile(&source)?;
    let site = &compiled.records.site;
    let now = Clock::host().now();
    let year = arguments.year.unwrap_or_else(|| local_date(now, site.zone).year());
    let mut days: Vec<&CalendarDay> = compiled.records.calendar.iter().collect();
    days.retain(|day| day.date.year() == year);
    days.sort_by_key(|day| day.date);
    let editions = editions(&*ledger).await?;
    ledger.close().await;
    let shipped = Shipped::chosen(&source.site);
    let last = shipped.and_then(Shipped::last_date);
    if arguments.json {
        let object = json!({
            "year": year,
            "shipped_through": last.map(|date| date.to_string()),
            "days": days.iter().map(|day| day_json(day)).collect::<Vec<_>>(),
            "editions": editions,
        });
        println!("{object}");
        return Ok(ExitCode::SUCCESS);
    }
    let language = super::language(None);
    for day in &days {
        println!("{}", day_line(day, language));
    }
    if let Some(last) = last {
        println!(
            "{}",
            words::text(language, "calendar-shipped", &[("last", Value::from(last.to_string()))])
        );
    }
    for edition in &editions {
        println!("{}", edition_line(edition, language));
    }
    Ok(ExitCode::SUCCESS)
}

fn day_json(day: &CalendarDay) -> Json {
    json!({
        "date": day.date.to_string(),
        "kind": import_days::kind_name(Some(day.kind)),
        "name": day.name.as_deref(),
        "acts_as": day.acts_as.map(|weekday| weekday.to_string().to_lowercase()),
        "source": day.source.as_deref(),
    })
}

fn day_line(day: &CalendarDay, language: Language) -> String {
    let kind = words::text(
        language,
        &format!("calendar-kind-{}", import_days::kind_name(Some(day.kind))),
        &[],
    );
    let arguments = [
        ("date", Value::from(day.date.to_string())),
        ("kind", Value::from(kind)),
        ("name", Value::from(day.name.as_deref().unwrap_or_default())),
        ("source", Value::from(day.source.as_deref().unwrap_or_default())),
    ];
    words::text(language, "calendar-day", &arguments)
}

fn edition_line(edition: &Json, language: Language) -> String {
    let text = |key: &str| match &edition[key] {
        Json::String(text) => Value::from(text.clone()),
        Json::Null => Value::from("–"),
        other => Value::from(other.to_string()),
    };
    let sources: Vec<&str> = edition["sources"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let arguments = [
        ("at", text("at")),
        ("actor", text("actor")),
        ("sources", Value::from(sources.join("；"))),
        ("from", text("effective_from")),
        ("through", text("effective_through")),
        ("added", text("added")),
        ("removed", text("removed")),
        ("changed", text("changed")),
    ];
    words::text(language, "calendar-edition", &arguments)
}

/// The imports of the calendar as the audit has them, oldest first.
async fn editions(ledger: &dyn Ledger) -> Result<Vec<Json>, CliError> {
    let mut editions = Vec::new();
    let mut after = 0;
    loop {
        let page = ledger.audit(after, AUDIT_PAGE).await?;
        let Some(last) = page.last() else { return Ok(editions) };
        after = last.seq;
        editions.extend(
            page.iter()
                .filter(|entry| entry.record.act == import_days::ACT)
                .map(edition_json),
        );
    }
}

fn edition_json(entry: &AuditEntry) -> Json {
    let mut edition: Json = serde_json::from_str(&entry.record.body).unwrap_or_default();
    edition["at"] = json!(
        entry
            .record
            .at
            .to_utc()
            .to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    );
    edition["actor"] = json!(entry.record.actor);
    edition
}

#[derive(Args, Debug)]
pub struct SourcesArguments {
    #[command(flatten)]
    installation: Installation,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

/// Says of each configured calendar when it was last had, what it brought, and what is wrong in it.
pub async fn sources(arguments: SourcesArguments) -> Result<ExitCode, CliError> {
    let (ledger, config) = arguments.installation.ledger().await?;
    let statuses = watch::parse_statuses(ledger.setting(watch::SETTING).await?.as_deref());
    ledger.close().await;
    let is_well = |calendar: &MeetingCalendar| {
        let status = statuses.get(&calendar.id);
        status.is_some_and(|status| status.reached && status.errors == 0)
    };
    let all_well = config.meeting_calendars.iter().all(is_well);
    if arguments.json {
        println!(
            "{}",
            json!({"meeting_calendars": sources_json(&config.meeting_calendars, &statuses)})
        );
    } else {
        let language = super::language(None);
        for calendar in &config.meeting_calendars {
            for line in source_lines(calendar, statuses.get(&calendar.id), language) {
                println!("{line}");
            }
        }
    }
    Ok(exit_code(all_well))
}

fn sources_json(calendars: &[MeetingCalendar], statuses: &BTreeMap<String, Status>) -> Vec<Json> {
    let one = |calendar: &MeetingCalendar| {
        let status = statuses.get(&calendar.id);
        let problems = status.map(|status| status.problems.as_slice()).unwrap_or_default();
        let texts = problems
            .iter()
            .map(|(chinese, english)| json!({"zh-CN": chinese, "en": english}));
        json!({
            "id": calendar.id,
            "place": calendar.place.shown(),
            "seen_at": status.map(|status| rfc3339(status.seen_at_ms)),
            "imported_at": status.and_then(|status| status.imported_at_ms).map(rfc3339),
            "reached": status.map(|status| status.reached),
            "meetings": status.map(|status| status.meetings),
            "errors": status.map(|status| status.errors),
            "warnings": status.map(|status| status.warnings),
            "problems": texts.collect::<Vec<_>>(),
        })
    };
    calendars.iter().map(one).collect()
}

fn rfc3339(milliseconds: i64) -> String {
    let at = Instant::from_ms(milliseconds).to_utc();
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn source_lines(calendar: &MeetingCalendar, status: Option<&Status>, language: Language) -> Vec<String> {
    let Some(status) = status else {
        let arguments = [("id", Value::from(calendar.id.as_str()))];
        return vec![words::text(language, "source-never", &arguments)];
    };
    let key = if status.reached {
        "source-reached"
    } else {
        "source-away"
    };
    let number = |count: usize| Value::from(count.to_string());
    let imported = status.imported_at_ms.map_or_else(|| "–".to_owned(), rfc3339);
    let arguments = [
        ("id", Value::from(calendar.id.as_str())),
        ("place", Value::from(status.place.as_str())),
        ("seen", Value::from(rfc3339(status.seen_at_ms))),
        ("imported", Value::from(imported)),
        ("meetings", number(status.meetings)),
        ("errors", number(status.errors)),
        ("warnings", number(status.warnings)),
    ];
    let mut lines = vec![words::text(language, key, &arguments)];
    lines.extend(status.problems.iter().map(|(chinese, english)| match language {
        Language::Chinese => format!("  {chinese}"),
        Language::English => format!("  {english}"),
    }));
    lines
}
