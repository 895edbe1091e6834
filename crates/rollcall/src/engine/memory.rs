//! What the engine remembers from batch to batch: the swipes and findings of the days at hand, so that the swipe of a day that is
//! passing is judged without reading anything.
//!
//! *Invariant:* what is remembered is what is committed, or is being committed. The engine takes its memory out for a transaction and
//! puts it back after the commit, and forgets everything when what was judged ahead turns out not to have been committed, so of a
//! transaction that fails nothing stays remembered. Whoever else writes swipes, findings or day rows
//! bumps the facts revision in the same transaction, and another revision forgets everything. A review is somebody else's
//! to write at any time; the ledger keeps it, and the engine never goes by what it remembers of one.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rules::facts::{DateRange, SiteFacts};
use rules::model::{PersonIndex, Swipe};
use rules::time::{Instant, Interval, Span};
use rules::touch::Touching;
use store::rows::{BadgeSwipe, DayKey, FindingRow};
use store::{StoreError, Transaction};

use super::batch::{Day, PersonDays};
use crate::counting;
use crate::shared::SiteSnapshot;

/// Of how many dates a person's findings are remembered from batch to batch: those that [`Touching`] says for a swipe near a meeting or a duty,
/// and one more.
const DATES_AT_HAND: usize = 6;

/// How much more than what judging asks for is read, on either side, so that the dates before and after find it there.
const ASKED_AROUND: Span = Span::from_minutes(24 * 60);

/// What is remembered, all of one facts revision.
#[derive(Debug, Default)]
pub(super) struct Memory {
    revision: i64,
    /// What is remembered of each person, in the order of the facts.
    people: Vec<OfPerson>,
    /// Which dates swipes touch, as far as it was asked.
    touching: Touching,
}

/// What is remembered of one person.
#[derive(Clone, Debug, Default)]
struct OfPerson {
    /// The time of which all swipes are remembered that judging them looks at, those of witnesses too.
    covered: Option<Interval>,
    /// In order of `happened_at`.
    swipes: Vec<Swipe>,
    /// The findings of dates, the one that was judged last at the end.
    dates: Vec<(NaiveDate, Vec<FindingRow>)>,
}

impl Memory {
    /// Forgets what is not of this revision, which has so many people.
    pub(super) fn keep_to(&mut self, revision: i64, people: usize) {
        if self.revision != revision || self.people.len() != people {
            *self = Self {
                revision,
                people: vec![OfPerson::default(); people],
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

    /// Whether a day's row is known to be there and what was found of it is remembered.
    pub(super) fn knows(&self, (person, date): Day) -> bool {
        let dates = self.person(person).map_or(&[][..], |known| &known.dates);
        dates.iter().any(|(known, _)| *known == date)
    }

    /// Whether a person's swipes of that time are remembered and this one is not among them.
    pub(super) fn is_news(&self, person: PersonIndex, swipe: &Swipe) -> bool {
        self.person(person).is_some_and(|known| {
            known.covers(swipe.happened_at) && known.swipes.iter().all(|other| other.id != swipe.id)
        })
    }

    /// Whether the swipes that judging these days takes are remembered.
    pub(super) fn covers(&self, days: &PersonDays) -> bool {
        let covered = self.person(days.person).and_then(|known| known.covered);
        covered.is_some_and(|covered| covered.from <= days.window.from && days.window.until <= covered.until)
    }

    /// Adds a swipe that has just been stored to what is remembered for a person, where that reaches to its time.
    pub(super) fn add(&mut self, person: PersonIndex, swipe: Swipe) {
        if let Some(known) = self.people.get_mut(person.at())
            && known.covers(swipe.happened_at)
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
            let known = &mut self.people[days.person.at()];
            (known.covered, known.swipes) = (Some(query.happened), swipes);
        }
        Ok(())
    }

    /// The swipes that judging a person looks at, in a window that has been recalled.
    pub(super) fn swipes(&self, person: PersonIndex, window: Interval) -> &[Swipe] {
        self.person(person).map_or(&[], |known| known.within(window))
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
        let unknown: Vec<(Day, DayKey)> = days.filter(|(day, _)| !self.knows(*day)).collect();
        let keys: Vec<DayKey> = unknown.iter().map(|(_, key)| key.clone()).collect();
        let mut found = findings_by_day(transaction, &keys).await?;
        for ((person, date), key) in unknown {
            let findings = found.remove(&key).unwrap_or_default();
            self.people[person.at()].dates.push((date, findings));
        }
        Ok(())
    }

    /// The findings that hold of a day that has been recalled; [`Memory::remember`] brings their successors.
    pub(super) fn take_findings(&mut self, (person, date): Day) -> Vec<FindingRow> {
        let dates = &mut self.people[person.at()].dates;
        let place = dates.iter().position(|(known, _)| *known == date);
        // Nothing remembered is not nothing found: a day judged on that would say everything anew.
        dates.remove(place.expect("recalled before it is judged")).1
    }

    /// The findings that hold of a day now. Those of the dates that were judged longest ago are forgotten, where there are more than are kept:
    /// here and not before, because of those that a batch has recalled each one must be there until it is taken.
    pub(super) fn remember(&mut self, (person, date): Day, findings: Vec<FindingRow>) {
        let dates = &mut self.people[person.at()].dates;
        dates.retain(|(known, _)| *known != date);
        dates.push((date, findings));
        dates.drain(..dates.len().saturating_sub(DATES_AT_HAND));
    }

    fn person(&self, person: PersonIndex) -> Option<&OfPerson> {
        self.people.get(person.at())
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

impl OfPerson {
    fn covers(&self, at: Instant) -> bool {
        self.covered.is_some_and(|covered| covered.contains(at))
    }

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
        memory.keep_to(0, 3);
        memory.people[1] = OfPerson {
            covered: Some(minutes(10, 50)),
            swipes: vec![swipe(20), swipe(40)],
            dates: Vec::new(),
        };
        memory
    }

    fn date(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 9, day).expect("a date")
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
    fn another_revision_or_another_number_of_people_forgets_everything() {
        for (revision, people, left) in [(0, 3, 2), (1, 3, 0), (0, 4, 0), (0, 0, 0)] {
            let mut memory = memory();
            memory.keep_to(revision, people);
            assert_eq!(memory.swipes(PersonIndex(1), minutes(0, 60)).len(), left);
        }
    }

    #[test]
    fn findings_of_the_dates_judged_last_are_remembered() {
        let mut memory = memory();
        let day = |day| (PersonIndex(1), date(day));
        for judged in [14, 15, 16, 17, 18, 15, 19, 20] {
            memory.remember(day(judged), Vec::new());
        }
        let known = |memory: &Memory| -> Vec<u32> { (14..22).filter(|which| memory.knows(day(*which))).collect() };
        assert_eq!(
            known(&memory),
            [15, 16, 17, 18, 19, 20],
            "the 14th was judged longest ago"
        );
        assert!(!memory.knows((PersonIndex(2), date(15))), "everybody's are kept apart");
        assert_eq!(memory.take_findings(day(17)), []);
        assert_eq!(known(&memory), [15, 16, 18, 19, 20], "what was taken is known no more");
    }
}
