//! `rollcall recalculate`, and what `import --dry-run` shows: which findings other facts, or this version of the rules, would
//! change. A dry run first; applying makes days due, and the daemon judges them as it judges everything.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;

use chrono::{Days, NaiveDate};
use rules::time::Instant;
use store::rows::{AuditRecord, DayKey, MeetingKey};
use store::{Ledger, StoreError};

use crate::counting;
use crate::engine::{OPENED_FROM, OPENED_THROUGH, known_secret, load_site, meetings, snapshot_of};
use crate::replay::{self, Dates, Extent, Lens, Replay};
use crate::shared::SiteSnapshot;
use crate::transfer::{self, Proposal};

/// Rows made in one transaction.
const ROWS_AT_ONCE: usize = 256;

/// Whose days, and which.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Of these people; `None` is everybody.
    pub people: Option<BTreeSet<String>>,
    /// From this date on; `None` is from the first that was ever judged.
    pub from: Option<NaiveDate>,
    /// Before this date; `None` is to the last.
    pub until: Option<NaiveDate>,
}

impl Scope {
    /// Its dates, as far as it says none those of `otherwise`.
    fn dates(&self, otherwise: Dates) -> Dates {
        Dates {
            from: self.from.unwrap_or(otherwise.from),
            until: self.until.unwrap_or(otherwise.until),
        }
    }
}

/// What would change.
#[derive(Debug)]
pub struct Recalculation {
    /// The findings before and after.
    pub replay: Replay,
    /// Days and meetings among them that were never judged, because nothing was asked of anybody there.
    pub unjudged: usize,
}

/// Tries what judging again would change, with a folder laid over the stored facts or by those in force; writes nothing.
pub async fn dry_run(
    ledger: &dyn Ledger,
    folder: Option<&Path>,
    asked: Scope,
    now: Instant,
) -> anyhow::Result<Recalculation> {
    let (lens, scope) = match folder {
        None => (lens_of(load_site(ledger).await?, Vec::new()), asked),
        Some(folder) => {
            let Proposal {
                source,
                swipes,
                people,
                from,
            } = transfer::propose(ledger, folder, now).await?;
            let site = snapshot_of(ledger.facts_revision().await?, &source, ledger.outages().await?)?
                .without(ledger.withdrawn_placements().await?);
            let scope = Scope {
                people,
                from: from.max(asked.from),
                until: asked.until,
            };
            (lens_of(site, swipes), scope)
        }
    };
    let at = replay::latest_judging(ledger, now).await?;
    let days = unjudged_days(ledger, &lens.site, &scope).await?;
    let meetings = unjudged_meetings(ledger, &lens.site, &scope).await?;
    let unjudged = days.len() + meetings.len();
    let extent = Extent {
        people: scope.people,
        without_meetings: false,
        days: days.into_iter().map(|key| (key, at)).collect(),
        meetings: meetings.into_iter().map(|key| (key, at)).collect(),
    };
    let dates = replay::asked_dates(ledger, scope.from, scope.until).await?;
    let replay = replay::compare_dates(ledger, &lens, dates, &extent).await?;
    Ok(Recalculation { replay, unjudged })
}

fn lens_of(site: SiteSnapshot, extra: Vec<store::rows::SwipeRecord>) -> Lens {
    Lens {
        site,
        known_at: None,
        extra,
        with_pending: true,
    }
}

/// The days of dates that have begun, and on which the facts ask something of somebody, that have no rows yet.
pub async fn unjudged_days(ledger: &dyn Ledger, site: &SiteSnapshot, scope: &Scope) -> Result<Vec<DayKey>, StoreError> {
    let Some(begun) = begun_dates(ledger).await? else {
        return Ok(Vec::new());
    };
    let asked = scope.dates(begun);
    let facts = &site.facts;
    let people = || {
        let all = facts.records().people.iter().zip(facts.person_indexes());
        all.filter(|(person, _)| scope.people.as_ref().is_none_or(|people| people.contains(&*person.id)))
    };
    let mut missing = Vec::new();
    for week in begun.within(asked).weeks() {
        let (from, until) = week.texts();
        let rows = ledger.days(&from, &until).await?;
        let rows: BTreeSet<DayKey> = rows.into_iter().map(|row| row.key).collect();
        for (person, index) in people() {
            let keys = week
                .days()
                .filter(|date| facts.is_asked(index, *date))
                .map(|date| DayKey {
                    person: person.id.to_string(),
                    date: date.to_string(),
                });
            missing.extend(keys.filter(|key| !rows.contains(key)));
        }
    }
    Ok(missing)
}

/// The meetings, on dates that have begun, that are judged as a whole and have no rows yet. The daemon makes those itself.
async fn unjudged_meetings(
    ledger: &dyn Ledger,
    site: &SiteSnapshot,
    scope: &Scope,
) -> Result<Vec<MeetingKey>, StoreError> {
    let Some(begun) = begun_dates(ledger).await? else {
        return Ok(Vec::new());
    };
    let dates = begun.within(scope.dates(begun));
    let (from, until) = dates.texts();
    let rows = ledger.meeting_days(&from, &until).await?;
    let rows: BTreeSet<MeetingKey> = rows.into_iter().map(|row| row.key).collect();
    let known = meetings::rows_of(&site.facts).into_keys();
    let is_missing = |key: &MeetingKey| from <= key.date && key.date < until && !rows.contains(key);
    Ok(known.filter(is_missing).collect())
}

/// The dates whose rows the daemon has made; `None` in an installation that has made none.
async fn begun_dates(ledger: &dyn Ledger) -> Result<Option<Dates>, StoreError> {
    let date = async |name| -> Result<Option<NaiveDate>, StoreError> {
        Ok(ledger.setting(name).await?.and_then(|text| text.parse().ok()))
    };
    let (from, through) = (date(OPENED_FROM).await?, date(OPENED_THROUGH).await?);
    let until = through.and_then(|through| through.checked_add_days(Days::new(1)));
    Ok(from.zip(until).map(|(from, until)| Dates { from, until }))
}

/// Makes day rows, due at once.
pub async fn make_rows(ledger: &dyn Ledger, days: &[DayKey]) -> Result<(), StoreError> {
    for chunk in days.chunks(ROWS_AT_ONCE) {
        let mut transaction = ledger.begin().await?;
        transaction.touch_days(chunk).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Makes the days of some dates due, by the facts in force and this version of the rules; the running daemon judges them.
/// Returns how many were not due before.
pub async fn apply(ledger: &dyn Ledger, scope: &Scope, actor: &str, now: Instant) -> anyhow::Result<u64> {
    let site = load_site(ledger).await?;
    let unjudged = unjudged_days(ledger, &site, scope).await?;
    make_rows(ledger, &unjudged).await?;
    let text = |date: Option<NaiveDate>| date.map(|date| date.to_string());
    let (from, until) = (text(scope.from), text(scope.until));
    // Every date that is written sorts after the empty text and before a tilde.
    let (first, last) = (from.as_deref().unwrap_or(""), until.as_deref().unwrap_or("~"));
    let people: Option<Vec<&str>> = scope
        .people
        .as_ref()
        .map(|people| people.iter().map(String::as_str).collect());
    let mut transaction = ledger.begin().await?;
    let due = transaction.make_due_within(people.as_deref(), first, last).await?;
    if let Some(secret) = known_secret(ledger).await? {
        let people = transaction.counted_people().await?.into_iter().collect();
        counting::recount(&mut *transaction, &site, &secret, &people, now).await?;
    }
    // A running daemon looks at this number, and finds the days that are due.
    transaction.bump_facts_revision().await?;
    let body = serde_json::json!({ "from": from, "until": until, "days": due, "unjudged": unjudged.len(), "rules_version": rules::VERSION });
    transaction
        .append_audit(&AuditRecord {
            at: now,
            actor: actor.to_owned(),
            act: "recalculate".to_owned(),
            subject: "days".to_owned(),
            body: body.to_string(),
        })
        .await?;
    transaction.commit().await?;
    Ok(due + unjudged.len() as u64)
}
