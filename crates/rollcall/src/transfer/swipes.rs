//! Swipes of a folder into the ledger: in chunks, each whole, and none twice.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{Days, NaiveDate};
use rules::model::{Duty, Facing, SiteRecords};
use rules::time::{Instant, Interval, local_date};
use store::rows::SwipeRecord;
use store::{Ledger, StoreError};

use crate::engine::OPENED_THROUGH;
use crate::folder::{Compiled, FolderSwipe};

/// How many swipes one transaction takes, so that an import never holds the daemon up for long.
const CHUNK: usize = 1_024;

/// How many swipes were new, and how many were there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SwipeCounts {
    pub(super) added: u64,
    pub(super) unchanged: u64,
}

/// What makes a reading the same whichever way it came: a swipe that a reader delivered and that was exported has another dedup
/// key than the row of the file, and still is the same swipe.
type Sameness = (String, String, Instant, Option<String>, Option<i64>);

/// Adds the swipes that the ledger does not have, or with `write` false only counts them.
pub(super) async fn add(ledger: &dyn Ledger, compiled: &Compiled, write: bool) -> Result<SwipeCounts, StoreError> {
    let mut counts = SwipeCounts::default();
    let handing_over = handing_over(&compiled.records);
    for chunk in compiled.swipes.chunks(CHUNK) {
        let known = stored_samenesses(ledger, chunk).await?;
        let fresh: Vec<&FolderSwipe> = chunk.iter().filter(|swipe| !known.contains(&sameness(swipe))).collect();
        counts.added += fresh.len() as u64;
        counts.unchanged += (chunk.len() - fresh.len()) as u64;
        if write && !fresh.is_empty() {
            write_chunk(ledger, &compiled.records, &handing_over, &fresh).await?;
        }
    }
    Ok(counts)
}

async fn stored_samenesses(ledger: &dyn Ledger, chunk: &[FolderSwipe]) -> Result<HashSet<Sameness>, StoreError> {
    let badges: BTreeSet<&str> = chunk.iter().map(|swipe| swipe.badge.as_str()).collect();
    let badges: Vec<&str> = badges.into_iter().collect();
    let (Some(first), Some(last)) = (chunk.first(), chunk.last()) else {
        return Ok(HashSet::new());
    };
    let stored = ledger
        .swipes(&badges, Interval::new(first.happened_at, last.happened_at.next()))
        .await?;
    Ok(stored
        .into_iter()
        .map(|swipe| {
            (
                swipe.reader,
                swipe.badge,
                swipe.happened_at,
                swipe.faces,
                swipe.sequence,
            )
        })
        .collect())
}

fn sameness(swipe: &FolderSwipe) -> Sameness {
    (
        swipe.reader.clone(),
        swipe.badge.clone(),
        swipe.happened_at,
        swipe.faces.map(|faces| facing(faces).to_owned()),
        swipe.sequence,
    )
}

/// Stores swipes, makes the days due that they may change, and sees to it that days before the database's first are judged too.
async fn write_chunk(
    ledger: &dyn Ledger,
    records: &SiteRecords,
    handing_over: &HandingOver<'_>,
    swipes: &[&FolderSwipe],
) -> Result<(), StoreError> {
    let mut rows: Vec<SwipeRecord> = swipes.iter().map(|swipe| record(swipe)).collect();
    // The order in which every writer takes its locks.
    rows.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    let mut holders: BTreeSet<&str> = swipes.iter().filter_map(|swipe| holder(records, swipe)).collect();
    let judged_too: Vec<&str> = holders
        .iter()
        .filter_map(|holder| handing_over.get(holder))
        .flatten()
        .copied()
        .collect();
    holders.extend(judged_too);
    let holders: Vec<&str> = holders.into_iter().collect();
    let earliest = swipes
        .iter()
        .filter(|swipe| swipe.quarantine.is_none() && holder(records, swipe).is_some())
        .map(|swipe| swipe.happened_at)
        .min();
    let earliest = earliest.map(|at| records.duty_begun_before(at).map_or(at, |begun_at| begun_at.min(at)));
    let day_before = earliest
        .map(|at| local_date(at, records.site.zone))
        .and_then(|date| date.checked_sub_days(Days::new(1)));
    let opened_through = ledger.setting(OPENED_THROUGH).await?;
    let mut transaction = ledger.begin().await?;
    transaction.record_swipes(&rows).await?;
    if let Some(day_before) = day_before {
        // The engine makes the rows of every date after this one, so people without a swipe are judged there too.
        if opened_through
            .and_then(|text| text.parse::<NaiveDate>().ok())
            .is_none_or(|opened| day_before < opened)
        {
            transaction.set_setting(OPENED_THROUGH, &day_before.to_string()).await?;
        }
        transaction
            .make_due(Some(&holders), Some(&day_before.to_string()))
            .await?;
        // A running daemon looks at this number, and finds the days that are due.
        transaction.bump_facts_revision().await?;
    }
    transaction.commit().await
}

/// By person, whose duties are handed over to them: those are judged by their swipes too.
type HandingOver<'a> = HashMap<&'a str, Vec<&'a str>>;

fn handing_over(records: &SiteRecords) -> HandingOver<'_> {
    let id = |duty: &Duty| -> &str { &records.people[duty.person.at()].id };
    let mut handing_over = HandingOver::new();
    for duty in &records.duties {
        if let Some(successor) = duty.hands_over_to {
            let successor = id(&records.duties[successor.at()]);
            handing_over.entry(successor).or_default().push(id(duty));
        }
    }
    handing_over
}

fn holder<'a>(records: &'a SiteRecords, swipe: &FolderSwipe) -> Option<&'a str> {
    let (_, badge) = swipe.known?;
    let grant = records.badges[badge.at()]
        .grants
        .iter()
        .find(|grant| grant.interval.contains(swipe.happened_at))?;
    Some(&records.people[grant.person.at()].id)
}

fn record(swipe: &FolderSwipe) -> SwipeRecord {
    SwipeRecord {
        id: hex::encode(swipe.id.0),
        dedup_key: swipe.dedup_key.clone(),
        reader: swipe.reader.clone(),
        badge: swipe.badge.clone(),
        raw_hex: None,
        bits: None,
        happened_at: swipe.happened_at,
        received_at: swipe.received_at,
        sequence: swipe.sequence,
        faces: swipe.faces.map(|faces| facing(faces).to_owned()),
        quarantine: swipe.quarantine.map(|quarantine| quarantine.name().to_owned()),
    }
}

/// A direction as files and the ledger write it.
pub(super) const fn facing(faces: Facing) -> &'static str {
    match faces {
        Facing::In => "in",
        Facing::Out => "out",
        Facing::Both => "both",
    }
}
