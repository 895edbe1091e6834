//! Counting 累计: confirmed findings of one subject that add up, and what follows from it.
//!
//! A rule counts findings of some kinds within a window. A finding counts once for a rule: in a calendar window the rule yields
//! once, by the finding that reaches the count; in a rolling window counting starts anew after that finding. Findings that stand
//! in for each other (late, then seriously late) are one. A finding is counted by the edition of the rule that was in force on
//! its date, and by no other.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use chrono::{Datelike, Days, NaiveDate};

use crate::explain::{Explanation, Step};
use crate::finding::{About, Finding, FindingKind, FindingState};
use crate::model::{Id, Subject, Unit, UnitIndex};
use crate::time::Instant;

/// An edition of an escalation rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EscalationRule {
    /// Its identifier, which its editions share.
    pub id: Id,
    /// What people call it; the id where no name was given.
    pub name: Id,
    /// What it counts; never escalations.
    pub kinds: Vec<FindingKind>,
    /// How many it takes, at least 1.
    pub count: u32,
    /// Within which time.
    pub within: Window,
    /// What follows: 谈话提醒, 书面检查, ….
    pub yields: Id,
    /// The first date whose findings it counts; `None` is the first of all.
    pub from: Option<NaiveDate>,
    /// The date from which on it counts none.
    pub until: Option<NaiveDate>,
    /// The units whose people it counts, with all below them; empty is everybody.
    pub units: Vec<UnitIndex>,
}

/// A time within which findings add up, by the dates of the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Window {
    /// So many dates up to and with that of the finding that reaches the count; at least 1.
    Days(u32),
    /// A calendar month.
    Month,
    /// A calendar quarter.
    Quarter,
    /// A calendar year.
    Year,
}

/// A finding that may count.
#[derive(Clone, Copy, Debug)]
pub struct Countable<'a> {
    /// Whom it is about.
    pub subject: Subject,
    /// Their unit then.
    pub unit: Option<UnitIndex>,
    /// Its date.
    pub date: NaiveDate,
    /// The period or meeting, by name or id; empty where it is about neither.
    pub place: &'a str,
    /// The duty or observation that it comes from.
    pub source: Option<&'a str>,
    /// What it is.
    pub kind: FindingKind,
    /// When it should have been, which orders the findings of a date.
    pub due: Option<Instant>,
}

/// A count that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Whom it is about.
    pub subject: Subject,
    /// Their unit at the finding that reached it.
    pub unit: Option<UnitIndex>,
    /// The date of the finding that reached it.
    pub date: NaiveDate,
    /// The position of the rule's edition among those given.
    pub rule: usize,
    /// The positions of the findings that count among those given, in order.
    pub evidence: Vec<usize>,
}

impl<'a> Countable<'a> {
    /// What it is one finding by, whatever its kind has become.
    fn identity(&self) -> (NaiveDate, &'a str, Option<&'a str>, FindingKind) {
        (self.date, self.place, self.source, self.kind.family())
    }
}

impl Window {
    /// The first date of the window that ends with a date.
    pub fn first(self, date: NaiveDate) -> NaiveDate {
        let start_of_month = |month| NaiveDate::from_ymd_opt(date.year(), month, 1).unwrap_or(date);
        match self {
            Self::Days(days) => {
                let before = u64::from(days.saturating_sub(1));
                date.checked_sub_days(Days::new(before)).unwrap_or(NaiveDate::MIN)
            }
            Self::Month => start_of_month(date.month()),
            Self::Quarter => start_of_month(date.month0() / 3 * 3 + 1),
            Self::Year => start_of_month(1),
        }
    }
}

impl EscalationRule {
    /// Whether this edition counts findings of a date.
    pub fn is_in_force(&self, date: NaiveDate) -> bool {
        self.from.is_none_or(|from| from <= date) && self.until.is_none_or(|until| date < until)
    }
}

impl FindingKind {
    /// The kind by whose name all that can take each other's place are known: what is late becomes absent, and the other way
    /// round, and remains one finding.
    #[must_use]
    pub const fn family(self) -> Self {
        match self {
            Self::NotArrived | Self::SeriouslyLate | Self::Absent | Self::OverstayedLeave => Self::Late,
            Self::DutyAbsent => Self::DutyLate,
            Self::MeetingAbsent => Self::MeetingLate,
            Self::MeetingEarlyLeave => Self::WalkOut,
            Self::UnitShort => Self::UnitAbsent,
            other => other,
        }
    }

    /// How much a kind weighs among those of its family; 0 is least.
    pub const fn severity(self) -> u8 {
        match self {
            Self::Late | Self::DutyAbsent | Self::MeetingAbsent | Self::MeetingEarlyLeave | Self::UnitAbsent => 1,
            Self::SeriouslyLate => 2,
            Self::Absent | Self::OverstayedLeave => 3,
            _ => 0,
        }
    }
}

impl Reached {
    /// The finding that says so.
    pub fn finding(&self, rules: &[EscalationRule]) -> Finding {
        Finding {
            subject: self.subject,
            unit: self.unit,
            date: self.date,
            about: About::Date,
            kind: FindingKind::Escalation,
            state: FindingState::Final,
            length: None,
            due: None,
            actual: None,
            since: None,
            source: rules.get(self.rule).map(|rule| rule.id.clone()),
            by_lateness: false,
            withheld_by: Vec::new(),
            swipes: Vec::new(),
        }
    }
}

/// Counts findings by rules. The findings may come in any order and more than once; only what people confirmed should be given.
/// The result is in order of subject, date and rule.
pub fn count(rules: &[EscalationRule], units: &[Unit], findings: &[Countable<'_>]) -> Vec<Reached> {
    let mut reached = Vec::new();
    for positions in by_subject(findings).into_values() {
        let ordered = without_stand_ins(findings, positions);
        let mut counts: BTreeMap<(usize, NaiveDate), VecDeque<usize>> = BTreeMap::new();
        for position in ordered {
            let finding = &findings[position];
            for rule in editions_counting(rules, units, finding) {
                reached.extend(add(&rules[rule], rule, position, findings, &mut counts));
            }
        }
    }
    reached.sort_by_key(|reached| (reached.subject, reached.date, reached.rule));
    reached
}

/// Adds one finding to a rule's count; tells whether that reaches it.
fn add(
    rule: &EscalationRule,
    edition: usize,
    position: usize,
    findings: &[Countable<'_>],
    counts: &mut BTreeMap<(usize, NaiveDate), VecDeque<usize>>,
) -> Option<Reached> {
    let finding = &findings[position];
    let first = rule.within.first(finding.date);
    let is_rolling = matches!(rule.within, Window::Days(_));
    let window = if is_rolling { NaiveDate::MIN } else { first };
    let counted = counts.entry((edition, window)).or_default();
    if is_rolling {
        while counted.front().is_some_and(|earliest| findings[*earliest].date < first) {
            counted.pop_front();
        }
    }
    counted.push_back(position);
    if counted.len() != rule.count as usize {
        return None;
    }
    let evidence: Vec<usize> = counted.iter().copied().collect();
    if is_rolling {
        counted.clear();
    }
    Some(Reached {
        subject: finding.subject,
        unit: finding.unit,
        date: finding.date,
        rule: edition,
        evidence,
    })
}

fn by_subject(findings: &[Countable<'_>]) -> BTreeMap<Subject, Vec<usize>> {
    let mut subjects: BTreeMap<Subject, Vec<usize>> = BTreeMap::new();
    for (position, finding) in findings.iter().enumerate() {
        subjects.entry(finding.subject).or_default().push(position);
    }
    subjects
}

/// The findings of one subject in order, each once: of those that stand in for each other the one that weighs most.
fn without_stand_ins(findings: &[Countable<'_>], mut positions: Vec<usize>) -> Vec<usize> {
    positions.sort_by_key(|position| {
        let finding = &findings[*position];
        (finding.identity(), core::cmp::Reverse(finding.kind.severity()))
    });
    positions.dedup_by_key(|position| findings[*position].identity());
    positions.sort_by_key(|position| {
        let finding = &findings[*position];
        (finding.date, finding.due, finding.place, finding.source, finding.kind)
    });
    positions
}

/// The editions that count a finding: of each rule at most the one that is in force on its date, which is the latest.
fn editions_counting<'a>(
    rules: &'a [EscalationRule],
    units: &'a [Unit],
    finding: &'a Countable<'_>,
) -> impl Iterator<Item = usize> + 'a {
    let in_force = move |rule: &EscalationRule| rule.is_in_force(finding.date);
    rules.iter().enumerate().filter_map(move |(position, rule)| {
        let is_latest = |(other, later): (usize, &EscalationRule)| {
            later.id != rule.id || !in_force(later) || (later.from, other) <= (rule.from, position)
        };
        let counts = in_force(rule)
            && rules.iter().enumerate().all(is_latest)
            && finding.kind != FindingKind::Escalation
            && rule.kinds.contains(&finding.kind)
            && is_of(&rule.units, units, finding.unit);
        counts.then_some(position)
    })
}

/// Whether a unit is one of these or below one.
fn is_of(asked: &[UnitIndex], units: &[Unit], mut unit: Option<UnitIndex>) -> bool {
    if asked.is_empty() {
        return true;
    }
    // Units are a tree; the bound holds even where they were not.
    for _ in 0..=units.len() {
        let Some(index) = unit else { return false };
        if asked.contains(&index) {
            return true;
        }
        unit = units.get(index.at()).and_then(|unit| unit.parent);
    }
    false
}

/// Why a count was reached: the rule, each finding that counts, and what follows. `references` name the findings, in the order
/// of those given to [`count`].
pub fn explain(
    rules: &[EscalationRule],
    findings: &[Countable<'_>],
    references: &[Id],
    reached: &Reached,
) -> Explanation {
    let mut steps = Vec::new();
    let rule = rules.get(reached.rule);
    if let Some(rule) = rule {
        steps.push(Step::EscalationRule {
            rule: rule.id.clone(),
            name: rule.name.clone(),
            from: rule.from,
            kinds: rule.kinds.clone(),
            count: rule.count,
            within: rule.within,
            units: rule.units.clone(),
        });
    }
    for (number, position) in (1..).zip(&reached.evidence) {
        if let (Some(finding), Some(reference)) = (findings.get(*position), references.get(*position)) {
            steps.push(Step::Counted {
                number,
                date: finding.date,
                place: finding.place.into(),
                kind: finding.kind,
                finding: reference.clone(),
            });
        }
    }
    if let Some(rule) = rule {
        steps.push(Step::CountReached {
            count: rule.count,
            first: rule.within.first(reached.date),
            date: reached.date,
            yields: rule.yields.clone(),
        });
    }
    Explanation {
        date: reached.date,
        about: About::Date,
        finding: Some(FindingKind::Escalation),
        source: rule.map(|rule| rule.id.clone()),
        steps,
    }
}
