//! Office periods as timelines, by the numbers of the rules.

use std::fmt::Write as _;

use crate::support::World;
use expect_test::{Expect, expect};

#[expect(
    clippy::needless_pass_by_value,
    reason = "expectations are written where they are used"
)]
fn check(site: &str, timeline: &str, expected: Expect) {
    expected.assert_eq(&World::new(site).with(timeline).told());
}

const TWO: &str = "hours 08:30-12:00 13:30-17:30";

#[test]
fn a_day_with_nothing_wrong() {
    check(
        TWO,
        "08:25 ana in\n12:01 ana out\n13:20 ana in\n17:31 ana out",
        expect!["fine"],
    );
    check("hours 08:30-17:30", "08:25 ana both\n17:31 ana both", expect!["fine"]);
}

#[test]
fn rule_7_lateness() {
    let day = "hours 08:30-17:30; grace 5m";
    check(day, "08:35 ana in\n17:31 ana out", expect!["fine"]);
    check(
        day,
        "08:35:00.001 ana in\n17:31 ana out",
        expect!["day late 6m due 08:30 actual 08:35:00.001"],
    );
    check(
        "hours 08:30-17:30",
        "08:30:59 ana in\n17:31 ana out",
        expect!["day late 1m due 08:30 actual 08:30:59"],
    );
    check(
        "hours 08:30-17:30; grace 5m; counts grace_end",
        "08:36 ana in\n17:31 ana out",
        expect!["day late 1m due 08:30 actual 08:36"],
    );
    check(
        "hours 08:30-17:30; serious 30m; absent 60m",
        "09:00 ana in\n17:31 ana out",
        expect!["day late 30m due 08:30 actual 09:00"],
    );
    check(
        "hours 08:30-17:30; serious 30m; absent 60m",
        "09:00:01 ana in\n17:31 ana out",
        expect!["day seriously_late 31m due 08:30 actual 09:00:01"],
    );
    check(
        "hours 08:30-17:30; serious 30m; absent 60m",
        "09:30:01 ana in\n15:00 ana out",
        expect!["day absent by lateness 61m due 08:30 actual 09:30:01"],
    );
}

#[test]
fn rule_7_flexible_hours() {
    let flex = "hours 08:30-12:00 13:30-17:30; morning flex 30m; afternoon arrive free; morning leave free";
    check(
        flex,
        "08:50 ana in\n17:49 ana out",
        expect!["afternoon early_leave 1m due 17:50 actual 17:49"],
    );
    check(flex, "08:50 ana in\n17:50 ana out", expect!["fine"]);
    check(
        flex,
        "09:05 ana in\n18:00 ana out",
        expect!["morning late 5m due 09:00 actual 09:05"],
    );
    check(
        "hours 08:30-12:00 13:30-17:30; flex 10m",
        "08:38 ana in\n12:01 ana out\n13:39 ana in\n17:46 ana out",
        expect!["afternoon early_leave 1m due 17:47 actual 17:46"],
    );
}

#[test]
fn rule_8_leaving_early() {
    let day = "hours 08:30-17:30; early 5m";
    check(day, "08:25 ana in\n17:25 ana out", expect!["fine"]);
    check(
        day,
        "08:25 ana in\n17:24:59 ana out",
        expect!["day early_leave 6m due 17:30 actual 17:24:59"],
    );
    check(day, "08:25 ana in\n15:00 ana out\nnow 15:15", expect!["fine"]);
    check(
        day,
        "08:25 ana in\n15:00 ana out\nnow 15:15:00.001",
        expect!["day early_leave 150m due 17:30 actual 15:00 (provisional)"],
    );
    check(
        day,
        "08:25 ana in\n17:20 ana out\nnow 17:30",
        expect!["day early_leave 10m due 17:30 actual 17:20 (provisional)"],
    );
    check(
        day,
        "08:25 ana in\n15:00 ana out\n15:40 ana in\nnow 16:00",
        expect!["fine"],
    );
    check(day, "08:25 ana both\n15:00 ana both\nnow 20:00", expect!["fine"]);
    check(
        day,
        "08:25 ana both\n15:00 ana both",
        expect!["day early_leave 150m due 17:30 actual 15:00"],
    );
    check(day, "15:00 ana both", expect!["day missing_arrival due 08:30"]);
}

#[test]
fn rule_9_missing() {
    check(
        TWO,
        "08:25 ana in\n17:31 ana out",
        expect![[r#"
        afternoon missing_arrival due 13:30
        morning missing_departure due 12:00"#]],
    );
    check("hours 08:30-17:30", "08:25 ana in\nnow 18:00", expect!["fine"]);
    check(
        "hours 08:30-17:30",
        "08:25 ana in",
        expect!["day missing_departure due 17:30"],
    );
    check(
        "hours 08:30-17:30",
        "17:40 ana out\nnow 18:00",
        expect!["day missing_arrival due 08:30 (provisional)"],
    );
    check(
        "hours 08:30-17:30",
        "08:25 ana both",
        expect!["day missing_departure due 17:30"],
    );
    check(
        "hours 08:30-17:30",
        "17:31 ana both",
        expect!["day missing_arrival due 08:30"],
    );
}

#[test]
fn rule_10_not_arrived_and_absent() {
    check(TWO, "now 08:30", expect!["fine"]);
    check(
        TWO,
        "now 08:30:00.001",
        expect!["morning not_arrived due 08:30 (provisional)"],
    );
    check(TWO, "now 12:00", expect!["morning absent due 08:30 (provisional)"]);
    check(TWO, "now 13:30", expect!["morning absent due 08:30"]);
    check(
        TWO,
        "",
        expect![[r#"
        afternoon absent due 13:30
        morning absent due 08:30"#]],
    );
    check("hours 08:30-17:30; arrive free", "", expect!["day absent due 08:30"]);
    check(
        "hours 08:30-17:30; arrive free",
        "08:00 ana both",
        expect!["day missing_departure due 17:30"],
    );
    check("hours 08:30-17:30; arrive free; leave free", "", expect!["fine"]);
}

#[test]
fn rule_10_stepping_out() {
    let day = "hours 08:30-17:30; stepout 20m";
    check(
        day,
        "08:25 ana in\n10:00 ana out\n10:20 ana in\n17:31 ana out",
        expect!["fine"],
    );
    check(
        day,
        "08:25 ana in\n10:00 ana out\n10:20:01 ana in\n14:00 ana out\n15:00 ana in\n17:31 ana out",
        expect!["day step_out 81m"],
    );
    check(
        day,
        "08:25 ana in\n10:00 ana out\n11:00 ana both\n17:31 ana out",
        expect!["day step_out 60m"],
    );
    check(
        day,
        "leave 10:00-10:50\n08:25 ana in\n10:00 ana out\n11:00 ana in\n17:31 ana out",
        expect!["fine"],
    );
}

#[test]
fn rule_10_overstayed_leave() {
    check(
        TWO,
        "leave 14/08:00-15/18:00\ndates 14 17",
        expect![[r#"
        16 afternoon overstayed_leave due 13:30
        16 morning overstayed_leave due 08:30"#]],
    );
    check(
        TWO,
        "leave 14/08:00-15/18:00\n08:25 ana in\n12:01 ana out\ndates 14 17",
        expect!["16 afternoon absent due 13:30"],
    );
    check(
        TWO,
        "leave 08:30-10:00",
        expect![[r#"
        afternoon overstayed_leave due 13:30
        morning overstayed_leave due 10:00"#]],
    );
}

#[test]
fn rule_1_absences() {
    check(
        "hours 08:30-17:30",
        "leave 08:30-09:30\n09:50 ana in\n17:31 ana out",
        expect!["day late 20m due 09:30 actual 09:50"],
    );
    check(
        "hours 08:30-17:30",
        "leave 08:30-09:30\nleave 10:00-10:30\n10:40 ana in\n17:31 ana out",
        expect!["day late 40m due 09:30 actual 10:40"],
    );
    check(TWO, "leave 08:30-12:00\n13:25 ana in\n17:31 ana out", expect!["fine"]);
    check(TWO, "leave 08:30-12:00\n08:20 ana in\n17:31 ana out", expect!["fine"]);
    check(
        "hours 08:30-17:30",
        "leave 08:30-09:00 approved 12:00\n09:10 ana in\n17:31 ana out",
        expect!["day late 10m due 09:00 actual 09:10"],
    );
    check(
        TWO,
        "morning_off 16\n13:31 ana in\n17:31 ana out",
        expect!["afternoon late 1m due 13:30 actual 13:31"],
    );
    check(
        "hours 08:30-17:30",
        "afternoon_off 16\n08:25 ana both\n11:50 ana both",
        expect!["day early_leave 10m due 12:00 actual 11:50"],
    );
    check(TWO, "holiday 16", expect!["fine"]);
    check(
        TWO,
        "workday 19\ndates 19 20\n19/08:31 ana in\n19/12:01 ana out\n19/13:20 ana in\n19/17:31 ana out",
        expect!["19 morning late 1m due 19/08:30 actual 19/08:31"],
    );
    check(TWO, "dates 19 20", expect!["fine"]);
}

#[test]
fn rule_2_stays() {
    let stay = "hours 08:30-12:00 13:30-17:30; morning leave free; afternoon arrive free";
    check(stay, "08:25 ana in\n17:31 ana out", expect!["fine"]);
    check(
        stay,
        "08:25 ana in\n16:30 ana out",
        expect!["afternoon early_leave 60m due 17:30 actual 16:30"],
    );
    check(stay, "08:25 ana in", expect!["afternoon missing_departure due 17:30"]);
    check(stay, "17:31 ana out", expect!["morning missing_arrival due 08:30"]);
    check(
        stay,
        "14:00 ana in\n17:31 ana out\nnow 18:00",
        expect!["morning absent due 08:30 (provisional)"],
    );
    check(stay, "14:00 ana in\n17:31 ana out", expect!["morning absent due 08:30"]);
    check(stay, "now 13:00", expect!["morning absent due 08:30 (provisional)"]);
    check(
        stay,
        "now 13:30",
        expect![[r#"
        afternoon not_arrived due 13:30 (provisional)
        morning absent due 08:30 (provisional)"#]],
    );
    check(
        stay,
        "",
        expect![[r#"
        afternoon absent due 13:30
        morning absent due 08:30"#]],
    );
    check(stay, "leave 08:30-12:00\n13:40 ana in\n17:31 ana out", expect!["fine"]);
    check(stay, "leave 13:30-17:30\n08:25 ana in", expect!["fine"]);
    check(
        "hours 08:00-12:00 12:00-17:00",
        "07:55 ana in\n17:01 ana out",
        expect!["fine"],
    );
    check(
        "hours 08:00-12:00 12:00-17:00",
        "leave 08:00-12:00\n12:05 ana in\n17:01 ana out",
        expect!["afternoon late 5m due 12:00 actual 12:05"],
    );
}

#[test]
fn rule_3_breaks() {
    check(
        TWO,
        "08:25 ana both\n12:10 ana both\n13:20 ana both\n17:31 ana both",
        expect!["fine"],
    );
    check(
        TWO,
        "08:25 ana both\n12:10 ana both\n17:31 ana both",
        expect!["afternoon missing_arrival due 13:30"],
    );
    check(
        TWO,
        "08:25 ana both\n13:00 ana both\n17:31 ana both",
        expect!["morning missing_departure due 12:00"],
    );
    check(
        TWO,
        "08:25 ana in\n12:10 ana out\n12:20 ana both\n17:31 ana out",
        expect!["fine"],
    );
    check(
        TWO,
        "08:25 ana in\n13:00 ana both\n13:25 ana in\n17:31 ana out",
        expect!["fine"],
    );
    check(
        TWO,
        "08:25 ana in\n12:01 ana both\n12:30 ana both\n13:00 ana both\n17:31 ana out",
        expect!["fine"],
    );
    check(TWO, "08:25 ana in\nnow 13:29", expect!["fine"]);
    check(
        TWO,
        "08:25 ana in\nnow 13:30",
        expect!["morning missing_departure due 12:00"],
    );
}

#[test]
fn rules_4_to_6_candidates() {
    let day = "hours 08:30-17:30";
    check(
        day,
        "08:00 ana in\n08:20 ana out\n08:40 ana in\n17:31 ana out",
        expect!["day late 10m due 08:30 actual 08:40"],
    );
    check(
        day,
        "14:00 ana both\n17:31 ana both",
        expect!["day late 330m due 08:30 actual 14:00"],
    );
    check(
        day,
        "08:25 ana in\n16:00 ana out\n16:30 ana both\n17:31 ana out",
        expect!["fine"],
    );
    check(
        day,
        "08:25 ana in\n17:31 ana out\n18:00 ana in\n18:30 ana out",
        expect!["fine"],
    );
    check(
        day,
        "08:25 ana in\n17:00 ana out\n17:20 ana in",
        expect!["day missing_departure due 17:30"],
    );
    check(
        "hours 08:30-17:30; arrive_until 10:00; leave_from 16:00",
        "10:00 ana both\n17:31 ana both",
        expect!["day missing_arrival due 08:30"],
    );
    check(
        "hours 08:30-17:30; arrive_until 10:00; leave_from 16:00",
        "09:59 ana both\n15:00 ana both",
        expect![[r#"
        day late 89m due 08:30 actual 09:59
        day missing_departure due 17:30"#]],
    );
}

#[test]
fn bursts_and_repeats() {
    let day = "hours 08:30-17:30";
    check(
        day,
        "08:30 ana in\n08:30:40 ana in\n17:29:30 ana out\n17:30:10 ana out",
        expect!["fine"],
    );
    check(
        day,
        "08:29:50 ana both\n08:30:20 ana both\n17:31 ana both",
        expect!["fine"],
    );
    check(day, "08:29 ana in\n17:29:00 ana out\n17:30:00 ana out", expect!["fine"]);
}

#[test]
fn night_shifts() {
    let night = "hours 22:00-06:00+1; every day";
    check(
        night,
        "21:55 ana in\n17/05:30 ana out",
        expect!["day early_leave 30m due 17/06:00 actual 17/05:30"],
    );
    check(night, "21:55 ana in\n17/06:01 ana out", expect!["fine"]);
    check(
        "hours 23:50-08:00+1; grace 20m",
        "17/00:05 ana in\n17/08:01 ana out",
        expect!["fine"],
    );
    check("hours 08:30-17:30", "08:25 ana in\n17/03:00 ana out", expect!["fine"]);
    check(
        "hours 08:30-17:30",
        "08:25 ana in\n17/03:30 ana out",
        expect!["day missing_departure due 17:30"],
    );
}

#[test]
fn rule_12_leave_late_come_late() {
    let site = "hours 08:30-12:00 13:30-17:30; late stay 21:00 09:30; late stay 23:00 10:30; every day";
    let rest = "12:01 ana out\n13:20 ana in\n17:31 ana out";
    let evening = "15/08:25 ana in\n15/12:01 ana out\n15/13:20 ana in";
    check(
        site,
        &format!("{evening}\n15/21:00 ana out\n09:00 ana in\n{rest}"),
        expect!["morning late 30m due 08:30 actual 09:00"],
    );
    check(
        site,
        &format!("{evening}\n15/21:00:01 ana out\n09:35 ana in\n{rest}"),
        expect!["morning late 5m due 09:30 actual 09:35"],
    );
    check(
        site,
        &format!("{evening}\n15/23:30 ana out\n10:30 ana in\n{rest}"),
        expect!["fine"],
    );
    let weekdays = "hours 08:30-17:30; late stay 21:00 09:30";
    check(
        weekdays,
        "dates 21 22\nnow 25/12:00\n18/08:25 ana in\n18/22:00 ana out\n21/09:29 ana in\n21/17:31 ana out",
        expect!["fine"],
    );
}

#[test]
fn rule_11_meetings() {
    let morning = "13:20 ana in\n17:31 ana out";
    check(
        TWO,
        &format!("meeting 09:30-12:30 hall\n09:03 ana in\n09:25 ana in@hall\n12:31 ana out@hall\n{morning}"),
        expect!["morning late 20m due 08:30 actual 09:03"],
    );
    check(
        TWO,
        &format!("meeting 08:30-11:50 hall\n08:20 ana in@hall\n11:50 ana out@hall\n{morning}"),
        expect!["fine"],
    );
    check(
        TWO,
        &format!("meeting 10:00-11:00 hall\n08:25 ana in\n09:50 ana in@hall\n11:00 ana out@hall\n{morning}"),
        expect!["morning early_leave 50m due 12:00 actual 11:00"],
    );
    check(
        TWO,
        &format!("meeting 09:30-12:30 hall\n09:20 ana in@hall\n12:31 ana out@hall\n{morning}"),
        expect!["morning late 20m due 08:30 actual 09:20"],
    );
    check(TWO, "meeting 09:00-10:00 hall\nnow 08:45", expect!["fine"]);
    check(TWO, "meeting 09:00-10:00 hall\nnow 09:00", expect!["fine"]);
    check(
        TWO,
        "meeting 09:00-10:00 hall\nnow 09:00:00.001",
        expect![[r#"
        morning not_arrived due 08:30 (provisional)
        m0 meeting_late due 09:00 (provisional)"#]],
    );
    check(
        "hours 08:30-17:30",
        "meeting 10:00-11:00 hall grace 30m\n10:15 ana in\nnow 10:20",
        expect!["day late 50m due 08:30 actual 10:15 (provisional)"],
    );
    check(
        "hours 08:30-17:30",
        "meeting 10:00-11:00 hall grace 30m\n10:15 ana in\nnow 10:31",
        expect![[r#"
        day late 105m due 08:30 actual 10:15
        m0 meeting_absent due 10:00 (provisional)"#]],
    );
    check(
        "hours 08:30-17:30",
        "meeting 16:00-17:00 hall\n08:25 ana in\n15:50 ana in@hall\n17:00 ana out@hall",
        expect!["day early_leave 20m due 17:30 actual 17:00"],
    );
    check(
        "hours 08:30-17:30; stepout 20m",
        "meeting 14:00-15:00 hall\n08:25 ana in\n13:30 ana out\n13:55 ana in@hall\n15:00 ana out@hall\n15:20 ana in\n17:31 ana out",
        expect!["fine"],
    );
}

#[test]
fn coverage_withholds() {
    check(
        TWO,
        "down in 06:00-12:00\nnow 18:00",
        expect![[r#"
        afternoon absent due 13:30 (withheld: in@gate since 06:00)
        morning absent due 08:30 (withheld: in@gate since 06:00)"#]],
    );
    check(
        TWO,
        "down in 06:00-12:00\ndown both 06:00-06:01\n12:01 ana out\n13:20 ana in\n17:31 ana out",
        expect!["morning missing_arrival due 08:30 (withheld: in@gate since 06:00)"],
    );
    check(
        "hours 08:30-17:30",
        "down out 17:00-19:00\n08:25 ana in",
        expect!["day missing_departure due 17:30 (withheld: out@gate since 17:00)"],
    );
    check(
        "hours 08:30-17:30",
        "down out 08:00-08:20\n08:25 ana in",
        expect!["day missing_departure due 17:30"],
    );
    check(
        "hours 08:30-17:30",
        "down in 08:00-08:01:59\n08:40 ana in\n17:31 ana out",
        expect!["day late 10m due 08:30 actual 08:40"],
    );
    check(
        "hours 08:30-17:30",
        "down in 08:00-08:02\n08:40 ana in\n17:31 ana out",
        expect!["day late 10m due 08:30 actual 08:40 (withheld: in@gate since 08:00)"],
    );
    check(
        "hours 08:30-17:30",
        "down both 08:39-\n08:40 ana in\nnow 08:40:30",
        expect!["day late 10m due 08:30 actual 08:40 (provisional)"],
    );
    check(
        "hours 08:30-17:30",
        "down both 08:39-\n08:40 ana in\nnow 08:41",
        expect!["day late 10m due 08:30 actual 08:40 (withheld: both@gate since 08:39)"],
    );
    check(
        "hours 08:30-17:30",
        "down in 15:30-15:40\n08:25 ana in\n15:00 ana out\nnow 16:00",
        expect!["day early_leave 150m due 17:30 actual 15:00 (withheld: in@gate since 15:30)"],
    );
    check(
        "hours 08:30-17:30; stepout 20m",
        "down in 10:10-10:20\n08:25 ana in\n10:00 ana out\n10:30 ana in\n17:31 ana out",
        expect!["day step_out 30m (withheld: in@gate since 10:10)"],
    );
    check(
        "hours 08:30-17:30",
        "down in@hall 06:00-12:00",
        expect!["day absent due 08:30"],
    );
}

#[test]
fn quarantine_and_knowledge() {
    let day = "hours 08:30-17:30";
    check(
        day,
        "08:25 ana in received 08:24:29\n17:31 ana out",
        expect!["day missing_arrival due 08:30"],
    );
    check(day, "08:25 ana in received 08:24:30\n17:31 ana out", expect!["fine"]);
    check(
        day,
        "08:25 ana in received 18:00\n17:31 ana out\nnow 12:00\nknown 12:00",
        expect!["day not_arrived due 08:30 (provisional)"],
    );
    check(day, "08:25 bo in\n17:31 bo out", expect!["day absent due 08:30"]);
}

#[test]
fn daylight_saving() {
    let night = "zone Europe/Berlin; hours 00:30-08:00; every day";
    check(
        night,
        "00:31 ana in\n08:01 ana out",
        expect!["day late 1m due 00:30 actual 00:31"],
    );
}

#[test]
fn an_evening_meeting_is_another_visit() {
    let day = "hours 09:00-17:00";
    let evening = "meeting 18:30-20:00 hall\n18:20 ana in@hall\n20:05 ana out@hall";
    check(day, evening, expect!["day absent due 09:00"]);
    check(
        day,
        &format!("{evening}\n08:55 ana in\n15:30 ana out"),
        expect!["day early_leave 90m due 17:00 actual 15:30"],
    );
    check(
        "hours 09:00-17:00; late stay 20:00 09:30",
        &format!("dates 16 18\n{evening}\n08:55 ana in\n17:05 ana out\n17/09:20 ana in\n17/17:05 ana out"),
        expect!["17 day late 20m due 17/09:00 actual 17/09:20"],
    );
}

#[test]
fn a_grace_as_long_as_the_period_excuses_nobody_who_stays_away() {
    let noon = "hours 12:00-12:30; grace 30m";
    check(noon, "now 12:29:59", expect!["fine"]);
    check(noon, "now 12:30", expect!["day absent due 12:00 (provisional)"]);
    check(
        "hours 08:30-12:00; grace 15m",
        "leave 08:30-11:50",
        expect!["day overstayed_leave due 11:50"],
    );
}

#[test]
fn a_moved_end_counts_no_time_on_leave() {
    let flexible = "hours 09:00-17:00; flex 60m";
    let timeline = "09:30 ana in\n17:00 ana out";
    check(
        flexible,
        timeline,
        expect!["day early_leave 30m due 17:30 actual 17:00"],
    );
    check(flexible, &format!("{timeline}\nleave 17:00-18:00"), expect!["fine"]);
    check(
        flexible,
        &format!("{timeline}\nleave 17:10-17:25"),
        expect!["day early_leave 15m due 17:30 actual 17:00"],
    );
}

#[test]
fn absence_for_two_reasons_is_one_finding() {
    check(
        "hours 08:00-12:00 12:00-16:00; absent 60m",
        "13:00 ana in\n16:05 ana out",
        expect!["morning absent by lateness 300m due 08:00 actual 13:00"],
    );
}

#[test]
fn a_burst_that_ends_at_the_instant_of_another_swipe_is_ordered_by_reader() {
    // The departure counts at the last of its burst, 17:10:30; "in@gate" comes before "out@gate" at the same instant.
    check(
        "hours 09:00-18:00; shown 5m",
        "08:55 ana in\n17:10 ana out\n17:10:30 ana in\n17:10:30 ana out",
        expect!["day early_leave 50m due 18:00 actual 17:10:30"],
    );
}

/// Ten thousand swipes of one person in a day, and presence elsewhere in thousands of pieces, cost about as much as their number.
#[test]
fn ten_thousand_swipes_of_a_day() {
    let mut timeline = String::from("meeting 00:30-23:30 hall\nmeeting 00:30-23:30 room");
    for second in 0..10_000 {
        let (hours, minutes, seconds) = (second * 8 / 3600, second * 8 / 60 % 60, second * 8 % 60);
        let direction = if second % 2 == 0 { "in@hall" } else { "out@hall" };
        write!(timeline, "\n{hours:02}:{minutes:02}:{seconds:02} ana {direction}").expect("a string");
    }
    let mut world = World::new("hours 09:00-17:00").with(&timeline);
    world.records.site.settings[0].debounce = rules::time::Span::ZERO;
    expect![[r#"
        m0 meeting_early_leave 77m due 23:30 actual 22:13:12
        m0 walking_about
        m1 meeting_absent due 00:30"#]]
    .assert_eq(&world.told());
}
