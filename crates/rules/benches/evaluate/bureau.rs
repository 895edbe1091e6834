//! A bureau of many people with two periods a day, and what its readers saw of them in a year.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate, Weekday};
use rules::model::{
    Absence, Assignment, AssignmentSubject, Badge, BadgeGrant, BadgeIndex, Facing, Id, Pairing, Period, PeriodSettings,
    Person, PersonIndex, Place, PlaceIndex, PlaceKind, Reader, ReaderIndex, Schedule, Site, SiteRecords, Stand, Stint,
    Swipe, SwipeId, Unit, UnitIndex,
};
use rules::time::{CivilTime, Instant, Interval, Span, instant_of};

pub const ZONE: chrono_tz::Tz = chrono_tz::Asia::Shanghai;
/// Minutes of the day: morning from, to; afternoon from, to.
pub const HOURS: [i32; 4] = [510, 720, 810, 1_050];
pub const GRACE_LATE_MINUTES: i64 = 5;
const WORKING_DAYS: usize = 250;
const ALWAYS: Interval = Interval::new(Instant::from_ms(0), Instant::from_ms(i64::MAX / 4));

/// Working days in a row.
pub fn dates() -> Vec<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(2026, 1, 5).expect("a date");
    let workdays = first
        .iter_days()
        .filter(|date| !matches!(date.weekday(), Weekday::Sat | Weekday::Sun));
    workdays.take(WORKING_DAYS).collect()
}

/// A number that looks drawn and is the same in every run.
fn drawn(person: u32, day: usize, salt: u64) -> u64 {
    let mut state = u64::from(person) << 32 | (day as u64) << 8 | salt;
    for factor in [0xBF58_476D_1CE4_E5B9, 0x94D0_49BB_1331_11EB] {
        state = (state ^ state >> 30).wrapping_mul(factor);
    }
    state ^ state >> 31
}

/// What a person does on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    Fine,
    /// On leave.
    Away,
    /// Late for one of the periods.
    Late(usize),
    /// Gone early from one of them.
    Early(usize),
    /// One of the four swipes is missing.
    Forgotten(usize),
    /// Absent in one of the periods.
    Absent(usize),
    Nowhere,
}

fn day(person: u32, day: usize) -> Day {
    // Leave is taken by the week or by the day, three times in all.
    let away = (0..3).any(|leave| {
        let first = usize::try_from(drawn(person, 0, 90 + leave) % WORKING_DAYS as u64).expect("a small number");
        let days = usize::try_from(drawn(person, 1, 90 + leave) % 4).expect("a small number");
        (first..=first + days).contains(&day)
    });
    if away {
        return Day::Away;
    }
    match drawn(person, day, 1) % 1_000 {
        0..25 => Day::Late(0),
        25..40 => Day::Late(1),
        40..45 => Day::Early(0),
        45..65 => Day::Early(1),
        65..90 => Day::Forgotten(usize::try_from(drawn(person, day, 2) % 4).expect("a small number")),
        90..95 => Day::Absent(0),
        95..98 => Day::Absent(1),
        98..100 => Day::Nowhere,
        _ => Day::Fine,
    }
}

/// What the readers saw of a person, in order.
pub fn swipes_of(person: u32, dates: &[NaiveDate]) -> Vec<Swipe> {
    let mut swipes = Vec::with_capacity(dates.len() * 4);
    for (number, date) in dates.iter().enumerate() {
        let today = day(person, number);
        if matches!(today, Day::Away | Day::Nowhere) {
            continue;
        }
        let midnight = instant_of(*date, CivilTime::MIDNIGHT, ZONE);
        for (position, minutes) in HOURS.into_iter().enumerate() {
            let (period, goes_out) = (position / 2, position % 2 == 1);
            if today == Day::Forgotten(position) || today == Day::Absent(period) {
                continue;
            }
            let some = i64::try_from(drawn(person, number, 10 + position as u64) % 1_200_000).expect("a small number");
            let wrong = if goes_out {
                Day::Early(period)
            } else {
                Day::Late(period)
            };
            // Ten minutes in the middle of what is allowed, or up to twenty beyond it.
            let offset = match (goes_out, today == wrong) {
                (false, false) => some - 15 * 60_000,
                (false, true) => some + 1 + GRACE_LATE_MINUTES * 60_000,
                (true, false) => some,
                (true, true) => -some - 1,
            };
            let happened_at = midnight + Span::from_minutes(i64::from(minutes)) + Span::from_ms(offset);
            swipes.push(swipe(person, happened_at, goes_out));
        }
    }
    swipes
}

fn swipe(person: u32, happened_at: Instant, goes_out: bool) -> Swipe {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&happened_at.as_ms().to_be_bytes());
    id[8..12].copy_from_slice(&person.to_be_bytes());
    Swipe {
        id: SwipeId(id),
        reader: ReaderIndex(u32::from(goes_out)),
        badge: BadgeIndex(person),
        happened_at,
        received_at: happened_at,
        sequence: None,
        faces: None,
    }
}

fn absences(people: u32, dates: &[NaiveDate]) -> Vec<Absence> {
    let mut absences = Vec::new();
    for person in 0..people {
        let away = |number: usize| day(person, number) == Day::Away;
        let firsts = (0..dates.len()).filter(|number| away(*number) && (*number == 0 || !away(number - 1)));
        for first in firsts {
            let last = (first..dates.len())
                .take_while(|number| away(*number))
                .last()
                .unwrap_or(first);
            let at = |number: usize, time| instant_of(dates[number], time, ZONE);
            let until = at(last, CivilTime::MIDNIGHT) + Span::from_minutes(24 * 60);
            absences.push(Absence {
                id: format!("a{}", absences.len()).into(),
                person: PersonIndex(person),
                kind: "leave".into(),
                interval: Interval::new(at(first, CivilTime::MIDNIGHT), until),
                approved_until: until,
            });
        }
    }
    absences
}

pub fn records(people: u32, dates: &[NaiveDate]) -> SiteRecords {
    let id = |text: &str| -> Id { Arc::from(text) };
    let person = |number: u32| Person {
        id: format!("p{number}").into(),
        stints: vec![Stint {
            interval: ALWAYS,
            name: id("somebody"),
            unit: UnitIndex(0),
            rank: None,
            head: false,
            mail: None,
        }],
    };
    let badge = |number: u32| Badge {
        key: format!("{number}").into(),
        grants: vec![BadgeGrant {
            interval: ALWAYS,
            person: PersonIndex(number),
        }],
    };
    let reader = |name: &str, faces| Reader {
        id: id(name),
        stands: vec![Stand {
            interval: ALWAYS,
            place: PlaceIndex(0),
            faces,
        }],
    };
    SiteRecords {
        units: vec![Unit {
            id: id("bureau"),
            parent: None,
            name: id("bureau"),
        }],
        people: (0..people).map(person).collect(),
        badges: (0..people).map(badge).collect(),
        places: vec![Place {
            id: id("gate"),
            name: id("gate"),
            kind: PlaceKind::Office,
            pairing: Pairing::First,
        }],
        readers: vec![reader("in", Facing::In), reader("out", Facing::Out)],
        schedules: vec![Schedule {
            id: id("office"),
            from: None,
            until: None,
            periods: vec![
                period("morning", HOURS[0], HOURS[1]),
                period("afternoon", HOURS[2], HOURS[3]),
            ],
            late_allowances: Vec::new(),
        }],
        assignments: vec![Assignment {
            subject: AssignmentSubject::Unit(UnitIndex(0)),
            schedule: Some(id("office")),
            interval: ALWAYS,
        }],
        absences: absences(people, dates),
        ..SiteRecords::of_site(Site::of_zone("bureau".into(), ZONE))
    }
}

fn period(name: &str, starts: i32, ends: i32) -> Period {
    Period {
        name: name.into(),
        starts: CivilTime::from_minutes(starts).expect("in range"),
        ends: CivilTime::from_minutes(ends).expect("in range"),
        weekdays: [true, true, true, true, true, false, false],
        settings: PeriodSettings {
            grace_late: Span::from_minutes(GRACE_LATE_MINUTES),
            ..PeriodSettings::default()
        },
    }
}

/// Person-periods in which nobody is missed, because the person is on leave.
pub fn excused_periods(people: u32, dates: &[NaiveDate]) -> usize {
    let away = |person| {
        (0..dates.len())
            .filter(move |number| day(person, *number) == Day::Away)
            .count()
    };
    (0..people).map(away).sum::<usize>() * 2
}
