//! Days that are like others: an evaluator that has judged many of them says what one says that has judged none.
//!
//! With debug assertions an evaluator compares whatever it remembers with what the rules say of the same day, so these tests fail at the
//! first day for which that differs.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use proptest::collection::vec;
use proptest::prelude::*;
use rules::facts::{DateRange, PersonFacts, SiteFacts};
use rules::finding::FindingKind;
use rules::model::{
    Absence, BadgeGrant, BadgeIndex, Duty, Facing, Meeting, Outage, PersonIndex, PlaceIndex, ReaderIndex, Role,
    RosterEntry, SiteSettings, Swipe, UnitIndex,
};
use rules::time::{Instant, Interval, Span};
use rules::{Evaluator, evaluate};

use crate::support::{ALWAYS, World, day, swipe};

/// Office hours of which days can be remembered, and some of which they cannot.
const SITES: [&str; 14] = [
    "hours 08:30-17:30; grace 5m",
    "hours 08:30-12:00 13:30-17:30; grace 5m",
    "hours 08:30-12:00 13:30-17:30; grace 4m; serious 15m; absent 60m; counts grace_end; early 5m",
    "hours 08:30-12:00 13:30-17:30; morning leave free; afternoon arrive free; early 10m",
    "hours 08:00-12:00 12:00-16:00; every day; early 3m",
    "hours 08:30-17:30; arrive free",
    "hours 08:30-12:00 13:30-17:30; leave free; arrive_until 10:00; grace 2m",
    "hours 08:30-17:30; leave_until 20:00; arrive_from 07:30; leave_from 16:00; every day",
    "hours 22:00-06:00+1; every day; grace 10m",
    "hours 16:00-08:30+1; every day",
    "hours 08:30-17:30; leave_until 08:00+1; every day",
    "hours 08:30-12:00 13:30-17:30; flex 20m",
    "hours 08:30-12:00 13:30-17:30; stepout 15m",
    "hours 08:30-17:30; late stay 18:00 09:00",
];

/// Minutes of the day near which people swipe: where something begins, ends or is in the middle.
const ANCHORS: [i64; 13] = [450, 510, 515, 600, 615, 720, 765, 780, 810, 930, 1_050, 1_320, 1_410];

const DAYS: i64 = 21;

/// What happens besides.
#[derive(Clone, Debug)]
enum Besides {
    /// Day, minute of the day, minutes.
    Leave(i64, i64, i64),
    MorningOff(u32),
    AfternoonOff(u32),
    Meeting(i64, i64, i64),
    Duty(i64, i64, i64),
    /// Reader, day, minute, minutes, or still down.
    Down(u32, i64, i64, Option<i64>),
    /// From that day on a reader stands in the hall, or faces both ways.
    Moved(u32, i64, bool),
    /// From that day on ana's badge is bo's.
    Reissued(i64),
    /// From that day on ana belongs to another unit, or to none.
    Transferred(i64, bool),
    /// So many seconds later the same swipe again.
    Repeated(usize, i64),
    /// Received so many seconds before it happened.
    Doubtful(usize, i64),
    /// With a direction of its own.
    Directed(usize),
    /// Another debounce from that day on, in seconds.
    Debounce(i64, i64),
}

#[derive(Clone, Debug)]
struct Scenario {
    site: usize,
    /// Some usual days: anchor, seconds from it, reader.
    usual: Vec<Vec<(usize, i64, u32)>>,
    /// Of each person and day: which of them, and how many milliseconds each swipe is off.
    days: Vec<(usize, Vec<i64>)>,
    besides: Vec<Besides>,
    /// Whether bo is asked; the first date, how many, and when.
    asked: Vec<(bool, (i64, i64), i64)>,
    shuffled: bool,
}

fn besides() -> impl Strategy<Value = Besides> {
    let (days, minutes) = (|| 0..DAYS, || 0i64..1_440);
    prop_oneof![
        4 => (days(), minutes(), 1i64..2_000).prop_map(|(day, from, minutes)| Besides::Leave(day, from, minutes)),
        4 => (days(), 1i64..4).prop_map(|(day, days)| Besides::Leave(day, 0, days * 1_440)),
        1 => (14u32..28).prop_map(Besides::MorningOff),
        1 => (14u32..28).prop_map(Besides::AfternoonOff),
        1 => (days(), minutes(), 20i64..200).prop_map(|(day, from, minutes)| Besides::Meeting(day, from, minutes)),
        1 => (days(), minutes(), 60i64..900).prop_map(|(day, from, minutes)| Besides::Duty(day, from, minutes)),
        2 => (0u32..3, days(), minutes(), proptest::option::of(1i64..900))
            .prop_map(|(reader, day, from, minutes)| Besides::Down(reader, day, from, minutes)),
        1 => (0u32..3, days(), any::<bool>()).prop_map(|(reader, day, away)| Besides::Moved(reader, day, away)),
        1 => days().prop_map(Besides::Reissued),
        1 => (days(), any::<bool>()).prop_map(|(day, leaves)| Besides::Transferred(day, leaves)),
        3 => (0usize..80, 1i64..70).prop_map(|(swipe, seconds)| Besides::Repeated(swipe, seconds)),
        3 => (0usize..80, -10i64..90).prop_map(|(swipe, seconds)| Besides::Doubtful(swipe, seconds)),
        1 => (0usize..80).prop_map(Besides::Directed),
        1 => (days(), 0i64..120).prop_map(|(day, seconds)| Besides::Debounce(day, seconds)),
    ]
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let reader = prop_oneof![6 => 0u32..2, 4 => Just(2u32), 1 => 3u32..12];
    let offset = prop_oneof![4 => Just(0), 4 => -2i64..3, 1 => -20i64..20].prop_map(|half_minutes| half_minutes * 30);
    let usual = vec(vec((0..ANCHORS.len(), offset, reader), 0..7), 1..3);
    let off = prop_oneof![6 => -20_000i64..20_000, 2 => -1i64..2, 1 => -240_000i64..240_000];
    let days = vec((0usize..6, vec(off, 7)), 2 * usize::try_from(DAYS).expect("few days"));
    let now = prop_oneof![4 => Just(DAYS * 1_440 + 6_000), 1 => 0..DAYS * 1_440];
    let range = prop_oneof![3 => Just((0, DAYS)), 1 => (0..DAYS, 1..DAYS)];
    let asked = vec((any::<bool>(), range, now), 1..4);
    let shuffled = prop_oneof![9 => Just(false), 1 => Just(true)];
    (0..SITES.len(), usual, days, vec(besides(), 0..6), asked, shuffled).prop_map(
        |(site, usual, days, besides, asked, shuffled)| Scenario {
            site,
            usual,
            days,
            besides,
            asked,
            shuffled,
        },
    )
}

/// The minute of a day after midnight of 14 September, a Monday, in Shanghai.
fn minute(day: i64, minute: i64) -> Instant {
    const BASE: Instant = Instant::from_ms(1_789_315_200_000);
    BASE + Span::from_minutes(day * 1_440 + minute)
}

fn date(number: i64) -> NaiveDate {
    day(14) + TimeDelta::days(number)
}

impl Scenario {
    fn world(&self) -> World {
        let mut world = World::new(SITES[self.site]);
        for (person_day, (usual, off)) in (0i64..).zip(&self.days) {
            let badge = BadgeIndex(u32::from(person_day >= DAYS));
            let usual = &self.usual[usual % self.usual.len()];
            for ((anchor, seconds, reader), off) in usual.iter().zip(off) {
                let at =
                    minute(person_day % DAYS, ANCHORS[*anchor]) + Span::from_seconds(*seconds) + Span::from_ms(*off);
                world.swipes.push(swipe(at, at, badge, ReaderIndex(*reader)));
            }
        }
        for besides in &self.besides {
            world = happens(world, besides);
        }
        world.records.site.settings.sort_by_key(|settings| settings.from);
        world.swipes.sort_by_key(|swipe| swipe.happened_at);
        if self.shuffled {
            world.swipes.reverse();
        }
        world
    }
}

fn happens(mut world: World, besides: &Besides) -> World {
    let lasting = |day, from, minutes| Interval::new(minute(day, from), minute(day, from + minutes));
    let ana = PersonIndex(0);
    match *besides {
        Besides::Leave(day, from, minutes) => {
            let interval = lasting(day, from, minutes);
            world.records.absences.push(Absence {
                id: format!("x{}", world.records.absences.len()).into(),
                person: ana,
                kind: "leave".into(),
                interval,
                approved_until: interval.until,
            });
        }
        Besides::MorningOff(day) => return world.with(&format!("morning_off {day}")),
        Besides::AfternoonOff(day) => return world.with(&format!("afternoon_off {day}")),
        Besides::Meeting(day, from, minutes) => {
            let (id, announced) = ("m".into(), lasting(day, from, minutes));
            let mut meeting = Meeting::new(id, "m".into(), PlaceIndex(1), announced);
            meeting.roster.push(RosterEntry {
                person: ana,
                role: Role::Required,
                seat: None,
            });
            world.records.meetings.push(meeting);
        }
        Besides::Duty(day, from, minutes) => {
            let duty = Duty::new("d".into(), ana, PlaceIndex(3), lasting(day, from, minutes));
            world.records.duties.push(duty);
        }
        Besides::Down(reader, day, from, minutes) => world.records.outages.push(Outage {
            reader: ReaderIndex(reader),
            down_from: minute(day, from),
            down_until: minutes.map(|minutes| minute(day, from + minutes)),
        }),
        Besides::Moved(..) | Besides::Reissued(_) | Besides::Transferred(..) => changes_hands(&mut world, besides),
        Besides::Debounce(day, seconds) => world.records.site.settings.push(SiteSettings {
            from: minute(day, 0),
            debounce: Span::from_seconds(seconds),
            ..SiteSettings::default()
        }),
        Besides::Repeated(..) | Besides::Doubtful(..) | Besides::Directed(..) => {
            change_swipe(&mut world.swipes, besides);
        }
    }
    world
}

/// From a day on something is somebody else's, or elsewhere.
fn changes_hands(world: &mut World, besides: &Besides) {
    let after = |day: i64| Interval::new(minute(day, 0), ALWAYS.until);
    let until = |day: i64| Interval::new(ALWAYS.from, minute(day, 0));
    match *besides {
        Besides::Moved(reader, day, away) => {
            let stands = &mut world.records.readers[reader as usize].stands;
            let mut moved = stands[0];
            moved.interval = after(day);
            if away {
                moved.place = PlaceIndex(1);
            } else {
                moved.faces = Facing::Both;
            }
            stands.push(moved);
        }
        Besides::Reissued(day) => {
            let grants = &mut world.records.badges[0].grants;
            grants[0].interval = until(day);
            grants.push(BadgeGrant {
                interval: after(day),
                person: PersonIndex(1),
            });
        }
        Besides::Transferred(day, leaves) => {
            let stints = &mut world.records.people[0].stints;
            let mut next = stints[0].clone();
            stints[0].interval = until(day);
            if !leaves {
                (next.interval, next.unit) = (after(day), UnitIndex(0));
                stints.push(next);
            }
        }
        _ => {}
    }
}

fn change_swipe(swipes: &mut Vec<Swipe>, besides: &Besides) {
    let count = swipes.len();
    match *besides {
        Besides::Repeated(which, seconds) if which < count => {
            let again = swipes[which].happened_at + Span::from_seconds(seconds);
            swipes.push(swipe(again, again, swipes[which].badge, swipes[which].reader));
        }
        Besides::Doubtful(which, seconds) if which < count => {
            swipes[which].received_at = swipes[which].happened_at - Span::from_seconds(seconds);
        }
        Besides::Directed(which) if which < count => swipes[which].faces = Some(Facing::Out),
        _ => {}
    }
}

/// Judges the same with an evaluator that goes on and with ones that never judged before.
fn compare(world: &World, asked: &[(bool, (i64, i64), i64)]) -> Result<(), TestCaseError> {
    let site = SiteFacts::new(world.records.clone());
    let mut evaluator = Evaluator::new(&site);
    for (is_bo, (first, days), now) in asked {
        let person = PersonIndex(u32::from(*is_bo));
        let dates = DateRange {
            from: date(*first),
            until: date(first + days),
        };
        let facts = PersonFacts {
            site: &site,
            person,
            dates,
            swipes: &world.swipes,
            known_at: None,
        };
        let now = minute(0, *now);
        // Twice, because it is the second time that it knows the hours.
        for _ in 0..3 {
            let judged = evaluator.judge(person, dates, &world.swipes, now);
            prop_assert_eq!(judged, &evaluate(&facts, now));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_remembered_is_what_the_rules_say(scenario in scenario()) {
        compare(&scenario.world(), &scenario.asked)?;
    }
}

/// Judges days one after the other, each with these swipes (milliseconds of the day, and reader), and compares; says what is found of
/// each.
fn found_on(site: &str, days: &[&[(i64, u32)]]) -> Vec<String> {
    found_in(World::new(&format!("{site}; every day")), days)
}

/// The same in a world that has a timeline of its own; its first day is the 14th.
fn found_in(mut world: World, days: &[&[(i64, u32)]]) -> Vec<String> {
    for (number, swipes) in (0i64..).zip(days) {
        for (clock, reader) in *swipes {
            let at = minute(number, 0) + Span::from_ms(*clock);
            world.swipes.push(swipe(at, at, BadgeIndex(0), ReaderIndex(*reader)));
        }
    }
    let site = SiteFacts::new(world.records.clone());
    let mut evaluator = Evaluator::new(&site);
    let found = |number: i64| {
        let dates = DateRange::of_date(date(number));
        let facts = PersonFacts {
            site: &site,
            person: PersonIndex(0),
            dates,
            swipes: &world.swipes,
            known_at: None,
        };
        let now = minute(60, 0);
        let all = DateRange {
            from: date(0),
            until: date(20),
        };
        let judged = evaluator.judge(PersonIndex(0), all, &world.swipes, now).clone();
        assert_eq!(judged, evaluate(&PersonFacts { dates: all, ..facts }, now));
        let told = evaluate(&facts, now).findings;
        told.iter()
            .map(|finding| world.show(finding))
            .collect::<Vec<_>>()
            .join(", ")
    };
    (0..).zip(days).map(|(number, _)| number).map(found).collect()
}

const fn clock(hours: i64, minutes: i64, milliseconds: i64) -> i64 {
    (hours * 60 + minutes) * 60_000 + milliseconds
}

#[test]
fn a_swipe_at_the_very_instant_is_not_taken_for_it() {
    let late = |out: i64| [(out, 1), (clock(8, 40, 0), 0), (clock(17, 30, 0), 1)];
    let (at_the_start, after) = (clock(8, 30, 0), clock(8, 31, 0));
    let days = [at_the_start, after, at_the_start, after].map(late);
    let found = found_on("hours 08:30-17:30; grace 5m", &days.each_ref().map(|day| &day[..]));
    let on = |day: &str| format!("day late 10m due {day}08:30 actual {day}08:40");
    assert_eq!(found, ["14/", "15/", "", "17/"].map(on));
}

#[test]
fn how_long_somebody_stepped_out_is_never_remembered() {
    let day = |back: i64| {
        [
            (clock(8, 20, 0), 0),
            (clock(10, 0, 0), 1),
            (back, 0),
            (clock(17, 30, 0), 1),
        ]
    };
    let (short, long) = (clock(10, 9, 0), clock(10, 11, 0));
    let days = [short, long, short, long].map(day);
    let found = found_on("hours 08:30-17:30; stepout 10m", &days.each_ref().map(|day| &day[..]));
    assert_eq!(found, ["", "day step_out 11m", "", "day step_out 11m"]);
}

#[test]
fn half_holidays_and_days_beside_leave_are_not_days_like_others() {
    let day = [(clock(8, 20, 0), 0), (clock(12, 5, 0), 1)];
    let days = [&day[..]; 6];
    let world = World::new("hours 08:30-17:30; every day").with("afternoon_off 16\nleave 17/00:00-18/00:00");
    let found = found_in(world, &days);
    let early = |date: &str| format!("day early_leave 325m due {date}17:30 actual {date}12:05");
    assert_eq!(
        found,
        [
            early("14/"),
            early("15/"),
            String::new(),
            String::new(),
            early("18/"),
            early("19/")
        ]
    );

    let nights = World::new("hours 20:00-06:00+1; every day").with("leave 16/00:00-17/00:00");
    let night = [(clock(19, 50, 0), 0), (clock(24 + 6, 5, 0), 1)];
    let found = found_in(nights, &[&night[..]; 5]);
    assert!(found.iter().all(String::is_empty), "{found:?}");
}

#[test]
fn the_middle_of_a_break_parts_days() {
    let day = |both: i64| [(clock(8, 20, 0), 0), (both, 2), (clock(17, 40, 0), 1)];
    let (before, after) = (clock(12, 45, -1), clock(12, 45, 0));
    let found = found_on(
        "hours 08:30-12:00 13:30-17:30",
        &[&day(before), &day(after), &day(before), &day(after)],
    );
    assert_eq!(found[2], "afternoon missing_arrival due 13:30");
    assert_eq!(found[3], "morning missing_departure due 17/12:00");
}

#[test]
fn a_burst_is_one_swipe() {
    let day = |second: i64| [(clock(15, 0, 0), 2), (clock(15, 0, second), 2)];
    let found = found_on(
        "hours 08:30-17:30",
        &[&day(60_000), &day(59_999), &day(60_000), &day(59_999), &day(60_001)],
    );
    assert_eq!(
        found[2],
        "day late 390m due 08:30 actual 15:00, day early_leave 149m due 17:30 actual 15:01"
    );
    assert_eq!(found[3], "day missing_arrival due 17/08:30");
}

/// Every usual day and every millisecond at which it turns into another one, whichever of them is met first.
#[test]
fn a_millisecond_makes_another_day() {
    const MINUTES: [i64; 4] = [510, 720, 810, 1_050];
    for site in SITES {
        let mut world = World::new(site);
        let mut met: BTreeMap<FindingKind, usize> = BTreeMap::new();
        let offs = [
            -900_000, -300_001, -300_000, -1, 0, 1, 119_999, 120_001, 300_000, 300_001, 900_000, 900_001, 3_600_001,
        ];
        for (number, off) in (0..).zip(offs) {
            for (position, minutes) in (0u32..).zip(MINUTES) {
                for (moved, of_moved) in (0..).zip(MINUTES) {
                    let day = number * 4 + moved;
                    let off = if of_moved == minutes { off } else { 0 };
                    let at = minute(day, minutes) + Span::from_ms(off);
                    world
                        .swipes
                        .push(swipe(at, at, BadgeIndex(0), ReaderIndex(position % 2)));
                }
            }
        }
        world.swipes.sort_by_key(|swipe| swipe.happened_at);
        let site = SiteFacts::new(world.records.clone());
        let (mut evaluator, now) = (Evaluator::new(&site), minute(200, 0));
        let dates = DateRange {
            from: date(-2),
            until: date(60),
        };
        for _ in 0..3 {
            let judged = evaluator.judge(PersonIndex(0), dates, &world.swipes, now).clone();
            let facts = PersonFacts {
                site: &site,
                person: PersonIndex(0),
                dates,
                swipes: &world.swipes,
                known_at: None,
            };
            assert_eq!(judged, evaluate(&facts, now));
            judged
                .findings
                .iter()
                .for_each(|finding| *met.entry(finding.kind).or_default() += 1);
        }
        assert!(!met.is_empty(), "something is found");
    }
}
