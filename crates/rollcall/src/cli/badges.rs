//! `badges export`, `badges import`: whose each card is, for a spreadsheet.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::json;

use super::daemon::HOST_ACTOR;
use super::{CliError, Installation};
use crate::clock::Clock;
use crate::commissioning::{self, Act, Plan, RowProblem, csv};
use crate::engine::load_site;
use crate::words::{self, Language, Value};

#[derive(Debug, Subcommand)]
pub enum BadgesCommand {
    /// Write badges.csv with people's names beside; `-` is the standard output.
    Export {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        installation: Installation,
    },
    /// Add and change cards as a file says; cards that it does not name stay as they are.
    Import(ImportBadges),
}

#[derive(Args, Debug)]
pub struct ImportBadges {
    /// The file, as a spreadsheet or a text editor saved it; `-` is the standard input.
    file: PathBuf,
    #[command(flatten)]
    installation: Installation,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Take the good rows although others are wrong.
    #[arg(long)]
    accept_good_rows: bool,
    /// Report as JSON.
    #[arg(long)]
    json: bool,
}

pub async fn badges(command: BadgesCommand) -> Result<ExitCode, CliError> {
    match command {
        BadgesCommand::Export { file, installation } => export(&file, &installation).await,
        BadgesCommand::Import(arguments) => import(arguments).await,
    }
}

async fn export(file: &Path, installation: &Installation) -> Result<ExitCode, CliError> {
    let (ledger, _) = installation.ledger().await?;
    let site = load_site(&*ledger).await?;
    let facts = commissioning::badge_facts(&*ledger).await?;
    ledger.close().await;
    let people = &site.facts.records().people;
    let name_of = |id: &str| {
        let person = site.facts.person_index(id);
        let stint = person.and_then(|person| people[person.at()].stints.last());
        stint.map_or_else(String::new, |stint| stint.name.to_string())
    };
    let text = csv::export(&facts, name_of);
    if file == Path::new("-") {
        print!("{text}");
    } else {
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn import(arguments: ImportBadges) -> Result<ExitCode, CliError> {
    let bytes = read(&arguments.file).map_err(CliError::Usage)?;
    let (ledger, _) = arguments.installation.ledger().await?;
    let site = load_site(&*ledger).await?;
    let facts = commissioning::badge_facts(&*ledger).await?;
    let plan = csv::plan(&bytes, &facts, &site);
    let is_taken = !arguments.dry_run && (plan.problems.is_empty() || arguments.accept_good_rows);
    if is_taken && !plan.change.added.is_empty() {
        let act = Act {
            name: "badge.import",
            subject: "badges.csv".to_owned(),
            body: json!({"file": arguments.file.display().to_string(), "refused": plan.problems.len()}),
        };
        let now = Clock::host().now();
        commissioning::apply(&*ledger, &site, &plan.change, &act, HOST_ACTOR, now).await?;
    }
    ledger.close().await;
    report(&plan, is_taken, arguments.json);
    let failed = !plan.problems.is_empty() && !arguments.accept_good_rows;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn report(plan: &Plan, is_taken: bool, as_json: bool) {
    if as_json {
        let problem = |problem: &RowProblem| {
            let text = |language| problem.text(language);
            json!({"row": problem.line, "problem": problem.key, "value": problem.value,
                "text": {"zh-CN": text(Language::Chinese), "en": text(Language::English)}})
        };
        let problems: Vec<_> = plan.problems.iter().map(problem).collect();
        println!(
            "{}",
            json!({"added": plan.added, "changed": plan.changed, "unchanged": plan.unchanged, "applied": is_taken, "problems": problems})
        );
        return;
    }
    let language = super::language(None);
    for problem in &plan.problems {
        println!("{}", problem.text(language));
    }
    println!("{}", plan.summary(is_taken, language));
}

impl RowProblem {
    /// What is wrong, with its line and what to write instead.
    pub(crate) fn text(&self, language: Language) -> String {
        let arguments = [
            ("line", Value::from(self.line.to_string())),
            ("value", Value::from(crate::admin::show::plain(&self.value))),
        ];
        words::text(language, self.key, &arguments)
    }
}

impl Plan {
    /// What was done, or would be.
    pub(crate) fn summary(&self, is_taken: bool, language: Language) -> String {
        let count = |count: usize| Value::from(count.to_string());
        let arguments = [
            ("added", count(self.added)),
            ("changed", count(self.changed)),
            ("unchanged", count(self.unchanged)),
            ("problems", count(self.problems.len())),
        ];
        let key = if is_taken { "badges-taken" } else { "badges-would" };
        words::text(language, key, &arguments)
    }
}
