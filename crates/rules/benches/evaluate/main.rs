//! How many person-days a second the rules judge on one core, beside DuckDB counting: `benches/run.sh evaluate`.
//!
//! 10,000 people, 250 working days, four swipes a day, about a tenth of the days not as they should be. In interleaved rounds: a
//! person's year at a time, as a rebuild does; DuckDB counting late, early, missing and absent over the same swipes; and, of some
//! of the people, one date at a time with the swipes of its window, as the engine does when a swipe arrives.

mod bureau;
mod duckdb;

use std::hint::black_box;
use std::time::Instant as Stopwatch;

use chrono::NaiveDate;
use rules::facts::{DateRange, PersonFacts, SiteFacts};
use rules::finding::{Finding, FindingKind};
use rules::model::{PersonIndex, Swipe};
use rules::time::{CivilTime, Instant, Span, instant_of};
use rules::{Evaluator, evaluate};

use crate::duckdb::DuckDb;

const PEOPLE: u32 = 10_000;
/// Of how many of them each date is judged by itself.
const PEOPLE_BY_DATE: u32 = 300;
const ROUNDS: usize = 5;

/// What DuckDB counts too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    late: u64,
    early: u64,
    missing: u64,
    absent: u64,
}

impl Counts {
    fn add(&mut self, findings: &[Finding]) {
        for finding in findings {
            match finding.kind {
                FindingKind::Late => self.late += 1,
                FindingKind::EarlyLeave => self.early += 1,
                FindingKind::MissingArrival | FindingKind::MissingDeparture => self.missing += 1,
                FindingKind::Absent | FindingKind::OverstayedLeave => self.absent += 1,
                other => panic!("{other:?} cannot come of these swipes"),
            }
        }
    }
}

struct Bench {
    site: SiteFacts,
    dates: Vec<NaiveDate>,
    swipes: Vec<Vec<Swipe>>,
    now: Instant,
}

/// How long something took, in seconds.
#[derive(Clone, Copy, Debug)]
pub struct Took {
    wall: f64,
    /// On a processor: what would have passed on a machine with nothing else to do.
    processor: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bench = Bench::new();
    let mut duckdb = DuckDb::start(&bench.dates, &bench.swipes)?;
    let (mut ratios, mut counted) = (Vec::new(), Counts::default());
    for round in 1..=ROUNDS {
        let year = timed(|| counted = bench.judge_years());
        let (mut by_batch, mut by_date) = (Counts::default(), Counts::default());
        let batch = timed(|| by_batch = bench.judge_batches());
        let date = timed(|| by_date = bench.judge_dates());
        assert_eq!(by_batch, by_date, "a batch at a time and a date at a time agree");
        println!("round {round}, person-days a second of wall time (of processor time):");
        let by_year = print_rate("a year at a time", year, bench.person_days(PEOPLE));
        print_rate("a batch at a time", batch, bench.person_days(PEOPLE_BY_DATE));
        print_rate("a date at a time", date, bench.person_days(PEOPLE_BY_DATE));
        if let Some(duckdb) = &mut duckdb {
            let (took, same) = duckdb.count()?;
            assert_eq!(counted, same, "DuckDB counts what the rules find");
            let beside = print_rate("counted by DuckDB", took, bench.person_days(PEOPLE));
            ratios.push((by_year.wall / beside.wall, by_year.processor / beside.processor));
        }
    }
    let swipes: usize = bench.swipes.iter().map(Vec::len).sum();
    println!("{counted:?} in {swipes} swipes");
    if !ratios.is_empty() {
        let median_of = |ratio: fn(&(f64, f64)) -> f64| {
            let mut sorted: Vec<f64> = ratios.iter().map(ratio).collect();
            sorted.sort_by(f64::total_cmp);
            sorted[sorted.len() / 2]
        };
        let (wall, processor) = (median_of(|ratio| ratio.0), median_of(|ratio| ratio.1));
        println!(
            "a year at a time beside DuckDB, median of {ROUNDS} rounds: {wall:.2} times ({processor:.2} of processor time)"
        );
    }
    Ok(())
}

fn print_rate(what: &str, took: Took, person_days: f64) -> Took {
    let rate = Took {
        wall: person_days / took.wall,
        processor: person_days / took.processor,
    };
    println!("  {what:<20} {:>12.0} ({:.0})", rate.wall, rate.processor);
    rate
}

fn timed(work: impl FnOnce()) -> Took {
    let (started, on_processor) = (Stopwatch::now(), on_processor());
    work();
    let wall = started.elapsed().as_secs_f64();
    let processor = on_processor
        .zip(self::on_processor())
        .map(|(before, after)| after - before);
    Took {
        wall,
        processor: processor.unwrap_or(wall),
    }
}

/// Seconds that this thread has been on a processor, where the system says so.
fn on_processor() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

impl Bench {
    fn new() -> Self {
        let dates = bureau::dates();
        let site = SiteFacts::new(bureau::records(PEOPLE, &dates));
        let swipes = (0..PEOPLE).map(|person| bureau::swipes_of(person, &dates)).collect();
        let last = dates[dates.len() - 1];
        let now = instant_of(last, CivilTime::NOON, bureau::ZONE) + Span::from_minutes(2 * 24 * 60);
        Self {
            site,
            dates,
            swipes,
            now,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a figure for people to read")]
    fn person_days(&self, people: u32) -> f64 {
        f64::from(people) * self.dates.len() as f64
    }

    fn facts<'a>(&'a self, person: u32, dates: DateRange, swipes: &'a [Swipe]) -> PersonFacts<'a> {
        PersonFacts {
            site: &self.site,
            person: PersonIndex(person),
            dates,
            swipes,
            known_at: None,
        }
    }

    fn judge_years(&self) -> Counts {
        let year = DateRange {
            from: self.dates[0],
            until: DateRange::of_date(self.dates[self.dates.len() - 1]).until,
        };
        let (mut counts, mut evaluator) = (Counts::default(), Evaluator::new(&self.site));
        for (person, swipes) in (0..).zip(&self.swipes) {
            let assessment = black_box(evaluator.judge(PersonIndex(person), year, swipes, self.now));
            counts.add(&assessment.findings);
        }
        counts
    }

    /// One date at a time of one person after the other, nothing shared.
    fn judge_dates(&self) -> Counts {
        let mut counts = Counts::default();
        for person in 0..PEOPLE_BY_DATE {
            for date in self.dates.iter().map(|date| DateRange::of_date(*date)) {
                let facts = self.facts(person, date, self.window(person, date));
                counts.add(&black_box(evaluate(&facts, self.now)).findings);
            }
        }
        counts
    }

    /// One date at a time of everybody, as the engine judges a batch.
    fn judge_batches(&self) -> Counts {
        let mut counts = Counts::default();
        for date in self.dates.iter().map(|date| DateRange::of_date(*date)) {
            let mut evaluator = Evaluator::new(&self.site);
            for person in 0..PEOPLE_BY_DATE {
                let swipes = self.window(person, date);
                let assessment = evaluator.judge(PersonIndex(person), date, swipes, self.now);
                counts.add(&black_box(assessment).findings);
            }
        }
        counts
    }

    /// The swipes that judging a date of a person needs.
    fn window(&self, person: u32, date: DateRange) -> &[Swipe] {
        let (window, swipes) = (
            self.site.swipe_window(PersonIndex(person), date),
            &self.swipes[person as usize],
        );
        let from = swipes.partition_point(|swipe| swipe.happened_at < window.from);
        let until = swipes.partition_point(|swipe| swipe.happened_at < window.until);
        &swipes[from..until]
    }
}
