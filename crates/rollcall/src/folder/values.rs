//! Values as people write them: instants, dates, times of day, intervals.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc, Weekday};
use chrono_tz::Tz;
use rules::time::{CivilTime, Instant, Interval, civil_instant};

/// "Always": from year 1 to year 10000, so that arithmetic on its ends stays far from overflow.
pub const EVER: Interval = Interval::new(
    Instant::from_ms(-62_135_596_800_000),
    Instant::from_ms(253_402_300_800_000),
);

/// An instant: RFC 3339, or `YYYY-MM-DD HH:MM[:SS]` in `zone`, within the years 1 to 9999; finer than milliseconds is cut off.
pub fn local_instant(text: &str, zone: Tz) -> Option<Instant> {
    let at = match DateTime::parse_from_rfc3339(text) {
        Ok(at) => Instant::from(at.with_timezone(&Utc)),
        Err(_) => civil_instant(civil_date_time(text)?, zone),
    };
    EVER.contains(at).then_some(at)
}

/// An instant, or a date alone as its midnight in `zone`: what `from` and `until` hold.
pub fn instant_or_midnight(text: &str, zone: Tz) -> Option<Instant> {
    match date(text) {
        Some(date) => Some(midnight(date, zone)),
        None => local_instant(text, zone),
    }
}

/// The midnight with which a date begins in `zone`.
pub fn midnight(date: NaiveDate, zone: Tz) -> Instant {
    civil_instant(date.and_time(NaiveTime::MIN), zone)
}

fn civil_date_time(text: &str) -> Option<NaiveDateTime> {
    let (day, time) = text.split_once(' ')?;
    let date = date(day)?;
    let formats = ["%H:%M", "%H:%M:%S", "%H:%M:%S%.f"];
    let time = formats
        .iter()
        .find_map(|format| NaiveTime::parse_from_str(time.trim_start(), format).ok())?;
    Some(date.and_time(time))
}

/// A date `YYYY-MM-DD` of the years 1 to 9999.
pub fn date(text: &str) -> Option<NaiveDate> {
    let shape = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date = shape.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())??;
    (date >= NaiveDate::from_ymd_opt(1, 1, 1)?).then_some(date)
}

/// A time of day relative to a date: `HH:MM`, `HH:MM+1`, `HH:MM-1`; `24:00` is the next midnight.
pub(super) fn civil_time(text: &str) -> Option<CivilTime> {
    let (clock, days) = match text.strip_suffix("+1") {
        Some(clock) => (clock, 1),
        None => text.strip_suffix("-1").map_or((text, 0), |clock| (clock, -1)),
    };
    let (hours, minutes) = clock.split_once(':')?;
    let hours = two_digits(hours)?;
    let minutes = two_digits(minutes)?;
    let valid = (hours < 24 && minutes < 60) || (hours == 24 && minutes == 0);
    valid.then(|| CivilTime::from_minutes(days * 1_440 + hours * 60 + minutes))?
}

fn two_digits(text: &str) -> Option<i32> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// A weekday: `mon`, `Monday`, ….
pub(super) fn weekday(text: &str) -> Option<Weekday> {
    text.trim().parse().ok()
}

/// Weekdays: `mon`, `mon,wed`, `mon-fri`, indexed from Monday.
pub(super) fn weekdays(text: &str) -> Option<[bool; 7]> {
    let mut days = [false; 7];
    for part in text.split([',', ' ']).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once(['-', '–']).unwrap_or((part, part));
        let (mut day, last) = (weekday(first)?, weekday(last)?);
        loop {
            days[day.num_days_from_monday() as usize] = true;
            if day == last {
                break;
            }
            day = day.succ();
        }
    }
    days.contains(&true).then_some(days)
}

/// Makes intervals disjoint: where they overlap the one with the latest `from` wins, and an earlier one goes on after it.
pub(super) fn latest_from_wins<T: Clone>(rows: &[(Interval, T)]) -> Vec<(Interval, T)> {
    let mut pieces: Vec<(Interval, T)> = Vec::new();
    let mut ordered: Vec<&(Interval, T)> = rows.iter().collect();
    ordered.sort_by_key(|(interval, _)| interval.from);
    for (winner, value) in ordered {
        let before = std::mem::take(&mut pieces);
        for (interval, loser) in before {
            let left = Interval::new(interval.from, interval.until.min(winner.from));
            let right = Interval::new(interval.from.max(winner.until), interval.until);
            pieces.extend(
                [left, right]
                    .into_iter()
                    .filter(|piece| !piece.is_empty())
                    .map(|piece| (piece, loser.clone())),
            );
        }
        pieces.push((*winner, value.clone()));
    }
    pieces.sort_by_key(|(interval, _)| interval.from);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHANGHAI: Tz = chrono_tz::Asia::Shanghai;

    #[test]
    fn instants_in_the_forms_of_the_contract() {
        let at = |text: &str| local_instant(text, SHANGHAI).map(|at| at.to_utc().to_rfc3339());
        let expected = Some("2026-09-16T00:30:00+00:00".to_owned());
        assert_eq!(at("2026-09-16T08:30:00+08:00"), expected);
        assert_eq!(at("2026-09-16T00:30:00Z"), expected);
        assert_eq!(at("2026-09-16 08:30"), expected);
        assert_eq!(at("2026-09-16 08:30:00"), expected);
        assert_eq!(
            at("2026-09-16 08:30:00.0019").as_deref(),
            Some("2026-09-16T00:30:00.001+00:00")
        );
        for wrong in [
            "",
            "2026-09-16",
            "16.09.2026 08:30",
            "2026-09-31 08:30",
            "2026-09-16 25:00",
            "2026-09-16T08:30",
            "0000-01-01 00:00",
        ] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
        assert_eq!(
            instant_or_midnight("2026-09-16", SHANGHAI),
            local_instant("2026-09-15T16:00:00Z", SHANGHAI)
        );
    }

    #[test]
    fn times_of_day_in_the_forms_of_the_contract() {
        let minutes = |text: &str| civil_time(text).map(CivilTime::as_minutes);
        assert_eq!(minutes("08:30"), Some(510));
        assert_eq!(minutes("8:30"), Some(510));
        assert_eq!(minutes("06:00+1"), Some(1_800));
        assert_eq!(minutes("22:00-1"), Some(-120));
        assert_eq!(minutes("24:00"), Some(1_440));
        for wrong in [
            "", "8", "08:60", "24:01", "08:30+2", "24:00+1", "-1:30", "08:3x", "008:30",
        ] {
            assert_eq!(minutes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn weekdays_by_name_list_and_range() {
        assert_eq!(weekdays("mon-fri"), Some([true, true, true, true, true, false, false]));
        assert_eq!(
            weekdays("Sat, sun"),
            Some([false, false, false, false, false, true, true])
        );
        assert_eq!(
            weekdays("sat-mon"),
            Some([true, false, false, false, false, true, true])
        );
        assert_eq!(weekdays(""), None);
        assert_eq!(weekdays("someday"), None);
    }

    #[test]
    fn of_overlapping_rows_the_latest_from_wins() {
        let at = Instant::from_ms;
        let rows = [
            (Interval::new(at(50), at(60)), 'b'),
            (Interval::new(at(0), at(100)), 'a'),
        ];
        let pieces: Vec<_> = latest_from_wins(&rows)
            .into_iter()
            .map(|(i, who)| (i.from.as_ms(), i.until.as_ms(), who))
            .collect();
        assert_eq!(pieces, [(0, 50, 'a'), (50, 60, 'b'), (60, 100, 'a')]);
    }
}
