//! When people are to be there: schedules, the calendar, who follows what, and who is away with leave.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use chrono_tz::Tz;
use rules::model::{
    Absence, Assignment, AssignmentSubject, CalendarDay, DayKind, Id, LateAllowance, LateCountsFrom, Period,
    PeriodSettings, Schedule, Side,
};
use rules::time::{CivilTime, Interval, Span};

use super::bureau::FirstLines;
use super::compile::Draft;
use super::document::{Document, Node};
use super::gathering::{Cells, each_row};
use super::period_defaults::PeriodDefaults;
use super::problem::{Code, Problem, Problems};
use super::shipped;
use super::source::{SiteSource, Table, TableFile};
use super::values;

/// The parameters of a period, which `[period_defaults]` may set for all.
pub(super) const PERIOD_PARAMETERS: [&str; 14] = [
    "arrive_from",
    "arrive_until",
    "leave_from",
    "leave_until",
    "grace_late_minutes",
    "grace_early_minutes",
    "serious_after_minutes",
    "absent_after_minutes",
    "flex_minutes",
    "late_counts_from",
    "step_out_allowance_minutes",
    "early_leave_shown_after_minutes",
    "arrive",
    "leave",
];

/// Longest length in minutes that a setting may have: two days.
const MINUTES_MAX: i64 = 2_880;

const MONDAY_TO_FRIDAY: [bool; 7] = [true, true, true, true, true, false, false];

/// Sets what a table sets; a key that says nothing usable is a problem and leaves its setting as it was.
pub(super) fn apply_settings(node: &Node<'_>, settings: &mut PeriodSettings) -> Vec<Problem> {
    let mut problems = Vec::new();
    let time = |key| node.civil_time(key).map(|time| time.map(Some));
    set(&mut settings.arrive_from, time("arrive_from"), &mut problems);
    set(&mut settings.arrive_until, time("arrive_until"), &mut problems);
    set(&mut settings.leave_from, time("leave_from"), &mut problems);
    set(&mut settings.leave_until, time("leave_until"), &mut problems);
    let minutes = |key| {
        node.integer(key, 0, MINUTES_MAX)
            .map(|minutes| minutes.map(Span::from_minutes))
    };
    let some = |span: Result<Option<Span>, Problem>| span.map(|span| span.map(Some));
    set(&mut settings.grace_late, minutes("grace_late_minutes"), &mut problems);
    set(&mut settings.grace_early, minutes("grace_early_minutes"), &mut problems);
    set(
        &mut settings.serious_after,
        some(minutes("serious_after_minutes")),
        &mut problems,
    );
    set(
        &mut settings.absent_after,
        some(minutes("absent_after_minutes")),
        &mut problems,
    );
    set(&mut settings.flex, minutes("flex_minutes"), &mut problems);
    set(
        &mut settings.step_out_allowance,
        some(minutes("step_out_allowance_minutes")),
        &mut problems,
    );
    set(
        &mut settings.early_leave_shown_after,
        minutes("early_leave_shown_after_minutes"),
        &mut problems,
    );
    let counts_from = [
        ("start", LateCountsFrom::Start),
        ("grace_end", LateCountsFrom::GraceEnd),
    ];
    set(
        &mut settings.late_counts_from,
        node.choice("late_counts_from", &counts_from),
        &mut problems,
    );
    let sides = [("required", Side::Required), ("free", Side::Free)];
    set(&mut settings.arrive, node.choice("arrive", &sides), &mut problems);
    set(&mut settings.leave, node.choice("leave", &sides), &mut problems);
    problems
}

fn set<T>(setting: &mut T, value: Result<Option<T>, Problem>, problems: &mut Vec<Problem>) {
    match value {
        Ok(Some(value)) => *setting = value,
        Ok(None) => {}
        Err(problem) => problems.push(problem),
    }
}

/// `schedules.toml`.
pub(super) fn schedules(source: &SiteSource, defaults: &PeriodDefaults, draft: &mut Draft, problems: &mut Problems) {
    let document = Document::parse("schedules.toml", &source.schedules, problems);
    let top = document.top();
    top.warn_of_other_keys(&["schedule"], problems);
    let mut first_lines: HashMap<(Id, Option<NaiveDate>), u64> = HashMap::new();
    let mut written = Vec::new();
    for node in top.tables("schedule", problems) {
        node.warn_of_other_keys(&["id", "from", "until", "period", "late_allowance"], problems);
        let Some(schedule) = problems.keep(edition(&node)) else {
            continue;
        };
        if let Some(first) = first_lines.get(&(schedule.id.clone(), schedule.from)) {
            problems.add(node.problem(Code::Duplicate, "id").with("first", first));
            continue;
        }
        first_lines.insert((schedule.id.clone(), schedule.from), node.line());
        // What is wrong is said once, whichever defaults the periods are read with.
        let mut said = Vec::new();
        let read = defaults.editions.iter().map(|(_, settings)| {
            let mut wrong = Problems::default();
            let periods = periods(&node, settings, &mut wrong);
            said.extend(wrong.into_sorted());
            periods
        });
        let periods: Vec<Vec<Period>> = read.collect();
        for (position, problem) in said.iter().enumerate() {
            if !said[..position].contains(problem) {
                problems.add(problem.clone());
            }
        }
        let allowances = node.tables("late_allowance", problems);
        let late_allowances = allowances
            .iter()
            .filter_map(|node| late_allowance(node, problems))
            .collect();
        let schedule = Schedule {
            late_allowances,
            ..schedule
        };
        written.push((schedule, periods));
    }
    draft.records.schedules = defaults.in_force(written);
}

fn edition(node: &Node<'_>) -> Result<Schedule, Problem> {
    let id: Id = node.required("id", node.text("id"))?.into();
    if &*id == NO_SCHEDULE {
        return Err(node
            .problem(Code::ValueInvalid, "id")
            .with("value", id)
            .with("allowed", "office, night, …"));
    }
    let (from, until) = (node.date("from")?, node.date("until")?);
    if let (Some(from), Some(until)) = (from, until)
        && until <= from
    {
        return Err(node
            .problem(Code::IntervalEmpty, "until")
            .with("from", from)
            .with("until", until));
    }
    Ok(Schedule {
        id,
        from,
        until,
        periods: Vec::new(),
        late_allowances: Vec::new(),
    })
}

fn periods(schedule: &Node<'_>, defaults: &PeriodSettings, problems: &mut Problems) -> Vec<Period> {
    let mut periods: Vec<Period> = Vec::new();
    for node in schedule.tables("period", problems) {
        let known = [&["name", "starts", "ends", "weekdays"][..], &PERIOD_PARAMETERS].concat();
        node.warn_of_other_keys(&known, problems);
        let mut settings = defaults.clone();
        let wrong = apply_settings(&node, &mut settings);
        let is_good = wrong.is_empty();
        problems.extend(wrong);
        // A period of which one setting cannot be read would judge people by a rule that nobody wrote.
        let Some(period) = problems.keep(period(&node, settings)).filter(|_| is_good) else {
            continue;
        };
        let same_day = |other: &Period| other.weekdays.iter().zip(period.weekdays).any(|(a, b)| *a && b);
        if periods.iter().any(|other| other.name == period.name && same_day(other)) {
            problems.add(node.problem(Code::Duplicate, "name").with("first", schedule.line()));
            continue;
        }
        periods.push(period);
    }
    periods.sort_by_key(|period| (period.starts, period.ends));
    periods
}

fn period(node: &Node<'_>, settings: PeriodSettings) -> Result<Period, Problem> {
    let name = node.required("name", node.text("name"))?.into();
    let starts = node.required("starts", node.civil_time("starts"))?;
    let ends = node.required("ends", node.civil_time("ends"))?;
    let weekdays = node.weekdays("weekdays")?.unwrap_or(MONDAY_TO_FRIDAY);
    if !(0..1_440).contains(&starts.as_minutes()) {
        return Err(node.problem(Code::TimeInvalid, "starts").with("value", clock(starts)));
    }
    if ends <= starts {
        return Err(node
            .problem(Code::IntervalEmpty, "ends")
            .with("from", clock(starts))
            .with("until", clock(ends)));
    }
    for (key, from, until) in [
        ("arrive_from", settings.arrive_from, Some(ends)),
        ("leave_until", Some(starts), settings.leave_until),
    ] {
        if let (Some(from), Some(until)) = (from, until)
            && until <= from
        {
            return Err(node
                .problem(Code::IntervalEmpty, key)
                .with("from", clock(from))
                .with("until", clock(until)));
        }
    }
    Ok(Period {
        name,
        starts,
        ends,
        weekdays,
        settings,
    })
}

fn late_allowance(node: &Node<'_>, problems: &mut Problems) -> Option<LateAllowance> {
    node.warn_of_other_keys(&["left_after", "may_arrive_until"], problems);
    let left_after = problems.keep(node.required("left_after", node.civil_time("left_after")))?;
    let may_arrive_until = problems.keep(node.required("may_arrive_until", node.civil_time("may_arrive_until")))?;
    Some(LateAllowance {
        left_after,
        may_arrive_until,
    })
}

/// A time of day as the files write it.
fn clock(time: CivilTime) -> String {
    let minutes = time.as_minutes();
    let (day, of_day) = (minutes.div_euclid(1_440), minutes.rem_euclid(1_440));
    let suffix = if day == 0 { String::new() } else { format!("{day:+}") };
    format!("{:02}:{:02}{suffix}", of_day / 60, of_day % 60)
}

/// What `calendar.csv` may say of a date; `ordinary` takes back what the calendar that comes with Rollcall says.
const DAY_KINDS: [(&str, Option<DayKind>); 5] = [
    ("holiday", Some(DayKind::Holiday)),
    ("workday", Some(DayKind::Workday)),
    ("morning_off", Some(DayKind::MorningOff)),
    ("afternoon_off", Some(DayKind::AfternoonOff)),
    ("ordinary", None),
];

/// `calendar.csv`, over the calendar that the site chooses.
pub(super) fn calendar(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let none = Table::default();
    let table = source.tables.get(&TableFile::Calendar).unwrap_or(&none);
    let dated = dated_rows(table, draft.zone(), problems);
    let written: HashSet<NaiveDate> = dated.iter().map(|(date, _)| *date).collect();
    draft
        .records
        .calendar
        .extend(dated.into_iter().filter_map(|(_, day)| day));
    shipped::add(source, &written, draft, problems);
}

/// What is wrong with the rows of a calendar.
pub fn calendar_problems(table: &Table, zone: Tz) -> Vec<Problem> {
    let mut problems = Problems::default();
    dated_rows(table, zone, &mut problems);
    problems.into_sorted()
}

/// The good rows of a calendar: each date, and the day that it is made; none where it is what the week says.
pub(super) fn dated_rows(table: &Table, zone: Tz, problems: &mut Problems) -> Vec<(NaiveDate, Option<CalendarDay>)> {
    let mut lines = FirstLines::<NaiveDate>::default();
    let mut dated = Vec::new();
    each_row(TableFile::Calendar, Some(table), zone, problems, |cells| {
        let date = cells.date("date")?;
        cells.require("kind")?;
        let kind = cells.choice("kind", &DAY_KINDS)?.expect("the cell is not empty");
        let acts_as = cells.get("acts_as").map(|text| {
            let days = "mon, tue, wed, thu, fri, sat, sun";
            values::weekday(text).ok_or_else(|| cells.wrong(Code::ValueInvalid, "acts_as", text).with("allowed", days))
        });
        let acts_as = acts_as.transpose()?;
        lines.refuse_second(&cells, date)?;
        let text = |column| cells.get(column).map(Id::from);
        let day = kind.map(|kind| CalendarDay {
            date,
            kind,
            name: text("name"),
            acts_as,
            source: text("source"),
        });
        dated.push((date, day));
        Ok(())
    });
    dated
}

/// How `assignments.csv` says that somebody has no office hours.
const NO_SCHEDULE: &str = "none";

/// `assignments.csv`.
pub(super) fn assignments(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let known: HashSet<Id> = draft
        .records
        .schedules
        .iter()
        .map(|schedule| schedule.id.clone())
        .collect();
    let mut starts = FirstLines::<(String, rules::time::Instant)>::default();
    draft.rows(source, TableFile::Assignments, problems, |draft, cells| {
        let subject = assignment_subject(draft, &cells)?;
        let schedule = match cells.require("schedule")? {
            NO_SCHEDULE => None,
            _ => Some(cells.find_id("schedule", Code::ScheduleUnknown, |id| known.contains(id))?),
        };
        let interval = cells.interval("from", "until")?;
        starts.refuse_second(&cells, (cells.require("subject")?.to_owned(), interval.from))?;
        draft.records.assignments.push(Assignment {
            subject,
            schedule,
            interval,
        });
        Ok(())
    });
}

fn assignment_subject(draft: &Draft, cells: &Cells<'_>) -> Result<AssignmentSubject, Problem> {
    let text = cells.require("subject")?;
    let (kind, id) = text.split_once(':').unwrap_or(("", text));
    let id = id.trim();
    let unknown = |code| cells.wrong(code, "subject", id);
    match kind.trim() {
        "unit" => draft
            .units
            .get(id)
            .map(|unit| AssignmentSubject::Unit(*unit))
            .ok_or_else(|| unknown(Code::UnitUnknown)),
        "person" => draft
            .people
            .get(id)
            .map(|person| AssignmentSubject::Person(*person))
            .ok_or_else(|| unknown(Code::PersonUnknown)),
        _ => Err(cells
            .wrong(Code::ValueInvalid, "subject", text)
            .with("allowed", "unit:ID, person:ID")),
    }
}

/// `absences.csv`.
pub(super) fn absences(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let mut lines = FirstLines::default();
    draft.rows(source, TableFile::Absences, problems, |draft, cells| {
        let id = cells.require("absence")?;
        let person = cells.find("person", Code::PersonUnknown, |id| draft.people.get(id).copied())?;
        let kind = cells.require("kind")?.into();
        let approved = cells.required_interval("from", "until")?;
        let returned_at = cells.optional_instant("returned_at")?;
        lines.refuse_second(&cells, id.to_owned())?;
        // Somebody who is back before the absence begins has taken none of it.
        let until = returned_at.map_or(approved.until, |returned| returned.clamp(approved.from, approved.until));
        let interval = Interval::new(approved.from, until);
        draft.records.absences.push(Absence {
            id: id.into(),
            person,
            kind,
            interval,
            approved_until: approved.until,
        });
        Ok(())
    });
}
