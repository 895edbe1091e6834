//! Held swipes: placing them in time.
//!
//! A held swipe is never edited. Placing it makes a new swipe of the same reader, card and bytes at the time that a person gives it; the
//! new one is known from the moment at which it was placed, and refers to the old one. A placement can be withdrawn: then the swipe
//! that was made is judged no more, and both stay.

use std::collections::BTreeSet;

use chrono::Days;
use rules::facts::Quarantine;
use rules::time::{Instant, Span};
use store::rows::{AuditRecord, PlacementRow, SwipeRecord};
use store::{Ledger, StoreError, Transaction};

use crate::engine::intake::{CLOCK_OFF, CLOCK_SET, swipe_id};
use crate::shared::SiteSnapshot;

/// Swipes to be placed, and how.
pub struct Placing<'a> {
    /// The held swipes.
    pub swipes: Vec<&'a SwipeRecord>,
    /// By how much their times are moved.
    pub shift: Span,
    /// Who places them.
    pub actor: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// Whether a person can place a held swipe: its time is in doubt, and not its reader.
pub fn is_placeable(swipe: &SwipeRecord) -> bool {
    let by_time = [
        Quarantine::BeforeSince.name(),
        Quarantine::AheadOfReceipt.name(),
        CLOCK_SET,
        CLOCK_OFF,
    ];
    swipe
        .quarantine
        .as_deref()
        .is_some_and(|reason| by_time.contains(&reason))
}

/// Whether a swipe that happened then would be judged: neither before the bureau's first day nor to come.
pub fn is_possible(site: &SiteSnapshot, happened_at: Instant, now: Instant) -> bool {
    Quarantine::of(&site.facts.records().site, happened_at, now).is_none()
}

/// Makes swipes of held ones at other times, in one transaction with the audit.
pub async fn place(
    ledger: &dyn Ledger,
    site: &SiteSnapshot,
    placing: &Placing<'_>,
    now: Instant,
) -> Result<(), StoreError> {
    let made: Vec<(SwipeRecord, PlacementRow)> =
        placing.swipes.iter().map(|held| made_of(held, placing, now)).collect();
    let mut records: Vec<SwipeRecord> = made.iter().map(|(swipe, _)| swipe.clone()).collect();
    // The order in which every writer takes its locks.
    records.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    let mut transaction = ledger.begin().await?;
    transaction.record_swipes(&records).await?;
    for (_, placement) in &made {
        transaction.add_placement(placement).await?;
    }
    let body = serde_json::json!({
        "swipes": placing.swipes.iter().map(|swipe| &swipe.id).collect::<Vec<_>>(),
        "shift_ms": placing.shift.as_ms(),
        "reason": placing.reason,
    });
    finish(transaction, site, &records, ("swipe.place", body), placing.actor, now).await
}

/// Withdraws a placement; whether it stood.
pub async fn withdraw(
    ledger: &dyn Ledger,
    site: &SiteSnapshot,
    placement: &PlacementRow,
    actor: &str,
    now: Instant,
) -> Result<bool, StoreError> {
    let mut transaction = ledger.begin().await?;
    if !transaction.withdraw_placement(&placement.swipe, now, actor).await? {
        return Ok(false);
    }
    let made = SwipeRecord {
        id: placement.swipe.clone(),
        dedup_key: String::new(),
        reader: placement.reader.clone(),
        badge: placement.badge.clone(),
        raw_hex: None,
        bits: None,
        happened_at: placement.happened_at,
        received_at: placement.placed_at,
        sequence: None,
        faces: None,
        quarantine: None,
    };
    let body = serde_json::json!({"swipe": placement.swipe, "original": placement.original});
    finish(transaction, site, &[made], ("swipe.withdraw", body), actor, now).await?;
    Ok(true)
}

fn made_of(held: &SwipeRecord, placing: &Placing<'_>, now: Instant) -> (SwipeRecord, PlacementRow) {
    let dedup_key = format!("{}|placed:{}|{}", held.reader, held.id, now.as_ms());
    let swipe = SwipeRecord {
        id: swipe_id(&dedup_key),
        dedup_key,
        happened_at: held.happened_at + placing.shift,
        received_at: now,
        quarantine: None,
        ..held.clone()
    };
    let placement = PlacementRow {
        swipe: swipe.id.clone(),
        original: held.id.clone(),
        reader: held.reader.clone(),
        badge: held.badge.clone(),
        happened_at: swipe.happened_at,
        placed_at: now,
        placed_by: placing.actor.to_owned(),
        reason: placing.reason.to_owned(),
        withdrawn: None,
    };
    (swipe, placement)
}

/// Has what the swipes can change judged again, and writes who did it.
async fn finish(
    mut transaction: Box<dyn Transaction>,
    site: &SiteSnapshot,
    swipes: &[SwipeRecord],
    (act, body): (&str, serde_json::Value),
    actor: &str,
    now: Instant,
) -> Result<(), StoreError> {
    let facts = &site.facts;
    let records = facts.records();
    let holder = |swipe: &SwipeRecord| facts.holder(site.badge(&swipe.badge, swipe.happened_at)?, swipe.happened_at);
    let mut people = BTreeSet::new();
    for person in swipes.iter().filter_map(holder) {
        let judged = std::iter::once(&person).chain(facts.dependants_of(person));
        people.extend(judged.map(|person| &*records.people[person.at()].id));
    }
    if let Some(first) = swipes.iter().map(|swipe| swipe.happened_at).min() {
        let begun = records.duties_unsettled_at(first).map(|duty| duty.interval.from);
        let date = rules::time::local_date(begun.fold(first, Instant::min), records.site.zone);
        let from = date.checked_sub_days(Days::new(1)).unwrap_or(date).to_string();
        let people: Vec<&str> = people.into_iter().collect();
        transaction.make_due(Some(&people), Some(&from)).await?;
    }
    transaction.bump_facts_revision().await?;
    let audit = AuditRecord {
        at: now,
        actor: actor.to_owned(),
        act: act.to_owned(),
        subject: "swipe".to_owned(),
        body: body.to_string(),
    };
    transaction.append_audit(&audit).await?;
    transaction.commit().await
}
