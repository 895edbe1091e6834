//! The slow facts: read from the ledger, and changed by readers that are lost and found.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use rules::facts::SiteFacts;
use rules::model::{Outage, Reader, Site, SiteRecords};
use rules::time::{Instant, local_date};
use store::rows::OutageRow;
use store::{Ledger, StoreError};

use super::Engine;
use super::intake::ReaderChange;
use crate::folder::{FolderError, SiteSource};
use crate::lobby::SourceState;
use crate::shared::SiteSnapshot;

/// Reads the facts in force. The revision is read first, so that a change meanwhile is noticed by the next look at it.
pub async fn load_site(ledger: &dyn Ledger) -> Result<SiteSnapshot, StoreError> {
    let revision = ledger.facts_revision().await?;
    let source = crate::transfer::site_source(ledger).await?;
    let snapshot = snapshot_of(revision, &source, ledger.outages().await?)?;
    Ok(snapshot.without(ledger.withdrawn_placements().await?))
}

/// The facts that files of a site folder and outages make.
pub fn snapshot_of(revision: i64, source: &SiteSource, outages: Vec<OutageRow>) -> Result<SiteSnapshot, StoreError> {
    let mut records = if source.site.is_empty() {
        nobody()
    } else {
        crate::folder::compile(source)
            .map_err(|error| unusable(&error))?
            .records
    };
    let readers: BTreeMap<Arc<str>, u32> = records
        .readers
        .iter()
        .zip(0..)
        .map(|(reader, index)| (reader.id.clone(), index))
        .collect();
    for outage in outages {
        if let Some(index) = readers.get(outage.reader.as_str()) {
            let reader = rules::model::ReaderIndex(*index);
            records.outages.push(Outage {
                reader,
                down_from: outage.down_from,
                down_until: outage.down_until,
            });
        }
    }
    Ok(SiteSnapshot::new(revision, Arc::new(SiteFacts::new(records))))
}

/// A bureau of which nothing is known yet: no import has been made.
fn nobody() -> SiteRecords {
    SiteRecords::of_site(Site::of_zone("".into(), chrono_tz::UTC))
}

/// An import refuses a `site.toml` that cannot be used, so a stored one was written by something else.
fn unusable(error: &FolderError) -> StoreError {
    tracing::error!(event = "facts.unusable", error = %error, remedy = "import a site folder with a usable site.toml");
    StoreError::BadRow {
        table: "edition",
        column: "body",
        id: "site".to_owned(),
    }
}

/// The date that the site's clocks show.
pub(super) fn date_at(facts: &SiteFacts, at: Instant) -> NaiveDate {
    local_date(at, facts.records().site.zone)
}

/// When a date begins to be judged: the earliest moment at which anybody's does, or a meeting's.
pub(super) fn opens_at(facts: &SiteFacts, date: NaiveDate) -> Option<Instant> {
    let people = facts.person_indexes().filter_map(|person| facts.opens_at(person, date));
    let scopes = facts.unit_scopes().into_iter();
    let meetings = scopes
        .filter(|scope| facts.date_of_scope(*scope) == date)
        .map(|scope| facts.scope_opens_at(scope));
    people.chain(meetings).min()
}

/// What a reader's change means for the outages: `down` is brought up to date, and a row to be stored is returned unless the
/// change says nothing new.
pub(super) fn outage(down: &mut BTreeMap<Arc<str>, Instant>, change: &ReaderChange) -> Option<OutageRow> {
    let reader = change.reader.to_string();
    if change.up {
        let down_from = down.remove(&change.reader)?;
        return Some(OutageRow {
            reader,
            down_from,
            down_until: Some(change.at.max(down_from)),
        });
    }
    if down.contains_key(&change.reader) {
        return None;
    }
    down.insert(Arc::clone(&change.reader), change.at);
    Some(OutageRow {
        reader,
        down_from: change.at,
        down_until: None,
    })
}

/// The readers as the screens show them.
pub(super) fn sources(facts: &SiteFacts, down: &BTreeMap<Arc<str>, Instant>, now: Instant) -> Vec<SourceState> {
    let readers = facts.records().readers.iter();
    let state = |reader: &Reader| {
        let down_since = down.get(&reader.id);
        SourceState {
            reader: reader.id.to_string(),
            silent: down_since.is_some(),
            since: down_since.copied().unwrap_or(now),
        }
    };
    readers.map(state).collect()
}

impl Engine {
    /// The clock went back from `until` to `from`: for that long no reading says when it happened, so no reader counts as
    /// heard.
    pub(super) async fn record_clock_step(&mut self, from: Instant, until: Instant) -> Result<(), StoreError> {
        let readers: Vec<String> = self
            .site
            .borrow()
            .facts
            .records()
            .readers
            .iter()
            .map(|reader| reader.id.to_string())
            .collect();
        let mut transaction = self.ledger.begin().await?;
        for reader in readers {
            transaction
                .save_outage(
                    &OutageRow {
                        reader,
                        down_from: from,
                        down_until: Some(until),
                    },
                    // What the clock says from now on.
                    from,
                )
                .await?;
        }
        self.change_facts(transaction, Some(from)).await
    }
}
