//! What is stored beside what judging says: the same, better, worse, new or gone.

use std::collections::BTreeMap;

use rules::finding::{FindingKind, FindingState};
use store::rows::{FindingRow, PublicationRow};

/// How a finding differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Nothing was found there before.
    New,
    /// It weighs more for whom it is about: another kind or a greater length.
    Worse,
    /// It weighs the same and says something else, such as another swipe.
    Restated,
    /// It weighs less.
    Better,
    /// It no longer holds.
    Gone,
}

/// A finding that is not the same before and after.
#[derive(Clone, Debug)]
pub struct Difference {
    /// How.
    pub change: Change,
    /// What was said; `None` where it is new.
    pub before: Option<FindingRow>,
    /// What is said; `None` where it is gone.
    pub after: Option<FindingRow>,
    /// The published week that its date is in.
    pub published: Option<String>,
}

/// Findings of some days before and after.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// How many say the same, to the letter.
    pub unchanged: u64,
    /// The others, by date, subject, period or meeting, kind.
    pub differences: Vec<Difference>,
}

impl Change {
    /// Every change, in the order of reports.
    pub const ALL: [Self; 5] = [Self::New, Self::Worse, Self::Restated, Self::Better, Self::Gone];

    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Worse => "worse",
            Self::Restated => "restated",
            Self::Better => "better",
            Self::Gone => "gone",
        }
    }
}

impl Difference {
    /// What is said, or was where nothing is.
    pub fn shown(&self) -> Option<&FindingRow> {
        self.after.as_ref().or(self.before.as_ref())
    }
}

impl Comparison {
    /// Pairs findings, before and after, of the same days. Findings that stand in for each other (late, absent) are one pair,
    /// whatever their kinds.
    pub fn of(before: Vec<FindingRow>, after: Vec<FindingRow>, published: &[PublicationRow]) -> Self {
        let mut comparison = Self::default();
        let mut earlier: BTreeMap<String, FindingRow> = before.into_iter().map(|row| (row.id.clone(), row)).collect();
        let mut unpaired = Vec::new();
        for row in after {
            match earlier.remove(&row.id) {
                Some(before) => comparison.add(Some(before), Some(row), published),
                None => unpaired.push(row),
            }
        }
        let mut replaced: BTreeMap<Place, Vec<FindingRow>> = BTreeMap::new();
        for row in earlier.into_values() {
            replaced.entry(place(&row)).or_default().push(row);
        }
        for row in unpaired {
            let before = replaced.get_mut(&place(&row)).and_then(Vec::pop);
            comparison.add(before, Some(row), published);
        }
        for row in replaced.into_values().flatten() {
            comparison.add(Some(row), None, published);
        }
        comparison.sort();
        comparison
    }

    /// Takes the findings of other days in.
    pub fn extend(&mut self, other: Self) {
        self.unchanged += other.unchanged;
        self.differences.extend(other.differences);
    }

    /// How many findings differ in each way.
    pub fn counts(&self) -> BTreeMap<Change, u64> {
        let mut counts: BTreeMap<Change, u64> = Change::ALL.into_iter().map(|change| (change, 0)).collect();
        for difference in &self.differences {
            *counts.entry(difference.change).or_default() += 1;
        }
        counts
    }

    /// The same by unit; findings of nobody's unit under an empty name.
    pub fn counts_by_unit(&self) -> BTreeMap<String, BTreeMap<Change, u64>> {
        let mut units: BTreeMap<String, BTreeMap<Change, u64>> = BTreeMap::new();
        for difference in &self.differences {
            let unit = difference.shown().and_then(|row| row.unit.clone()).unwrap_or_default();
            *units.entry(unit).or_default().entry(difference.change).or_default() += 1;
        }
        units
    }

    /// Puts the differences into their order.
    pub fn sort(&mut self) {
        let key = |difference: &Difference| {
            difference.shown().map(|row| {
                let about = row.period.clone().or_else(|| row.meeting.clone());
                let unit = row.unit.clone().filter(|_| row.person.is_empty());
                (row.date.clone(), row.person.clone(), unit, about, row.kind.clone())
            })
        };
        self.differences.sort_by_cached_key(key);
    }

    fn add(&mut self, before: Option<FindingRow>, after: Option<FindingRow>, published: &[PublicationRow]) {
        let Some(change) = change(before.as_ref(), after.as_ref()) else {
            self.unchanged += 1;
            return;
        };
        let date = after.as_ref().or(before.as_ref()).map(|row| row.date.clone());
        let holds = |week: &&PublicationRow| {
            date.as_ref()
                .is_some_and(|date| week.first_date <= *date && *date < week.until_date)
        };
        self.differences.push(Difference {
            change,
            published: published.iter().find(holds).map(|week| week.week.clone()),
            before,
            after,
        });
    }
}

/// Where a finding stands, and what it can take the place of.
type Place = (
    String,
    Option<String>,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    String,
);

fn place(row: &FindingRow) -> Place {
    let family = known_kind(&row.kind).map_or(row.kind.as_str(), |kind| kind.family().name());
    (
        row.person.clone(),
        // A unit's findings are told apart by the unit; a person's stay theirs when they move to another.
        row.unit.clone().filter(|_| row.person.is_empty()),
        row.date.clone(),
        row.period.clone(),
        row.meeting.clone(),
        row.source.clone(),
        family.to_owned(),
    )
}

fn known_kind(name: &str) -> Option<FindingKind> {
    FindingKind::ALL.into_iter().find(|kind| kind.name() == name)
}

fn change(before: Option<&FindingRow>, after: Option<&FindingRow>) -> Option<Change> {
    let (before, after) = match (before, after) {
        (Some(before), Some(after)) => (before, after),
        (None, Some(_)) => return Some(Change::New),
        (Some(_), None) => return Some(Change::Gone),
        (None, None) => return None,
    };
    if before.id == after.id && before.digest == after.digest && before.swipes == after.swipes {
        return None;
    }
    Some(match weight(after).cmp(&weight(before)) {
        std::cmp::Ordering::Greater => Change::Worse,
        std::cmp::Ordering::Equal => Change::Restated,
        std::cmp::Ordering::Less => Change::Better,
    })
}

/// How much a finding weighs: one that is withheld less than any other, then by kind, then by length.
fn weight(row: &FindingRow) -> (bool, u8, i64) {
    (
        row.state != FindingState::Withheld.name(),
        known_kind(&row.kind).map_or(0, FindingKind::severity),
        row.length_ms.unwrap_or(0),
    )
}

#[cfg(test)]
mod tests {
    use rules::time::Instant;
    use store::rows::Review;

    use super::*;

    fn finding(kind: &str, minutes: i64) -> FindingRow {
        FindingRow {
            id: format!("ana-{kind}"),
            person: "ana".to_owned(),
            unit: Some("plan".to_owned()),
            date: "2026-09-16".to_owned(),
            period: Some("morning".to_owned()),
            meeting: None,
            kind: kind.to_owned(),
            state: "final".to_owned(),
            length_ms: Some(minutes * 60_000),
            due: None,
            actual: None,
            since: None,
            source: None,
            swipes: "s".to_owned(),
            digest: format!("{kind} {minutes}"),
            revision: 1,
            changed_at: Instant::from_ms(0),
            withdrawn_at: None,
            rules_version: 1,
            facts_revision: 1,
            review: Review::Open,
        }
    }

    fn changes(before: &[FindingRow], after: &[FindingRow]) -> (u64, Vec<Change>) {
        let comparison = Comparison::of(before.to_vec(), after.to_vec(), &[]);
        let changes = comparison
            .differences
            .iter()
            .map(|difference| difference.change)
            .collect();
        (comparison.unchanged, changes)
    }

    #[test]
    fn the_same_to_the_letter_is_unchanged() {
        assert_eq!(changes(&[finding("late", 6)], &[finding("late", 6)]), (1, vec![]));
        let other_swipe = FindingRow {
            swipes: "t".to_owned(),
            ..finding("late", 6)
        };
        assert_eq!(
            changes(&[finding("late", 6)], &[other_swipe]),
            (0, vec![Change::Restated])
        );
    }

    #[test]
    fn longer_is_worse_and_shorter_is_better() {
        assert_eq!(
            changes(&[finding("late", 6)], &[finding("late", 7)]),
            (0, vec![Change::Worse])
        );
        assert_eq!(
            changes(&[finding("late", 6)], &[finding("late", 5)]),
            (0, vec![Change::Better])
        );
    }

    #[test]
    fn kinds_that_stand_in_for_each_other_are_one_finding() {
        assert_eq!(
            changes(&[finding("late", 6)], &[finding("absent", 6)]),
            (0, vec![Change::Worse])
        );
        assert_eq!(
            changes(&[finding("late", 6)], &[finding("early_leave", 6)]),
            (0, vec![Change::New, Change::Gone])
        );
    }

    #[test]
    fn what_is_withheld_weighs_less() {
        let withheld = FindingRow {
            state: "withheld".to_owned(),
            digest: "withheld".to_owned(),
            ..finding("absent", 6)
        };
        assert_eq!(
            changes(&[finding("late", 6)], std::slice::from_ref(&withheld)),
            (0, vec![Change::Better])
        );
        assert_eq!(changes(&[withheld], &[finding("absent", 6)]), (0, vec![Change::Worse]));
    }

    #[test]
    fn differences_are_counted_by_unit_and_know_their_published_week() {
        let week = PublicationRow {
            week: "2026-W38".to_owned(),
            first_date: "2026-09-14".to_owned(),
            until_date: "2026-09-21".to_owned(),
            number: "37".to_owned(),
            published_at: Instant::from_ms(0),
            published_by: "li".to_owned(),
        };
        let comparison = Comparison::of(vec![finding("late", 6)], vec![], &[week]);
        assert_eq!(comparison.counts()[&Change::Gone], 1);
        assert_eq!(comparison.counts_by_unit()["plan"], BTreeMap::from([(Change::Gone, 1)]));
        assert_eq!(comparison.differences[0].published.as_deref(), Some("2026-W38"));
    }
}
