//! `bulletin`, `escalations`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use chrono::{Datelike, Months, NaiveDate};
use clap::{Args, Subcommand, ValueEnum};
use rules::time::local_date;
use serde_json::json;

use super::replay::check_dates;
use super::{CliError, Installation};
use crate::bulletin::{self, Act, BulletinError};
use crate::clock::Clock;
use crate::counting::{self, Counting, Simulation};
use crate::engine::load_site;
use crate::folder;
use crate::replay::{Labels, lines_of, to_json};
use crate::week::Week;
use crate::words::{self, Language};

/// Who an act on the host is recorded as.
const HOST_ACTOR: &str = "host";

#[derive(Debug, Subcommand)]
pub enum BulletinCommand {
    /// Make a week public under the number of its bulletin: from then on nothing changes its findings but a numbered correction.
    Publish(Numbered),
    /// List the corrections of published weeks that wait to be issued; exit code 1 where any waits.
    Corrections {
        #[command(flatten)]
        installation: Installation,
        /// Only of this week, such as 2026-W38.
        #[arg(long, value_name = "WEEK", value_parser = week)]
        week: Option<Week>,
        /// Report as JSON.
        #[arg(long)]
        json: bool,
        /// The language of the text: zh-CN or en; without it that of the environment.
        #[arg(long, value_name = "TAG", value_parser = super::parse_language)]
        lang: Option<Language>,
    },
    /// Issue the corrections of a week that wait, under the number of a notice; the findings are open for decision again.
    Correct(Numbered),
}

#[derive(Args, Debug)]
pub struct Numbered {
    #[command(flatten)]
    installation: Installation,
    /// The week, such as 2026-W38.
    #[arg(value_name = "WEEK", value_parser = week)]
    week: Week,
    /// The number; no other bulletin or notice has it.
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    number: String,
}

fn week(text: &str) -> Result<Week, String> {
    Week::parse(text).ok_or_else(|| "write a week as 2026-W38".to_owned())
}

pub async fn bulletin(command: BulletinCommand) -> Result<ExitCode, CliError> {
    let act = Act {
        actor: HOST_ACTOR,
        now: Clock::host().now(),
    };
    match command {
        BulletinCommand::Publish(Numbered {
            installation,
            week,
            number,
        }) => {
            let (ledger, _) = installation.ledger().await?;
            let published = bulletin::publish(&*ledger, week, &number, act).await;
            ledger.close().await;
            published.map_err(refused)?;
            println!("{week} {number}");
            Ok(ExitCode::SUCCESS)
        }
        BulletinCommand::Correct(Numbered {
            installation,
            week,
            number,
        }) => {
            let (ledger, _) = installation.ledger().await?;
            let issued = bulletin::issue(&*ledger, week, &number, act).await;
            ledger.close().await;
            println!("{week} {number}: {}", issued.map_err(refused)?.len());
            Ok(ExitCode::SUCCESS)
        }
        BulletinCommand::Corrections {
            installation,
            week,
            json,
            lang,
        } => corrections(&installation, week, json, super::language(lang)).await,
    }
}

fn refused(error: BulletinError) -> CliError {
    CliError::Failed(error.into())
}

async fn corrections(
    installation: &Installation,
    week: Option<Week>,
    json: bool,
    language: Language,
) -> Result<ExitCode, CliError> {
    let (ledger, _) = installation.ledger().await?;
    let site = load_site(&*ledger).await?;
    let waiting = bulletin::waiting(&*ledger, week).await?;
    ledger.close().await;
    if json {
        println!("{}", to_json(&waiting, site.facts.records().site.zone));
    } else if waiting.differences.is_empty() {
        println!("{}", words::text(language, "bulletin-nothing-waits", &[]));
    } else {
        let labels = Labels {
            site: &site.facts,
            language,
        };
        for line in lines_of(&waiting, &labels) {
            println!("{line}");
        }
    }
    Ok(if waiting.differences.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What a simulation counts.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Counted {
    /// What people confirmed, as escalations do.
    Confirmed,
    /// Every final finding that nobody waived.
    Final,
}

#[derive(Args, Debug)]
pub struct EscalationsArguments {
    #[command(flatten)]
    installation: Installation,
    /// Rules to try, in the form of escalations.toml; without it those in force.
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    /// The first date; without it that of the last whole quarter.
    #[arg(long, value_name = "DATE", value_parser = super::parse_date)]
    from: Option<NaiveDate>,
    /// The date before which to stop; without it the end of the last whole quarter.
    #[arg(long, value_name = "DATE", value_parser = super::parse_date)]
    until: Option<NaiveDate>,
    /// Which findings count.
    #[arg(long, value_enum, default_value_t = Counted::Confirmed)]
    counting: Counted,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
    /// The language of the text: zh-CN or en; without it that of the environment.
    #[arg(long, value_name = "TAG", value_parser = super::parse_language)]
    lang: Option<Language>,
}

/// Says whom rules would have flagged; writes nothing.
pub async fn escalations(arguments: EscalationsArguments) -> Result<ExitCode, CliError> {
    check_dates(arguments.from, arguments.until)?;
    let language = super::language(arguments.lang);
    let (ledger, _) = arguments.installation.ledger().await?;
    let site = load_site(&*ledger).await?;
    let records = site.facts.records();
    let (rules, problems) = match &arguments.with {
        None => (records.escalations.clone(), Vec::new()),
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()));
            folder::escalation_rules(&text.map_err(CliError::Usage)?, records)
        }
    };
    for problem in &problems {
        eprintln!("{}", problem.text_in(language));
    }
    if rules.is_empty() {
        let none = words::text(language, "escalations-none", &[]);
        return Err(CliError::Usage(anyhow!(none)));
    }
    let (from, until) = last_quarter(local_date(Clock::host().now(), records.site.zone));
    let simulation = Simulation {
        rules,
        from: arguments.from.unwrap_or(from),
        until: arguments.until.unwrap_or(until),
        counting: match arguments.counting {
            Counted::Confirmed => Counting::Confirmed,
            Counted::Final => Counting::Final,
        },
    };
    check_dates(Some(simulation.from), Some(simulation.until))?;
    let flagged = counting::simulate(&*ledger, &site, &simulation).await?;
    ledger.close().await;
    if arguments.json {
        let mut object = counting::flagged_json(&flagged, &simulation.rules, &site.facts);
        object["from"] = json!(simulation.from.to_string());
        object["until"] = json!(simulation.until.to_string());
        println!("{object}");
    } else {
        for line in counting::flagged_lines(&flagged, &simulation.rules, &site.facts, language) {
            println!("{line}");
        }
    }
    Ok(if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The whole quarter before the one of a date.
pub fn last_quarter(today: NaiveDate) -> (NaiveDate, NaiveDate) {
    let until = rules::count::Window::Quarter.first(today);
    debug_assert_eq!(until.day(), 1);
    (until.checked_sub_months(Months::new(3)).unwrap_or(until), until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quarter_before_may_be_of_the_year_before() {
        let quarter = |date: &str| {
            let (from, until) = last_quarter(date.parse().expect("a date"));
            (from.to_string(), until.to_string())
        };
        assert_eq!(
            quarter("2026-02-11"),
            ("2025-10-01".to_owned(), "2026-01-01".to_owned())
        );
        assert_eq!(
            quarter("2026-10-01"),
            ("2026-07-01".to_owned(), "2026-10-01".to_owned())
        );
    }
}
