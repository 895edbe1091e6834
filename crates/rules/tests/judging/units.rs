//! Meetings as a whole: units, substitutes, moved ends, inspectors; and what must hold of them for any meeting.

use std::collections::BTreeMap;

use crate::support::{World, day, swipe};
use chrono::NaiveDate;
use expect_test::{Expect, expect};
use proptest::collection::vec;
use proptest::prelude::*;
use rules::facts::{DateRange, PersonFacts, SiteFacts};
use rules::finding::{Finding, FindingState};
use rules::model::{BadgeIndex, MeetingIndex, PersonIndex, ReaderIndex, Swipe};
use rules::time::{Instant, Span};
use rules::touch::Touching;
use rules::units::{MeetingAssessment, MeetingFacts, UnitScope};
use rules::{evaluate, evaluate_meeting, explain_meeting};

/// Two units under the bureau: ana, bo and the chief cy of plan, di of its section, ed of finance.
const PEOPLE: &str = "person cy plan rank 7 head yes; person di section rank 3; person ed finance rank 6";

fn world(site: &str, timeline: &str) -> World {
    let mut world = World::new("");
    for (unit, parent) in [("section", 1), ("finance", 0)] {
        world.records.units.push(rules::model::Unit {
            id: unit.into(),
            parent: Some(rules::model::UnitIndex(parent)),
            name: unit.into(),
        });
    }
    world.clauses(PEOPLE).clauses(site).with(timeline)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "expectations are written where they are used"
)]
fn check(timeline: &str, expected: Expect) {
    expected.assert_eq(&world("", timeline).told_of_meeting());
}

#[test]
fn a_unit_is_absent_short_or_without_rank() {
    let meeting = "meeting 09:00-11:00 hall roster none\nsends plan 2 rank 5 head yes";
    check(&format!("{meeting}\nnow 09:30"), expect!["fine"]);
    check(
        &format!("{meeting}\nnow 09:30:00.001"),
        expect!["plan m0 unit_absent due 09:00 (provisional)"],
    );
    check(
        &format!("{meeting}\nnow 11:00"),
        expect!["plan m0 unit_absent due 09:00"],
    );
    check(
        &format!("{meeting}\n08:50 di in@hall\nnow 10:00"),
        expect![[r#"
            plan m0 unit_short due 09:00 (provisional)
            plan m0 unit_rank due 09:00 (provisional)"#]],
    );
    check(
        &format!("{meeting}\n08:50 di in@hall\n08:51 cy in@hall"),
        expect!["fine"],
    );
    check(
        &format!("{meeting}\n08:50 di in@hall\n10:59:59.999 cy in@hall"),
        expect!["fine"],
    );
    check(
        &format!("{meeting}\n08:50 di in@hall\n11:00 cy in@hall"),
        expect![[r#"
            plan m0 unit_short due 09:00
            plan m0 unit_rank due 09:00"#]],
    );
}

#[test]
fn who_comes_unlisted_is_proposed_where_the_unit_is_short() {
    let named = "meeting 09:00-11:00 hall\nsubstitutes with_approval\nsends plan 2";
    check(
        &format!("{named}\n08:50 di in@hall"),
        expect![[r#"
            plan m0 unit_short due 09:00
            plan proposes di 08:50"#]],
    );
    check(
        &format!("{named}\n08:50 di in@hall\n08:55 ana in@hall"),
        expect!["unlisted di 08:50"],
    );
    check(
        &format!("{named}\n08:50 ed in@hall\n08:55 ana in@hall"),
        expect![[r#"
            plan m0 unit_short due 09:00
            unlisted ed 08:50"#]],
    );
    // Nobody is named: the unit chooses, so who comes of it is not a stranger.
    check(
        "meeting 09:00-11:00 hall roster none\nsubstitutes with_approval\nsends plan 2\n08:50 di in@hall",
        expect!["plan m0 unit_short due 09:00"],
    );
    check(
        "meeting 09:00-11:00 hall roster none\n08:50 di in@hall",
        expect!["fine"],
    );
    // Whoever is still there from a meeting before, or belongs to the one that is on, came for that.
    check(
        "meeting 08:00-09:00 hall\nmeeting 09:10-11:00 hall roster none\nsends finance 1\n08:45 ana in@hall\n09:00 ed in@hall",
        expect!["fine"],
    );
}

#[test]
fn a_substitute_stands_for_the_named_person_and_for_their_unit() {
    let meeting = "meeting 09:00-11:00 hall\nsubstitutes with_approval\nsends plan 1\nstands in ed for ana";
    let told = |timeline: &str| {
        let world = world("hours 08:30-12:00", &format!("{meeting}\n{timeline}"));
        format!("{}; {}; {}", world.told(), world.told_of("ed"), world.told_of_meeting())
    };
    let office = "08:20 ana in\n12:00 ana out\n08:20 ed in\n08:50 ed out\n08:55 ed in@hall";
    let no_office = "08:20 ed in\n08:50 ed out\n08:55 ed in@hall\n11:05 ed out@hall\n11:10 ed in\n12:00 ed out";
    expect!["day absent due 08:30; fine; fine"].assert_eq(&told(no_office));
    expect!["fine; fine; fine"].assert_eq(&told(&format!(
        "{office}\n11:05 ed out@hall\n11:10 ed in\n12:00 ed out"
    )));
    // The one hands over to the other inside: no gap.
    expect!["fine; fine; fine"].assert_eq(&told(&format!(
        "{office}\n08:58 ana in@hall\n09:30 ana out@hall\n11:05 ed out@hall\n11:10 ed in\n12:00 ed out"
    )));
    expect!["m0 meeting_early_leave 30m due 11:00 actual 10:30; fine; fine"].assert_eq(&told(&format!(
        "{office}\n10:30 ed out@hall\n10:35 ed in\n12:00 ed out"
    )));
}

#[test]
fn an_end_that_is_moved() {
    let told = |timeline: &str| world("", &format!("meeting 09:00-11:00 hall\nsends plan 1\n{timeline}")).told();
    expect!["m0 meeting_early_leave 10m due 11:30 actual 11:20"]
        .assert_eq(&told("extended 11:30\n08:50 ana in@hall\n11:20 ana out@hall"));
    expect!["fine"].assert_eq(&told("extended 11:30\n08:50 ana in@hall\n11:00 ana out@hall"));
    expect!["m0 meeting_early_leave 1m due 11:00 actual 10:59:59.999"]
        .assert_eq(&told("extended 11:30\n08:50 ana in@hall\n10:59:59.999 ana out@hall"));
    expect!["m0 walk_out 6m (provisional)"].assert_eq(&told(
        "extended 11:30\n08:50 ana in@hall\n10:00 ana out@hall\n10:06 ana in@hall\nnow 11:29:59.999",
    ));
    expect!["fine"].assert_eq(&told("closed 10:30\n08:50 ana in@hall\n10:30 ana out@hall"));
    expect!["m0 meeting_absent due 09:00"].assert_eq(&told("closed 10:30\n10:40 ana in@hall\nnow 10:50"));
    // What was extended can be closed as well: an end between the announced and the extended one holds for who was there.
    expect!["m0 meeting_early_leave 5m due 11:15 actual 11:10"].assert_eq(&told(
        "extended 11:30\nclosed 11:15\n08:50 ana in@hall\n11:10 ana out@hall",
    ));
}

#[test]
fn a_meeting_that_is_extended_is_taken_out_of_the_office_for_as_long() {
    let told = |timeline: &str| world("hours 08:30-11:30; stepout 5m", timeline).told();
    let stays = "meeting 09:00-11:00 hall\n08:20 ana in\n08:45 ana out\n08:50 ana in@hall";
    expect!["fine"].assert_eq(&told(&format!("{stays}\nextended 11:30\n11:30 ana out@hall")));
    expect!["day early_leave 20m due 11:30 actual 11:10"].assert_eq(&told(&format!(
        "{stays}\n11:00 ana out@hall\n11:05 ana in\n11:10 ana out"
    )));
}

#[test]
fn what_inspectors_saw() {
    let told = |timeline: &str| {
        let world = world("", timeline);
        format!("{}; {}", world.told(), world.told_of_meeting())
    };
    let meeting = "meeting 09:00-11:00 hall\n08:50 ana in@hall";
    expect!["m0 conduct actual 10:00; finance m0 seating actual 10:05"].assert_eq(&told(&format!(
        "{meeting}\nobserved ana conduct 10:00\nobserved finance seating 10:05\nnow 10:05"
    )));
    expect!["fine; fine"].assert_eq(&told(&format!(
        "{meeting}\nobserved ana conduct 10:00\nobserved finance seating 10:05\nnow 09:59:59.999"
    )));
    let outside = world("", "observed bo conduct 10:00\nobserved plan conduct 15/10:00");
    expect!["date conduct actual 10:00"].assert_eq(&outside.told_of("bo"));
    let site = SiteFacts::new(outside.records.clone());
    let scopes = site.unit_scopes();
    assert_eq!(scopes.iter().copied().collect::<Vec<_>>(), [UnitScope::Date(day(15))]);
    let facts = MeetingFacts {
        site: &site,
        scope: UnitScope::Date(day(15)),
        swipes: &[],
        known_at: None,
    };
    let findings = evaluate_meeting(&facts, outside.at("20/12:00")).findings;
    assert_eq!(
        findings.iter().map(|finding| finding.date).collect::<Vec<_>>(),
        [day(15)]
    );
}

/// A meeting with obligations and substitutes, and who swiped when: person, seconds from 08:00, reader.
#[derive(Clone, Debug)]
struct Scenario {
    swipes: Vec<(u32, i64, u32)>,
    asked: Vec<(bool, u32, Option<i64>, bool)>,
    settings: (bool, bool, Option<i64>, Option<i64>),
    outage: Option<(i64, i64)>,
    observed: Option<i64>,
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let reader = prop_oneof![3 => 3u32..6, 1 => 0u32..3];
    let minutes = |from: i64, until: i64| (from..until).prop_map(|minutes| minutes * 60);
    let swipes = vec((0u32..5, prop_oneof![minutes(0, 240), 0i64..14_400], reader), 0..14);
    let asked = vec(
        (any::<bool>(), 0u32..4, proptest::option::of(2i64..8), any::<bool>()),
        0..3,
    );
    let moved = || proptest::option::of(-60i64..60);
    (
        swipes,
        asked,
        (any::<bool>(), any::<bool>(), moved(), moved()),
        proptest::option::of((0i64..240, 1i64..60)),
        proptest::option::of(0i64..240),
    )
        .prop_map(|(swipes, asked, settings, outage, observed)| Scenario {
            swipes,
            asked,
            settings,
            outage,
            observed,
        })
}

/// 08:00 on 16 September at the site.
const EIGHT: Instant = Instant::from_ms(1_789_516_800_000);

fn minute(minutes: i64) -> Instant {
    EIGHT + Span::from_minutes(minutes)
}

impl Scenario {
    fn world(&self) -> World {
        let (named, substitute, extended, closed) = self.settings;
        let roster = if named { "" } else { "roster none" };
        let mut world = world(
            "hours 08:00-12:00; stepout 5m",
            &format!("meeting 09:00-11:00 hall absent 20m {roster}\nsubstitutes with_approval"),
        );
        for (plan, at_least, rank, head) in self.asked.iter().take(1) {
            let unit = if *plan { "plan" } else { "bureau" };
            let rank = rank.map_or_else(String::new, |rank| format!("rank {rank}"));
            let head = if *head { "head yes" } else { "" };
            world = world.with(&format!("sends {unit} {at_least} {rank} {head}"));
        }
        if named && substitute {
            world = world.with("stands in ed for ana\nstands in bo for ana");
        }
        if let Some(minutes) = self.observed {
            world = world.with("observed finance seating 09:30");
            world.records.observations[0].at = minute(minutes);
        }
        let meeting = &mut world.records.meetings[0];
        meeting.extended_until = extended.map(|minutes| meeting.ends + Span::from_minutes(minutes));
        meeting.closed_early_at = closed.map(|minutes| meeting.ends + Span::from_minutes(minutes));
        if let Some((from, minutes)) = self.outage {
            world.records.outages.push(rules::model::Outage {
                reader: ReaderIndex(3),
                down_from: minute(from),
                down_until: Some(minute(from + minutes)),
            });
        }
        for &(person, seconds, reader) in &self.swipes {
            let at = EIGHT + Span::from_seconds(seconds);
            world
                .swipes
                .push(swipe(at, at, BadgeIndex(person), ReaderIndex(reader)));
        }
        world
    }
}

fn judge_meeting(site: &SiteFacts, swipes: &[Swipe], now: Instant) -> MeetingAssessment {
    let facts = MeetingFacts {
        site,
        scope: UnitScope::Meeting(MeetingIndex(0)),
        swipes,
        known_at: None,
    };
    evaluate_meeting(&facts, now)
}

fn judge(site: &SiteFacts, person: PersonIndex, date: NaiveDate, swipes: &[Swipe], now: Instant) -> Vec<Finding> {
    let dates = DateRange::of_date(date);
    let facts = PersonFacts {
        site,
        person,
        dates,
        swipes,
        known_at: None,
    };
    evaluate(&facts, now).findings
}

fn shuffled(swipes: &[Swipe], seed: u64) -> Vec<Swipe> {
    let mut shuffled = swipes.to_vec();
    shuffled.sort_by_key(|swipe| {
        (u64::from(swipe.id.0[6]) ^ u64::from(swipe.id.0[7]) ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    });
    shuffled
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_of_arrival_and_duplicates_do_not_matter(scenario in scenario(), now in 0i64..300, seed in any::<u64>()) {
        let world = scenario.world();
        let site = SiteFacts::new(world.records.clone());
        let mut other = shuffled(&world.swipes, seed);
        other.extend(world.swipes.iter().take(3).copied());
        prop_assert_eq!(judge_meeting(&site, &world.swipes, minute(now)), judge_meeting(&site, &other, minute(now)));
    }

    #[test]
    fn findings_rest_on_the_people_and_the_window_that_are_named(scenario in scenario(), now in 0i64..300) {
        let world = scenario.world();
        let site = SiteFacts::new(world.records.clone());
        let scope = UnitScope::Meeting(MeetingIndex(0));
        let (window, people) = (site.scope_window(scope), site.scope_people(scope));
        let needed = |swipe: &&Swipe| window.contains(swipe.happened_at) && people.contains(&PersonIndex(swipe.badge.0));
        let swipes: Vec<Swipe> = world.swipes.iter().filter(needed).copied().collect();
        let few = judge_meeting(&site, &swipes, minute(now));
        prop_assert_eq!(few.findings, judge_meeting(&site, &world.swipes, minute(now)).findings);
    }

    #[test]
    fn incremental_equals_rebuild_after_every_swipe(scenario in scenario(), now in 0i64..300, seed in any::<u64>()) {
        let world = scenario.world();
        let site = SiteFacts::new(world.records.clone());
        let now = minute(now);
        let people = || site.person_indexes();
        let dates = || [15, 16, 17].into_iter().map(day);
        let rebuild = |known: &[Swipe]| -> BTreeMap<(PersonIndex, NaiveDate), Vec<Finding>> {
            people().flat_map(|person| dates().map(move |date| (person, date))).map(|(person, date)| ((person, date), judge(&site, person, date, known, now))).collect()
        };
        let mut touching = Touching::default();
        let mut known: Vec<Swipe> = Vec::new();
        let mut kept = rebuild(&known);
        let mut kept_meeting = judge_meeting(&site, &known, now).findings;
        for swipe in shuffled(&world.swipes, seed) {
            known.push(swipe);
            let everybody: Vec<_> = touching.people(&site, PersonIndex(swipe.badge.0), swipe.happened_at).collect();
            let mut afresh = Touching::default();
            prop_assert!(afresh.people(&site, PersonIndex(swipe.badge.0), swipe.happened_at).eq(everybody.iter().copied()));
            for (person, touched) in everybody {
                for date in dates().filter(|date| touched.contains(*date)) {
                    kept.insert((person, date), judge(&site, person, date, &known, now));
                }
            }
            if site.touched_meetings(swipe.reader, swipe.happened_at).next().is_some() {
                kept_meeting = judge_meeting(&site, &known, now).findings;
            }
            prop_assert_eq!(&kept, &rebuild(&known));
            prop_assert_eq!(&kept_meeting, &judge_meeting(&site, &known, now).findings);
        }
    }

    #[test]
    fn between_facts_a_meeting_changes_only_at_named_deadlines(
        scenario in scenario(), start in 0i64..300, between in vec(0.0f64..1.0, 3),
    ) {
        let world = scenario.world();
        let site = SiteFacts::new(world.records.clone());
        let mut now = minute(start);
        let mut current = judge_meeting(&site, &world.swipes, now);
        for _ in 0..200 {
            let Some(next) = current.next_deadline else { break };
            prop_assert!(next > now);
            let length = (next - now).as_ms();
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "any instant between will do")]
            let inside = between.iter().map(|part| now + Span::from_ms((part * (length - 1) as f64) as i64));
            for at in inside.chain([next - Span::from_ms(1)]) {
                prop_assert_eq!(&judge_meeting(&site, &world.swipes, at), &current);
            }
            now = next;
            let later = judge_meeting(&site, &world.swipes, now);
            let happened = world.swipes.iter().any(|swipe| swipe.happened_at == now);
            let finals = current.findings.iter().filter(|finding| finding.state == FindingState::Final);
            for finding in finals.filter(|_| !happened) {
                prop_assert!(later.findings.contains(finding), "time alone changed {}", world.show(finding));
            }
            current = later;
        }
        prop_assert_eq!(current.next_deadline, None, "the deadlines of a meeting come to an end");
    }

    #[test]
    fn between_facts_people_change_only_at_named_deadlines(
        scenario in scenario(), start in 0i64..300, person in 0u32..5, between in vec(0.0f64..1.0, 2),
    ) {
        let world = scenario.world();
        let site = SiteFacts::new(world.records.clone());
        let facts = PersonFacts {
            site: &site,
            person: PersonIndex(person),
            dates: DateRange::of_date(day(16)),
            swipes: &world.swipes,
            known_at: None,
        };
        let mut now = minute(start);
        let mut current = evaluate(&facts, now);
        for _ in 0..200 {
            let Some(next) = current.next_deadline else { break };
            prop_assert!(next > now);
            let length = (next - now).as_ms();
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "any instant between will do")]
            let inside = between.iter().map(|part| now + Span::from_ms((part * (length - 1) as f64) as i64));
            for at in inside.chain([next - Span::from_ms(1)]) {
                prop_assert_eq!(&evaluate(&facts, at), &current);
            }
            now = next;
            let later = evaluate(&facts, now);
            let happened = world.swipes.iter().any(|swipe| swipe.happened_at == now);
            let finals = current.findings.iter().filter(|finding| finding.state == FindingState::Final);
            for finding in finals.filter(|_| !happened) {
                prop_assert!(later.findings.contains(finding), "time alone changed {}", world.show(finding));
            }
            current = later;
        }
        prop_assert_eq!(current.next_deadline, None, "the deadlines of a date come to an end");
    }

    #[test]
    fn every_unit_finding_explains_itself(scenario in scenario(), now in 0i64..300) {
        let world = scenario.world();
        let site = SiteFacts::new(world.records.clone());
        let facts = MeetingFacts { site: &site, scope: UnitScope::Meeting(MeetingIndex(0)), swipes: &world.swipes, known_at: None };
        let findings = evaluate_meeting(&facts, minute(now)).findings;
        let explanations = explain_meeting(&facts, minute(now));
        let told = explanations.iter().filter(|(_, told)| told.finding.is_some());
        prop_assert_eq!(told.count(), findings.len());
        for finding in &findings {
            let own = explanations.iter().find(|(unit, told)| {
                finding.unit == Some(*unit) && told.finding == Some(finding.kind) && told.source == finding.source
            });
            prop_assert!(own.is_some_and(|(_, told)| told.steps.len() > 2), "{} explains nothing", world.show(finding));
        }
    }
}
