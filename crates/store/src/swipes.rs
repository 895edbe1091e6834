//! Finds swipes by badge and time, through the index by days that keeps the cost of storing one small.

use rules::time::{Instant, Interval};

use crate::cells::{Cells, FromCells};
use crate::dialect::{Dialect, Value};
use crate::error::StoreError;
use crate::ledger::Stored;
use crate::rows::{BadgeSwipe, SwipeRecord};
use crate::sql_ledger::rows_asked;
use crate::statements::{self, Bulk, DAYS_ASKED_MAX};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// An interval of more days than this is first cut to the days that there are swipes of.
const DAYS_TAKEN_AS_ASKED: i64 = 64;

/// The last day that is told apart, 2099-12-31. What a broken clock says is later, or earlier than 1970, shares a day with
/// the last or the first: no question has more days than this, whatever dates come in.
const LAST_DAY: i64 = 47_481;

/// The day of UTC of an instant, counted from 1970-01-01: what swipes are indexed by.
pub(crate) fn day_of(at: Instant) -> i64 {
    at.as_ms().div_euclid(DAY_MS).clamp(0, LAST_DAY)
}

/// A range of days, both ends inside; empty when the last is before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Days {
    first: i64,
    last: i64,
}

impl Days {
    fn of(interval: Interval) -> Self {
        if interval.is_empty() {
            return Self { first: 0, last: -1 };
        }
        Self {
            first: day_of(interval.from),
            last: day_of(Instant::from_ms(interval.until.as_ms() - 1)),
        }
    }

    fn is_long(self) -> bool {
        self.last - self.first >= DAYS_TAKEN_AS_ASKED
    }

    fn within(self, other: Self) -> Self {
        Self {
            first: self.first.max(other.first),
            last: self.last.min(other.last),
        }
    }

    /// Ranges of as many days as can be asked for at once.
    fn parts(self) -> impl Iterator<Item = Self> {
        let step = usize::try_from(DAYS_ASKED_MAX).unwrap_or(1);
        (self.first..=self.last).step_by(step).map(move |first| Self {
            first,
            last: self.last.min(first + DAYS_ASKED_MAX - 1),
        })
    }
}

/// The first and the last day of an interval; the last is before the first where it is empty.
pub(crate) fn days_of(interval: Interval) -> (i64, i64) {
    let days = Days::of(interval);
    (days.first, days.last)
}

/// Answers questions for swipes on one connection, in the order asked.
pub(crate) async fn swipes_of<DB: Dialect>(
    connection: &mut DB::Connection,
    queries: &[BadgeSwipe<'_>],
) -> Stored<Vec<Vec<SwipeRecord>>> {
    let mut days: Vec<Days> = queries.iter().map(|query| Days::of(query.happened)).collect();
    if days.iter().any(|days| days.is_long()) {
        let stored = days_stored::<DB>(connection).await?;
        for days in &mut days {
            *days = days.within(stored);
        }
    }
    let mut asked: Vec<[Value<'_>; 6]> = Vec::new();
    for ((question, query), days) in (0_i64..).zip(queries).zip(days) {
        let mut badges = query.badges.clone();
        badges.sort_unstable();
        badges.dedup();
        for badge in badges {
            asked.extend(days.parts().map(|part| ask(question, badge, part, query.happened)));
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

fn ask(question: i64, badge: &str, days: Days, happened: Interval) -> [Value<'_>; 6] {
    let (from, until) = (happened.from.into(), happened.until.into());
    [
        question.into(),
        badge.into(),
        days.first.into(),
        days.last.into(),
        from,
        until,
    ]
}

/// From the first to the last day that there are swipes of.
async fn days_stored<DB: Dialect>(connection: &mut DB::Connection) -> Stored<Days> {
    let rows = DB::rows(connection, statements::SWIPE_DAYS, &[])
        .await
        .map_err(StoreError::of::<DB>)?;
    let none = Days { first: 0, last: -1 };
    let Some(row) = rows.first() else { return Ok(none) };
    let mut cells = Cells::<DB>::new(SwipeRecord::TABLE, row);
    let (first, last) = (
        cells.optional_integer("first_day")?,
        cells.optional_integer("last_day")?,
    );
    Ok(first.zip(last).map_or(none, |(first, last)| Days { first, last }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(from: i64, until: i64) -> Days {
        Days::of(Interval::new(Instant::from_ms(from), Instant::from_ms(until)))
    }

    #[test]
    fn an_interval_meets_whole_days() {
        assert_eq!(days(0, DAY_MS), Days { first: 0, last: 0 });
        assert_eq!(days(DAY_MS - 1, 2 * DAY_MS + 1), Days { first: 0, last: 2 });
        assert_eq!(days(5, 5).parts().count(), 0);
        assert_eq!(
            days(i64::MIN, i64::MAX),
            Days {
                first: 0,
                last: LAST_DAY
            }
        );
        assert!(days(i64::MIN, i64::MAX).is_long());
    }

    #[test]
    fn many_days_are_asked_for_in_parts() {
        let parts: Vec<_> = Days { first: -3, last: 14 }
            .parts()
            .map(|part| (part.first, part.last))
            .collect();
        assert_eq!(parts, [(-3, 4), (5, 12), (13, 14)]);
    }
}
