//! Duties as timelines, by the sentences of the domain.

use crate::support::{World, day};
use expect_test::{Expect, expect};
use rules::drawn_checks;
use rules::facts::DateRange;
use rules::finding::Presence;
use rules::time::{Instant, Interval, Span};

/// A person who has no office hours.
fn check(timeline: &str, expected: Expect) {
    check_in("", timeline, expected);
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "expectations are written where they are used"
)]
fn check_in(site: &str, timeline: &str, expected: Expect) {
    expected.assert_eq(&World::new(site).with(timeline).told());
}

const NIGHT: &str = "duty 18:00-17/08:00";

#[test]
fn arrival() {
    let kept = |at: &str| format!("{NIGHT}\n{at} ana in@watch\n17/08:05 ana out@watch");
    check(&kept("17:30"), expect!["fine"]);
    check(&kept("17:29:59.999"), expect!["d0 duty_absent due 18:00"]);
    check(&kept("18:00"), expect!["fine"]);
    check(
        &kept("18:00:00.001"),
        expect!["d0 duty_late 1m due 18:00 actual 18:00:00.001"],
    );
    check(
        &kept("17/00:10"),
        expect!["d0 duty_late 370m due 18:00 actual 17/00:10"],
    );
    check(&kept("17/08:00"), expect!["d0 duty_absent due 18:00"]);
    check(
        &format!("{NIGHT}\n17:50 ana both@watch\n17/08:05 ana both@watch"),
        expect!["fine"],
    );
    check(
        &format!("{NIGHT}\n17:50 ana in@gate\n17:51 ana in@hall"),
        expect!["d0 duty_absent due 18:00"],
    );
    check_in(
        "watch pairing directed",
        &format!("{NIGHT}\n17:50 ana both@watch"),
        expect!["d0 duty_absent due 18:00"],
    );
}

#[test]
fn nobody_comes() {
    check(&format!("{NIGHT}\nnow 18:00"), expect!["fine"]);
    check(
        &format!("{NIGHT}\nnow 18:00:00.001"),
        expect!["d0 duty_absent due 18:00 (provisional)"],
    );
    check(
        &format!("{NIGHT}\nnow 17/07:59:59.999"),
        expect!["d0 duty_absent due 18:00 (provisional)"],
    );
    check(&format!("{NIGHT}\nnow 17/08:00"), expect!["d0 duty_absent due 18:00"]);
    check(
        &format!("{NIGHT}\n17/07:00 ana out@watch"),
        expect!["d0 duty_absent due 18:00"],
    );
    check(
        &format!("{NIGHT}\n18:20 ana in@watch\nnow 18:20"),
        expect!["d0 duty_late 20m due 18:00 actual 18:20"],
    );
}

#[test]
fn leaving() {
    let there = format!("{NIGHT}\n17:50 ana in@watch");
    check(&format!("{there}\n23:00 ana out@watch\nnow 23:15"), expect!["fine"]);
    check(
        &format!("{there}\n23:00 ana out@watch\nnow 23:15:00.001"),
        expect!["d0 duty_left 540m due 17/08:00 actual 23:00 (provisional)"],
    );
    check(
        &format!("{there}\n23:00 ana out@watch\n23:40 ana in@watch\nnow 23:40"),
        expect!["fine"],
    );
    check(
        &format!("{there}\n17/07:50 ana out@watch\nnow 17/08:00"),
        expect!["d0 duty_left 10m due 17/08:00 actual 17/07:50 (provisional)"],
    );
    check(
        &format!("{there}\n17/07:50 ana out@watch\nnow 17/08:30"),
        expect!["d0 duty_left 10m due 17/08:00 actual 17/07:50"],
    );
    check(
        &format!("{there}\n17/07:50 ana out@watch\n17/08:29:59 ana out@watch"),
        expect!["fine"],
    );
    check(
        &format!("{there}\n17/07:50 ana out@watch\n17/08:30 ana out@watch"),
        expect!["d0 duty_left 10m due 17/08:00 actual 17/07:50"],
    );
    check(
        &format!("{NIGHT}\n17:40 ana in@watch\n17:50 ana out@watch"),
        expect!["d0 duty_left 840m due 17/08:00 actual 17:50"],
    );
    check(&there, expect!["fine"]);
}

#[test]
fn swipes_without_direction() {
    let there = format!("{NIGHT}\n17:50 ana both@watch");
    // The first half says nothing, the second can be a departure, which is known half an hour after the end.
    check(&format!("{there}\n23:00 ana both@watch"), expect!["fine"]);
    check(
        &format!("{there}\n17/05:00 ana both@watch\nnow 17/08:29:59.999"),
        expect!["fine"],
    );
    check(
        &format!("{there}\n17/05:00 ana both@watch\nnow 17/08:30"),
        expect!["d0 duty_left 180m due 17/08:00 actual 17/05:00"],
    );
    check(
        &format!("{there}\n17/05:00 ana out@watch\n17/05:30 ana both@watch"),
        expect!["fine"],
    );
    check_in(
        "watch pairing alternate",
        &format!("{there}\n23:00 ana both@watch\n23:10 ana both@watch\n17/05:00 ana both@watch\nnow 17/05:15:00.001"),
        expect!["d0 duty_left 180m due 17/08:00 actual 17/05:00 (provisional)"],
    );
}

#[test]
fn absences_excuse() {
    check(&format!("{NIGHT}\nleave 17:00-17/09:00"), expect!["fine"]);
    check(
        &format!("{NIGHT}\nleave 17:00-20:00\n20:10 ana in@watch"),
        expect!["d0 duty_late 10m due 20:00 actual 20:10"],
    );
    check(
        &format!("{NIGHT}\nleave 17/06:00-17/09:00\n17:55 ana in@watch\n17/05:50 ana out@watch"),
        expect!["d0 duty_left 10m due 17/06:00 actual 17/05:50"],
    );
    check(
        &format!("{NIGHT}\nleave 17/06:00-17/09:00\n17/06:30 ana in@watch"),
        expect!["d0 duty_absent due 18:00"],
    );
    check(
        &format!("{NIGHT} over 1\nduty 17/08:00-17/12:00 of bo\nleave 17/06:00-17/09:00\n17:55 ana in@watch"),
        expect!["fine"],
    );
}

#[test]
fn proofs_of_presence() {
    let there = format!("{NIGHT}\ncheck 22:00\ncheck 17/03:00\n17:50 ana in@watch");
    check(
        &format!("{there}\n22:05 ana in@watch\n17/02:50 ana both@watch"),
        expect!["fine"],
    );
    check(&format!("{there}\nnow 22:09:59.999"), expect!["fine"]);
    check(
        &format!("{there}\nnow 22:10"),
        expect!["d0 duty_left due 22:00 (provisional)"],
    );
    check(
        &format!("{there}\n22:05 ana in@watch\n17/08:02 ana out@watch"),
        expect!["d0 duty_left due 17/03:00"],
    );
    check(
        &format!("{there}\n22:05 ana in@hall\n17/03:00 ana in@watch"),
        expect!["d0 duty_left due 22:00"],
    );
    // One finding: leaving early gives it its minutes.
    check(
        &format!("{there}\n17/02:00 ana out@watch"),
        expect!["d0 duty_left 360m due 17/08:00 actual 17/02:00"],
    );
    check(
        &format!("{there}\nleave 21:00-23:00\n17/03:00 ana in@watch"),
        expect!["fine"],
    );
    // Before the arrival the lateness says it.
    check(
        &format!("{NIGHT}\ncheck 22:00\n23:00 ana in@watch"),
        expect!["d0 duty_late 300m due 18:00 actual 23:00"],
    );
    check(&format!("{NIGHT}\ncheck 22:00"), expect!["d0 duty_absent due 18:00"]);
    // With a swipe of no direction whoever is there only answers the check.
    check(
        &format!("{NIGHT}\ncheck 17/03:00\n17:50 ana both@watch\n17/03:05 ana both@watch"),
        expect!["fine"],
    );
    check_in(
        "watch pairing alternate",
        &format!("{NIGHT}\ncheck 22:00\n17:50 ana both@watch\n22:05 ana both@watch"),
        expect!["fine"],
    );
}

#[test]
fn coverage_of_proofs() {
    let there = format!("{NIGHT}\ncheck 22:00\ncheck 17/03:00\n17:50 ana in@watch\n17/08:05 ana out@watch");
    // One that no reader can have missed is enough.
    check(
        &format!("{there}\ndown in@watch 21:55-22:05"),
        expect!["d0 duty_left due 22:00"],
    );
    check(
        &format!("{there}\ndown in@watch 21:55-17/04:00"),
        expect!["d0 duty_left due 22:00 (withheld: in@watch since 21:55)"],
    );
    check(
        &format!("{there}\n22:05 ana in@watch\n17/03:00 ana in@watch\ndown in@watch 21:55-17/04:00"),
        expect!["fine"],
    );
}

#[test]
fn handing_over() {
    let over = "duty 08:00-18:00 over 1\nduty 18:00-17/08:00 of bo\n07:55 ana in@watch";
    check(
        &format!("{over}\n17:50 bo in@watch\n18:05 ana out@watch"),
        expect!["fine"],
    );
    check(&format!("{over}\nnow 17:59:59.999"), expect!["fine"]);
    check(
        &format!("{over}\nnow 18:00"),
        expect!["d0 handover_missing due 18:00 (provisional)"],
    );
    check(&format!("{over}\nnow 18:30"), expect!["d0 handover_missing due 18:00"]);
    check(
        &format!("{over}\n18:20 bo in@watch\n18:25 ana out@watch"),
        expect!["fine"],
    );
    check(
        &format!("{over}\n18:20 bo in@watch\n18:10 ana out@watch"),
        expect!["d0 handover_missing due 18:00 actual 18:10"],
    );
    check(
        &format!("{over}\n18:20 bo in@watch\n18:20 ana out@watch"),
        expect!["fine"],
    );
    check(
        &format!("{over}\n18:30 bo in@watch\n18:40 ana out@watch"),
        expect!["d0 handover_missing due 18:00"],
    );
    check(
        &format!("{over}\n17:50 ana out@watch\n17:55 bo in@watch"),
        expect![[r#"
        d0 duty_left 10m due 18:00 actual 17:50
        d0 handover_missing due 18:00 actual 17:50"#]],
    );
    check(
        &format!("{over}\n17:50 ana out@watch\n17:55 bo in@watch\n18:10 ana in@watch"),
        expect!["d0 duty_left 10m due 18:00 actual 17:50"],
    );
    // Without an arrival there is nobody to hand over.
    check(
        "duty 08:00-18:00 over 1\nduty 18:00-17/08:00 of bo",
        expect!["d0 duty_absent due 08:00"],
    );
    check(
        "duty 08:00-18:00 over 1\nduty 18:00-17/08:00\n07:55 ana in@watch\n17/08:05 ana out@watch",
        expect!["fine"],
    );
    check(
        &format!("{over}\ndown in@watch 18:05-18:20"),
        expect!["d0 handover_missing due 18:00 (withheld: in@watch since 18:05)"],
    );
}

#[test]
fn two_shifts_touching() {
    let shifts = "duty 08:00-14:00\nduty 14:00-20:00\n07:55 ana in@watch";
    check(&format!("{shifts}\n20:05 ana out@watch"), expect!["fine"]);
    check(
        &format!("{shifts}\n17:00 ana out@watch"),
        expect!["d1 duty_left 180m due 20:00 actual 17:00"],
    );
    check(
        &format!("{shifts}\n13:00 ana out@watch"),
        expect![[r#"
        d0 duty_left 60m due 14:00 actual 13:00
        d1 duty_absent due 14:00"#]],
    );
    check(
        &format!("{shifts}\n13:00 ana out@watch\n14:10 ana in@watch\n20:05 ana out@watch"),
        expect![[r#"
        d0 duty_left 60m due 14:00 actual 13:00
        d1 duty_late 10m due 14:00 actual 14:10"#]],
    );
    check(
        "duty 08:00-14:00\nduty 14:00-20:00\n07:55 ana both@watch\n14:03 ana both@watch\n20:01 ana both@watch",
        expect!["fine"],
    );
}

#[test]
fn office_hours_under_a_duty() {
    let site = "hours 08:30-12:00 13:30-17:30";
    check_in(
        site,
        "duty 08:00-18:00\n07:55 ana in@watch\n18:05 ana out@watch",
        expect!["fine"],
    );
    check_in(
        site,
        "duty 08:00-18:00\nnow 09:00",
        expect![[r#"
        morning not_arrived due 08:30 (provisional)
        d0 duty_absent due 08:00 (provisional)"#]],
    );
    check_in(
        site,
        "duty 08:00-12:30\n07:55 ana in@watch\n12:31 ana out@watch\n13:20 ana in\n17:31 ana out",
        expect!["fine"],
    );
    check_in(
        site,
        "duty 08:00-12:30\n07:55 ana in@watch\n10:00 ana out@watch\n13:20 ana in\n17:31 ana out",
        expect![[r#"
        morning early_leave 110m due 12:00 actual 10:00
        d0 duty_left 150m due 12:30 actual 10:00"#]],
    );
    check_in(
        site,
        "dates 15 17\nduty 15/18:00-16/09:00\n15/08:20 ana in\n15/12:01 ana out\n15/13:20 ana in\n15/17:55 ana in@watch\n16/09:02 ana out@watch\n16/09:20 ana in\n16/12:05 ana out\n16/13:25 ana in\n16/17:31 ana out",
        expect!["16 morning late 10m due 09:10 actual 09:20"],
    );
}

#[test]
fn any_day_is_a_day_of_duty() {
    let site = "hours 08:30-17:30";
    check_in(
        site,
        "dates 19 20\nduty 19/08:00-19/18:00",
        expect!["19 d0 duty_absent due 19/08:00"],
    );
    check_in(
        site,
        "dates 19 22\nduty 19/08:00-21/08:00\n19/07:50 ana in@watch\n20/23:00 ana out@watch\n21/08:20 ana in\n21/17:40 ana out\nnow 22/12:00",
        expect!["19 d0 duty_left 540m due 21/08:00 actual 20/23:00"],
    );
    check_in(
        site,
        "holiday 16\nduty 08:00-18:00\n08:01 ana in@watch",
        expect!["d0 duty_late 1m due 08:00 actual 08:01"],
    );
}

#[test]
fn boards_can_count_who_is_on_duty() {
    let presence = |now: &str| {
        let timeline = format!("{NIGHT}\n18:10 ana in@watch\n17/02:00 ana out@watch\nnow {now}");
        let standing = World::new("").with(&timeline).assess().standings.remove(0);
        (standing.presence, standing.late)
    };
    let world = World::new("");
    assert_eq!(presence("18:00"), (Presence::Expected, false));
    assert_eq!(presence("18:05"), (Presence::Missing, false));
    assert_eq!(
        presence("18:10"),
        (
            Presence::Present {
                since: world.at("18:10")
            },
            true
        )
    );
    assert_eq!(
        presence("17/02:01"),
        (
            Presence::Out {
                since: world.at("17/02:00")
            },
            true
        )
    );
    assert_eq!(
        presence("17/08:00"),
        (
            Presence::Present {
                since: world.at("18:10")
            },
            true
        )
    );
    let excused = World::new("")
        .with(&format!("{NIGHT}\nleave 17:00-17/09:00\nnow 18:30"))
        .assess();
    assert_eq!(excused.standings[0].presence, Presence::Excused);
}

#[test]
fn drawn_checks_are_reproducible_and_spread() {
    let world = World::new("");
    let night = world.interval("18:00-17/08:00");
    let told = |seed: &str, number| {
        let checks = drawn_checks(seed, night, number);
        checks
            .into_iter()
            .map(|at| world.clock(at))
            .collect::<Vec<_>>()
            .join(" ")
    };
    expect!["20:06 20:36 17/00:08"].assert_eq(&told("d1", 3));
    expect!["21:17 23:15 17/04:53"].assert_eq(&told("d2", 3));
    expect!["19:50 23:48 17/02:06 17/03:39"].assert_eq(&told("d1", 4));
    assert_eq!(told("d1", 0), "");
    for (minutes, number) in [
        (19, 1),
        (20, 1),
        (40, 2),
        (41, 2),
        (120, 4),
        (840, 1),
        (840, 12),
        (840, 39),
        (840, 60),
    ] {
        let interval = Interval::new(night.from, night.from + Span::from_minutes(minutes));
        for seed in 0..200 {
            let checks = drawn_checks(&seed.to_string(), interval, number);
            assert_eq!(checks.len(), if minutes < 20 { 0 } else { number as usize });
            let inside = |at: &Instant| {
                *at >= interval.from + Span::from_minutes(10) && *at <= interval.until - Span::from_minutes(10)
            };
            assert!(checks.iter().all(inside), "{minutes} {number} {seed}");
            let slack = minutes - 20 - 21 * (i64::from(number) - 1);
            let apart = checks.windows(2).all(|pair| pair[1] - pair[0] > Span::from_minutes(20));
            assert!(apart || slack < 0, "{minutes} {number} {seed}");
        }
    }
}

#[test]
fn drawn_checks_are_judged_like_set_ones() {
    let world = World::new("").with(&format!(
        "{NIGHT} checks 2 seed x\n17:50 ana in@watch\n17/08:05 ana out@watch"
    ));
    let drawn = drawn_checks("x", world.records.duties[0].interval, 2);
    let answers: Vec<String> = drawn
        .iter()
        .map(|at| format!("{} ana in@watch", world.clock(*at)))
        .collect();
    expect!["d0 duty_left due 18:57"].assert_eq(&world.told());
    expect!["d0 duty_left due 21:53"].assert_eq(&world.clone().with(&answers[0]).told());
    expect!["fine"].assert_eq(&world.clone().with(&answers.join("\n")).told());
}

#[test]
fn a_duty_of_many_days() {
    let mut world =
        World::new("hours 08:30-17:30").with("duty 11/08:00-16/20:00\n11/07:50 ana in@watch\n16/12:00 ana out@watch");
    world.dates = DateRange::of_date(day(11));
    expect!["11 d0 duty_left 480m due 20:00 actual 12:00"].assert_eq(&world.told());
}
