//! What must hold for any bureau, any person and any day.

use std::collections::BTreeMap;

use crate::support::{World, day, swipe};
use chrono::{NaiveDate, TimeDelta};
use proptest::collection::vec;
use proptest::prelude::*;
use rules::facts::{DateRange, PersonFacts, SiteFacts};
use rules::finding::{About, Assessment, Finding, FindingKind, FindingState};
use rules::model::{Absence, BadgeIndex, Duty, DutyIndex, PersonIndex, PlaceIndex, ReaderIndex, Swipe};
use rules::time::{Instant, Interval, Span};
use rules::touch::Touching;
use rules::{Evaluator, evaluate};

/// Office hours of many kinds.
const SITES: [&str; 10] = [
    "hours 08:30-17:30; grace 5m; every day",
    "hours 08:30-12:00 13:30-17:30; stepout 10m; every day",
    "hours 08:30-12:00 13:30-17:30; morning leave free; afternoon arrive free; stepout 20m; every day",
    "hours 08:30-12:00 13:30-17:30; flex 20m; serious 15m; absent 60m; counts grace_end; every day",
    "hours 08:00-12:00 12:00-16:00 16:00-20:00; early 5m; every day",
    "hours 22:00-06:00+1; stepout 10m; flex 15m; every day",
    "hours 08:30-12:00 13:30-17:30; late stay 18:00 09:00; late stay 20:00 09:45; every day",
    "hours 08:30-17:30; arrive free; every day; hall pairing alternate; watch pairing alternate",
    "hours 08:30-12:00 13:30-17:30; leave free; arrive_until 10:00; every day; hall pairing directed; watch pairing directed",
    "hours 07:00-15:00 22:00-05:00+1; grace 10m; shown 1m; every day",
];

/// Minutes of the day around which things happen.
const ANCHORS: [i64; 12] = [330, 420, 500, 510, 540, 600, 720, 765, 810, 1_050, 1_080, 1_320];

/// What a scenario is made of, in numbers that shrink well.
#[derive(Clone, Debug)]
struct Scenario {
    site: usize,
    /// Day, anchor, seconds from it, reader, badge.
    swipes: Vec<(i64, usize, i64, u32, u32)>,
    /// Day, anchor, length in minutes.
    absences: Vec<(i64, usize, i64)>,
    half: Option<bool>,
    /// Day, anchor, length in minutes, hall or room, grace in minutes, whether late arrivals can count as absent.
    meetings: Vec<(i64, usize, i64, bool, i64, bool)>,
    permission: Option<(i64, i64)>,
    /// Day, anchor, length in minutes, whose, whether handed over to the next one, drawn checks.
    duties: Vec<(i64, usize, i64, u32, bool, u32)>,
    /// Reader, day, anchor, length in seconds, whether it is still down.
    outages: Vec<(u32, i64, usize, i64, bool)>,
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let anchor = || 0..ANCHORS.len();
    let reader = prop_oneof![4 => 0u32..3, 2 => 3u32..6, 1 => 6u32..9, 3 => 9u32..12];
    let badge = prop_oneof![4 => Just(0u32), 1 => Just(1u32)];
    let swipes = vec((1i64..5, anchor(), -2_400i64..2_400, reader, badge), 0..20);
    let absences = vec((1i64..4, anchor(), 1i64..700), 0..3);
    let meetings = vec(
        (1i64..4, anchor(), 20i64..200, any::<bool>(), 0i64..40, any::<bool>()),
        0..3,
    );
    let whose = prop_oneof![3 => Just(0u32), 1 => Just(1u32)];
    let lengths = prop_oneof![5 => 15i64..900, 1 => 900i64..4_000];
    let duties = vec((0i64..4, anchor(), lengths, whose, any::<bool>(), 0u32..3), 0..4);
    let outages = vec((0u32..12, 1i64..4, anchor(), 1i64..9_000, any::<bool>()), 0..3);
    let permission = proptest::option::of((0i64..60, 1i64..60));
    (
        0..SITES.len(),
        swipes,
        absences,
        proptest::option::of(any::<bool>()),
        meetings,
        permission,
        duties,
        outages,
    )
        .prop_map(
            |(site, swipes, absences, half, meetings, permission, duties, outages)| Scenario {
                site,
                swipes,
                absences,
                half,
                meetings,
                permission,
                duties,
                outages,
            },
        )
}

/// The dates that are judged: 15 to 17 September.
const DATES: [u32; 3] = [15, 16, 17];

fn moment(day: i64, anchor: usize, seconds: i64) -> Instant {
    // Midnight of 14 September in Shanghai.
    const BASE: Instant = Instant::from_ms(1_789_315_200_000);
    BASE + Span::from_minutes(day * 1_440 + ANCHORS[anchor]) + Span::from_seconds(seconds)
}

impl Scenario {
    fn world(&self) -> World {
        let mut world = World::new(SITES[self.site]);
        world.dates = DateRange {
            from: day(15),
            until: day(18),
        };
        for &(day, anchor, minutes) in &self.absences {
            let from = moment(day, anchor, 0);
            absent(&mut world, Interval::new(from, from + Span::from_minutes(minutes)));
        }
        if let Some(morning) = self.half {
            world = world.with(if morning { "morning_off 16" } else { "afternoon_off 16" });
        }
        for &(day, anchor, minutes, hall, grace, late_absent) in &self.meetings {
            let (from, place) = (moment(day, anchor, 0), if hall { "hall" } else { "room" });
            let until = from + Span::from_minutes(minutes);
            let late_absent = if late_absent { "late_absent 15m" } else { "" };
            let (from, until) = (local(from), local(until));
            world = world.with(&format!("meeting {from}-{until} {place} grace {grace}m {late_absent}"));
        }
        if let (Some((offset, minutes)), Some(meeting)) = (self.permission, world.records.meetings.last_mut()) {
            let from = meeting.starts + Span::from_minutes(offset);
            let interval = Interval::new(from, from + Span::from_minutes(minutes));
            meeting.permissions.push(rules::model::Permission {
                person: PersonIndex(0),
                interval,
            });
        }
        for (position, &(day, anchor, minutes, person, handed_over, drawn)) in (0u32..).zip(&self.duties) {
            let from = moment(day, anchor, 0);
            let interval = Interval::new(from, from + Span::from_minutes(minutes));
            let next = (position as usize + 1 < self.duties.len()).then_some(DutyIndex(position + 1));
            world.records.duties.push(Duty {
                hands_over_to: next.filter(|_| handed_over),
                checks_drawn: drawn,
                ..Duty::new(
                    format!("d{position}").into(),
                    PersonIndex(person),
                    PlaceIndex(3),
                    interval,
                )
            });
        }
        for &(reader, day, anchor, seconds, open) in &self.outages {
            let down_from = moment(day, anchor, 0);
            let down_until = (!open).then(|| down_from + Span::from_seconds(seconds));
            world.records.outages.push(rules::model::Outage {
                reader: ReaderIndex(reader),
                down_from,
                down_until,
            });
        }
        for &(day, anchor, seconds, reader, badge) in &self.swipes {
            let at = moment(day, anchor, seconds);
            world.swipes.push(swipe(at, at, BadgeIndex(badge), ReaderIndex(reader)));
        }
        world.swipes.sort_by_key(|swipe| swipe.happened_at);
        world.swipes.dedup_by_key(|swipe| swipe.id);
        world
    }
}

impl Scenario {
    /// The same with bo doing what ana does in another scenario.
    fn world_with(&self, bo: &Self) -> World {
        let (mut world, other) = (self.world(), bo.world());
        let absences = other.records.absences.into_iter().map(|absence| Absence {
            person: PersonIndex(1),
            ..absence
        });
        world.records.absences.extend(absences);
        let badge = BadgeIndex(1);
        let swipes = other.swipes.into_iter();
        world
            .swipes
            .extend(swipes.map(|other| swipe(other.happened_at, other.received_at, badge, other.reader)));
        world.swipes.sort_by_key(|swipe| swipe.happened_at);
        world
    }
}

fn local(at: Instant) -> String {
    at.to_utc()
        .with_timezone(&chrono_tz::Asia::Shanghai)
        .format("%d/%H:%M:%S")
        .to_string()
}

fn absent(world: &mut World, interval: Interval) {
    let absence = Absence {
        id: format!("x{}", world.records.absences.len()).into(),
        person: PersonIndex(0),
        kind: "leave".into(),
        interval,
        approved_until: interval.until,
    };
    world.records.absences.push(absence);
}

fn judge(site: &SiteFacts, dates: DateRange, swipes: &[Swipe], now: Instant) -> Assessment {
    evaluate(
        &PersonFacts {
            site,
            person: PersonIndex(0),
            dates,
            swipes,
            known_at: None,
        },
        now,
    )
}

fn all_dates() -> DateRange {
    DateRange {
        from: day(15),
        until: day(18),
    }
}

/// A finding's identity.
fn identity(finding: &Finding) -> (NaiveDate, About, FindingKind) {
    (finding.date, finding.about.clone(), finding.kind)
}

fn instant() -> impl Strategy<Value = Instant> {
    (1i64..5, 0..ANCHORS.len(), -4_000i64..4_000).prop_map(|(day, anchor, seconds)| moment(day, anchor, seconds))
}

/// Judging again what each swipe touches, in any order in which they arrive, comes to what judging everything comes to.
fn incremental_equals_rebuild(world: &World, now: Instant, seed: u64) -> Result<(), TestCaseError> {
    let site = SiteFacts::new(world.records.clone());
    let mut arriving = world.swipes.clone();
    arriving.sort_by_key(|swipe| {
        (u64::from(swipe.id.0[6]) ^ u64::from(swipe.id.0[7]) ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    });
    let one = |date: NaiveDate, known: &[Swipe]| judge(&site, DateRange::of_date(date), known, now).findings;
    let dates = || DATES.into_iter().map(day);
    let mut touching = Touching::default();
    let mut known: Vec<Swipe> = Vec::new();
    let mut kept: BTreeMap<NaiveDate, Vec<Finding>> = dates().map(|date| (date, one(date, &known))).collect();
    for swipe in arriving {
        let own = known
            .iter()
            .filter(|known| known.badge == swipe.badge)
            .map(|known| known.happened_at);
        let next = own.filter(|at| *at > swipe.happened_at).min();
        known.push(swipe);
        // What a swipe of bo touches of ana is what it says of the duties that she hands over.
        let touched: Vec<DateRange> = if swipe.badge == BadgeIndex(0) {
            vec![touching.dates(&site, PersonIndex(0), swipe.happened_at, next)]
        } else {
            let touched = touching.people(&site, PersonIndex(1), swipe.happened_at);
            touched
                .filter(|(person, _)| *person == PersonIndex(0))
                .map(|(_, dates)| dates)
                .collect()
        };
        let fresh = Touching::default().dates(&site, PersonIndex(0), swipe.happened_at, next);
        prop_assert_eq!(touching.dates(&site, PersonIndex(0), swipe.happened_at, next), fresh);
        for date in dates().filter(|date| touched.iter().any(|range| range.contains(*date))) {
            kept.insert(date, one(date, &known));
        }
        let rebuilt: BTreeMap<NaiveDate, Vec<Finding>> = dates().map(|date| (date, one(date, &known))).collect();
        prop_assert_eq!(&kept, &rebuilt);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_of_arrival_and_duplicates_do_not_matter(scenario in scenario(), now in instant(), seed in any::<u64>()) {
        let world = scenario.world();
        let site = SiteFacts::new(world.records.clone());
        let mut shuffled = world.swipes.clone();
        shuffled.extend(world.swipes.iter().take(3).copied());
        shuffled.sort_by_key(|swipe| (u64::from(swipe.id.0[7]) ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        prop_assert_eq!(judge(&site, all_dates(), &world.swipes, now), judge(&site, all_dates(), &shuffled, now));
    }

    #[test]
    fn dates_can_be_judged_one_by_one_from_their_window(scenario in scenario(), now in instant()) {
        let world = scenario.world();
        let site = SiteFacts::new(world.records.clone());
        let together = judge(&site, all_dates(), &world.swipes, now);
        let (mut findings, mut standings) = (Vec::new(), Vec::new());
        for date in DATES {
            let dates = DateRange::of_date(day(date));
            let window = site.swipe_window(PersonIndex(0), dates);
            let swipes: Vec<Swipe> = world.swipes.iter().filter(|swipe| window.contains(swipe.happened_at)).copied().collect();
            let apart = judge(&site, dates, &swipes, now);
            findings.extend(apart.findings);
            standings.extend(apart.standings);
        }
        prop_assert_eq!(&findings, &together.findings);
        prop_assert_eq!(standings.len(), together.standings.len());
        prop_assert!(standings.iter().all(|standing| together.standings.contains(standing)));
    }

    #[test]
    fn an_evaluator_says_the_same_whomever_it_judged_before(
        ana in scenario(), bo in scenario(), asked in vec((any::<bool>(), -12i64..6, 1i64..25, instant()), 1..6),
    ) {
        let world = ana.world_with(&bo);
        let site = SiteFacts::new(world.records.clone());
        let mut evaluator = Evaluator::new(&site);
        for (is_bo, first, days, now) in asked {
            let person = PersonIndex(u32::from(is_bo));
            let from = day(15) + TimeDelta::days(first);
            let dates = DateRange { from, until: from + TimeDelta::days(days) };
            let evaluate_alone = |dates| {
                evaluate(&PersonFacts { site: &site, person, dates, swipes: &world.swipes, known_at: None }, now)
            };
            let judged = evaluator.judge(person, dates, &world.swipes, now);
            prop_assert_eq!(judged, &evaluate_alone(dates));
            let by_date: Vec<Assessment> = dates.days().map(|date| evaluate_alone(DateRange::of_date(date))).collect();
            let findings: Vec<&Finding> = by_date.iter().flat_map(|apart| &apart.findings).collect();
            prop_assert_eq!(judged.findings.iter().collect::<Vec<_>>(), findings);
            let standings = || by_date.iter().flat_map(|apart| &apart.standings);
            prop_assert_eq!(judged.standings.len(), standings().count());
            prop_assert!(standings().all(|standing| judged.standings.contains(standing)));
        }
    }

    #[test]
    fn incremental_equals_rebuild_after_every_swipe(scenario in scenario(), now in instant(), seed in any::<u64>()) {
        incremental_equals_rebuild(&scenario.world(), now, seed)?;
    }

    /// Shifts that share the time between them, of which a leave takes the end: whoever swipes in that time swipes in a break that begins
    /// hours before the shift would have ended.
    #[test]
    fn incremental_equals_rebuild_where_a_leave_ends_a_shift(
        site in prop_oneof![Just(5usize), Just(9usize), 0..SITES.len()],
        half in proptest::option::of(any::<bool>()),
        leaves in vec((0i64..4, 0i64..240, 300i64..900), 1..3),
        swipes in vec((0i64..5, 0i64..1_440, 0u32..12), 0..10),
        now in instant(), seed in any::<u64>(),
    ) {
        let nothing = Scenario { site, swipes: Vec::new(), absences: Vec::new(), half, meetings: Vec::new(), permission: None, duties: Vec::new(), outages: Vec::new() };
        let mut world = nothing.world();
        let minute = |day: i64, minute: i64| moment(day, 0, (minute - ANCHORS[0]) * 60);
        for (day, after, length) in leaves {
            let from = minute(day, 1_320 + after);
            absent(&mut world, Interval::new(from, from + Span::from_minutes(length)));
        }
        for (day, at, reader) in swipes {
            let at = minute(day, at);
            world.swipes.push(swipe(at, at, BadgeIndex(0), ReaderIndex(reader)));
        }
        world.swipes.sort_by_key(|swipe| swipe.happened_at);
        world.swipes.dedup_by_key(|swipe| swipe.id);
        incremental_equals_rebuild(&world, now, seed)?;
    }

    #[test]
    fn between_facts_findings_change_only_at_named_deadlines(
        scenario in scenario(), start in instant(), between in vec(0.0f64..1.0, 3),
    ) {
        let world = scenario.world();
        let site = SiteFacts::new(world.records.clone());
        let mut now = start;
        let mut current = judge(&site, all_dates(), &world.swipes, now);
        for _ in 0..400 {
            let Some(next) = current.next_deadline else { break };
            prop_assert!(next > now);
            let length = (next - now).as_ms();
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "any instant between will do")]
            let inside = between.iter().map(|part| now + Span::from_ms((part * (length - 1) as f64) as i64));
            for at in inside.chain([next - Span::from_ms(1)]) {
                let same = judge(&site, all_dates(), &world.swipes, at);
                prop_assert_eq!(&same.findings, &current.findings);
                prop_assert_eq!(&same.standings, &current.standings);
                prop_assert_eq!(same.next_deadline, current.next_deadline);
            }
            now = next;
            current = judge(&site, all_dates(), &world.swipes, now);
        }
        prop_assert_eq!(current.next_deadline, None, "the deadlines of three dates come to an end");
        let much_later = judge(&site, all_dates(), &world.swipes, now + Span::from_minutes(60 * 24 * 400));
        prop_assert_eq!(&much_later.findings, &current.findings);
    }

    #[test]
    fn time_alone_changes_nothing_final_and_brings_nothing_back(scenario in scenario(), start in instant()) {
        let world = scenario.world();
        let site = SiteFacts::new(world.records.clone());
        let known: Vec<Swipe> = world.swipes.iter().filter(|swipe| swipe.happened_at <= start).copied().collect();
        let mut now = start;
        let mut gone: Vec<(NaiveDate, About, FindingKind)> = Vec::new();
        let mut current = judge(&site, all_dates(), &known, now);
        while let Some(next) = current.next_deadline {
            now = next;
            let later = judge(&site, all_dates(), &known, now);
            for finding in &current.findings {
                if finding.state == FindingState::Final {
                    prop_assert!(later.findings.contains(finding), "{} changed by {:?}", world.show(finding), later.findings);
                } else if !later.findings.iter().any(|kept| identity(kept) == identity(finding)) {
                    gone.push(identity(finding));
                    prop_assert!(
                        matches!(finding.kind, FindingKind::NotArrived | FindingKind::MeetingLate | FindingKind::WalkOut)
                            || finding.state == FindingState::Provisional && grows(finding.kind),
                        "{} disappeared", world.show(finding)
                    );
                }
            }
            let back = later.findings.iter().find(|finding| gone.contains(&identity(finding)));
            prop_assert!(back.is_none(), "{:?} came back", back);
            current = later;
        }
    }

    #[test]
    fn an_absence_over_the_whole_time_removes_every_finding(scenario in scenario(), now in instant()) {
        let mut world = scenario.world();
        let site = SiteFacts::new(world.records.clone());
        let Some(finding) = judge(&site, all_dates(), &world.swipes, now).findings.into_iter().next() else { return Ok(()) };
        let interval = match &finding.about {
            About::Period(name) => {
                let periods = site.periods_on(PersonIndex(0), finding.date);
                periods.iter().find(|period| period.of(&site).name == *name).expect("a judged period is planned").interval
            }
            About::Meeting(meeting) => {
                let meeting = &world.records.meetings[meeting.at()];
                Interval::new(meeting.starts, meeting.ends)
            }
            About::Duty(duty) => world.records.duties[duty.at()].interval,
            About::Date => unreachable!("evaluate says nothing about a date as a whole"),
        };
        absent(&mut world, interval);
        let site = SiteFacts::new(world.records.clone());
        let findings = judge(&site, all_dates(), &world.swipes, now).findings;
        prop_assert!(findings.iter().all(|other| (other.date, &other.about) != (finding.date, &finding.about)));
    }

    #[test]
    fn coverage_only_withholds(scenario in scenario(), now in instant()) {
        let world = scenario.world();
        let mut clear = world.clone();
        clear.records.outages.clear();
        let without = judge(&SiteFacts::new(clear.records), all_dates(), &world.swipes, now).findings;
        let with = judge(&SiteFacts::new(world.records.clone()), all_dates(), &world.swipes, now).findings;
        let said = |finding: &Finding| Finding { state: FindingState::Final, withheld_by: Vec::new(), ..finding.clone() };
        prop_assert_eq!(with.iter().map(said).collect::<Vec<_>>(), without.iter().map(said).collect::<Vec<_>>());
        prop_assert!(with.iter().all(|finding| (finding.state == FindingState::Withheld) != finding.withheld_by.is_empty()));
    }

    #[test]
    fn every_finding_and_every_fine_period_explains_itself(scenario in scenario(), now in instant()) {
        let world = scenario.world();
        let site = SiteFacts::new(world.records.clone());
        let facts = PersonFacts { site: &site, person: PersonIndex(0), dates: all_dates(), swipes: &world.swipes, known_at: None };
        let assessment = evaluate(&facts, now);
        let explanations = rules::explain(&facts, now);
        let explained: Vec<_> = explanations.iter().filter_map(|told| Some((told.date, told.about.clone(), told.finding?))).collect();
        prop_assert_eq!(explained, assessment.findings.iter().map(identity).collect::<Vec<_>>());
        for told in explanations.iter().filter(|told| told.finding.is_none()) {
            prop_assert!(assessment.findings.iter().all(|finding| (finding.date, &finding.about) != (told.date, &told.about)));
            prop_assert!(told.steps.len() > 2);
        }
    }
}

/// Kinds whose length may grow, and so their kind change, when a meeting that somebody was taken to attend goes on without them.
fn grows(kind: FindingKind) -> bool {
    matches!(kind, FindingKind::Late | FindingKind::SeriouslyLate)
}
