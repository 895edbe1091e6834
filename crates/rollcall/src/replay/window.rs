//! Which dates a question goes over, a week at a time, so that no answer has to hold all findings at once.

use chrono::{Days, NaiveDate};
use rules::time::{Instant, local_date};
use store::Ledger;

use crate::engine::{ALIVE_AT, OPENED_FROM, OPENED_THROUGH, load_site};

/// How many dates are looked at together.
const DATES_AT_ONCE: u64 = 7;

/// Dates from one up to but without another; may be none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    /// The first.
    pub from: NaiveDate,
    /// The one after the last.
    pub until: NaiveDate,
}

impl Dates {
    /// The same dates in parts.
    pub fn weeks(self) -> impl Iterator<Item = Self> {
        let next = |from: &NaiveDate| from.checked_add_days(Days::new(DATES_AT_ONCE));
        let starts = std::iter::successors(Some(self.from), next);
        starts.take_while(move |from| *from < self.until).map(move |from| Self {
            from,
            until: next(&from).unwrap_or(self.until).min(self.until),
        })
    }

    /// The dates, one by one.
    pub fn days(self) -> impl Iterator<Item = NaiveDate> {
        self.from.iter_days().take_while(move |date| *date < self.until)
    }

    /// The first and the one after the last, as the ledger takes them.
    pub fn texts(self) -> (String, String) {
        (self.from.to_string(), self.until.to_string())
    }

    /// Those that are in another range too.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        let from = self.from.max(other.from);
        Self {
            from,
            until: self.until.min(other.until).max(from),
        }
    }
}

/// The dates asked for, and as far as nothing is said all that an installation has judged.
pub async fn asked_dates(
    ledger: &dyn Ledger,
    from: Option<NaiveDate>,
    until: Option<NaiveDate>,
) -> anyhow::Result<Dates> {
    let judged = judged_dates(ledger).await?;
    Ok(Dates {
        from: from.unwrap_or(judged.from),
        until: until.unwrap_or(judged.until),
    })
}

/// The dates of which an installation has judged or may have judged any; none in a new one.
pub async fn judged_dates(ledger: &dyn Ledger) -> anyhow::Result<Dates> {
    let zone = load_site(ledger).await?.facts.records().site.zone;
    let date = async |name| -> anyhow::Result<Option<NaiveDate>> {
        Ok(ledger.setting(name).await?.and_then(|text| text.parse().ok()))
    };
    let alive = ledger.setting(ALIVE_AT).await?.and_then(|text| text.parse().ok());
    let alive = alive.map(|ms| local_date(Instant::from_ms(ms), zone));
    let (from, through) = (date(OPENED_FROM).await?, date(OPENED_THROUGH).await?);
    // Swipes of an import may have set the last date back; rows of later ones are there all the same.
    let last = through.max(alive);
    let from = from.or(last).unwrap_or(NaiveDate::MIN);
    let until = last
        .and_then(|date| date.checked_add_days(Days::new(2)))
        .unwrap_or(from);
    Ok(Dates { from, until })
}

/// The last instant at which the daemon is known to have judged; `otherwise` where it never did.
pub async fn latest_judging(ledger: &dyn Ledger, otherwise: Instant) -> anyhow::Result<Instant> {
    let alive = ledger.setting(ALIVE_AT).await?.and_then(|text| text.parse().ok());
    Ok(alive.map_or(otherwise, Instant::from_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_taken_a_week_at_a_time() {
        let date = |text: &str| text.parse().expect("a date");
        let dates = Dates {
            from: date("2026-09-14"),
            until: date("2026-09-23"),
        };
        let weeks: Vec<_> = dates.weeks().map(Dates::texts).collect();
        assert_eq!(
            weeks,
            [
                ("2026-09-14".to_owned(), "2026-09-21".to_owned()),
                ("2026-09-21".to_owned(), "2026-09-23".to_owned())
            ]
        );
        let none = dates.within(Dates {
            from: date("2026-10-01"),
            until: date("2026-10-02"),
        });
        assert_eq!(none.weeks().count(), 0);
    }
}
