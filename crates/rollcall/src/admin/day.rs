//! One person's date: what is known of it, why it was judged so, and what to draw.

use std::collections::HashSet;

use chrono::NaiveDate;
use chrono_tz::Tz;
use rules::explain::{Explanation, Limit, Step};
use rules::facts::{DateRange, PersonFacts, SiteFacts};
use rules::finding::{About, FindingKind};
use rules::model::{DayKind, Facing, PersonIndex, PlaceIndex, Swipe};
use rules::time::{CivilTime, Instant, Interval, IntervalSet, Span, instant_of};
use rules::units::UnitScope;
use store::rows::FindingRow;
use store::{Ledger, Stored};

use super::directory::Directory;
use super::show;
use super::timeline::{Block, Day, Mark, Row};
use crate::engine::meetings;
use crate::shared::SiteSnapshot;
use crate::words::{self, Language, Value};

/// What is known and concluded of one person's date, or of one unit's meeting.
#[derive(Default)]
pub struct PersonDay {
    /// Their swipes on it, in order.
    pub swipes: Vec<Swipe>,
    /// Why everything on it is as it is.
    pub explanations: Vec<Explanation>,
}

/// Reads a person's swipes and explains the date again, as of `now`.
pub async fn load(
    ledger: &dyn Ledger,
    snapshot: &SiteSnapshot,
    person: PersonIndex,
    date: NaiveDate,
    now: Instant,
) -> Stored<PersonDay> {
    let site = &*snapshot.facts;
    let dates = DateRange::of_date(date);
    let rows = ledger
        .swipes(&snapshot.badge_keys_of(person), site.swipe_window(person, dates))
        .await?;
    let mut swipes = snapshot.swipes(&rows)?;
    let explanations = rules::explain(
        &PersonFacts {
            site,
            person,
            dates,
            swipes: &swipes,
            known_at: None,
        },
        now,
    );
    let zone = site.records().site.zone;
    let shown = Interval::new(midnight(date, zone), midnight(dates.until, zone));
    let on_duty: Vec<(Interval, PlaceIndex)> = explanations
        .iter()
        .flat_map(|it| &it.steps)
        .filter_map(duty_place)
        .collect();
    swipes.retain(|swipe| {
        let at = swipe.happened_at;
        let is_of_duty = |(window, place): &(Interval, PlaceIndex)| {
            window.contains(at) && site.place_of(swipe.reader, at) == Some(*place)
        };
        let is_shown = shown.contains(at) || on_duty.iter().any(is_of_duty);
        is_shown && site.holder(swipe.badge, at) == Some(person)
    });
    swipes.sort_by_key(|swipe| (swipe.happened_at, swipe.reader, swipe.sequence, swipe.id));
    Ok(PersonDay { swipes, explanations })
}

/// Explains again why a unit's findings of a meeting, or of a date outside meetings, are there.
pub async fn load_unit(
    ledger: &dyn Ledger,
    snapshot: &SiteSnapshot,
    (scope, unit): (UnitScope, &str),
    now: Instant,
) -> Stored<PersonDay> {
    let query = meetings::swipe_query(snapshot, scope);
    let rows = ledger.swipes(&query.badges, query.happened).await?;
    let swipes = snapshot.swipes(&rows)?;
    let explanations = rules::explain_meeting(&meetings::facts_of(&snapshot.facts, scope, &swipes), now);
    let units = &snapshot.facts.records().units;
    let own = explanations
        .into_iter()
        .filter(|(index, _)| &*units[index.at()].id == unit);
    Ok(PersonDay {
        swipes: Vec::new(),
        explanations: own.map(|(_, explanation)| explanation).collect(),
    })
}

/// What is known and concluded of the day, or of the meeting, that a finding is about.
pub async fn load_for(
    ledger: &dyn Ledger,
    snapshot: &SiteSnapshot,
    row: &FindingRow,
    date: NaiveDate,
    now: Instant,
) -> Stored<PersonDay> {
    let directory = Directory::of(&snapshot.facts);
    if let Some(person) = directory.person(&row.person) {
        return load(ledger, snapshot, person, date, now).await;
    }
    let scope = directory.scope_of(row, date).filter(|_| row.person.is_empty());
    match (scope, &row.unit) {
        (Some(scope), Some(unit)) => load_unit(ledger, snapshot, (scope, unit), now).await,
        _ => Ok(PersonDay::default()),
    }
}

/// When and where swipes say something of a duty, which may last beyond its date.
fn duty_place(step: &Step) -> Option<(Interval, PlaceIndex)> {
    const SEEN_LEAVING: Span = Span::from_minutes(30);
    let Step::Duty {
        interval,
        sign_in_opens,
        place,
        ..
    } = step
    else {
        return None;
    };
    Some((Interval::new(*sign_in_opens, interval.until + SEEN_LEAVING), *place))
}

fn midnight(date: NaiveDate, zone: Tz) -> Instant {
    instant_of(
        date,
        CivilTime::from_minutes(0).expect("midnight is a time of day"),
        zone,
    )
}

/// Which way a swipe went: what the source says, else how its reader stood then.
pub fn faces_of(site: &SiteFacts, swipe: &Swipe) -> Facing {
    let stand = site.stand_at(swipe.reader, swipe.happened_at);
    swipe
        .faces
        .unwrap_or_else(|| stand.map_or(Facing::Both, |stand| stand.faces))
}

/// Puts a day into words and colours for the picture.
pub struct Painter<'a> {
    /// The bureau.
    pub site: &'a SiteFacts,
    /// Its names.
    pub directory: &'a Directory<'a>,
    /// In which language.
    pub language: Language,
    /// Until when anything can be said.
    pub now: Instant,
}

impl Painter<'_> {
    /// The picture of a day.
    pub fn paint(&self, day: &PersonDay) -> Day {
        let steps = || day.explanations.iter().flat_map(|explanation| &explanation.steps);
        let mut blocks = Vec::new();
        for explanation in &day.explanations {
            blocks.extend(self.expected(explanation));
        }
        blocks.extend(steps().filter_map(|step| self.meeting(step)));
        blocks.extend(steps().filter_map(|step| self.duty(step)));
        let shown = Self::shown(&blocks, &day.swipes);
        blocks.extend(steps().filter_map(|step| self.absence(step, shown)));
        blocks.extend(self.verdicts(day));
        let mut seen = HashSet::new();
        blocks.retain(|block| seen.insert((block.row as u8, block.interval, block.class, block.label.clone())));
        blocks.sort_by_key(|block| {
            (
                block.row,
                super::timeline::is_inset(block),
                block.interval.from,
                block.interval.until,
            )
        });
        Day {
            blocks,
            marks: day.swipes.iter().map(|swipe| self.mark(swipe)).collect(),
        }
    }

    fn zone(&self) -> Tz {
        self.site.records().site.zone
    }

    fn mark(&self, swipe: &Swipe) -> Mark {
        let faces = faces_of(self.site, swipe);
        let label = format!(
            "{} {}",
            show::time(swipe.happened_at, self.zone()),
            show::facing(self.language, faces)
        );
        Mark {
            at: swipe.happened_at,
            faces,
            label,
        }
    }

    /// The period, and its grace over it.
    fn expected(&self, explanation: &Explanation) -> Vec<Block> {
        let Some(interval) = period_of(explanation) else {
            return Vec::new();
        };
        let label = show::times(interval, self.zone());
        let mut blocks = vec![Block {
            row: Row::Expected,
            interval,
            class: "expected",
            label,
        }];
        if let Some(grace) = grace_of(explanation).filter(|grace| grace.meets(interval)) {
            let label = words::text(self.language, "admin-grace", &[]);
            blocks.push(Block {
                row: Row::Expected,
                interval: grace.intersect(interval),
                class: "grace",
                label,
            });
        }
        blocks
    }

    fn meeting(&self, step: &Step) -> Option<Block> {
        let Step::Meeting { meeting, interval, .. } = step else {
            return None;
        };
        Some(Block {
            row: Row::Meetings,
            interval: *interval,
            class: "meeting",
            label: self.directory.title_of(*meeting),
        })
    }

    /// A duty, or one of its checks.
    fn duty(&self, step: &Step) -> Option<Block> {
        let check = |check_at: &Instant, window: Interval, class, key| {
            let time = [("time", Value::from(show::time(*check_at, self.zone())))];
            (window, class, words::text(self.language, key, &time))
        };
        let (interval, class, label) = match step {
            Step::Duty { duty, interval, .. } => {
                let duty = &self.site.records().duties[duty.at()];
                (*interval, "duty", show::plain(&words::duty(self.language, duty)))
            }
            Step::Proof { check_at, window, .. } => check(check_at, *window, "check-met", "admin-check-met"),
            Step::ProofMissed { check_at, window } => check(check_at, *window, "check-missed", "admin-check-missed"),
            _ => return None,
        };
        Some(Block {
            row: Row::Duties,
            interval,
            class,
            label,
        })
    }

    /// An absence or half holiday, as much of it as the picture shows.
    fn absence(&self, step: &Step, shown: Option<Interval>) -> Option<Block> {
        let (interval, label) = match step {
            Step::Absence { kind, interval, .. } => (*interval, show::absence_kind(self.language, kind)),
            Step::HalfHoliday { taken, .. } => (*taken, words::text(self.language, "admin-half-holiday", &[])),
            Step::Permission { interval } => (*interval, words::text(self.language, "admin-permission", &[])),
            _ => return None,
        };
        let interval = shown.map_or(interval, |shown| interval.intersect(shown));
        (!interval.is_empty()).then_some(Block {
            row: Row::Absences,
            interval,
            class: "absence",
            label,
        })
    }

    /// From the first to the last of what is expected or was seen.
    fn shown(blocks: &[Block], swipes: &[Swipe]) -> Option<Interval> {
        let swipes = swipes
            .iter()
            .map(|swipe| Interval::new(swipe.happened_at, swipe.happened_at.next()));
        let all = blocks.iter().map(|block| block.interval).chain(swipes);
        all.reduce(|all, one| Interval::new(all.from.min(one.from), all.until.max(one.until)))
    }

    /// The row of verdicts: what each finding is about, and between them what is in order or excused.
    fn verdicts(&self, day: &PersonDay) -> Vec<Block> {
        let mut wrong: Vec<Block> = Vec::new();
        for explanation in &day.explanations {
            wrong.extend(self.wrong(explanation));
        }
        let mut free = IntervalSet::default();
        for explanation in day
            .explanations
            .iter()
            .filter(|explanation| matches!(explanation.about, About::Period(_) | About::Duty(_)))
        {
            if let Some(whole) = whole_of(explanation) {
                free.insert(Interval::new(whole.from, whole.until.min(self.now)));
            }
        }
        for block in &wrong {
            free.subtract(block.interval);
        }
        let mut away = IntervalSet::default();
        let steps = day.explanations.iter().flat_map(|explanation| &explanation.steps);
        for taken in steps.filter_map(taken_out) {
            for piece in free.intervals().to_vec() {
                away.insert(piece.intersect(taken));
            }
            free.subtract(taken);
        }
        let block = |class, key| {
            move |interval: &Interval| Block {
                row: Row::Verdict,
                interval: *interval,
                class,
                label: words::text(self.language, key, &[]),
            }
        };
        wrong.extend(free.intervals().iter().map(block("v-fine", "admin-in-order")));
        wrong.extend(away.intervals().iter().map(block("v-away", "admin-away")));
        wrong
    }

    /// What a finding's explanation measures, as pieces of time; the whole period where it measures nothing.
    fn wrong(&self, explanation: &Explanation) -> Vec<Block> {
        let Some(kind) = explanation.finding else {
            return Vec::new();
        };
        let is_withheld = explanation
            .steps
            .iter()
            .any(|step| matches!(step, Step::Withheld { .. }));
        let class = if is_withheld { "v-withheld" } else { verdict_class(kind) };
        let length = explanation.steps.iter().find_map(|step| match step {
            Step::Concluded { length, .. } => *length,
            _ => None,
        });
        let mut pieces = self.measured(explanation, kind);
        if pieces.is_empty() {
            pieces.extend(whole_of(explanation).map(|whole| Interval::new(whole.from, whole.until.min(self.now))));
        }
        pieces.retain(|piece| !piece.is_empty());
        // The length is that of all pieces together: the first says it.
        let label = show::verdict(self.language, kind.name(), length, None, self.zone());
        let labels = std::iter::once(label).chain(std::iter::repeat(String::new()));
        pieces
            .into_iter()
            .zip(labels)
            .map(|(interval, label)| Block {
                row: Row::Verdict,
                interval,
                class,
                label,
            })
            .collect()
    }

    fn measured(&self, explanation: &Explanation, kind: FindingKind) -> Vec<Interval> {
        if matches!(
            kind,
            FindingKind::Absent
                | FindingKind::OverstayedLeave
                | FindingKind::MissingArrival
                | FindingKind::MissingDeparture
        ) {
            return Vec::new();
        }
        let ends = whole_of(explanation).map_or(self.now, |whole| whole.until);
        let until = ends.min(self.now);
        let pieces = explanation.steps.iter().filter_map(|step| match step {
            Step::Length { from, to, .. } => Some(Interval::new(*from, to.unwrap_or(until))),
            Step::Gap {
                from, to, counts: true, ..
            } => Some(Interval::new(*from, *to)),
            Step::ProofMissed { window, .. } => Some(*window),
            Step::NoSuccessor { until } => Some(Interval::new(ends, (*until).min(self.now))),
            Step::LeftBeforeSuccessor { left_at, came_at, .. } => Some(Interval::new(*left_at, *came_at)),
            Step::Exit { from, to, counts, .. } if *counts || kind == FindingKind::WalkingAbout => {
                Some(Interval::new(*from, to.unwrap_or(until)))
            }
            _ => None,
        });
        let mut set = IntervalSet::default();
        pieces.for_each(|piece| set.insert(piece));
        set.intervals().to_vec()
    }
}

/// The class of a finding's piece of the verdict row.
const fn verdict_class(kind: FindingKind) -> &'static str {
    match show::shape(kind).as_bytes() {
        b"late" | b"early" => "v-late",
        b"walk" => "v-walk",
        b"missing" => "v-missing",
        _ => "v-absent",
    }
}

/// The period as scheduled.
pub fn period_of(explanation: &Explanation) -> Option<Interval> {
    explanation.steps.iter().find_map(|step| match step {
        Step::Schedule { interval, .. } => Some(*interval),
        _ => None,
    })
}

/// The period, meeting or duty as announced.
fn whole_of(explanation: &Explanation) -> Option<Interval> {
    let announced = explanation.steps.iter().find_map(|step| match step {
        Step::Meeting { interval, .. } | Step::Duty { interval, .. } => Some(*interval),
        _ => None,
    });
    match explanation.about {
        About::Period(_) => period_of(explanation),
        About::Meeting(_) | About::Duty(_) => announced,
        About::Date => None,
    }
}

/// From when lateness counts to where the grace ends, if there is any.
fn grace_of(explanation: &Explanation) -> Option<Interval> {
    let due = explanation.steps.iter().find_map(|step| match step {
        Step::Due { at, .. } => Some(*at),
        _ => None,
    })?;
    let allowed = explanation.steps.iter().find_map(|step| match step {
        Step::Compared {
            limit: Limit::GraceLate,
            allowed,
            ..
        } => Some(*allowed),
        _ => None,
    })?;
    (allowed > Span::ZERO).then_some(Interval::new(due, due + allowed))
}

/// What an absence or a half holiday took out.
fn taken_out(step: &Step) -> Option<Interval> {
    match step {
        Step::Absence { interval, .. } => Some(*interval),
        Step::HalfHoliday {
            taken,
            kind: DayKind::MorningOff | DayKind::AfternoonOff,
        } => Some(*taken),
        _ => None,
    }
}
