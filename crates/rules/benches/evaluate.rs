//! How many person-days a second `evaluate` judges on one core: `cargo bench -p rollcall-rules`.
//!
//! 270 people, 250 working days, 4 swipes a day; once a person's year at a time, as a rebuild does, and once a date at a time with
//! the swipes of its window, as the engine does.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant as Stopwatch;

use chrono::NaiveDate;
use rules::evaluate;
use rules::facts::{DateRange, PersonFacts, SiteFacts};
use rules::model::{
    Assignment, AssignmentSubject, Badge, BadgeGrant, BadgeIndex, Facing, Id, Pairing, Period, PeriodSettings, Person,
    PersonIndex, Place, PlaceIndex, PlaceKind, Reader, ReaderIndex, Schedule, Site, SiteRecords, Stand, Stint, Swipe,
    SwipeId, Unit, UnitIndex,
};
use rules::time::{CivilTime, Instant, Interval, Span, instant_of};

const PEOPLE: u32 = 270;
const WORKING_DAYS: usize = 250;
const ROUNDS: usize = 5;
const ALWAYS: Interval = Interval::new(Instant::from_ms(0), Instant::from_ms(i64::MAX / 4));

fn main() {
    let site = SiteFacts::new(bureau());
    let first = NaiveDate::from_ymd_opt(2026, 1, 1).expect("a date");
    let dates: Vec<NaiveDate> = first
        .iter_days()
        .filter(|date| site.is_working_date(PersonIndex(0), *date))
        .take(WORKING_DAYS)
        .collect();
    let swipes: Vec<Vec<Swipe>> = (0..PEOPLE).map(|person| swipes_of(person, &dates)).collect();
    let year = DateRange {
        from: dates[0],
        until: dates[WORKING_DAYS - 1].succ_opt().expect("a date"),
    };
    let now = instant_of(year.until, CivilTime::NOON, site.records().site.zone) + Span::from_minutes(24 * 60);
    for round in 1..=ROUNDS {
        let (by_year, findings) = timed(|| judge_years(&site, year, &swipes, now));
        let (by_date, same) = timed(|| judge_dates(&site, &dates, &swipes, now));
        assert_eq!(findings, same, "a year at a time and a date at a time agree");
        println!(
            "round {round}: {by_year:.0} person-days/s a year at a time, {by_date:.0} a date at a time, {findings} findings"
        );
    }
}

/// Person-days a second, and how many findings there were.
#[expect(clippy::cast_precision_loss, reason = "a figure for people to read")]
fn timed(judge: impl Fn() -> usize) -> (f64, usize) {
    let started = Stopwatch::now();
    let findings = judge();
    let person_days = PEOPLE as usize * WORKING_DAYS;
    (person_days as f64 / started.elapsed().as_secs_f64(), findings)
}

fn facts<'a>(site: &'a SiteFacts, person: u32, dates: DateRange, swipes: &'a [Swipe]) -> PersonFacts<'a> {
    PersonFacts {
        site,
        person: PersonIndex(person),
        dates,
        swipes,
        known_at: None,
    }
}

fn judge_years(site: &SiteFacts, year: DateRange, swipes: &[Vec<Swipe>], now: Instant) -> usize {
    let judged = (0..)
        .zip(swipes)
        .map(|(person, swipes)| evaluate(&facts(site, person, year, swipes), now));
    judged.map(|assessment| black_box(assessment).findings.len()).sum()
}

fn judge_dates(site: &SiteFacts, dates: &[NaiveDate], swipes: &[Vec<Swipe>], now: Instant) -> usize {
    let mut findings = 0;
    for (person, swipes) in (0..).zip(swipes) {
        for date in dates.iter().map(|date| DateRange::of_date(*date)) {
            let window = site.swipe_window(PersonIndex(person), date);
            let from = swipes.partition_point(|swipe| swipe.happened_at < window.from);
            let until = swipes.partition_point(|swipe| swipe.happened_at < window.until);
            findings += black_box(evaluate(&facts(site, person, date, &swipes[from..until]), now))
                .findings
                .len();
        }
    }
    findings
}

/// Minutes of the day at which somebody swipes, moved by a minute or so that depends on person and date: some are late.
fn swipes_of(person: u32, dates: &[NaiveDate]) -> Vec<Swipe> {
    const TIMES: [(i64, u32); 4] = [(505, 0), (723, 1), (803, 0), (1_052, 1)];
    let mut swipes = Vec::with_capacity(dates.len() * TIMES.len());
    for (day, date) in (0i64..).zip(dates) {
        let midnight = instant_of(*date, CivilTime::MIDNIGHT, chrono_tz::Asia::Shanghai);
        for (minutes, reader) in TIMES {
            let jitter = (day * 7 + i64::from(person) * 13 + minutes) % 480;
            let happened_at = midnight + Span::from_minutes(minutes) + Span::from_seconds(jitter);
            let mut id = [0; 16];
            id[..8].copy_from_slice(&happened_at.as_ms().to_be_bytes());
            id[8..12].copy_from_slice(&person.to_be_bytes());
            let (id, reader, badge) = (SwipeId(id), ReaderIndex(reader), BadgeIndex(person));
            swipes.push(Swipe {
                id,
                reader,
                badge,
                happened_at,
                received_at: happened_at,
                sequence: None,
                faces: None,
            });
        }
    }
    swipes
}

fn bureau() -> SiteRecords {
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
    let periods = vec![period("morning", 510, 720), period("afternoon", 810, 1_050)];
    SiteRecords {
        units: vec![Unit {
            id: id("bureau"),
            parent: None,
            name: id("bureau"),
        }],
        people: (0..PEOPLE).map(person).collect(),
        badges: (0..PEOPLE).map(badge).collect(),
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
            periods,
            late_allowances: Vec::new(),
        }],
        assignments: vec![Assignment {
            subject: AssignmentSubject::Unit(UnitIndex(0)),
            schedule: Some(id("office")),
            interval: ALWAYS,
        }],
        ..SiteRecords::of_site(site())
    }
}

fn site() -> Site {
    Site {
        name: "bureau".into(),
        zone: chrono_tz::Asia::Shanghai,
        debounce: Span::from_seconds(60),
        clock_tolerance: Span::from_seconds(30),
        since: Instant::from_ms(1_577_808_000_000),
        coverage_tolerance: Span::from_minutes(2),
        meeting_travel: Span::from_minutes(10),
    }
}

fn period(name: &str, starts: i32, ends: i32) -> Period {
    Period {
        name: name.into(),
        starts: CivilTime::from_minutes(starts).expect("in range"),
        ends: CivilTime::from_minutes(ends).expect("in range"),
        weekdays: [true, true, true, true, true, false, false],
        settings: PeriodSettings {
            grace_late: Span::from_minutes(1),
            ..PeriodSettings::default()
        },
    }
}
