//! `rollcall judge`.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::Args;
use rules::model::{PersonIndex, SiteRecords};
use rules::time::Instant;

use crate::folder::{self, Compiled, FolderError};
use crate::judge::{Question, judge, write_json, write_text};
use crate::words::Language;

#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The site folder.
    dir: PathBuf,
    /// Judge as of this instant: RFC 3339, or "YYYY-MM-DD HH:MM[:SS]" in the site's zone.
    #[arg(long, value_name = "INSTANT")]
    as_of: String,
    /// Judge by what had been received by then.
    #[arg(long, value_name = "INSTANT")]
    known_at: Option<String>,
    /// The first date; without it that of the first swipe.
    #[arg(long, value_name = "DATE", value_parser = super::parse_date)]
    from: Option<NaiveDate>,
    /// The date before which to stop; without it that of --as-of is the last.
    #[arg(long, value_name = "DATE", value_parser = super::parse_date)]
    until: Option<NaiveDate>,
    /// Also list what was fine, and why.
    #[arg(long)]
    all: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Only this person.
    #[arg(long, value_name = "ID")]
    person: Option<String>,
    /// The language of the text: zh-CN or en; without it that of the environment.
    #[arg(long, value_name = "TAG", value_parser = super::parse_language)]
    lang: Option<Language>,
}

/// Judges and prints.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let language = super::language(arguments.lang);
    let (compiled, question) = match prepare(arguments) {
        Ok(prepared) => prepared,
        Err(refusal) => {
            eprintln!("rollcall judge: {}", refusal.text(language));
            return Ok(ExitCode::from(super::WRONG_USAGE));
        }
    };
    let judgement = judge(compiled, &question);
    let mut output = BufWriter::new(io::stdout().lock());
    let written = if arguments.json {
        write_json(&judgement, &mut output)
    } else {
        write_text(&judgement, language, &mut output)
    };
    match written.and_then(|()| output.flush()) {
        // Whoever reads the output may stop early, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        written => written
            .context("cannot write the judgement")
            .map(|()| ExitCode::SUCCESS),
    }
}

/// Why the command cannot be carried out as it was given.
enum Refusal {
    Folder(FolderError),
    Usage(String),
}

impl Refusal {
    fn text(&self, language: Language) -> String {
        match self {
            Self::Folder(FolderError::SiteUnusable(problems)) => problems
                .iter()
                .map(|problem| problem.text_in(language))
                .collect::<Vec<_>>()
                .join("\n"),
            Self::Folder(error) => error.to_string(),
            Self::Usage(text) => text.clone(),
        }
    }
}

fn prepare(arguments: &Arguments) -> Result<(Compiled, Question), Refusal> {
    let source = folder::read_directory(&arguments.dir).map_err(Refusal::Folder)?;
    let compiled = folder::compile(&source).map_err(Refusal::Folder)?;
    let zone = compiled.records.site.zone;
    let question = Question {
        as_of: instant("--as-of", &arguments.as_of, zone)?,
        known_at: arguments
            .known_at
            .as_ref()
            .map(|text| instant("--known-at", text, zone))
            .transpose()?,
        from: arguments.from,
        until: arguments.until,
        person: arguments
            .person
            .as_ref()
            .map(|id| person(id, &compiled.records))
            .transpose()?,
        all: arguments.all,
    };
    match (question.from, question.until) {
        (Some(from), Some(until)) if until <= from => Err(Refusal::Usage(format!(
            "--from {from} --until {until} leaves no date: --until is the date before which to stop, so write a later one"
        ))),
        _ => Ok((compiled, question)),
    }
}

fn instant(option: &str, text: &str, zone: Tz) -> Result<Instant, Refusal> {
    folder::local_instant(text, zone).ok_or_else(|| {
        Refusal::Usage(format!(
            "{option} {text} is no instant; write 2026-09-16T18:00:00+08:00, or \"2026-09-16 18:00\""
        ))
    })
}

fn person(id: &str, records: &SiteRecords) -> Result<PersonIndex, Refusal> {
    let id = id.strip_prefix("person:").unwrap_or(id);
    let position = records.people.iter().position(|person| &*person.id == id);
    let index = position
        .and_then(|position| u32::try_from(position).ok())
        .map(PersonIndex);
    index.ok_or_else(|| {
        Refusal::Usage(format!(
            "--person {id} is not in people.csv; write an id from its column \"person\""
        ))
    })
}
