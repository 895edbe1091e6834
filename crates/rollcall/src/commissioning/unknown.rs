//! Badges that were read and that nobody had then: new cards that nobody registered, and lost ones that somebody still uses.

use std::collections::BTreeMap;

use rules::time::{Instant, Interval};
use store::rows::SwipeRecord;
use store::{Ledger, StoreError};

use crate::shared::SiteSnapshot;

/// How many badges are looked at closely: those that were read last.
const LOOKED_AT: usize = 200;

/// A badge that nobody had when it was read.
#[derive(Clone, Debug)]
pub struct UnknownBadge {
    /// Its key, as read.
    pub badge: String,
    /// Its first such reading.
    pub first: SwipeRecord,
    /// Its last.
    pub last: SwipeRecord,
    /// How many there are.
    pub times: usize,
    /// Whose it was until when, where it was anybody's before its last such reading.
    pub lost: Option<Lost>,
}

/// A badge that was taken from somebody.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Lost {
    /// Who had it: the person's id.
    pub person: String,
    /// Until when.
    pub until: Instant,
}

/// Badges that were read in an interval and that nobody had then, the one that was read last first; at most some hundreds.
pub async fn unknown_badges(
    ledger: &dyn Ledger,
    site: &SiteSnapshot,
    happened: Interval,
) -> Result<Vec<UnknownBadge>, StoreError> {
    let mut seen = ledger.badges_seen(happened).await?;
    seen.retain(|seen| may_be_unknown(site, &seen.badge, seen.first_at, seen.last_at));
    seen.sort_by_key(|seen| std::cmp::Reverse(seen.last_at));
    seen.truncate(LOOKED_AT);
    let keys: Vec<&str> = seen.iter().map(|seen| seen.badge.as_str()).collect();
    let mut swipes = ledger.swipes(&keys, happened).await?;
    swipes.retain(|swipe| holder_of(site, &swipe.badge, swipe.happened_at).is_none());
    swipes.sort_by(|one, other| (one.happened_at, &one.id).cmp(&(other.happened_at, &other.id)));
    let mut unknown: BTreeMap<String, UnknownBadge> = BTreeMap::new();
    for swipe in swipes {
        let entry = unknown.entry(swipe.badge.clone());
        let badge = entry.or_insert_with(|| UnknownBadge {
            badge: swipe.badge.clone(),
            first: swipe.clone(),
            last: swipe.clone(),
            times: 0,
            lost: None,
        });
        badge.times += 1;
        badge.last = swipe;
    }
    let mut unknown: Vec<UnknownBadge> = unknown.into_values().collect();
    for badge in &mut unknown {
        badge.lost = lost_since(site, &badge.badge, badge.last.happened_at);
    }
    unknown.sort_by(|one, other| (other.last.happened_at, &one.badge).cmp(&(one.last.happened_at, &other.badge)));
    Ok(unknown)
}

fn holder_of(site: &SiteSnapshot, key: &str, at: Instant) -> Option<rules::model::PersonIndex> {
    site.facts.holder(site.badge(key, at)?, at)
}

/// Whether nobody had it at some time between two readings; looks at more than there is rather than at less.
fn may_be_unknown(site: &SiteSnapshot, key: &str, first: Instant, last: Instant) -> bool {
    let (Some(at_first), Some(at_last)) = (site.badge(key, first), site.badge(key, last)) else {
        return true;
    };
    let grants = &site.facts.records().badges[at_first.at()].grants;
    let covers = |at| grants.iter().any(|grant| grant.interval.contains(at));
    at_first != at_last || grants.len() > 1 || !covers(first) || !covers(last)
}

/// Whose a badge was before an instant at which nobody has it.
pub fn lost_since(site: &SiteSnapshot, key: &str, at: Instant) -> Option<Lost> {
    let records = site.facts.records();
    let badge = site.badge(key, at)?;
    let ended = records.badges[badge.at()]
        .grants
        .iter()
        .filter(|grant| grant.interval.until <= at);
    let last = ended.max_by_key(|grant| grant.interval.until)?;
    Some(Lost {
        person: records.people[last.person.at()].id.to_string(),
        until: last.interval.until,
    })
}
