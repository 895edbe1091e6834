//! Swipes of a folder into the ledger: in chunks, each whole, and none twice.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{Days, NaiveDate};
use rules::model::{Facing, PersonIndex, SiteRecords};
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
///
/// `swipes` are in the order in which they happened.
pub(super) async fn add(
    ledger: &dyn Ledger,
    records: &SiteRecords,
    swipes: &[FolderSwipe],
    write: bool,
) -> Result<SwipeCounts, StoreError> {
    let mut counts = SwipeCounts::default();
    let judged_too = judged_too(records);
    for chunk in swipes.chunks(CHUNK) {
        let known = stored_samenesses(ledger, chunk).await?;
        let fresh: Vec<&FolderSwipe> = chunk.iter().filter(|swipe| !known.contains(&sameness(swipe))).collect();
        counts.added += fresh.len() as u64;
        counts.unchanged += (chunk.len() - fresh.len()) as u64;
        if write && !fresh.is_empty() {
            write_chunk(ledger, records, &judged_too, &fresh).await?;
        }
    }
    Ok(counts)
}

/// The swipes that the ledger does not have.
pub(super) async fn fresh(ledger: &dyn Ledger, compiled: &Compiled) -> Result<Vec<SwipeRecord>, StoreError> {
    let mut fresh = Vec::new();
    for chunk in compiled.swipes.chunks(CHUNK) {
        let known = stored_samenesses(ledger, chunk).await?;
        let new = chunk.iter().filter(|swipe| !known.contains(&sameness(swipe)));
        fresh.extend(new.map(record));
    }
    Ok(fresh)
}

/// Whose days swipes may change, and from which date on.
pub(super) struct Reach {
    pub(super) people: BTreeSet<String>,
    /// The day before the earliest; `None` where nobody's may change.
    pub(super) from: Option<NaiveDate>,
}

/// Whose days those of a folder's swipes that are `fresh` may change.
pub(super) fn reach(compiled: &Compiled, fresh: &[SwipeRecord]) -> Reach {
    let fresh: HashSet<&str> = fresh.iter().map(|swipe| swipe.id.as_str()).collect();
    let counts = |swipe: &&FolderSwipe| swipe.quarantine.is_none() && fresh.contains(hex::encode(swipe.id.0).as_str());
    let dependants = judged_too(&compiled.records);
    let touched = |holder: &str| -> Vec<String> {
        let others = dependants.get(holder).into_iter().flatten();
        std::iter::once(holder)
            .chain(others.copied())
            .map(str::to_owned)
            .collect()
    };
    let held = || {
        compiled
            .swipes
            .iter()
            .filter(counts)
            .filter_map(|swipe| Some((holder(&compiled.records, swipe)?, swipe.happened_at)))
    };
    Reach {
        people: held().flat_map(|(person, _)| touched(person)).collect(),
        from: held()
            .map(|(_, at)| at)
            .min()
            .and_then(|at| day_before(&compiled.records, at)),
    }
}

/// The first date that a swipe can touch: the one before it, or before that of a duty that was not over.
fn day_before(records: &SiteRecords, at: Instant) -> Option<NaiveDate> {
    let begun = records.duties_unsettled_at(at).map(|duty| duty.interval.from);
    let earliest = begun.fold(at, Instant::min);
    local_date(earliest, records.site.zone).checked_sub_days(Days::new(1))
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
    judged_too: &JudgedToo<'_>,
    swipes: &[&FolderSwipe],
) -> Result<(), StoreError> {
    let mut rows: Vec<SwipeRecord> = swipes.iter().map(|swipe| record(swipe)).collect();
    // The order in which every writer takes its locks.
    rows.sort_unstable_by(|one, other| one.id.cmp(&other.id));
    let mut holders: BTreeSet<&str> = swipes.iter().filter_map(|swipe| holder(records, swipe)).collect();
    let others: Vec<&str> = holders
        .iter()
        .filter_map(|holder| judged_too.get(holder))
        .flatten()
        .copied()
        .collect();
    holders.extend(others);
    let holders: Vec<&str> = holders.into_iter().collect();
    let earliest = swipes
        .iter()
        .filter(|swipe| swipe.quarantine.is_none() && holder(records, swipe).is_some())
        .map(|swipe| swipe.happened_at)
        .min();
    let day_before = earliest.and_then(|at| day_before(records, at));
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

/// By person, who is judged by their swipes too: whose duties are handed over to them, and for whom they stand in at a meeting.
type JudgedToo<'a> = HashMap<&'a str, Vec<&'a str>>;

fn judged_too(records: &SiteRecords) -> JudgedToo<'_> {
    let id = |person: PersonIndex| -> &str { &records.people[person.at()].id };
    let mut judged_too = JudgedToo::new();
    for duty in &records.duties {
        if let Some(successor) = duty.hands_over_to {
            let successor = records.duties[successor.at()].person;
            judged_too.entry(id(successor)).or_default().push(id(duty.person));
        }
    }
    for accepted in records.meetings.iter().flat_map(|meeting| &meeting.substitutions) {
        judged_too
            .entry(id(accepted.substitute))
            .or_default()
            .push(id(accepted.person));
    }
    judged_too
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
        raw_hex: swipe.raw.as_deref().map(hex::encode),
        bits: swipe.raw.as_deref().and_then(|raw| i64::try_from(raw.len() * 8).ok()),
        happened_at: swipe.happened_at,
        received_at: swipe.received_at,
        sequence: swipe.sequence,
        faces: swipe.faces.map(|faces| facing(faces).to_owned()),
        quarantine: swipe.quarantine.map(|quarantine| quarantine.name().to_owned()),
    }
}

/// A direction as files and the ledger write it.
pub(crate) const fn facing(faces: Facing) -> &'static str {
    match faces {
        Facing::In => "in",
        Facing::Out => "out",
        Facing::Both => "both",
    }
}
