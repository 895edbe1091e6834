//! What the engine remembers from batch to batch: the swipes and findings of the days at hand, so that the swipe of a day that is
//! passing is judged without reading anything.
//!
//! *Invariant:* what is remembered is what is committed, or is being committed. The engine takes its memory out for a transaction and
//! puts it back after the commit, and forgets everything when what was judged ahead turns out not to have been committed, so of a
//! transaction that fails nothing stays remembered. Whoever else writes swipes, findings or day rows
//! bumps the facts revision in the same transaction, and another revision forgets everything. A review is somebody else's
//! to write at any time; the ledger keeps it, and the engine never goes by what it remembers of one.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use rules::facts::{DateRange, SiteFacts};
use rules::model::{PersonIndex, Swipe};
use rules::time::{Instant, Interval, Span};
use rules::touch::Touching;
use store::rows::{BadgeSwipe, DayKey, FindingRow};
use store::{StoreError, Transaction};

use super::batch::{Day, PersonDays};
use crate::counting;
use crate::shared::SiteSnapshot;

/// How many people's swipes and how many days' findings are remembered at least, as far as so many were looked at; at most it
/// is twice as many. In a larger bureau it is the swipes of everybody and the findings of [`DATES_AT_HAND`].
const REMEMBERED: usize = 8_192;

/// Of how many dates everybody's findings are remembered: as many as [`Touching`] says for a swipe near a meeting
/// or a duty. With fewer, those who come by in the same order every day would find that they have just been forgotten.
const DATES_AT_HAND: usize = 4;

/// How much more than what judging asks for is read, on either side, so that the dates before and after find it there.
const ASKED_AROUND: Span = Span::from_minutes(24 * 60);

/// What is remembered, all of one facts revision.
#[derive(Debug, Default)]
pub(super) struct Memory {
    revision: i64,
    swipes: Recent<PersonIndex, PersonSwipes>,
    findings: Recent<Day, Vec<FindingRow>>,
    /// Which dates swipes touch, as far as it was asked.
    touching: Touching,
}

/// The swipes that judging a person looks at, in an interval: all that there are, those of witnesses too.
#[derive(Debug)]
struct PersonSwipes {
    covered: Interval,
    /// In order of `happened_at`.
    swipes: Vec<Swipe>,
}

impl Memory {
    /// Forgets what is not of this revision, and has room for what is at hand in a bureau of so many people.
    pub(super) fn keep_to(&mut self, revision: i64, people: usize) {
        if self.revision != revision {
            *self = Self {
                revision,
                swipes: Recent::of(people),
                findings: Recent::of(people * DATES_AT_HAND),
                touching: Touching::default(),
            };
        }
    }

    /// Everybody whom a swipe of a person can touch, and on which dates.
    pub(super) fn touched(
        &mut self,
        facts: &SiteFacts,
        person: PersonIndex,
        swipe: &Swipe,
    ) -> Vec<(PersonIndex, DateRange)> {
        self.touching.people(facts, person, swipe.happened_at).collect()
    }

    /// Whether a day's row is known to be there.
    pub(super) fn knows(&self, day: Day) -> bool {
        self.findings.contains(&day)
    }

    /// Whether a day's row is known to be there and what was found of it is remembered.
    pub(super) fn holds_findings(&mut self, day: Day) -> bool {
        self.findings.get(&day).is_some()
    }

    /// Whether a person's swipes of that time are remembered and this one is not among them.
    pub(super) fn is_news(&mut self, person: PersonIndex, swipe: &Swipe) -> bool {
        self.swipes.get(&person).is_some_and(|known| {
            known.covered.contains(swipe.happened_at) && known.swipes.iter().all(|other| other.id != swipe.id)
        })
    }

    /// Whether the swipes that judging these days takes are remembered.
    pub(super) fn covers(&mut self, days: &PersonDays) -> bool {
        let known = self.swipes.get(&days.person).map(|known| known.covered);
        known.is_some_and(|known| known.from <= days.window.from && days.window.until <= known.until)
    }

    /// Adds a swipe that has just been stored to what is remembered for a person, where that reaches to its time.
    pub(super) fn add(&mut self, person: PersonIndex, swipe: Swipe) {
        if let Some(known) = self.swipes.get(&person)
            && known.covered.contains(swipe.happened_at)
        {
            let place = known
                .swipes
                .partition_point(|other| other.happened_at <= swipe.happened_at);
            known.swipes.insert(place, swipe);
        }
    }

    /// Reads the swipes that judging these days takes and that are not remembered.
    pub(super) async fn recall_swipes(
        &mut self,
        transaction: &mut dyn Transaction,
        site: &SiteSnapshot,
        people: &[PersonDays],
    ) -> Result<(), StoreError> {
        let unknown: Vec<&PersonDays> = people.iter().filter(|days| !self.covers(days)).collect();
        let queries: Vec<BadgeSwipe<'_>> = unknown.iter().map(|days| query(site, days)).collect();
        let answers = transaction.swipes_of(&queries).await?;
        for ((days, query), records) in unknown.into_iter().zip(&queries).zip(answers) {
            let mut swipes = site.swipes(&records)?;
            swipes.sort_by_key(|swipe| swipe.happened_at);
            let covered = query.happened;
            self.swipes.insert(days.person, PersonSwipes { covered, swipes });
        }
        Ok(())
    }

    /// The swipes that judging a person looks at, in a window that has been recalled.
    pub(super) fn swipes(&mut self, person: PersonIndex, window: Interval) -> &[Swipe] {
        self.swipes.get(&person).map_or(&[], |known| known.within(window))
    }

    /// Reads the findings of days that are not remembered.
    pub(super) async fn recall_findings(
        &mut self,
        transaction: &mut dyn Transaction,
        people: &[PersonDays],
    ) -> Result<(), StoreError> {
        let days = people.iter().flat_map(|days| {
            let day = |(key, date): &(DayKey, _)| ((days.person, *date), key.clone());
            days.keys.iter().map(day)
        });
        // Looking one up keeps it from being forgotten while the others are read.
        let unknown: Vec<(Day, DayKey)> = days.filter(|(day, _)| self.findings.get(day).is_none()).collect();
        let keys: Vec<DayKey> = unknown.iter().map(|(_, key)| key.clone()).collect();
        let mut found = findings_by_day(transaction, &keys).await?;
        for (day, key) in unknown {
            self.findings.insert(day, found.remove(&key).unwrap_or_default());
        }
        Ok(())
    }

    /// The findings that hold of a day that has been recalled; [`Memory::remember`] brings their successors.
    pub(super) fn take_findings(&mut self, day: Day) -> Vec<FindingRow> {
        self.findings.get(&day).map(std::mem::take).unwrap_or_default()
    }

    /// The findings that hold of a day now.
    pub(super) fn remember(&mut self, day: Day, findings: Vec<FindingRow>) {
        self.findings.insert(day, findings);
    }
}

/// The findings that judging days left in the ledger.
pub(super) async fn findings_by_day(
    transaction: &mut dyn Transaction,
    days: &[DayKey],
) -> Result<BTreeMap<DayKey, Vec<FindingRow>>, StoreError> {
    let mut found: BTreeMap<DayKey, Vec<FindingRow>> = BTreeMap::new();
    // Escalations are counted and not judged: judging a day leaves them as they are.
    let rows = transaction.findings_of(days).await?.into_iter();
    for row in rows.filter(|row| row.kind != counting::ESCALATION) {
        let day = DayKey {
            person: row.person.clone(),
            date: row.date.clone(),
        };
        found.entry(day).or_default().push(row);
    }
    Ok(found)
}

impl PersonSwipes {
    fn within(&self, window: Interval) -> &[Swipe] {
        let before = |at: Instant| self.swipes.partition_point(|swipe| swipe.happened_at < at);
        &self.swipes[before(window.from)..before(window.until)]
    }
}

/// Which swipes of a person are read to be remembered.
fn query<'a>(site: &'a SiteSnapshot, days: &PersonDays) -> BadgeSwipe<'a> {
    let window = days.window;
    BadgeSwipe {
        badges: site.badge_keys_of(days.person),
        happened: Interval::new(window.from - ASKED_AROUND, window.until + ASKED_AROUND),
    }
}

/// What was looked at lately. When as much is new as is kept for sure, what was not looked at meanwhile is forgotten.
#[derive(Debug)]
struct Recent<K, V> {
    kept: usize,
    new: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self::of(0)
    }
}

impl<K, V> Recent<K, V> {
    /// Keeps so many for sure, and at least [`REMEMBERED`], which is more than any batch looks at.
    fn of(count: usize) -> Self {
        Self {
            kept: count.max(REMEMBERED),
            new: HashMap::new(),
            old: HashMap::new(),
        }
    }
}

impl<K: Eq + Hash + Clone, V> Recent<K, V> {
    /// Whether it is there, for now: only [`Recent::get`] keeps it there.
    fn contains(&self, key: &K) -> bool {
        self.new.contains_key(key) || self.old.contains_key(key)
    }

    /// Looks at a value, which is then kept while as many others are added as are kept for sure.
    fn get(&mut self, key: &K) -> Option<&mut V> {
        if let Some(value) = self.old.remove(key) {
            self.insert(key.clone(), value);
        }
        self.new.get_mut(key)
    }

    fn insert(&mut self, key: K, value: V) {
        if self.new.len() >= self.kept {
            self.old = std::mem::take(&mut self.new);
        }
        self.old.remove(&key);
        self.new.insert(key, value);
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use rules::model::{BadgeIndex, ReaderIndex, SwipeId};

    use super::*;

    fn swipe(minute: i64) -> Swipe {
        let at = Instant::from_ms(minute * 60_000);
        Swipe {
            id: SwipeId([u8::try_from(minute).expect("small"); 16]),
            reader: ReaderIndex(0),
            badge: BadgeIndex(0),
            happened_at: at,
            received_at: at,
            sequence: None,
            faces: None,
        }
    }

    fn minutes(from: i64, until: i64) -> Interval {
        Interval::new(Instant::from_ms(from * 60_000), Instant::from_ms(until * 60_000))
    }

    fn memory() -> Memory {
        let mut memory = Memory::default();
        memory.swipes.insert(
            PersonIndex(1),
            PersonSwipes {
                covered: minutes(10, 50),
                swipes: vec![swipe(20), swipe(40)],
            },
        );
        memory
    }

    #[test]
    fn a_new_swipe_takes_its_place_and_one_beyond_what_is_known_takes_none() {
        let mut memory = memory();
        for minute in [30, 9, 50, 20] {
            memory.add(PersonIndex(1), swipe(minute));
        }
        memory.add(PersonIndex(2), swipe(30));
        assert_eq!(
            memory.swipes(PersonIndex(1), minutes(0, 60)),
            [swipe(20), swipe(20), swipe(30), swipe(40)]
        );
        assert_eq!(memory.swipes(PersonIndex(1), minutes(30, 40)), [swipe(30)]);
        assert_eq!(memory.swipes(PersonIndex(2), minutes(0, 60)), []);
    }

    #[test]
    fn another_revision_forgets_everything() {
        let mut memory = memory();
        memory.keep_to(0, 1);
        assert_eq!(memory.swipes(PersonIndex(1), minutes(0, 60)).len(), 2);
        memory.keep_to(1, 1);
        assert_eq!(memory.swipes(PersonIndex(1), minutes(0, 60)), []);
    }

    #[test]
    fn a_large_bureau_is_remembered_whole() {
        let mut memory = Memory::default();
        memory.keep_to(1, 30_000);
        let people = || (0..30_000).map(PersonIndex);
        let dates = [14, 15, 16, 17].map(|day| NaiveDate::from_ymd_opt(2026, 9, day).expect("a date"));
        let days = || people().flat_map(|person| dates.map(|date| (person, date)));
        days().for_each(|day| memory.remember(day, Vec::new()));
        for _ in 0..3 {
            let forgotten = days().filter(|day| !memory.holds_findings(*day)).count();
            assert_eq!(forgotten, 0);
        }
    }

    #[test]
    fn what_was_found_is_there_while_a_batch_is_added() {
        let mut recent = Recent::default();
        for key in 0..2 * REMEMBERED - 1 {
            recent.insert(key, key);
        }
        let found: Vec<usize> = (0..256).filter(|key| recent.get(key).is_some()).collect();
        for key in 0..256 {
            recent.insert(4 * REMEMBERED + key, key);
        }
        assert!(!found.is_empty(), "some of the oldest were still there");
        for key in found {
            assert_eq!(recent.get(&key), Some(&mut key.clone()));
        }
    }

    #[test]
    fn what_is_looked_at_stays_and_the_rest_goes() {
        let mut recent = Recent::default();
        for key in 0..3 * REMEMBERED {
            recent.insert(key, ());
            assert!(recent.get(&7.min(key)).is_some(), "looked at after every insertion");
            assert!(recent.new.len() + recent.old.len() <= 2 * REMEMBERED);
        }
        assert!(recent.contains(&(3 * REMEMBERED - 1)) && !recent.contains(&8));
    }
}
