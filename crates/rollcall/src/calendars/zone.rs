//! Time zones as calendar programs name them: IANA names, the names of Windows, prefixed names, and `VTIMEZONE` for the rest.

use std::collections::BTreeMap;

use calcard::common::PartialDateTime;
use calcard::common::timezone::Tz as Guess;
use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarProperty, ICalendarRecurrenceRule, ICalendarValue,
};
use chrono::{Datelike, Days, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone};
use chrono_tz::{TZ_VARIANTS, Tz};
use rules::time::{Instant, civil_instant};

use super::recurrence;

/// Years around a window in which a `VTIMEZONE` is compared with named zones.
const YEARS_COMPARED: i32 = 2;

/// Most rules of the `VTIMEZONE`s of one calendar that are followed: a described zone has two, and most zones are known by name.
const RULES_MAX: usize = 40;

/// Longest text that is taken for the name of a zone.
const NAME_BYTES_MAX: usize = 200;

/// What the civil times of a calendar entry mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// A zone of the IANA database.
    Named(Tz),
    /// An offset that never changes.
    Fixed(FixedOffset),
}

impl Zone {
    /// The instant of a civil time; a gap moves forward by its length, a fold takes the earlier instant.
    pub fn instant(self, civil: NaiveDateTime) -> Instant {
        match self {
            Self::Named(zone) => civil_instant(civil, zone),
            Self::Fixed(offset) => {
                let seconds = i64::from(offset.local_minus_utc());
                Instant::from((civil - TimeDelta::seconds(seconds)).and_utc())
            }
        }
    }

    /// What the clocks show at an instant.
    pub fn civil(self, at: Instant) -> NaiveDateTime {
        let utc = at.to_utc();
        match self {
            Self::Named(zone) => utc.with_timezone(&zone).naive_local(),
            Self::Fixed(offset) => utc.with_timezone(&offset).naive_local(),
        }
    }
}

/// The zones of one calendar file by the names that its entries use.
pub struct Zones {
    site: Tz,
    described: BTreeMap<String, Option<Zone>>,
}

impl Zones {
    /// Reads the `VTIMEZONE`s of a calendar. `site` is what floating times mean, and `around` a date of the times of interest.
    pub fn of(calendar: &ICalendar, site: Tz, around: NaiveDate) -> Self {
        let mut rules_left = RULES_MAX;
        let described = calendar
            .timezones()
            .filter_map(|component| {
                let name = text(component, &ICalendarProperty::Tzid).filter(|name| name.len() <= NAME_BYTES_MAX)?;
                // The name goes first: what it says of past and future years is more than a calendar program writes down.
                let zone = named(name).or_else(|| described(calendar, component, around, &mut rules_left));
                Some((name.to_owned(), zone))
            })
            .collect();
        Self { site, described }
    }

    /// The zone of a floating time.
    pub fn floating(&self) -> Zone {
        Zone::Named(self.site)
    }

    /// What a `TZID` means; `None` where nobody can know.
    pub fn find(&self, name: &str) -> Option<Zone> {
        if name.len() > NAME_BYTES_MAX {
            return None;
        }
        match self.described.get(name) {
            Some(zone) => *zone,
            None => named(name),
        }
    }
}

fn named(name: &str) -> Option<Zone> {
    match name.trim().parse::<Guess>() {
        Ok(Guess::Tz(zone)) => Some(Zone::Named(zone)),
        Ok(Guess::Fixed(offset)) => Some(Zone::Fixed(offset)),
        Ok(Guess::Floating) | Err(()) => suffix(name),
    }
}

/// `…/Asia/Shanghai`, whatever a program has put before it.
fn suffix(name: &str) -> Option<Zone> {
    let mut rest = name.trim();
    while let Some((_, tail)) = rest.split_once('/') {
        if tail.contains('/')
            && let Ok(zone) = tail.parse::<Tz>()
        {
            return Some(Zone::Named(zone));
        }
        rest = tail;
    }
    None
}

fn text<'a>(component: &'a ICalendarComponent, property: &ICalendarProperty) -> Option<&'a str> {
    component.property(property)?.values.first()?.as_text()
}

/// What a `VTIMEZONE` says, as a named zone with the same offsets in the years around, or as a fixed offset.
fn described(
    calendar: &ICalendar,
    component: &ICalendarComponent,
    around: NaiveDate,
    rules_left: &mut usize,
) -> Option<Zone> {
    if let Some((_, Guess::Tz(zone))) = component.timezone() {
        return Some(Zone::Named(zone));
    }
    let observances: Vec<Observance> = component
        .component_ids
        .iter()
        .filter_map(|id| calendar.component_by_id(*id))
        .filter_map(Observance::of)
        .collect();
    let first = observances.first()?;
    if observances.iter().all(|other| other.offset_to == first.offset_to) {
        return Some(Zone::Fixed(first.offset_to));
    }
    let rules = observances.iter().filter(|one| one.rule.is_some()).count();
    *rules_left = rules_left.checked_sub(rules)?;
    same_offsets(&observances, around)
}

/// A named zone that has the same offset in the middle of every month of the years around.
fn same_offsets(observances: &[Observance], around: NaiveDate) -> Option<Zone> {
    let years = around.year() - YEARS_COMPARED..=around.year() + YEARS_COMPARED;
    let until = NaiveDate::from_ymd_opt(around.year() + YEARS_COMPARED + 1, 1, 1)?.and_time(NaiveTime::MIN);
    let mut onsets: Vec<(NaiveDateTime, FixedOffset)> = observances.iter().flat_map(|one| one.onsets(until)).collect();
    onsets.sort_by_key(|(at, _)| *at);
    let offset_at = |at: NaiveDateTime| {
        let passed = onsets.partition_point(|(onset, _)| *onset <= at);
        Some(onsets.get(passed.checked_sub(1)?)?.1)
    };
    let middles = years.flat_map(|year| (1..=12).filter_map(move |month| NaiveDate::from_ymd_opt(year, month, 15)));
    let expected: Vec<(NaiveDateTime, FixedOffset)> = middles
        .filter_map(|date| {
            let at = date.and_time(NaiveTime::MIN);
            Some((at, offset_at(at)?))
        })
        .collect();
    let agrees = |zone: &&Tz| {
        expected
            .iter()
            .all(|(at, offset)| zone.offset_from_utc_datetime(at).fix() == *offset)
    };
    let zone = (!expected.is_empty()).then(|| TZ_VARIANTS.iter().find(agrees))??;
    Some(Zone::Named(*zone))
}

/// One `STANDARD` or `DAYLIGHT` of a `VTIMEZONE`.
struct Observance {
    starts: NaiveDateTime,
    offset_from: FixedOffset,
    offset_to: FixedOffset,
    rule: Option<ICalendarRecurrenceRule>,
}

impl Observance {
    fn of(component: &ICalendarComponent) -> Option<Self> {
        if !matches!(
            component.component_type,
            ICalendarComponentType::Standard | ICalendarComponentType::Daylight
        ) {
            return None;
        }
        let value = |property| component.property(property)?.values.first()?.as_partial_date_time();
        let rule = component.property(&ICalendarProperty::Rrule);
        let rule = rule.and_then(|entry| match entry.values.first() {
            Some(ICalendarValue::RecurrenceRule(rule)) => Some((**rule).clone()),
            _ => None,
        });
        Some(Self {
            starts: value(&ICalendarProperty::Dtstart)?.to_date_time()?.date_time,
            offset_from: offset(value(&ICalendarProperty::Tzoffsetfrom)?)?,
            offset_to: offset(value(&ICalendarProperty::Tzoffsetto)?)?,
            rule,
        })
    }

    /// When it begins to hold, in UTC, up to `until`.
    fn onsets(&self, until: NaiveDateTime) -> Vec<(NaiveDateTime, FixedOffset)> {
        let before = until.checked_sub_days(Days::new(366 * 10)).unwrap_or(until);
        let mut starts = vec![self.starts];
        if let Some(rule) = &self.rule {
            let window = (before, until);
            let until_civil = rule.until.as_ref().and_then(PartialDateTime::to_date_time);
            let until_civil = until_civil.map(|until| until.date_time);
            starts.extend(recurrence::civil_times(rule, self.starts, until_civil, window).unwrap_or_default());
        }
        let from = TimeDelta::seconds(i64::from(self.offset_from.local_minus_utc()));
        starts
            .into_iter()
            .filter_map(|civil| Some((civil.checked_sub_signed(from)?, self.offset_to)))
            .collect()
    }
}

fn offset(written: &PartialDateTime) -> Option<FixedOffset> {
    let seconds = i32::from(written.tz_hour?) * 3_600 + i32::from(written.tz_minute.unwrap_or(0)) * 60;
    let seconds = if written.tz_minus { -seconds } else { seconds };
    FixedOffset::east_opt(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones(text: &str) -> Zones {
        let calendar = ICalendar::parse(text).expect("a calendar");
        Zones::of(
            &calendar,
            chrono_tz::Asia::Shanghai,
            NaiveDate::from_ymd_opt(2026, 11, 1).expect("a date"),
        )
    }

    #[test]
    fn names_of_every_kind_are_found() {
        let zones = zones("BEGIN:VCALENDAR\nEND:VCALENDAR\n");
        for (name, expected) in [
            ("Asia/Shanghai", chrono_tz::Asia::Shanghai),
            ("China Standard Time", chrono_tz::Asia::Shanghai),
            ("W. Europe Standard Time", chrono_tz::Europe::Berlin),
            (
                "/softwarestudio.org/Olson_20011030_5/Europe/Berlin",
                chrono_tz::Europe::Berlin,
            ),
            (
                "/freeassociation.sourceforge.net/Asia/Shanghai",
                chrono_tz::Asia::Shanghai,
            ),
        ] {
            assert_eq!(zones.find(name), Some(Zone::Named(expected)), "{name}");
        }
        assert_eq!(zones.find("Bureau time"), None);
        assert_eq!(zones.find(&"x/".repeat(5_000)), None);
    }

    #[test]
    fn a_described_zone_is_recognised_by_its_offsets() {
        let berlin = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Customized Time Zone\n\
            BEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
            RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\n\
            BEGIN:DAYLIGHT\nDTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n\
            RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\nEND:VTIMEZONE\nEND:VCALENDAR\n";
        let zone = zones(berlin).find("Customized Time Zone").expect("found");
        let summer = "2026-07-01T09:00:00".parse().expect("a time");
        let winter = "2026-12-01T09:00:00".parse().expect("a time");
        assert_eq!(zone.instant(summer), civil_instant(summer, chrono_tz::Europe::Berlin));
        assert_eq!(zone.instant(winter), civil_instant(winter, chrono_tz::Europe::Berlin));
    }

    #[test]
    fn a_described_zone_without_summer_time_is_its_offset() {
        let beijing = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Meeting zone\nBEGIN:STANDARD\nDTSTART:19700101T000000\n\
            TZOFFSETFROM:+0800\nTZOFFSETTO:+0800\nEND:STANDARD\nEND:VTIMEZONE\nEND:VCALENDAR\n";
        let expected = FixedOffset::east_opt(8 * 3_600).expect("an offset");
        assert_eq!(zones(beijing).find("Meeting zone"), Some(Zone::Fixed(expected)));
    }
}
