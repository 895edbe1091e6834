//! Published weeks 通报: from its number on, a week's findings stay as they were published; what judging says of them later waits
//! as a correction, until a person issues it under a number of its own.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;

use rules::time::{Instant, local_date};
use store::rows::{AuditRecord, FindingQuery, FindingRow, PublicationRow, Review};
use store::{Ledger, StoreError};

use crate::counting;
use crate::engine::{known_secret, load_site};
use crate::replay::Comparison;
use crate::week::Week;

/// What keeps a week from being published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Its Sunday is not over.
    NotOver,
    /// So many days and meetings wait to be judged.
    Unjudged(usize),
    /// So many findings can still change by themselves.
    Provisional(usize),
    /// So many findings are final and nobody has decided on them, or they changed after a decision.
    Undecided(usize),
}

/// Why nothing was published or issued.
#[derive(Debug, thiserror::Error)]
pub enum BulletinError {
    /// The week is not ready.
    #[error("week {week} cannot be published yet: {}", listed(.obstacles))]
    NotReady {
        /// Which.
        week: Week,
        /// Everything that is in the way.
        obstacles: Vec<Obstacle>,
    },
    /// It is public already.
    #[error("week {week} was published already, as number {number}")]
    Published {
        /// Which.
        week: Week,
        /// As what.
        number: String,
    },
    /// The number is used.
    #[error("number {0} is used already: each bulletin and each notice of correction has a number of its own")]
    NumberUsed(String),
    /// Only a published week can be corrected.
    #[error("week {0} is not published, so its findings change by themselves and there is nothing to correct")]
    NotPublished(Week),
    /// There is nothing to issue.
    #[error("no correction of week {0} waits")]
    NothingWaits(Week),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl fmt::Display for Obstacle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOver => formatter.write_str("its Sunday is not over"),
            Self::Unjudged(days) => write!(formatter, "{days} days or meetings wait to be judged; start the daemon"),
            Self::Provisional(findings) => write!(formatter, "{findings} findings can still change by themselves"),
            Self::Undecided(findings) => write!(formatter, "{findings} findings are not decided on; see the review"),
        }
    }
}

fn listed(obstacles: &[Obstacle]) -> String {
    obstacles.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Who acts, and when.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// An account, or a word for the command line.
    pub actor: &'a str,
    /// The instant that is recorded.
    pub now: Instant,
}

/// Makes a week public under a number. Whoever judges its dates at the same time is waited for, and what they find later is a
/// correction.
pub async fn publish(ledger: &dyn Ledger, week: Week, number: &str, act: Act<'_>) -> Result<(), BulletinError> {
    let publications = ledger.publications().await?;
    if let Some(published) = publications.iter().find(|row| row.week == week.to_string()) {
        let number = published.number.clone();
        return Err(BulletinError::Published { week, number });
    }
    refuse_used(ledger, &publications, number).await?;
    let mut transaction = ledger.begin().await?;
    transaction
        .publish(&PublicationRow {
            week: week.to_string(),
            first_date: week.first().to_string(),
            until_date: week.until().to_string(),
            number: number.to_owned(),
            published_at: act.now,
            published_by: act.actor.to_owned(),
        })
        .await?;
    // Nobody else can write of these dates any more, so what is read now is what is published.
    let obstacles = obstacles(ledger, week, act.now).await?;
    if !obstacles.is_empty() {
        return Err(BulletinError::NotReady { week, obstacles });
    }
    transaction
        .append_audit(&record(act, "bulletin.publish", week, number, 0))
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// Whether neither a bulletin nor a notice of correction has this number.
async fn refuse_used(ledger: &dyn Ledger, publications: &[PublicationRow], number: &str) -> Result<(), BulletinError> {
    let issued = ledger.corrections("", "~", true).await?;
    let is_used = publications.iter().any(|row| row.number == number)
        || issued.iter().any(|row| row.number.as_deref() == Some(number));
    if is_used {
        return Err(BulletinError::NumberUsed(number.to_owned()));
    }
    Ok(())
}

/// Everything that keeps a week from being published. What is withheld is not in the way: it is not published, and becomes a
/// correction when it can be told.
pub async fn obstacles(ledger: &dyn Ledger, week: Week, now: Instant) -> Result<Vec<Obstacle>, StoreError> {
    let zone = load_site(ledger).await?.facts.records().site.zone;
    let (from, until) = (week.first().to_string(), week.until().to_string());
    let days = ledger.days(&from, &until).await?.into_iter();
    let meetings = ledger.meeting_days(&from, &until).await?.into_iter();
    let rows = days.map(|row| (row.judged_at, row.next_check));
    let rows = rows.chain(meetings.map(|row| (row.judged_at, row.next_check)));
    let waits = rows
        .filter(|(judged_at, next_check)| judged_at.is_none() || next_check.is_some_and(|at| at <= now))
        .count();
    let query = FindingQuery {
        from: Some(from),
        until: Some(until),
        ..FindingQuery::default()
    };
    let rows = ledger.findings(&query).await?;
    let provisional = rows.iter().filter(|row| row.state == "provisional").count();
    let is_undecided =
        |row: &&FindingRow| row.state == "final" && matches!(row.review, Review::Open | Review::ChangedAfterDecision);
    let undecided = rows.iter().filter(is_undecided).count();
    let is_over = week.until() <= local_date(now, zone);
    Ok([
        (!is_over).then_some(Obstacle::NotOver),
        (waits > 0).then_some(Obstacle::Unjudged(waits)),
        (provisional > 0).then_some(Obstacle::Provisional(provisional)),
        (undecided > 0).then_some(Obstacle::Undecided(undecided)),
    ]
    .into_iter()
    .flatten()
    .collect())
}

/// Issues the corrections of a published week that wait, under the number of a notice. The findings say from then on what
/// judging says, and are open for decision again; what they added up to is counted anew.
pub async fn issue(
    ledger: &dyn Ledger,
    week: Week,
    number: &str,
    act: Act<'_>,
) -> Result<Vec<FindingRow>, BulletinError> {
    let publications = ledger.publications().await?;
    let published = publications.iter().find(|row| row.week == week.to_string());
    let published = published.ok_or(BulletinError::NotPublished(week))?;
    refuse_used(ledger, &publications, number).await?;
    let site = load_site(ledger).await?;
    let mut transaction = ledger.begin().await?;
    let issued = transaction.issue_corrections(published, number, act.now).await?;
    if issued.is_empty() {
        return Err(BulletinError::NothingWaits(week));
    }
    if let Some(secret) = known_secret(ledger).await? {
        let people: BTreeSet<String> = issued.iter().map(|row| row.person.clone()).collect();
        counting::recount(&mut *transaction, &site, &secret, &people, act.now).await?;
    }
    transaction
        .append_audit(&record(act, "bulletin.correct", week, number, issued.len()))
        .await?;
    transaction.commit().await?;
    Ok(issued)
}

fn record(act: Act<'_>, what: &str, week: Week, number: &str, corrections: usize) -> AuditRecord {
    AuditRecord {
        at: act.now,
        actor: act.actor.to_owned(),
        act: what.to_owned(),
        subject: format!("week:{week}"),
        body: serde_json::json!({ "number": number, "corrections": corrections }).to_string(),
    }
}

/// The corrections that wait, beside what was published; of one week, or of all.
pub async fn waiting(ledger: &dyn Ledger, week: Option<Week>) -> Result<Comparison, StoreError> {
    let (from, until) = week.map_or((String::new(), "~".to_owned()), |week| {
        (week.first().to_string(), week.until().to_string())
    });
    let publications = ledger.publications().await?;
    let corrections = ledger.corrections(&from, &until, false).await?;
    let mut after: Vec<FindingRow> = corrections.into_iter().map(|correction| correction.finding).collect();
    let keys: Vec<(&str, &str)> = after.iter().map(|row| (&*row.date, &*row.id)).collect();
    let mut before = ledger.findings_by_id(&keys).await?;
    before.retain(|row| row.withdrawn_at.is_none());
    after.retain(|row| row.withdrawn_at.is_none());
    Ok(Comparison::of(before, after, &publications))
}
