//! Editions, assignments, badges and zones: what goes wrong around a boundary.

use crate::support::{ALWAYS, World, civil, day, period};
use expect_test::{Expect, expect};
use rules::facts::SiteFacts;
use rules::model::*;
use rules::time::{Instant, Interval};
use rules::touch::Touching;

#[expect(
    clippy::needless_pass_by_value,
    reason = "expectations are written where they are used"
)]
fn told(world: &World, expected: Expect) {
    expected.assert_eq(&world.told());
}

const OFFICE: &str = "hours 08:30-17:30; every day";
const ON_TIME: &str = "08:25 ana in\n17:31 ana out";

fn edition(world: &mut World, from: u32, hours: &str) {
    let mut schedule = world.records.schedules[0].clone();
    schedule.from = Some(day(from));
    schedule.periods = vec![period("day", hours)];
    world.records.schedules.push(schedule);
}

#[test]
fn an_edition_changes_in_the_middle_of_a_week() {
    let mut world =
        World::new(OFFICE).with("dates 15 17\n15/08:45 ana in\n15/17:31 ana out\n08:45 ana in\n17:31 ana out");
    edition(&mut world, 16, "09:00-17:30");
    told(&world, expect!["15 day late 15m due 15/08:30 actual 15/08:45"]);
}

#[test]
fn a_seasonal_edition_ends_and_the_one_without_dates_holds_again() {
    let mut world =
        World::new(OFFICE).with("dates 15 17\n15/08:45 ana in\n15/17:31 ana out\n08:45 ana in\n17:31 ana out");
    edition(&mut world, 1, "09:00-17:30");
    world.records.schedules[1].until = Some(day(16));
    told(&world, expect!["16 day late 15m due 08:30 actual 08:45"]);
}

#[test]
fn a_person_beats_a_unit_and_a_nearer_unit_a_farther() {
    let mut world = World::new(OFFICE).with("08:45 ana in\n17:31 ana out");
    let mut late = world.records.schedules[0].clone();
    late.id = "late".into();
    late.periods = vec![period("day", "09:00-17:30")];
    world.records.schedules.push(late);
    told(&world, expect!["day late 15m due 08:30 actual 08:45"]);
    let assign = |subject, schedule: Option<&str>| Assignment {
        subject,
        schedule: schedule.map(Id::from),
        interval: ALWAYS,
    };
    world
        .records
        .assignments
        .push(assign(AssignmentSubject::Unit(UnitIndex(1)), Some("late")));
    told(&world, expect!["fine"]);
    world
        .records
        .assignments
        .push(assign(AssignmentSubject::Person(PersonIndex(0)), None));
    world.swipes.clear();
    told(&world, expect!["fine"]);
}

#[test]
fn an_assignment_ends_at_the_midnight_of_a_night_shift() {
    let mut world = World::new("hours 22:00-06:00+1; every day").with("dates 15 17\n15/21:55 ana in\n05:30 ana out");
    world.records.assignments[0].interval.until = world.at("16/00:00");
    told(&world, expect!["15 day early_leave 30m due 06:00 actual 05:30"]);
}

#[test]
fn a_badge_is_reissued_to_another_person_at_noon() {
    let mut world = World::new(OFFICE).with(ON_TIME);
    let noon = world.at("12:00");
    let forever = Instant::from_ms(i64::MAX / 4);
    world.records.badges[0].grants = vec![
        BadgeGrant {
            interval: Interval::new(Instant::from_ms(0), noon),
            person: PersonIndex(0),
        },
        BadgeGrant {
            interval: Interval::new(noon, forever),
            person: PersonIndex(1),
        },
    ];
    told(&world, expect!["day missing_departure due 17:30"]);
}

#[test]
fn a_person_moves_to_another_unit_in_the_middle_of_a_month() {
    let mut world =
        World::new(OFFICE).with("dates 15 17\n15/08:45 ana in\n15/17:31 ana out\n08:45 ana in\n17:31 ana out");
    let move_at = world.at("16/00:00");
    let mut second = world.records.people[0].stints[0].clone();
    world.records.people[0].stints[0].interval.until = move_at;
    second.interval.from = move_at;
    second.unit = UnitIndex(0);
    world.records.people[0].stints.push(second);
    let units: Vec<_> = world.assess().findings.iter().map(|finding| finding.unit).collect();
    assert_eq!(units, [Some(UnitIndex(1)), Some(UnitIndex(0))]);
}

#[test]
fn nobody_is_judged_before_they_belong_to_the_bureau() {
    let mut world = World::new(OFFICE).with("dates 15 17");
    world.records.people[0].stints[0].interval.from = world.at("16/00:00");
    told(&world, expect!["16 day absent due 08:30"]);
}

#[test]
fn a_moved_reader_shows_what_its_place_of_the_day_shows() {
    let mut world = World::new(OFFICE).with(ON_TIME);
    let moved = world.at("12:00");
    let stand = Stand {
        interval: Interval::new(moved, ALWAYS.until),
        place: PlaceIndex(1),
        faces: Facing::Out,
    };
    world.records.readers[1].stands.push(stand);
    told(&world, expect!["day missing_departure due 17:30"]);
}

#[test]
fn a_period_that_starts_in_a_gap_starts_that_much_later() {
    // In Santiago clocks went from 00:00 to 01:00 on 6 September 2026: 00:30 does not exist, 01:30 is when it would have been.
    let mut world = World::new("zone America/Santiago; hours 00:30-08:00; every day")
        .with("dates 6 7\n06/01:40 ana in\n06/08:01 ana out");
    told(&world, expect!["06 day late 10m due 06/01:30 actual 06/01:40"]);
    world.records.schedules[0].periods[0].starts = civil("01:40");
    told(&world, expect!["fine"]);
}

#[test]
fn makeup_workdays_and_half_holidays() {
    let weekdays = "hours 08:30-17:30";
    told(
        &World::new(weekdays).with("workday 19\ndates 19 20"),
        expect!["19 day absent due 19/08:30"],
    );
    let mut friday = World::new(weekdays).with("workday 19 fri\ndates 19 20");
    friday.records.schedules[0].periods[0].weekdays[4] = false;
    told(&friday, expect!["fine"]);
    told(
        &World::new("hours 08:30-12:00 13:30-17:30").with("afternoon_off 16\n08:25 ana in\n12:01 ana out"),
        expect!["fine"],
    );
}

#[test]
fn the_dates_that_a_swipe_touches_reach_to_the_next_working_date() {
    let world = World::new("hours 08:30-17:30; late stay 21:00 09:30");
    let friday_evening = world.at("18/22:00");
    let site = SiteFacts::new(world.records);
    let touched = Touching::default().dates(&site, PersonIndex(0), friday_evening, None);
    assert!(touched.contains(day(18)) && touched.contains(day(21)), "{touched:?}");
    assert_eq!(site.previous_working_date(PersonIndex(0), day(21)), Some(day(18)));
    assert_eq!(site.opens_at(PersonIndex(0), day(19)), None);
}

/// The break between two shifts grows when what lies between them is excused, and a swipe in it decides for both which swipes are theirs.
#[test]
fn a_swipe_in_a_break_that_a_leave_made_longer_touches_both_sides() {
    for (hours, excused) in [
        ("07:00-15:00 22:00-05:00+1", "leave 17/00:44-17/15:00"),
        ("07:00-12:00 22:00-05:00+1", "morning_off 17"),
    ] {
        let world = World::new(&format!("hours {hours}; every day")).with(excused);
        let at = world.at("17/15:08");
        let site = SiteFacts::new(world.records);
        let touched = Touching::default().dates(&site, PersonIndex(0), at, None);
        assert!(
            touched.contains(day(16)) && touched.contains(day(17)),
            "{excused}: {touched:?}"
        );
    }
}

#[test]
fn an_explanation_tells_the_day_in_order() {
    let world = World::new("hours 08:30-17:30; grace 5m").with("leave 10:00-11:00\n08:40 ana in\n17:31 ana out");
    let site = SiteFacts::new(world.records.clone());
    let dates = world.dates;
    let facts = rules::facts::PersonFacts {
        site: &site,
        person: PersonIndex(0),
        dates,
        swipes: &world.swipes,
        known_at: None,
    };
    let told = rules::explain(&facts, world.at("17/12:00"));
    let steps: Vec<String> = told[0]
        .steps
        .iter()
        .map(|step| format!("{:?} {step:?}", step.clause()))
        .collect();
    let names: Vec<&str> = steps
        .iter()
        .map(|step| step.split(" {").next().unwrap_or(step))
        .collect();
    expect![[r#"
        Words Schedule
        Office(1) Absence
        Office(1) Effective
        Office(4) Windows
        Swipes Swipe
        Swipes Swipe
        Office(5) Arrival
        Office(6) Departure
        Office(7) Due
        Time Length
        Time Compared
        Coverage Covered
        Words Concluded
        Time Final"#]]
    .assert_eq(&names.join("\n"));
}
