//! Which occurrences a calendar has in a window: rules expanded, exceptions taken out, moved and changed occurrences in their place.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant as Monotonic};

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta};
use rules::time::{Instant, Interval, Span};

use super::event::{Event, Feed, Moment};
use super::recurrence;
use crate::folder::{Code, Problem};

/// Most occurrences that a calendar may have in a window.
const OCCURRENCES_MAX: usize = 20_000;

/// How many people all of them together may be asked for.
const ASKED_MAX: usize = 1_000_000;

/// How far an occurrence may be moved from where its rule puts it: so much around the window is expanded too.
const MOVED_DAYS_MAX: u64 = 31;

/// How long the expansion of one calendar may take; a calendar that takes longer was made to.
pub const EXPANSION_LIMIT: Duration = Duration::from_secs(10);

/// Something that takes place.
#[derive(Clone, Debug)]
pub struct Occurrence<'a> {
    /// The entry that says what holds of it.
    pub event: &'a Event,
    /// Which one of the series it is, by where its rule puts it; `None` for what comes once.
    pub of_series: Option<Instant>,
    /// When it begins.
    pub starts: Instant,
    /// When it ends.
    pub ends: Instant,
    /// The date on which it begins, on its own clocks.
    pub date: NaiveDate,
    /// Whether it is whole days, and has no time of day.
    pub is_all_day: bool,
}

/// What a calendar has in a window.
#[derive(Debug, Default)]
pub struct Expanded<'a> {
    /// What takes place, by when it begins.
    pub occurrences: Vec<Occurrence<'a>>,
    /// What does not take place and is said not to: uid, and which occurrence; `None` for all of them.
    pub cancelled: Vec<(&'a str, Option<Instant>)>,
    /// The uids whose rules cannot be expanded.
    pub unread: Vec<&'a str>,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Expands a calendar. `file` names it in problems.
pub fn expand<'a>(file: &str, feed: &'a Feed, window: Interval) -> Result<Expanded<'a>, Problem> {
    let deadline = Monotonic::now() + EXPANSION_LIMIT;
    let mut expanded = Expanded::default();
    let mut asked = 0;
    for (uid, events) in by_uid(&feed.events) {
        let series = Series::of(uid, events);
        let before = expanded.occurrences.len();
        if let Err((event, reason)) = series.expand(window, &mut expanded) {
            let problem = Problem::of_file(&event.file, Code::EventRuleUnusable).at_row(event.line);
            expanded
                .problems
                .push(problem.with("value", &event.title).with("reason", reason));
            expanded.unread.push(uid);
        }
        let new = expanded.occurrences[before..].iter();
        asked += new.map(|occurrence| occurrence.event.attendees.len()).sum::<usize>();
        let is_too_much = expanded.occurrences.len() > OCCURRENCES_MAX || asked > ASKED_MAX;
        if is_too_much || Monotonic::now() > deadline {
            return Err(Problem::of_file(file, Code::EventTooMany).with("count", OCCURRENCES_MAX));
        }
    }
    expanded.occurrences.sort_by_key(|occurrence| occurrence.starts);
    Ok(expanded)
}

fn by_uid(events: &[Event]) -> BTreeMap<&str, Vec<&Event>> {
    let mut groups: BTreeMap<&str, Vec<&Event>> = BTreeMap::new();
    for event in events {
        groups.entry(&event.uid).or_default().push(event);
    }
    groups
}

/// What is called by one uid: the series, and what is said of single occurrences.
struct Series<'a> {
    uid: &'a str,
    master: Option<&'a Event>,
    /// By the instant that they stand for.
    overrides: BTreeMap<Instant, &'a Event>,
    /// Those that stand for all after them too.
    changes: BTreeMap<Instant, &'a Event>,
}

impl<'a> Series<'a> {
    fn of(uid: &'a str, events: Vec<&'a Event>) -> Self {
        let mut series = Self {
            uid,
            master: None,
            overrides: BTreeMap::new(),
            changes: BTreeMap::new(),
        };
        for event in events {
            match event.recurrence_id {
                None => series.master = Some(series.master.map_or(event, |other| newer(other, event))),
                Some(id) => {
                    let kept = if event.and_future {
                        &mut series.changes
                    } else {
                        &mut series.overrides
                    };
                    let at = id.instant();
                    kept.entry(at)
                        .and_modify(|other| *other = newer(other, event))
                        .or_insert(event);
                }
            }
        }
        series
    }

    fn expand(&self, window: Interval, expanded: &mut Expanded<'a>) -> Result<(), (&'a Event, String)> {
        let mut originals = match self.master {
            Some(master) => originals(master, window).map_err(|reason| (master, reason))?,
            None => BTreeMap::new(),
        };
        self.take_exceptions(&mut originals, expanded);
        for (id, event) in &self.overrides {
            let id = self.original_of(*id, event, &originals);
            originals.remove(&id);
            if event.cancelled {
                expanded.cancelled.push((self.uid, Some(id)));
            } else {
                add(event, Some(id), event.start, event.length, window, expanded);
            }
        }
        let is_series = self.is_series();
        for (at, (moment, length)) in originals {
            let Some((event, moment, length)) = self.changed(at, moment, length) else {
                continue;
            };
            if event.cancelled {
                expanded.cancelled.push((self.uid, is_series.then_some(at)));
            } else {
                add(event, is_series.then_some(at), moment, length, window, expanded);
            }
        }
        if is_series && self.master.is_some_and(|master| master.cancelled) {
            expanded.cancelled.push((self.uid, None));
        }
        Ok(())
    }

    /// Whether its occurrences need a name of their own each.
    fn is_series(&self) -> bool {
        let comes_again = |master: &Event| !master.rules.is_empty() || !master.more.is_empty();
        self.master.is_none_or(comes_again) || !self.overrides.is_empty() || !self.changes.is_empty()
    }

    fn take_exceptions(&self, originals: &mut Originals, expanded: &mut Expanded<'a>) {
        let Some(master) = self.master else { return };
        // A date instead of a time means whatever comes on it.
        let means_date = |except: &&Moment| except.is_date && !master.start.is_date;
        let dates = master.except.iter().filter(means_date);
        let dates: BTreeSet<NaiveDate> = dates.map(|except| except.civil.date()).collect();
        let instants = master.except.iter().filter(|except| !means_date(except));
        let mut gone: BTreeSet<Instant> = instants.map(|except| except.instant()).collect();
        let on_dates = originals
            .iter()
            .filter(|(_, (moment, _))| dates.contains(&moment.civil.date()));
        gone.extend(on_dates.map(|(at, _)| *at));
        for at in gone {
            originals.remove(&at);
            expanded.cancelled.push((self.uid, Some(at)));
        }
    }

    /// Which original an override stands for: some programs write a date where the series has times.
    fn original_of(&self, id: Instant, event: &Event, originals: &Originals) -> Instant {
        let (Some(written), Some(master)) = (event.recurrence_id, self.master) else {
            return id;
        };
        if !written.is_date || master.start.is_date {
            return id;
        }
        let on_date = |(_, (moment, _)): &(&Instant, &(Moment, Span))| moment.civil.date() == written.civil.date();
        originals.iter().find(on_date).map_or(id, |(at, _)| *at)
    }

    /// An occurrence as the last change of all that follow makes it.
    fn changed(&self, at: Instant, moment: Moment, length: Span) -> Option<(&'a Event, Moment, Span)> {
        let Some((id, event)) = self.changes.range(..=at).next_back() else {
            return Some((self.master?, moment, length));
        };
        let original = self.master?.start.zone.civil(*id);
        let shift: TimeDelta = event.start.civil - original;
        let civil = moment.civil.checked_add_signed(shift)?;
        let moved = Moment {
            civil,
            zone: event.start.zone,
            is_date: event.start.is_date,
        };
        Some((event, moved, event.length))
    }
}

/// The later of two versions of the same.
fn newer<'a>(one: &'a Event, other: &'a Event) -> &'a Event {
    if (other.sequence, other.stamp) >= (one.sequence, one.stamp) {
        other
    } else {
        one
    }
}

/// Where the rules of a series put its occurrences, by instant.
type Originals = BTreeMap<Instant, (Moment, Span)>;

fn originals(master: &Event, window: Interval) -> Result<Originals, String> {
    let start = master.start;
    let mut originals: Originals = BTreeMap::new();
    let mut put = |moment: Moment, length: Span| {
        originals.entry(moment.instant()).or_insert((moment, length));
    };
    put(start, master.length);
    let around = (
        earlier(start.zone.civil(window.from)),
        later(start.zone.civil(window.until)),
    );
    for rule in &master.rules {
        let until = match &rule.until {
            None => None,
            Some(written) => Some(until_on_clocks(written, start).ok_or("UNTIL")?),
        };
        let times = recurrence::civil_times(rule, start.civil, until, around).map_err(|error| error.to_string())?;
        for civil in times {
            put(Moment { civil, ..start }, master.length);
        }
    }
    for (moment, length) in &master.more {
        put(*moment, length.unwrap_or(master.length));
    }
    Ok(originals)
}

/// `UNTIL` on the clocks of the series, whatever it was written in: programs write it in UTC, without a zone, or as a date.
fn until_on_clocks(written: &calcard::common::PartialDateTime, start: Moment) -> Option<NaiveDateTime> {
    let read = written.to_date_time()?;
    if !written.has_time() {
        return read.date_time.date().and_hms_opt(23, 59, 59);
    }
    Some(match read.offset {
        Some(offset) => start
            .zone
            .civil(super::zone::Zone::Fixed(offset).instant(read.date_time)),
        None => read.date_time,
    })
}

fn earlier(civil: NaiveDateTime) -> NaiveDateTime {
    civil.checked_sub_days(Days::new(MOVED_DAYS_MAX)).unwrap_or(civil)
}

fn later(civil: NaiveDateTime) -> NaiveDateTime {
    civil.checked_add_days(Days::new(MOVED_DAYS_MAX)).unwrap_or(civil)
}

fn add<'a>(
    event: &'a Event,
    of_series: Option<Instant>,
    moment: Moment,
    length: Span,
    window: Interval,
    expanded: &mut Expanded<'a>,
) {
    let starts = moment.instant();
    if window.contains(starts) {
        expanded.occurrences.push(Occurrence {
            event,
            of_series,
            starts,
            ends: starts + length,
            date: moment.civil.date(),
            is_all_day: moment.is_date,
        });
    }
}
