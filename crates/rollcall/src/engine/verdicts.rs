//! From what the rules say of a day to the rows that are stored: which findings are new, changed or gone.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use rules::finding::{About, Assessment, Finding};
use rules::model::{SiteRecords, Subject, SwipeId};
use rules::time::Instant;
use sha2::{Digest, Sha256};
use store::rows::{DayKey, FindingRow, Review};

/// What every row written in one transaction has in common.
#[derive(Clone, Copy, Debug)]
pub struct Judging<'a> {
    /// The bureau judged by.
    pub records: &'a SiteRecords,
    /// The installation's secret, which finding ids are keyed with.
    pub secret: &'a [u8],
    /// The facts revision judged by.
    pub facts_revision: i64,
    /// When.
    pub now: Instant,
}

/// The findings of one day as they are to be stored.
#[derive(Debug, Default)]
pub struct Settled {
    /// All that hold, in the order of the assessment.
    pub holding: Vec<FindingRow>,
    /// Those of `holding` that are new or changed, and those that no longer hold.
    pub changed: Vec<FindingRow>,
}

/// Compares what the rules say of a day with what is stored of it.
pub fn settle(judging: &Judging<'_>, day: &DayKey, assessment: &Assessment, stored: Vec<FindingRow>) -> Settled {
    let rows = assessment.findings.iter().map(|finding| judging.row(day, finding));
    settle_rows(judging, rows, stored)
}

/// Compares what the rules say of units at a meeting with what is stored of it.
pub fn settle_units(judging: &Judging<'_>, date: &str, findings: &[Finding], stored: Vec<FindingRow>) -> Settled {
    let nobody = DayKey {
        person: String::new(),
        date: date.to_owned(),
    };
    settle_rows(
        judging,
        findings.iter().map(|finding| judging.row(&nobody, finding)),
        stored,
    )
}

fn settle_rows(judging: &Judging<'_>, rows: impl Iterator<Item = FindingRow>, stored: Vec<FindingRow>) -> Settled {
    let mut stored: BTreeMap<String, FindingRow> = stored.into_iter().map(|row| (row.id.clone(), row)).collect();
    let mut settled = Settled::default();
    for row in rows {
        let row = match stored.remove(&row.id) {
            Some(before)
                if before.withdrawn_at.is_none() && before.digest == row.digest && before.swipes == row.swipes =>
            {
                before
            }
            before => {
                let row = succeed(row, before);
                settled.changed.push(row.clone());
                row
            }
        };
        settled.holding.push(row);
    }
    let gone = stored.into_values().filter(|row| row.withdrawn_at.is_none());
    settled.changed.extend(gone.map(|row| judging.withdraw(row)));
    settled
}

/// The row that follows `before`: its number grows and its review is kept (the ledger reopens it if the digest changed).
fn succeed(row: FindingRow, before: Option<FindingRow>) -> FindingRow {
    match before {
        Some(before) => FindingRow {
            revision: before.revision + 1,
            review: before.review,
            ..row
        },
        None => row,
    }
}

impl Judging<'_> {
    /// A finding as it is stored when it is new.
    pub fn row(&self, day: &DayKey, finding: &Finding) -> FindingRow {
        let (period, meeting) = match &finding.about {
            About::Period(name) => (Some(name.to_string()), None),
            About::Meeting(index) => (
                None,
                self.records
                    .meetings
                    .get(index.at())
                    .map(|meeting| meeting.id.to_string()),
            ),
            About::Duty(_) | About::Date => (None, None),
        };
        let kind = finding.kind.name();
        let place = period.as_deref().or(meeting.as_deref()).unwrap_or_default();
        let source = finding.source.as_deref();
        let mut identity = vec![
            &*day.person,
            &*day.date,
            if period.is_some() { "period" } else { "meeting" },
            place,
            kind,
        ];
        identity.extend(source);
        let unit = finding.unit.and_then(|unit| self.records.units.get(unit.at()));
        // A unit's findings are told apart by the unit; a person's stay what they are when they move to another unit.
        if let (Subject::Unit(_), Some(unit)) = (finding.subject, unit) {
            identity.extend(["unit", &*unit.id]);
        }
        FindingRow {
            id: self.finding_id(&identity),
            person: day.person.clone(),
            unit: unit.map(|unit| unit.id.to_string()),
            date: day.date.clone(),
            period,
            meeting,
            kind: kind.to_owned(),
            state: finding.state.name().to_owned(),
            length_ms: finding.length.map(rules::time::Span::as_ms),
            due: finding.due,
            actual: finding.actual,
            since: finding.since,
            source: source.map(str::to_owned),
            swipes: finding.swipes.iter().map(swipe_hex).collect::<Vec<_>>().join(" "),
            digest: digest(finding),
            revision: 1,
            changed_at: self.now,
            withdrawn_at: None,
            rules_version: rules::VERSION,
            facts_revision: self.facts_revision,
            review: Review::Open,
        }
    }

    /// A finding that no longer holds.
    pub fn withdraw(&self, row: FindingRow) -> FindingRow {
        FindingRow {
            revision: row.revision + 1,
            changed_at: self.now,
            withdrawn_at: Some(self.now),
            // What somebody decided on is gone, so the digest they decided on must not match any more.
            digest: hex::encode(Sha256::digest(format!("withdrawn|{}", row.digest))),
            rules_version: rules::VERSION,
            facts_revision: self.facts_revision,
            ..row
        }
    }

    /// An id that is the same at every re-evaluation and says nothing about the person to whoever lacks the secret.
    fn finding_id(&self, identity: &[&str]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret).expect("HMAC takes a key of any length");
        for part in identity {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        hex::encode(&mac.finalize().into_bytes()[..16])
    }
}

/// A swipe's id as it is stored.
pub fn swipe_hex(id: &SwipeId) -> String {
    hex::encode(id.0)
}

/// SHA-256 over what a finding says, without what it merely cites: a repeat of the same badge changes no decision.
fn digest(finding: &Finding) -> String {
    let instant = |at: Option<Instant>| at.map_or_else(|| "-".to_owned(), |at| at.as_ms().to_string());
    let said = format!(
        "{}|{}|{}|{}|{}|{}|{}",
        finding.kind.name(),
        finding.state.name(),
        finding
            .length
            .map_or_else(|| "-".to_owned(), |length| length.as_ms().to_string()),
        instant(finding.due),
        instant(finding.actual),
        instant(finding.since),
        finding.by_lateness,
    );
    hex::encode(Sha256::digest(said))
}

#[cfg(test)]
mod tests;
