//! `rollcall import`: a site folder into the database.

use std::path::Path;

use rules::facts::SiteFacts;
use rules::time::Instant;
use store::rows::AuditRecord;
use store::{Ledger, StoreError, Transaction};

use crate::calendars::due::{Due, Judged};
use crate::counting;
use crate::engine::known_secret;
use crate::folder::{self, FolderError, TableFile};
use crate::recalculate;

use super::check::{self, Checked, Contents};
use super::plan::{Author, Plan, Stored};
use super::report::{FileReport, ImportReport};
use super::stored::source_of;
use super::swipes;

/// How often an import starts anew because somebody changed the facts while it was comparing.
const ATTEMPTS: usize = 5;

/// How to import.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Take the good rows although others are wrong.
    pub accept_good_rows: bool,
    /// Who imports, for the audit: an account, or a word for the command line.
    pub actor: String,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The folder cannot be read at all.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The facts changed again and again while they were being compared.
    #[error("somebody else keeps changing the facts; nothing was imported, try again")]
    FactsKeepChanging,
    /// The reading of the folder died.
    #[error("the folder could not be read: {0}")]
    ReaderDied(#[from] tokio::task::JoinError),
}

/// Brings the database to what a folder says; see the module for what that means. Where the folder has errors and
/// `accept_good_rows` is not set, nothing is changed, and the report says why.
pub async fn import(
    ledger: &dyn Ledger,
    directory: &Path,
    options: &ImportOptions,
    now: Instant,
) -> Result<ImportReport, ImportError> {
    for _ in 0..ATTEMPTS {
        // The revision comes first: whatever changes after it is noticed before anything is written.
        let revision = ledger.facts_revision().await?;
        let stored = Stored {
            revision,
            documents: ledger.documents().await?,
            facts: ledger.facts().await?,
        };
        let in_force = source_of(&stored.documents, &stored.facts)?;
        let path = directory.to_owned();
        let checked = tokio::task::spawn_blocking(move || read_and_check(&path, &in_force)).await??;
        let plan = Plan::new(
            &checked,
            &stored,
            &Author {
                actor: &options.actor,
                now,
            },
        );
        let applies = !options.dry_run && (checked.errors == 0 || options.accept_good_rows);
        let calendar = calendar_due(ledger, &plan, &stored, &checked, now).await?;
        if applies && !plan.is_empty() {
            make_rows(ledger, &checked, &plan, revision).await?;
        }
        if applies && !write_facts(ledger, &plan, &calendar, &stored, &checked, options, now).await? {
            continue;
        }
        let swipes = swipes::add(ledger, &checked.compiled.records, &checked.compiled.swipes, applies).await?;
        return Ok(report(checked, plan, swipes, options, applies));
    }
    Err(ImportError::FactsKeepChanging)
}

/// Makes the day rows of dates that have begun and that only the new facts ask anything of: judged by the facts that are still
/// in force nothing is found there, and with the new ones they become due like all others.
async fn make_rows(ledger: &dyn Ledger, checked: &Checked, plan: &Plan, revision: i64) -> Result<(), StoreError> {
    let site = crate::engine::snapshot_of(revision, &checked.merged, ledger.outages().await?)?;
    let people = plan
        .touched
        .people()
        .map(|people| people.into_iter().map(str::to_owned).collect());
    let scope = recalculate::Scope {
        people,
        from: plan.touched.first_date(),
        until: None,
    };
    recalculate::make_rows(ledger, &recalculate::unjudged_days(ledger, &site, &scope).await?).await
}

/// Reads a folder and lays it over the facts in force.
pub(super) fn read_and_check(directory: &Path, in_force: &folder::SiteSource) -> Result<Checked, FolderError> {
    let source = folder::read_directory(directory)?;
    let contents = Contents::of(directory, &source);
    check::check(source, contents, in_force)
}

/// The days that changed dates of the calendar touch. Where nothing could be judged before, the other files say whom to judge.
pub(super) async fn calendar_due(
    ledger: &dyn Ledger,
    plan: &Plan,
    stored: &Stored,
    checked: &Checked,
    now: Instant,
) -> Result<Due, StoreError> {
    if !plan.changes_calendar() {
        return Ok(Due::default());
    }
    let Ok(before) = folder::compile(&source_of(&stored.documents, &stored.facts)?) else {
        return Ok(Due::default());
    };
    let before = SiteFacts::new(before.records);
    let after = SiteFacts::new(checked.compiled.records.clone());
    let judged = Judged::of(ledger, &after, now).await?;
    Ok(Due::of_calendar(&before, &after, judged))
}

/// Writes documents and rows in one transaction, so that the daemon sees all of them or none; `false` where the facts have changed
/// since they were compared.
async fn write_facts(
    ledger: &dyn Ledger,
    plan: &Plan,
    calendar: &Due,
    stored: &Stored,
    checked: &Checked,
    options: &ImportOptions,
    now: Instant,
) -> Result<bool, StoreError> {
    let swipes = checked.compiled.swipes.len();
    if plan.is_empty() && swipes == 0 {
        return Ok(true);
    }
    let mut transaction = ledger.begin().await?;
    if transaction.facts_revision().await? != stored.revision {
        return Ok(false);
    }
    if !plan.is_empty() {
        let people = plan.touched.people();
        transaction
            .make_due(people.as_deref(), plan.touched.from().as_deref())
            .await?;
        calendar.apply(&mut *transaction).await?;
        for document in &plan.documents {
            transaction.add_document(document).await?;
        }
        let superseded: Vec<&str> = plan.superseded.iter().map(String::as_str).collect();
        transaction.supersede_facts(&superseded, now).await?;
        transaction.add_facts(&plan.added).await?;
        let revision = transaction.bump_facts_revision().await?;
        if plan.changes_counting() {
            recount(ledger, &mut *transaction, checked, revision, now).await?;
        }
    }
    transaction
        .append_audit(&audit_record(plan, checked, options, now))
        .await?;
    transaction.commit().await?;
    Ok(true)
}

/// Other rules or other units may add up to something else for everybody of whom something is confirmed.
async fn recount(
    ledger: &dyn Ledger,
    transaction: &mut dyn Transaction,
    checked: &Checked,
    revision: i64,
    now: Instant,
) -> Result<(), StoreError> {
    let Some(secret) = known_secret(ledger).await? else {
        // Nothing was ever judged here.
        return Ok(());
    };
    let site = crate::engine::snapshot_of(revision, &checked.merged, Vec::new())?;
    let people = transaction.counted_people().await?.into_iter().collect();
    counting::recount(transaction, &site, &secret, &people, now).await
}

fn audit_record(plan: &Plan, checked: &Checked, options: &ImportOptions, now: Instant) -> AuditRecord {
    let files: Vec<serde_json::Value> = plan.files.iter().map(FileReport::to_json).collect();
    let body = serde_json::json!({
        "files": files,
        "swipes": checked.compiled.swipes.len(),
        "errors": checked.errors,
        "accept_good_rows": options.accept_good_rows,
    });
    AuditRecord {
        at: now,
        actor: options.actor.clone(),
        act: "import".to_owned(),
        subject: "site_folder".to_owned(),
        body: body.to_string(),
    }
}

fn report(
    checked: Checked,
    plan: Plan,
    swipes: swipes::SwipeCounts,
    options: &ImportOptions,
    applied: bool,
) -> ImportReport {
    let mut files = plan.files;
    if checked.tables.contains(&TableFile::Swipes) {
        let name = TableFile::Swipes.name();
        let refused = checked.refused.get(name).copied().unwrap_or_default();
        files.retain(|report| report.file != name);
        files.push(FileReport {
            added: swipes.added,
            unchanged: swipes.unchanged,
            refused,
            ..FileReport::new(name)
        });
    }
    ImportReport {
        problems: checked.problems,
        errors: checked.errors,
        files,
        dry_run: options.dry_run,
        applied,
        takes_good_rows: false,
    }
}
