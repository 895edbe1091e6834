//! Proof that what is stored is what the rules say: every stored day judged again from nothing.

use std::collections::BTreeMap;
use std::fmt;

use rules::Evaluator;
use rules::time::Instant;
use store::Ledger;
use store::rows::{DayKey, DayRow, FindingQuery, FindingRow};

use super::batch::{assess, group, installation_secret};
use super::verdicts::{Judging, settle};

/// How many days are looked at together.
const DAYS_PER_CHUNK: usize = 512;

/// What a rebuild found.
#[derive(Debug, Default)]
pub struct Rebuilt {
    /// Days whose stored findings were compared.
    pub days: usize,
    /// Days that wait to be judged again, because facts have changed; they are not compared.
    pub pending: usize,
    /// Swipes stored.
    pub swipes: i64,
    /// Where the two differ.
    pub differences: Vec<Difference>,
}

/// A finding that is stored and not found again, or found and not stored.
#[derive(Debug)]
pub struct Difference {
    /// Whose day.
    pub day: DayKey,
    /// The period or meeting.
    pub about: String,
    /// The finding's kind.
    pub kind: String,
    /// What is stored: state and length in milliseconds.
    pub stored: Option<(String, Option<i64>)>,
    /// What the rules say.
    pub rebuilt: Option<(String, Option<i64>)>,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            day,
            about,
            kind,
            stored,
            rebuilt,
        } = self;
        write!(
            formatter,
            "{} {} {about} {kind}: stored {stored:?}, rebuilt {rebuilt:?}",
            day.person, day.date
        )
    }
}

/// Judges every stored day again, each at the instant at which it was last judged, and compares.
pub async fn check(ledger: &dyn Ledger) -> anyhow::Result<Rebuilt> {
    let site = super::load_site(ledger).await?;
    let secret = installation_secret(ledger).await?;
    let mut stored = stored_findings(ledger).await?;
    let mut rebuilt = Rebuilt {
        swipes: ledger.swipe_count().await?,
        ..Rebuilt::default()
    };
    let (judged, pending): (Vec<DayRow>, Vec<DayRow>) = ledger
        .days("0000-00-00", "9999-99-99")
        .await?
        .into_iter()
        .partition(is_settled);
    rebuilt.pending = pending.len();
    let mut evaluator = Evaluator::new(&site.facts);
    for chunk in judged.chunks(DAYS_PER_CHUNK) {
        let judged_at: BTreeMap<DayKey, Instant> = chunk
            .iter()
            .filter_map(|row| Some((row.key.clone(), row.judged_at?)))
            .collect();
        let keys: Vec<DayKey> = judged_at.keys().cloned().collect();
        let (people, _) = group(&site.facts, &keys);
        for days in people {
            let records = ledger.swipes(&site.badge_keys_of(days.person), days.window).await?;
            let swipes = site.swipes(&records)?;
            for (key, date) in days.keys {
                let now = judged_at[&key];
                let assessment = assess(&mut evaluator, days.person, date, &swipes, now);
                let judging = Judging {
                    records: site.facts.records(),
                    secret: &secret,
                    facts_revision: site.revision,
                    now,
                };
                let before = stored.remove(&key).unwrap_or_default();
                rebuilt.differences.extend(differences(
                    &key,
                    &before,
                    &settle(&judging, &key, &assessment, Vec::new()).holding,
                ));
                rebuilt.days += 1;
            }
        }
    }
    Ok(rebuilt)
}

/// A row that is due at once has been overtaken by a changed fact.
fn is_settled(row: &DayRow) -> bool {
    row.judged_at.is_some() && row.next_check != Some(Instant::from_ms(0))
}

async fn stored_findings(ledger: &dyn Ledger) -> anyhow::Result<BTreeMap<DayKey, Vec<FindingRow>>> {
    let mut days: BTreeMap<DayKey, Vec<FindingRow>> = BTreeMap::new();
    for row in ledger.findings(&FindingQuery::default()).await? {
        days.entry(DayKey {
            person: row.person.clone(),
            date: row.date.clone(),
        })
        .or_default()
        .push(row);
    }
    Ok(days)
}

fn differences(day: &DayKey, stored: &[FindingRow], rebuilt: &[FindingRow]) -> Vec<Difference> {
    let mut pairs: BTreeMap<&str, (Option<&FindingRow>, Option<&FindingRow>)> = BTreeMap::new();
    for row in stored {
        pairs.entry(&row.id).or_default().0 = Some(row);
    }
    for row in rebuilt {
        pairs.entry(&row.id).or_default().1 = Some(row);
    }
    let says = |row: Option<&FindingRow>| row.map(|row| (row.digest.clone(), row.swipes.clone()));
    let unequal = pairs
        .into_values()
        .filter(|(stored, rebuilt)| says(*stored) != says(*rebuilt));
    unequal
        .filter_map(|(stored, rebuilt)| difference(day, stored, rebuilt))
        .collect()
}

fn difference(day: &DayKey, stored: Option<&FindingRow>, rebuilt: Option<&FindingRow>) -> Option<Difference> {
    let shown = rebuilt.or(stored)?;
    let said = |row: &FindingRow| (row.state.clone(), row.length_ms);
    Some(Difference {
        day: day.clone(),
        about: shown
            .period
            .clone()
            .or_else(|| shown.meeting.clone())
            .or_else(|| shown.source.clone())
            .unwrap_or_default(),
        kind: shown.kind.clone(),
        stored: stored.map(said),
        rebuilt: rebuilt.map(said),
    })
}
