//! When something that comes again comes: the civil times of a rule, within a window.
//!
//! A rule is expanded on the clocks of its zone, without the zone: nine o'clock stays nine o'clock in summer and winter, and what a
//! gap or a fold does to it is decided in one place, where civil times become instants. So `UNTIL` is a civil time here too,
//! whatever it was written in.

use calcard::icalendar::{ICalendarFrequency, ICalendarRecurrenceRule};
use chrono::{DateTime, Days, Month, NaiveDateTime};
use rrule::{Frequency, NWeekday, RRule, RRuleSet, Tz, Unvalidated};

/// Most civil times that one rule may have in a window.
const TIMES_MAX: usize = 5_000;

/// Most times that a rule may have on one date: more is no meeting.
const TIMES_PER_DATE_MAX: usize = 24;

/// Most entries that the lists of a rule may have together.
const LIST_ENTRIES_MAX: usize = 500;

/// Why a rule cannot be expanded; the words are for people who look into calendar files.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// More often than once a day.
    #[error("FREQ={0}")]
    TooOften(&'static str),
    /// Lists of the rule that are longer than any year.
    #[error("BYHOUR, BYMINUTE, BYSECOND or another list is too long")]
    TooLong,
    /// More times in the window than anybody meets.
    #[error("more than {TIMES_MAX} times")]
    TooMany,
    /// A calendar other than the Gregorian one.
    #[error("RSCALE")]
    Scale,
    /// What the expansion says.
    #[error("{0}")]
    Invalid(String),
}

/// The civil times of a rule that begins at `starts`, from `window.0` up to but without `window.1`. `until` is the rule's own end as
/// a civil time of the same clocks.
pub fn civil_times(
    rule: &ICalendarRecurrenceRule,
    starts: NaiveDateTime,
    until: Option<NaiveDateTime>,
    window: (NaiveDateTime, NaiveDateTime),
) -> Result<Vec<NaiveDateTime>, Unusable> {
    if until.is_some_and(|until| until < starts) || starts >= window.1 {
        return Ok(Vec::new());
    }
    let begins = utc(forwarded(rule, starts, window.0));
    let until = until.map(utc);
    if until.is_some_and(|until| until < begins) {
        return Ok(Vec::new());
    }
    let unvalidated = converted(rule, until)?;
    let invalid = |error: rrule::RRuleError| Unusable::Invalid(error.to_string());
    let validated = unvalidated.validate(begins).map_err(invalid)?;
    let times = RRuleSet::new(begins).rrule(validated).limit().into_iter();
    let mut within = Vec::new();
    for time in times.map(|time| time.naive_utc()).take_while(|time| *time < window.1) {
        if time >= window.0 {
            within.push(time);
        }
        if within.len() > TIMES_MAX {
            return Err(Unusable::TooMany);
        }
    }
    Ok(within)
}

fn utc(civil: NaiveDateTime) -> DateTime<Tz> {
    civil.and_utc().with_timezone(&Tz::UTC)
}

/// A series that began long ago begins shortly before the window, as far as that changes nothing: a rule that counts its times
/// must count them from its start.
fn forwarded(rule: &ICalendarRecurrenceRule, starts: NaiveDateTime, from: NaiveDateTime) -> NaiveDateTime {
    let days_per_unit = match rule.freq {
        ICalendarFrequency::Daily => 1,
        ICalendarFrequency::Weekly => 7,
        ICalendarFrequency::Yearly
        | ICalendarFrequency::Monthly
        | ICalendarFrequency::Hourly
        | ICalendarFrequency::Minutely
        | ICalendarFrequency::Secondly => return starts,
    };
    if rule.count.is_some() {
        return starts;
    }
    let step = days_per_unit * i64::from(rule.interval.unwrap_or(1).max(1));
    let steps = ((from - starts).num_days() / step - 1).max(0);
    let ahead = u64::try_from(steps * step).map(Days::new);
    ahead
        .ok()
        .and_then(|days| starts.checked_add_days(days))
        .unwrap_or(starts)
}

fn converted(rule: &ICalendarRecurrenceRule, until: Option<DateTime<Tz>>) -> Result<RRule<Unvalidated>, Unusable> {
    check_size(rule)?;
    let frequency = match rule.freq {
        ICalendarFrequency::Yearly => Frequency::Yearly,
        ICalendarFrequency::Monthly => Frequency::Monthly,
        ICalendarFrequency::Weekly => Frequency::Weekly,
        ICalendarFrequency::Daily => Frequency::Daily,
        ICalendarFrequency::Hourly => return Err(Unusable::TooOften("HOURLY")),
        ICalendarFrequency::Minutely => return Err(Unusable::TooOften("MINUTELY")),
        ICalendarFrequency::Secondly => return Err(Unusable::TooOften("SECONDLY")),
    };
    let months = rule
        .bymonth
        .iter()
        .map(|month| Month::try_from(u8::from(*month)).map_err(|_| Unusable::Invalid("BYMONTH".to_owned())));
    let days = rule.byday.iter().map(|day| match day.ordwk {
        Some(number) => NWeekday::Nth(number, day.weekday.into()),
        None => NWeekday::Every(day.weekday.into()),
    });
    let mut converted = RRule::new(frequency)
        .interval(rule.interval.unwrap_or(1))
        .by_month(&months.collect::<Result<Vec<_>, _>>()?)
        .by_month_day(rule.bymonthday.clone())
        .by_year_day(rule.byyearday.clone())
        .by_week_no(rule.byweekno.clone())
        .by_weekday(days.collect())
        .by_hour(rule.byhour.clone())
        .by_minute(rule.byminute.clone())
        .by_second(rule.bysecond.clone())
        .by_set_pos(rule.bysetpos.clone());
    if let Some(first_day) = rule.wkst {
        converted = converted.week_start(first_day.into());
    }
    if let Some(count) = rule.count {
        converted = converted.count(count);
    }
    if let Some(until) = until {
        converted = converted.until(until);
    }
    Ok(converted)
}

fn check_size(rule: &ICalendarRecurrenceRule) -> Result<(), Unusable> {
    use calcard::common::CalendarScale;
    if rule
        .rscale
        .as_ref()
        .is_some_and(|scale| *scale != CalendarScale::Gregorian)
    {
        return Err(Unusable::Scale);
    }
    let per_date = [&rule.byhour, &rule.byminute, &rule.bysecond].map(|list| list.len().max(1));
    let entries = rule.byday.len()
        + rule.bymonthday.len()
        + rule.byyearday.len()
        + rule.byweekno.len()
        + rule.bymonth.len()
        + rule.bysetpos.len();
    let times = per_date
        .iter()
        .try_fold(1usize, |product, list| product.checked_mul(*list));
    if entries > LIST_ENTRIES_MAX || times.is_none_or(|times| times > TIMES_PER_DATE_MAX) {
        return Err(Unusable::TooLong);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use calcard::icalendar::{ICalendar, ICalendarProperty, ICalendarValue};

    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").expect("a time")
    }

    fn expand(rule: &str, starts: &str, until: Option<&str>, window: (&str, &str)) -> Result<Vec<String>, Unusable> {
        let text = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nRRULE:{rule}\nEND:VEVENT\nEND:VCALENDAR\n");
        let calendar = ICalendar::parse(text).expect("a calendar");
        let entry = calendar.components[1]
            .property(&ICalendarProperty::Rrule)
            .expect("a rule");
        let Some(ICalendarValue::RecurrenceRule(rule)) = entry.values.first() else {
            panic!("{entry:?}");
        };
        let times = civil_times(rule, at(starts), until.map(at), (at(window.0), at(window.1)))?;
        Ok(times
            .iter()
            .map(|time| time.format("%m-%d %H:%M").to_string())
            .collect())
    }

    #[test]
    fn the_last_time_of_a_series_is_not_lost() {
        // What Exchange writes: UNTIL=20261130T010000Z for 09:00 in Shanghai.
        let times = expand(
            "FREQ=WEEKLY;UNTIL=20261130T010000Z",
            "2026-11-16 09:00",
            Some("2026-11-30 09:00"),
            ("2026-11-01 00:00", "2027-01-01 00:00"),
        );
        assert_eq!(
            times,
            Ok(vec!["11-16 09:00".into(), "11-23 09:00".into(), "11-30 09:00".into()])
        );
    }

    #[test]
    fn a_series_of_old_keeps_its_rhythm() {
        let window = ("2026-11-01 00:00", "2026-12-01 00:00");
        let fortnightly = expand("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "2010-01-05 10:00", None, window).expect("usable");
        // From 2010-01-05 to 2026-11-03 it is 878 weeks, an even number.
        assert_eq!(fortnightly, ["11-03 10:00", "11-17 10:00"]);
        let counted = expand("FREQ=DAILY;COUNT=3", "2026-10-31 08:00", None, window).expect("usable");
        assert_eq!(counted, ["11-01 08:00", "11-02 08:00"]);
        let last_friday = expand("FREQ=MONTHLY;BYDAY=-1FR", "2015-01-30 15:00", None, window).expect("usable");
        assert_eq!(last_friday, ["11-27 15:00"]);
    }

    #[test]
    fn rules_without_end_end_quickly() {
        let window = ("2026-01-01 00:00", "2027-01-01 00:00");
        for rule in [
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2,4,6",
            "FREQ=DAILY;INTERVAL=65535",
        ] {
            let begun = std::time::Instant::now();
            let times = expand(rule, "1970-01-01 00:00", None, window).expect("usable");
            assert!(times.len() <= 1, "{rule}: {times:?}");
            assert!(begun.elapsed().as_secs() < 20, "{rule}");
        }
        assert_eq!(
            expand("FREQ=SECONDLY", "2026-01-01 00:00", None, window),
            Err(Unusable::TooOften("SECONDLY"))
        );
        let minutes: Vec<String> = (0..60).map(|minute: u32| minute.to_string()).collect();
        let every_minute = format!("FREQ=DAILY;BYMINUTE={}", minutes.join(","));
        assert_eq!(
            expand(&every_minute, "2026-01-01 00:00", None, window),
            Err(Unusable::TooLong)
        );
    }
}
