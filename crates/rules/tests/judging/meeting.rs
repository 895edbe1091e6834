//! Meetings as timelines, by the bullets of the domain.

use crate::support::World;
use expect_test::{Expect, expect};
use rules::model::Facing;

/// A person who has no office hours.
#[expect(
    clippy::needless_pass_by_value,
    reason = "expectations are written where they are used"
)]
fn check(timeline: &str, expected: Expect) {
    expected.assert_eq(&World::new("").with(timeline).told());
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "expectations are written where they are used"
)]
fn check_in(site: &str, timeline: &str, expected: Expect) {
    expected.assert_eq(&World::new(site).with(timeline).told());
}

#[test]
fn arrival() {
    let meeting = "meeting 09:00-11:00 hall grace 5m";
    check(&format!("{meeting}\n08:50 ana in@hall"), expect!["fine"]);
    check(&format!("{meeting}\n09:05 ana in@hall"), expect!["fine"]);
    check(
        &format!("{meeting}\n09:05:00.001 ana in@hall"),
        expect!["m0 meeting_late 6m due 09:00 actual 09:05:00.001"],
    );
    check(&format!("{meeting}\nnow 09:05"), expect!["fine"]);
    check(
        &format!("{meeting}\nnow 09:05:00.001"),
        expect!["m0 meeting_late due 09:00 (provisional)"],
    );
    check(
        &format!("{meeting}\nnow 09:30"),
        expect!["m0 meeting_late due 09:00 (provisional)"],
    );
    check(
        &format!("{meeting}\nnow 09:30:00.001"),
        expect!["m0 meeting_absent due 09:00 (provisional)"],
    );
    check(&format!("{meeting}\nnow 11:00"), expect!["m0 meeting_absent due 09:00"]);
    check(
        &format!("{meeting}\n09:40 ana in@hall\nnow 09:41"),
        expect!["m0 meeting_late 40m due 09:00 actual 09:40"],
    );
    check(
        "meeting 09:00-11:00 hall late_absent 35m\n09:40 ana in@hall\n10:00 ana out@hall",
        expect!["m0 meeting_absent by lateness 40m due 09:00 actual 09:40"],
    );
    check(
        "meeting 09:00-09:20 hall absent 60m\nnow 09:20",
        expect!["m0 meeting_absent due 09:00"],
    );
    check("meeting 09:00-11:00 hall role optional", expect!["fine"]);
    check("meeting 09:00-11:00 hall roster none", expect!["fine"]);
    check(
        "meeting 09:00-11:00 hall\n08:29 ana in@room\n08:58 ana in@room",
        expect!["m0 meeting_absent due 09:00"],
    );
}

#[test]
fn exits() {
    let meeting = "meeting 09:00-11:00 hall\n08:50 ana in@hall";
    check(&format!("{meeting}\n10:00 ana out@hall\nnow 10:05"), expect!["fine"]);
    check(
        &format!("{meeting}\n10:00 ana out@hall\nnow 10:05:00.001"),
        expect!["m0 walk_out since 10:00 (provisional)"],
    );
    check(
        &format!("{meeting}\n10:00 ana out@hall\n10:06 ana in@hall\nnow 10:30"),
        expect!["m0 walk_out 6m (provisional)"],
    );
    check(
        &format!("{meeting}\n10:00 ana out@hall\n10:06 ana in@hall\n10:30 ana out@hall\nnow 10:40"),
        expect!["m0 walk_out 6m since 10:30 (provisional)"],
    );
    check(
        &format!("{meeting}\n10:00 ana out@hall\n10:06 ana in@hall\n10:30 ana out@hall"),
        expect![[r#"
        m0 meeting_early_leave 30m due 11:00 actual 10:30
        m0 walk_out 6m"#]],
    );
    check(
        &format!("{meeting}\n10:00 ana out@hall\n10:05 ana in@hall"),
        expect!["fine"],
    );
    check(&format!("{meeting}\n11:05 ana out@hall"), expect!["fine"]);
    let short = "09:10 ana out@hall\n09:12 ana in@hall\n09:30 ana out@hall\n09:32 ana in@hall\n10:00 ana out@hall\n10:02 ana in@hall";
    check(
        &format!("{meeting}\n{short}\nnow 10:10"),
        expect!["m0 walking_about (provisional)"],
    );
    check(&format!("{meeting}\n{short}"), expect!["m0 walking_about"]);
    check(
        "meeting 09:00-11:00 hall early 10m\n08:50 ana in@hall\n10:50 ana out@hall",
        expect!["fine"],
    );
    check(
        "meeting 09:00-11:00 hall early 10m\n08:50 ana in@hall\n10:49:59 ana out@hall",
        expect!["m0 meeting_early_leave 11m due 11:00 actual 10:49:59"],
    );
}

#[test]
fn absences_and_permissions() {
    check(
        "meeting 09:00-11:00 hall\nleave 08:00-09:30\n09:40 ana in@hall",
        expect!["m0 meeting_late 10m due 09:30 actual 09:40"],
    );
    check("meeting 09:00-11:00 hall\nleave 08:00-12:00", expect!["fine"]);
    check(
        "meeting 09:00-11:00 hall\npermit 10:00-10:20\n08:50 ana in@hall\n10:00 ana out@hall\n10:24 ana in@hall",
        expect!["fine"],
    );
    check(
        "meeting 09:00-11:00 hall\npermit 10:00-11:00\n08:50 ana in@hall\n10:00 ana out@hall",
        expect!["fine"],
    );
    check(
        "meeting 09:00-11:00 hall\nleave 10:30-12:00\n08:50 ana in@hall\n10:20 ana out@hall",
        expect!["m0 meeting_early_leave 10m due 10:30 actual 10:20"],
    );
}

#[test]
fn pairing_of_undetermined_swipes() {
    let swipes = "meeting 09:00-11:00 hall\n08:50 ana both@hall\n10:00 ana both@hall\n10:20 ana both@hall";
    check_in("hall pairing first", swipes, expect!["fine"]);
    check_in("hall pairing alternate", swipes, expect!["m0 walk_out 20m"]);
    check_in("hall pairing directed", swipes, expect!["m0 meeting_absent due 09:00"]);
}

#[test]
fn presence_carried_over() {
    check("meeting 09:00-11:00 hall\n07:00 ana in@hall", expect!["fine"]);
    check(
        "meeting 09:00-11:00 hall\n07:00 ana in@hall\n08:00 ana out@hall",
        expect!["m0 meeting_absent due 09:00"],
    );
    let mut world = World::new("").with("meeting 09:00-11:00 hall\n07:00 ana both@hall");
    world
        .records
        .readers
        .retain(|reader| !reader.id.starts_with("out@hall"));
    for swipe in &mut world.swipes {
        swipe.reader.0 -= 1;
    }
    expect!["m0 meeting_absent due 09:00"].assert_eq(&world.told());
    let mut world = World::new("").with("meeting 09:00-11:00 hall\n07:30 ana both@hall");
    world
        .records
        .readers
        .retain(|reader| !reader.id.starts_with("out@hall"));
    for swipe in &mut world.swipes {
        swipe.reader.0 -= 1;
    }
    expect!["fine"].assert_eq(&world.told());
}

#[test]
fn overlapping_meetings() {
    // The first overruns to 10:10; who was in it is not late for the second.
    let both = "meeting 09:00-10:00 hall\nmeeting 10:00-11:00 room";
    check(
        &format!("{both}\n08:50 ana in@hall\n10:10 ana out@hall\n10:10:30 ana in@room"),
        expect!["m1 meeting_late 1m due 10:10 actual 10:10:30"],
    );
    check(
        &format!("{both}\n08:50 ana in@hall\n10:10 ana out@hall\n10:15 ana in@room"),
        expect!["m1 meeting_late 5m due 10:10 actual 10:15"],
    );
    let over = "meeting 09:00-11:00 hall\nmeeting 09:30-10:30 room";
    check(
        &format!(
            "{over}\n08:50 ana in@hall\n09:25 ana out@hall\n09:26 ana in@room\n10:30 ana out@room\n10:32 ana in@hall"
        ),
        expect!["fine"],
    );
}

#[test]
fn coverage_at_the_meetings_place() {
    check(
        "meeting 09:00-11:00 hall\ndown in@hall 08:40-08:50\n09:10 ana in@hall",
        expect!["m0 meeting_late 10m due 09:00 actual 09:10 (withheld: in@hall since 08:40)"],
    );
    check(
        "meeting 09:00-11:00 hall\ndown both@hall 08:40-08:50",
        expect!["m0 meeting_absent due 09:00 (withheld: both@hall since 08:40)"],
    );
    check_in(
        "hall pairing directed",
        "meeting 09:00-11:00 hall\ndown both@hall 08:40-08:50",
        expect!["m0 meeting_absent due 09:00"],
    );
    check(
        "meeting 09:00-11:00 hall\ndown out@hall 08:40-08:50",
        expect!["m0 meeting_absent due 09:00"],
    );
    check(
        "meeting 09:00-11:00 hall\ndown in@hall 10:10-10:20\n08:50 ana in@hall\n10:00 ana out@hall",
        expect!["m0 meeting_early_leave 60m due 11:00 actual 10:00 (withheld: in@hall since 10:10)"],
    );
    check(
        "meeting 09:00-11:00 hall\ndown in@hall 10:10-10:20\n08:50 ana in@hall\n10:00 ana out@hall\nnow 10:30",
        expect!["m0 walk_out since 10:00 (withheld: in@hall since 10:10)"],
    );
}

#[test]
fn coming_in_again_shows_the_person_there_again() {
    let timeline = "meeting 09:30-10:30 hall opens 09:00\n07:00 ana in@hall\n08:50 ana in@hall";
    let mut world = World::new("hall pairing directed").with(timeline);
    for stand in world.records.readers.iter_mut().flat_map(|reader| &mut reader.stands) {
        if stand.faces == Facing::Out {
            stand.faces = Facing::Both;
        }
    }
    expect!["fine"].assert_eq(&world.told());
}
