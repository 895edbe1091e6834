//! Counting, as a function: windows at their bounds, editions, units, and what holds for any findings.

use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use rules::count::{Countable, EscalationRule, Reached, Window, count};
use rules::finding::FindingKind;
use rules::model::{PersonIndex, Subject, Unit, UnitIndex};

const ANA: Subject = Subject::Person(PersonIndex(0));
const BO: Subject = Subject::Person(PersonIndex(1));

fn date(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn rule(within: Window, count: u32) -> EscalationRule {
    EscalationRule {
        id: "late".into(),
        name: "late".into(),
        kinds: vec![FindingKind::Late, FindingKind::SeriouslyLate],
        count,
        within,
        yields: "谈话提醒".into(),
        from: None,
        until: None,
        units: Vec::new(),
    }
}

fn late(text: &str) -> Countable<'static> {
    Countable {
        subject: ANA,
        unit: Some(UnitIndex(1)),
        date: date(text),
        place: "morning",
        source: None,
        kind: FindingKind::Late,
        due: None,
    }
}

fn units() -> Vec<Unit> {
    let unit = |id: &str, parent| Unit {
        id: id.into(),
        parent,
        name: id.into(),
    };
    vec![
        unit("bureau", None),
        unit("plan", Some(UnitIndex(0))),
        unit("service", Some(UnitIndex(0))),
    ]
}

fn reached(rules: &[EscalationRule], findings: &[Countable<'_>]) -> Vec<String> {
    let told = |reached: &Reached| {
        let evidence: Vec<String> = reached.evidence.iter().map(ToString::to_string).collect();
        format!("{} rule {} of {}", reached.date, reached.rule, evidence.join(" "))
    };
    count(rules, &units(), findings).iter().map(told).collect()
}

/// Checks the dates on which a rule's count is reached.
fn check(within: Window, number: u32, dates: &[&str], expected: &[&str]) {
    let findings: Vec<Countable<'_>> = dates.iter().map(|text| late(text)).collect();
    let found = count(&[rule(within, number)], &units(), &findings);
    let found: Vec<String> = found.iter().map(|reached| reached.date.to_string()).collect();
    assert_eq!(found, expected, "{within:?} {number} {dates:?}");
}

#[test]
fn calendar_windows_end_where_the_calendar_says() {
    check(Window::Month, 2, &["2026-09-01", "2026-09-30"], &["2026-09-30"]);
    check(Window::Month, 2, &["2026-08-31", "2026-09-01"], &[]);
    check(Window::Month, 2, &["2025-09-01", "2026-09-01"], &[]);
    check(Window::Quarter, 2, &["2026-07-01", "2026-09-30"], &["2026-09-30"]);
    check(Window::Quarter, 2, &["2026-06-30", "2026-07-01"], &[]);
    check(Window::Year, 2, &["2026-01-01", "2026-12-31"], &["2026-12-31"]);
    check(Window::Year, 2, &["2025-12-31", "2026-01-01"], &[]);
}

#[test]
fn so_many_days_are_that_of_the_finding_and_those_before_it() {
    check(Window::Days(1), 2, &["2026-09-16", "2026-09-17"], &[]);
    check(Window::Days(2), 2, &["2026-09-16", "2026-09-17"], &["2026-09-17"]);
    check(Window::Days(30), 2, &["2026-08-02", "2026-08-31"], &["2026-08-31"]);
    check(Window::Days(30), 2, &["2026-08-01", "2026-08-31"], &[]);
}

#[test]
fn a_calendar_window_yields_once_and_days_start_anew() {
    let dates = ["2026-09-01", "2026-09-02", "2026-09-03", "2026-09-04", "2026-09-05"];
    check(Window::Month, 2, &dates, &["2026-09-02"]);
    check(Window::Days(30), 2, &dates, &["2026-09-02", "2026-09-04"]);
    check(Window::Month, 1, &dates, &["2026-09-01"]);
    check(Window::Days(30), 1, &dates, &dates);
}

#[test]
fn days_that_lapse_count_no_more_and_later_ones_do() {
    let dates = ["2026-09-01", "2026-09-10", "2026-09-12", "2026-09-13"];
    check(Window::Days(4), 3, &dates, &["2026-09-13"]);
}

#[test]
fn the_evidence_is_what_was_counted_in_order() {
    let findings = [late("2026-09-08"), late("2026-09-01"), late("2026-09-16")];
    assert_eq!(
        reached(&[rule(Window::Month, 3)], &findings),
        ["2026-09-16 rule 0 of 1 0 2"]
    );
}

#[test]
fn two_periods_of_one_date_are_two_findings() {
    let afternoon = Countable {
        place: "afternoon",
        ..late("2026-09-16")
    };
    assert_eq!(
        reached(&[rule(Window::Month, 2)], &[afternoon, late("2026-09-16")]),
        ["2026-09-16 rule 0 of 0 1"],
        "in the order of their names where nothing says when they were due"
    );
}

#[test]
fn kinds_that_stand_in_for_each_other_are_one_finding() {
    let seriously = Countable {
        kind: FindingKind::SeriouslyLate,
        ..late("2026-09-16")
    };
    let findings = [late("2026-09-16"), seriously, late("2026-09-17")];
    assert_eq!(
        reached(&[rule(Window::Month, 2)], &findings),
        ["2026-09-17 rule 0 of 1 2"],
        "the one that weighs most stands for both"
    );
    let absent = Countable {
        kind: FindingKind::Absent,
        ..late("2026-09-16")
    };
    assert_eq!(
        reached(&[rule(Window::Month, 1)], &[late("2026-09-16"), absent]),
        [] as [&str; 0],
        "and where it is of no kind that is asked for, neither counts"
    );
}

#[test]
fn escalations_count_nothing_that_escalated() {
    let itself = Countable {
        kind: FindingKind::Escalation,
        ..late("2026-09-16")
    };
    let rule = EscalationRule {
        kinds: vec![FindingKind::Escalation],
        ..rule(Window::Month, 1)
    };
    assert_eq!(reached(&[rule], &[itself]), [] as [&str; 0]);
}

#[test]
fn subjects_are_counted_apart_and_units_as_well_as_people() {
    let unit = |date: &str| Countable {
        subject: Subject::Unit(UnitIndex(1)),
        ..late(date)
    };
    let other = Countable {
        subject: BO,
        ..late("2026-09-16")
    };
    let findings = [late("2026-09-15"), other, unit("2026-09-15"), unit("2026-09-16")];
    assert_eq!(
        reached(&[rule(Window::Month, 2)], &findings),
        ["2026-09-16 rule 0 of 2 3"]
    );
}

#[test]
fn a_rule_of_units_counts_them_and_all_below() {
    let of = |units: Vec<UnitIndex>| EscalationRule {
        units,
        ..rule(Window::Month, 1)
    };
    let nowhere = Countable {
        unit: None,
        ..late("2026-09-16")
    };
    let finding = [late("2026-09-16")];
    assert_eq!(reached(&[of(vec![UnitIndex(0)])], &finding).len(), 1);
    assert_eq!(reached(&[of(vec![UnitIndex(1)])], &finding).len(), 1);
    assert_eq!(reached(&[of(vec![UnitIndex(2)])], &finding).len(), 0);
    assert_eq!(reached(&[of(vec![UnitIndex(0)])], &[nowhere]).len(), 0);
    assert_eq!(reached(&[of(Vec::new())], &[nowhere]).len(), 1);
}

#[test]
fn an_edition_counts_the_findings_of_its_own_dates() {
    let edition = |from: Option<&str>, until: Option<&str>, number| EscalationRule {
        from: from.map(date),
        until: until.map(date),
        ..rule(Window::Month, number)
    };
    let findings = [late("2026-09-01"), late("2026-09-15"), late("2026-09-16")];
    let first = edition(None, None, 3);
    let second = edition(Some("2026-09-15"), None, 2);
    assert_eq!(
        reached(&[first.clone(), second.clone()], &findings),
        ["2026-09-16 rule 1 of 1 2"]
    );
    assert_eq!(
        reached(&[second, first], &findings),
        ["2026-09-16 rule 0 of 1 2"],
        "whatever the order of the file"
    );
    let ends = |until| edition(Some("2026-09-01"), Some(until), 3);
    assert_eq!(reached(&[ends("2026-09-16")], &findings).len(), 0);
    assert_eq!(reached(&[ends("2026-09-17")], &findings).len(), 1);
    let ended = edition(Some("2026-09-14"), Some("2026-09-15"), 1);
    assert_eq!(
        reached(&[edition(None, None, 3), ended], &findings),
        ["2026-09-16 rule 0 of 0 1 2"],
        "where the later edition has ended the earlier goes on"
    );
}

#[test]
fn the_finding_says_whose_rule_it_is() {
    let rules = [rule(Window::Month, 1)];
    let found = count(&rules, &units(), &[late("2026-09-16")]);
    let finding = found[0].finding(&rules);
    assert_eq!(finding.kind, FindingKind::Escalation);
    assert_eq!((finding.date, finding.unit), (date("2026-09-16"), Some(UnitIndex(1))));
    assert_eq!(finding.source.as_deref(), Some("late"));
}

fn window() -> impl Strategy<Value = Window> {
    prop_oneof![
        (1u32..40).prop_map(Window::Days),
        Just(Window::Month),
        Just(Window::Quarter),
        Just(Window::Year),
    ]
}

fn findings() -> impl Strategy<Value = Vec<Countable<'static>>> {
    let finding =
        (0u64..200, 0u32..2, 0usize..2, any::<bool>()).prop_map(|(day, person, place, seriously)| Countable {
            subject: Subject::Person(PersonIndex(person)),
            date: date("2026-01-01") + Days::new(day),
            place: ["morning", "afternoon"][place],
            kind: if seriously {
                FindingKind::SeriouslyLate
            } else {
                FindingKind::Late
            },
            ..late("2026-01-01")
        });
    proptest::collection::vec(finding, 0..60)
}

/// What was reached, told by dates rather than positions.
fn told(rules: &[EscalationRule], findings: &[Countable<'_>]) -> Vec<String> {
    let evidence = |reached: &Reached| {
        let dates = reached
            .evidence
            .iter()
            .map(|at| (findings[*at].date, findings[*at].place));
        format!(
            "{:?} {:?} {:?}",
            reached.subject,
            reached.date,
            dates.collect::<Vec<_>>()
        )
    };
    count(rules, &units(), findings).iter().map(evidence).collect()
}

proptest! {
    #[test]
    fn neither_order_nor_repeats_matter(findings in findings(), within in window(), number in 1u32..6, seed in any::<u64>()) {
        let rules = [rule(within, number)];
        let mut shuffled: Vec<Countable<'_>> = findings.iter().chain(&findings).copied().collect();
        let length = shuffled.len().max(1);
        for at in 0..shuffled.len() {
            let other = usize::try_from(seed.wrapping_mul(at as u64 + 7) % length as u64).expect("small");
            shuffled.swap(at, other);
        }
        prop_assert_eq!(told(&rules, &findings), told(&rules, &shuffled));
    }

    #[test]
    fn a_count_is_reached_by_so_many_findings_within_its_window(findings in findings(), within in window(), number in 1u32..6) {
        let rules = [rule(within, number)];
        let all = count(&rules, &units(), &findings);
        let mut counted = std::collections::BTreeSet::new();
        for reached in &all {
            prop_assert_eq!(reached.evidence.len(), number as usize);
            for at in &reached.evidence {
                let finding = &findings[*at];
                prop_assert_eq!(finding.subject, reached.subject);
                prop_assert!(within.first(reached.date) <= finding.date && finding.date <= reached.date);
                prop_assert!(counted.insert(*at), "no finding counts twice for a rule");
            }
            prop_assert_eq!(findings[*reached.evidence.last().expect("at least one")].date, reached.date);
        }
    }

    #[test]
    fn a_finding_less_never_makes_an_escalation_more_in_a_calendar_window(
        findings in findings(), number in 1u32..6, gone in any::<prop::sample::Index>(),
    ) {
        let rules = [rule(Window::Month, number)];
        let before = count(&rules, &units(), &findings).len();
        let mut fewer = findings;
        if !fewer.is_empty() {
            fewer.remove(gone.index(fewer.len()));
        }
        prop_assert!(count(&rules, &units(), &fewer).len() <= before);
    }
}
