//! The day of the demo comes to what its script intends, judged by the rules as the daemon judges it.

use std::collections::BTreeMap;

use rules::facts::{DateRange, PersonFacts, SiteFacts};
use rules::finding::{Finding, FindingKind, FindingState};
use rules::model::{MeetingIndex, Swipe};
use rules::time::{Instant, local_date};
use rules::units::UnitScope;

use super::bureau::{Bureau, instant_on, seconds_at};
use super::cast::{EARLY_LEAVES, LATE_ARRIVALS, Morning};
use super::{SEED, Story, site};
use crate::engine::meetings::facts_of;
use crate::folder::{self, FolderSwipe};

/// The demo's story, compiled.
struct Judged {
    bureau: Bureau,
    facts: SiteFacts,
    swipes: Vec<Swipe>,
}

impl Judged {
    fn of_the_demo() -> Self {
        let story = Story::invent(SEED);
        let directory = tempfile::tempdir().unwrap();
        let swipes: Vec<_> = story.past.iter().chain(&story.to_come).copied().collect();
        site::write(&story.bureau, &swipes, directory.path()).unwrap();
        let compiled = folder::compile(&folder::read_directory(directory.path()).unwrap()).unwrap();
        let problems: Vec<String> = compiled.problems.iter().map(|problem| problem.text().english).collect();
        assert!(
            problems.len() == 1 && problems[0].contains("7-4242"),
            "only the visitor's card is unknown: {problems:?}"
        );
        let swipes = compiled.swipes.iter().filter_map(FolderSwipe::judged).collect();
        Self {
            bureau: story.bureau,
            facts: SiteFacts::new(compiled.records),
            swipes,
        }
    }

    /// What holds on the shown date at an instant, as far as its swipes had happened.
    fn findings(&self, now: Instant) -> Vec<Finding> {
        let dates = DateRange::of_date(self.bureau.date);
        let people = self.facts.person_indexes();
        let of = |person| {
            let badges = self.facts.badges_of(person);
            let own = self
                .swipes
                .iter()
                .filter(|swipe| badges.contains(&swipe.badge) && swipe.happened_at <= now);
            let swipes: Vec<Swipe> = own.copied().collect();
            let facts = PersonFacts {
                site: &self.facts,
                person,
                dates,
                swipes: &swipes,
                known_at: None,
            };
            rules::evaluate(&facts, now).findings
        };
        people.flat_map(of).collect()
    }

    fn at(&self, hour: u32, minute: u32) -> Instant {
        instant_on(self.bureau.date, seconds_at(hour, minute))
    }
}

fn counts(findings: &[Finding]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.kind.name()).or_default() += 1;
    }
    counts
}

#[test]
fn one_unit_is_short_at_the_morning_meeting() {
    let judged = Judged::of_the_demo();
    let scope = UnitScope::Meeting(MeetingIndex(0));
    let meeting = facts_of(&judged.facts, scope, &judged.swipes);
    let findings = rules::evaluate_meeting(&meeting, judged.at(10, 0)).findings;
    assert_eq!(counts(&findings), BTreeMap::from([("unit_short", 1)]));
    let unit = findings[0].unit.expect("it is about a unit");
    assert_eq!(&*judged.facts.records().units[unit.at()].name, "财务审计科");
}

#[test]
fn the_morning_comes_to_what_the_script_intends() {
    let judged = Judged::of_the_demo();
    let early = counts(&judged.findings(judged.at(8, 30)));
    assert_eq!(early, BTreeMap::new(), "nobody is late while it is not half past eight");

    let late = judged.findings(judged.at(9, 55));
    assert_eq!(counts(&late)["late"], LATE_ARRIVALS.len());
    assert_eq!(counts(&late)["not_arrived"], 6);
    assert_eq!(counts(&late)["meeting_late"], 2);

    let walk_outs: Vec<_> = judged
        .findings(judged.at(9, 45))
        .into_iter()
        .filter(|finding| finding.kind == FindingKind::WalkOut)
        .collect();
    assert_eq!(walk_outs.len(), 2, "two have walked out: {walk_outs:?}");
    assert!(
        walk_outs.iter().all(|finding| finding.since.is_some()),
        "and are still out"
    );
    let walk_outs: Vec<_> = judged
        .findings(judged.at(9, 55))
        .into_iter()
        .filter(|finding| finding.kind == FindingKind::WalkOut)
        .collect();
    assert_eq!(
        walk_outs.iter().filter(|finding| finding.since.is_none()).count(),
        1,
        "one is back: {walk_outs:?}"
    );
}

#[test]
fn the_nights_before_are_on_the_duty_roster() {
    let judged = Judged::of_the_demo();
    let records = judged.facts.records();
    let said = records.duties.iter().map(|duty| {
        let badges = judged.facts.badges_of(duty.person);
        let witnesses = judged.facts.witnesses_of(duty.person);
        let theirs = witnesses.iter().flat_map(|witness| judged.facts.badges_of(*witness));
        let known: Vec<_> = badges.iter().chain(theirs).collect();
        let swipes: Vec<Swipe> = judged
            .swipes
            .iter()
            .filter(|swipe| known.contains(&&swipe.badge))
            .copied()
            .collect();
        let facts = PersonFacts {
            site: &judged.facts,
            person: duty.person,
            dates: DateRange::of_date(local_date(duty.interval.from, records.site.zone)),
            swipes: &swipes,
            known_at: None,
        };
        let findings = rules::evaluate(&facts, judged.at(23, 0)).findings;
        let kinds: Vec<&str> = findings.iter().map(|finding| finding.kind.name()).collect();
        format!("{}: {}", duty.id, kinds.join(" "))
    });
    assert_eq!(
        said.collect::<Vec<_>>(),
        ["night-0914: ", "night-0915: duty_left handover_missing", "day-0916: "]
    );
}

#[test]
fn the_whole_day_comes_to_what_the_script_intends() {
    let judged = Judged::of_the_demo();
    // All windows of the date have closed by noon of the next one.
    let findings = judged.findings(Instant::from_ms(judged.at(12, 0).as_ms() + 24 * 3_600_000));
    assert!(
        findings.iter().all(|finding| finding.state == FindingState::Final),
        "{findings:#?}"
    );
    let never = judged
        .bureau
        .today()
        .parts
        .iter()
        .filter(|part| part.morning == Morning::Never)
        .count();
    let study = &judged.bureau.gatherings[1];
    let never_and_asked_to_study = study
        .roster
        .iter()
        .filter(|&&person| judged.bureau.today().parts[person].morning == Morning::Never)
        .count();
    let expected = BTreeMap::from([
        ("late", LATE_ARRIVALS.len()),
        ("absent", 2 * never),
        ("early_leave", EARLY_LEAVES.len()),
        ("missing_departure", 2),
        ("meeting_late", 2 + 1),
        ("meeting_absent", 3 + never_and_asked_to_study),
        ("meeting_early_leave", 1 + 1),
        ("walk_out", 1),
        ("walking_about", 1),
    ]);
    assert_eq!(counts(&findings), expected);
}
