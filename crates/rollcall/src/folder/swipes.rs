//! `swipes.csv`: who was read where and when, each reading once.

use std::collections::HashMap;

use rules::facts::Quarantine;
use rules::model::{BadgeIndex, Facing, ReaderIndex, Swipe, SwipeId};
use rules::time::Instant;
use sha2::{Digest, Sha256};

use super::BadgeKeys;
use super::bureau::FACINGS;
use super::compile::Draft;
use super::gathering::{Cells, each_row};
use super::problem::{Code, Problem, Problems};
use super::source::{SiteSource, TableFile};

/// A swipe of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderSwipe {
    /// The first 128 bits of the SHA-256 of `dedup_key`.
    pub id: SwipeId,
    /// `reader|badge|happened_at in milliseconds|faces|sequence`: what makes the same reading the same.
    pub dedup_key: String,
    /// The reader as written.
    pub reader: String,
    /// The badge's key as `badges.csv` has it, or as written where it does not.
    pub badge: String,
    /// What was read, where it came with it.
    pub raw: Option<Vec<u8>>,
    /// When it happened.
    pub happened_at: Instant,
    /// When it was received; of a swipe that came several times, the first time.
    pub received_at: Instant,
    /// The source's own number.
    pub sequence: Option<i64>,
    /// The direction that the row says.
    pub faces: Option<Facing>,
    /// Its reader and badge, where both are known: only then it is judged.
    pub known: Option<(ReaderIndex, BadgeIndex)>,
    /// Why it is not judged all the same.
    pub quarantine: Option<Quarantine>,
}

impl FolderSwipe {
    /// The swipe as the rules take it; `None` where its reader or badge is unknown.
    pub fn judged(&self) -> Option<Swipe> {
        let Self {
            id,
            happened_at,
            received_at,
            sequence,
            faces,
            ..
        } = *self;
        self.known.map(|(reader, badge)| Swipe {
            id,
            reader,
            badge,
            happened_at,
            received_at,
            sequence,
            faces,
        })
    }
}

/// Reads the swipes; repeats collapse, and each reading complains at its first row only.
pub(super) fn swipes(
    source: &SiteSource,
    draft: &Draft,
    keys: &BadgeKeys,
    problems: &mut Problems,
) -> Vec<FolderSwipe> {
    let mut swipes: Vec<FolderSwipe> = Vec::new();
    let mut positions: HashMap<SwipeId, usize> = HashMap::new();
    let mut doubts: Vec<(u64, usize)> = Vec::new();
    each_row(
        TableFile::Swipes,
        source.tables.get(&TableFile::Swipes),
        draft.zone(),
        problems,
        |cells| {
            let swipe = swipe(draft, keys, &cells)?;
            let position = *positions.entry(swipe.id).or_insert(swipes.len());
            if let Some(first) = swipes.get_mut(position) {
                first.received_at = first.received_at.min(swipe.received_at);
            } else {
                swipes.push(swipe);
                doubts.push((cells.line(), position));
            }
            Ok(())
        },
    );
    for (line, position) in doubts {
        let swipe = &mut swipes[position];
        swipe.quarantine = Quarantine::of(&draft.records.site, swipe.happened_at, swipe.received_at);
        report(
            draft,
            swipe,
            keys.find(&swipe.badge, swipe.happened_at, &draft.records.badges),
            line,
            problems,
        );
    }
    swipes.sort_by_key(|swipe| (swipe.happened_at, swipe.id));
    swipes
}

fn swipe(draft: &Draft, keys: &BadgeKeys, cells: &Cells<'_>) -> Result<FolderSwipe, Problem> {
    let reader = cells.require("reader")?;
    let written = cells.require("badge")?;
    let happened_at = cells.instant("happened_at")?;
    let received_at = cells.optional_instant("received_at")?.unwrap_or(happened_at);
    let sequence = cells.integer("sequence", i64::MIN, i64::MAX)?;
    let faces = cells.choice("faces", &FACINGS)?;
    let badges = &draft.records.badges;
    let badge = keys.find(written, happened_at, badges);
    let key = badge.map_or(written, |badge| &badges[badge.at()].key);
    let number = sequence.map(|sequence| sequence.to_string()).unwrap_or_default();
    let dedup_key = format!(
        "{reader}|{key}|{}|{}|{number}",
        happened_at.as_ms(),
        cells.get("faces").unwrap_or_default()
    );
    Ok(FolderSwipe {
        id: swipe_id(&dedup_key),
        dedup_key,
        reader: reader.to_owned(),
        badge: key.to_owned(),
        raw: None,
        happened_at,
        received_at,
        sequence,
        faces,
        known: draft.readers.get(reader).copied().zip(badge),
        quarantine: None,
    })
}

/// The first 128 bits of the SHA-256 of a dedup key.
fn swipe_id(dedup_key: &str) -> SwipeId {
    let mut id = [0; 16];
    id.copy_from_slice(&Sha256::digest(dedup_key.as_bytes())[..16]);
    SwipeId(id)
}

fn report(draft: &Draft, swipe: &FolderSwipe, badge: Option<BadgeIndex>, line: u64, problems: &mut Problems) {
    // None of these is a mistake of the file: the swipe is kept, and judged once the doubt is removed.
    let mut add = |code, value: &str| {
        let at = swipe.happened_at.to_utc().with_timezone(&draft.zone()).to_rfc3339();
        let problem = Problem::of_file(TableFile::Swipes.name(), code).at_row(line).warning();
        let reason = swipe.quarantine.map_or("", Quarantine::name);
        problems.add(problem.with("value", value).with("at", at).with("reason", reason));
    };
    let reader = draft.readers.get(swipe.reader.as_str());
    if reader.is_none() {
        add(Code::ReaderUnknown, &swipe.reader);
    }
    let badge = badge.map(|badge| &draft.records.badges[badge.at()]);
    if badge.is_none() {
        add(Code::BadgeUnknown, &swipe.badge);
    }
    if swipe.quarantine.is_some() {
        add(Code::SwipeQuarantined, &swipe.badge);
        return;
    }
    let stands = |reader: &ReaderIndex| {
        draft.records.readers[reader.at()]
            .stands
            .iter()
            .any(|stand| stand.interval.contains(swipe.happened_at))
    };
    if reader.is_some_and(|reader| !stands(reader)) {
        add(Code::ReaderUnplaced, &swipe.reader);
    }
    if badge.is_some_and(|badge| {
        !badge
            .grants
            .iter()
            .any(|grant| grant.interval.contains(swipe.happened_at))
    }) {
        add(Code::BadgeUnowned, &swipe.badge);
    }
}
