//! Stored days judged again from nothing: by the facts that somebody asks for, from the swipes that are stored.

use std::collections::{BTreeMap, BTreeSet};

use rules::Evaluator;
use rules::facts::SiteFacts;
use rules::time::Instant;
use store::Ledger;
use store::rows::{BadgeSwipe, DayKey, FindingRow, MeetingKey, SwipeRecord};

use super::batch::{assess, group, installation_secret};
use super::meetings;
use super::verdicts::{Judging, settle, settle_units};
use crate::shared::SiteSnapshot;

/// How many days are looked at together.
const DAYS_PER_CHUNK: usize = 512;

/// What days are judged by.
pub struct Again<'a> {
    ledger: &'a dyn Ledger,
    site: &'a SiteSnapshot,
    secret: Vec<u8>,
    /// Only swipes that had been received by then count.
    known_at: Option<Instant>,
    /// Swipes that are not stored, such as those of a folder that somebody may import.
    extra: &'a [SwipeRecord],
}

impl<'a> Again<'a> {
    /// Judges by `site`; `known_at` leaves out what was received later, and `extra` adds to what is stored.
    pub async fn new(
        ledger: &'a dyn Ledger,
        site: &'a SiteSnapshot,
        known_at: Option<Instant>,
        extra: &'a [SwipeRecord],
    ) -> anyhow::Result<Self> {
        Ok(Self {
            ledger,
            site,
            secret: installation_secret(ledger).await?,
            known_at,
            extra,
        })
    }

    /// The findings of days, each judged at its instant; of people whom the facts do not know there are none.
    pub async fn judge(&self, days: &BTreeMap<DayKey, Instant>) -> anyhow::Result<Vec<FindingRow>> {
        let facts: &SiteFacts = &self.site.facts;
        let keys: Vec<DayKey> = days.keys().cloned().collect();
        let mut found = Vec::new();
        let mut evaluator = Evaluator::new(facts);
        for chunk in keys.chunks(DAYS_PER_CHUNK) {
            let (people, _) = group(facts, chunk);
            for person in people {
                let query = BadgeSwipe {
                    badges: self.site.badge_keys_of(person.person),
                    happened: person.window,
                };
                let swipes = self.site.swipes(&self.swipes(&query).await?)?;
                for (key, date) in person.keys {
                    let now = days[&key];
                    let assessment = assess(&mut evaluator, person.person, date, &swipes, now);
                    let judging = Judging {
                        records: facts.records(),
                        secret: &self.secret,
                        facts_revision: self.site.revision,
                        now,
                    };
                    found.extend(settle(&judging, &key, &assessment, Vec::new()).holding);
                }
            }
        }
        Ok(found)
    }

    /// The findings of units, of meeting rows judged each at its instant; of what the facts do not know there are none.
    pub async fn judge_meetings(&self, meetings: &BTreeMap<MeetingKey, Instant>) -> anyhow::Result<Vec<FindingRow>> {
        let facts: &SiteFacts = &self.site.facts;
        let known = meetings::rows_of(facts);
        let mut found = Vec::new();
        for (key, now) in meetings {
            let Some(scope) = known.get(key).copied() else {
                continue;
            };
            let rows = self.swipes(&meetings::swipe_query(self.site, scope)).await?;
            let swipes = self.site.swipes(&rows)?;
            let assessment = rules::evaluate_meeting(&meetings::facts_of(facts, scope, &swipes), *now);
            let judging = Judging {
                records: facts.records(),
                secret: &self.secret,
                facts_revision: self.site.revision,
                now: *now,
            };
            found.extend(settle_units(&judging, &key.date, &assessment.findings, Vec::new()).holding);
        }
        Ok(found)
    }

    async fn swipes(&self, query: &BadgeSwipe<'_>) -> anyhow::Result<Vec<SwipeRecord>> {
        let mut swipes = self.ledger.swipes(&query.badges, query.happened).await?;
        if !self.extra.is_empty() {
            let badges: BTreeSet<&str> = query.badges.iter().copied().collect();
            let asked = |swipe: &&SwipeRecord| {
                badges.contains(swipe.badge.as_str()) && query.happened.contains(swipe.happened_at)
            };
            swipes.extend(self.extra.iter().filter(asked).cloned());
        }
        if let Some(known_at) = self.known_at {
            swipes.retain(|swipe| swipe.received_at <= known_at);
        }
        Ok(swipes)
    }
}
