//! Finds swipes by badge and time, through the index by parts of days that keeps the cost of storing one small.

use rules::time::{Instant, Interval};

use crate::cells::{Cells, FromCells};
use crate::dialect::{Dialect, Value};
use crate::error::StoreError;
use crate::ledger::Stored;
use crate::rows::{BadgeSwipe, SwipeRecord};
use crate::sql_ledger::rows_asked;
use crate::statements::{self, Bulk, PARTS_ASKED_MAX};

/// Four hours: those who come in the morning are together, and a badge of a date is looked for in a few places.
const PART_MS: i64 = 4 * 60 * 60 * 1_000;

/// An interval of more parts than this, 64 days of them, is first cut to those that there are swipes of.
const PARTS_TAKEN_AS_ASKED: i64 = 384;

/// The last part that is told apart, that from 20:00 of 2099-12-31 on. What a broken clock says is later, or earlier than 1970, shares
/// a part with the last or the first: no question has more parts than this, whatever dates come in.
const LAST_PART: i64 = 284_891;

/// The part of a day of UTC in which an instant is, counted from the first of 1970-01-01: what swipes are indexed by.
pub(crate) fn part_of(at: Instant) -> i64 {
    at.as_ms().div_euclid(PART_MS).clamp(0, LAST_PART)
}

/// A range of parts, both ends inside; empty when the last is before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parts {
    first: i64,
    last: i64,
}

impl Parts {
    fn of(interval: Interval) -> Self {
        if interval.is_empty() {
            return Self { first: 0, last: -1 };
        }
        Self {
            first: part_of(interval.from),
            last: part_of(Instant::from_ms(interval.until.as_ms() - 1)),
        }
    }

    fn is_long(self) -> bool {
        self.last - self.first >= PARTS_TAKEN_AS_ASKED
    }

    fn within(self, other: Self) -> Self {
        Self {
            first: self.first.max(other.first),
            last: self.last.min(other.last),
        }
    }

    /// Ranges of as many parts as can be asked for at once.
    fn questions(self) -> impl Iterator<Item = Self> {
        let step = usize::try_from(PARTS_ASKED_MAX).unwrap_or(1);
        (self.first..=self.last).step_by(step).map(move |first| Self {
            first,
            last: self.last.min(first + PARTS_ASKED_MAX - 1),
        })
    }
}

/// The first and the last part of an interval; the last is before the first where it is empty.
pub(crate) fn parts_of(interval: Interval) -> (i64, i64) {
    let parts = Parts::of(interval);
    (parts.first, parts.last)
}

/// Answers questions for swipes on one connection, in the order asked.
pub(crate) async fn swipes_of<DB: Dialect>(
    connection: &mut DB::Connection,
    queries: &[BadgeSwipe<'_>],
) -> Stored<Vec<Vec<SwipeRecord>>> {
    let mut parts: Vec<Parts> = queries.iter().map(|query| Parts::of(query.happened)).collect();
    if parts.iter().any(|parts| parts.is_long()) {
        let stored = parts_stored::<DB>(connection).await?;
        for parts in &mut parts {
            *parts = parts.within(stored);
        }
    }
    let mut asked: Vec<[Value<'_>; 6]> = Vec::new();
    for ((question, query), parts) in (0_i64..).zip(queries).zip(parts) {
        let mut badges = query.badges.clone();
        badges.sort_unstable();
        badges.dedup();
        for badge in badges {
            asked.extend(
                parts
                    .questions()
                    .map(|parts| ask(question, badge, parts, query.happened)),
            );
        }
    }
    let nothing = [
        Value::Integer(-1),
        Value::from(""),
        Value::Integer(0),
        Value::Integer(-1),
        Value::Integer(0),
        Value::Integer(0),
    ];
    let mut answers: Vec<Vec<SwipeRecord>> = queries.iter().map(|_| Vec::new()).collect();
    for row in rows_asked::<DB, 6>(connection, Bulk::SwipesOf, asked, &nothing).await? {
        let mut cells = Cells::<DB>::new(SwipeRecord::TABLE, &row);
        let question = cells.integer("question")?;
        let answer = usize::try_from(question).ok().and_then(|at| answers.get_mut(at));
        answer
            .ok_or_else(|| cells.bad("question"))?
            .push(SwipeRecord::read(&mut cells)?);
    }
    Ok(answers)
}

fn ask(question: i64, badge: &str, parts: Parts, happened: Interval) -> [Value<'_>; 6] {
    let (from, until) = (happened.from.into(), happened.until.into());
    [
        question.into(),
        badge.into(),
        parts.first.into(),
        parts.last.into(),
        from,
        until,
    ]
}

/// From the first to the last part that there are swipes of.
async fn parts_stored<DB: Dialect>(connection: &mut DB::Connection) -> Stored<Parts> {
    let rows = DB::rows(connection, statements::SWIPE_PARTS, &[])
        .await
        .map_err(StoreError::of::<DB>)?;
    let none = Parts { first: 0, last: -1 };
    let Some(row) = rows.first() else { return Ok(none) };
    let mut cells = Cells::<DB>::new(SwipeRecord::TABLE, row);
    let (first, last) = (
        cells.optional_integer("first_part")?,
        cells.optional_integer("last_part")?,
    );
    Ok(first.zip(last).map_or(none, |(first, last)| Parts { first, last }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(from: i64, until: i64) -> Parts {
        Parts::of(Interval::new(Instant::from_ms(from), Instant::from_ms(until)))
    }

    #[test]
    fn an_interval_meets_whole_parts() {
        assert_eq!(parts(0, PART_MS), Parts { first: 0, last: 0 });
        assert_eq!(parts(PART_MS - 1, 2 * PART_MS + 1), Parts { first: 0, last: 2 });
        assert_eq!(parts(5, 5).questions().count(), 0);
        assert_eq!(
            parts(i64::MIN, i64::MAX),
            Parts {
                first: 0,
                last: LAST_PART
            }
        );
        assert!(parts(i64::MIN, i64::MAX).is_long());
    }

    #[test]
    fn the_last_part_ends_with_the_century() {
        let leap_days = (1970..2100).filter(|year| year % 4 == 0).count();
        let days = i64::try_from(130 * 365 + leap_days).expect("few");
        let end = days * 24 * 60 * 60 * 1_000;
        assert_eq!(end, 4_102_444_800_000, "as the migration says that made the column");
        assert_eq!([end - 1, end].map(|at| part_of(Instant::from_ms(at))), [LAST_PART; 2]);
        assert_eq!(part_of(Instant::from_ms(end - PART_MS - 1)), LAST_PART - 1);
    }

    #[test]
    fn many_parts_are_asked_for_in_several_questions() {
        let questions: Vec<_> = Parts { first: -3, last: 47 }
            .questions()
            .map(|parts| (parts.first, parts.last))
            .collect();
        assert_eq!(questions, [(-3, 20), (21, 44), (45, 47)]);
    }
}
