//! A bureau in a few words, and its findings in a few more, so that a test reads as a timeline.
//!
//! The site: clauses separated by `;`, such as `hours 08:30-12:00 13:30-17:30; grace 5m`. The timeline: one fact a line. Times are
//! `HH:MM[:SS[.mmm]]` on Wednesday 2026-09-16, or `DD/HH:MM` on another day of that month.
#![expect(clippy::panic, reason = "a test that is written wrongly should say so at once")]

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{NaiveDate, Weekday};
use chrono_tz::Tz;
use rules::facts::{DateRange, PersonFacts, SiteFacts};
use rules::finding::{About, Assessment, Finding, FindingState};
use rules::model::*;
use rules::time::{CivilTime, Instant, Interval, Span, instant_of};
use rules::units::{MeetingAssessment, MeetingFacts, UnitScope};
use rules::{evaluate, evaluate_meeting};

/// Beginning of time for open intervals.
pub const ALWAYS: Interval = Interval::new(Instant::from_ms(0), Instant::from_ms(i64::MAX / 4));

/// A bureau with its swipes.
#[derive(Clone, Debug)]
pub struct World {
    pub records: SiteRecords,
    pub swipes: Vec<Swipe>,
    pub now: Option<Instant>,
    pub known_at: Option<Instant>,
    pub dates: DateRange,
}

pub fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 9, day).expect("a day of September")
}

fn id(text: &str) -> Id {
    Arc::from(text)
}

impl World {
    /// A site by its clauses: people ana and bo with badges of the same names, gates, two meeting rooms and a place for the watch.
    pub fn new(site: &str) -> Self {
        let world = Self {
            records: empty(),
            swipes: Vec::new(),
            now: None,
            known_at: None,
            dates: DateRange::of_date(day(16)),
        };
        world.clauses(site)
    }

    /// Adds clauses of the site.
    pub fn clauses(mut self, site: &str) -> Self {
        for clause in site.split(';').map(str::trim).filter(|clause| !clause.is_empty()) {
            self.clause(clause);
        }
        self
    }

    /// Adds facts, one a line.
    pub fn with(mut self, timeline: &str) -> Self {
        for line in timeline.lines().map(str::trim).filter(|line| !line.is_empty()) {
            self.line(line);
        }
        self
    }

    fn clause(&mut self, clause: &str) {
        let words: Vec<&str> = clause.split_whitespace().collect();
        match words[..] {
            ["hours", ..] => self.hours(&words[1..]),
            ["person", name, unit, ref rest @ ..] => self.person(name, unit, rest),
            ["zone", zone] => self.records.site.zone = zone.parse::<Tz>().expect("a zone"),
            ["every", "day"] => self.records.schedules[0]
                .periods
                .iter_mut()
                .for_each(|period| period.weekdays = [true; 7]),
            ["late", "stay", left_after, may_arrive_until] => {
                let row = LateAllowance {
                    left_after: civil(left_after),
                    may_arrive_until: civil(may_arrive_until),
                };
                self.records.schedules[0].late_allowances.push(row);
            }
            [place @ ("hall" | "watch"), "pairing", pairing] => {
                let place = self.place(place);
                self.records.places[place.at()].pairing = match pairing {
                    "alternate" => Pairing::Alternate,
                    "directed" => Pairing::Directed,
                    _ => Pairing::First,
                }
            }
            [name @ ("morning" | "afternoon" | "night" | "evening"), ..] => {
                let periods = self
                    .records
                    .schedules
                    .iter_mut()
                    .flat_map(|schedule| &mut schedule.periods);
                periods
                    .filter(|period| &*period.name == name)
                    .for_each(|period| set(&mut period.settings, &words[1..]));
            }
            _ => {
                let periods = self
                    .records
                    .schedules
                    .iter_mut()
                    .flat_map(|schedule| &mut schedule.periods);
                periods.for_each(|period| set(&mut period.settings, &words));
            }
        }
    }

    fn hours(&mut self, spans: &[&str]) {
        let names: &[&str] = if spans.len() == 1 {
            &["day"]
        } else {
            &["morning", "afternoon", "evening"]
        };
        let mut schedule = Schedule {
            id: id("office"),
            from: None,
            until: None,
            periods: Vec::new(),
            late_allowances: Vec::new(),
        };
        for (span, name) in spans.iter().zip(names) {
            schedule.periods.push(period(name, span));
        }
        self.records.schedules.push(schedule);
        if self.records.assignments.is_empty() {
            let subject = AssignmentSubject::Unit(UnitIndex(0));
            self.records.assignments.push(Assignment {
                subject,
                schedule: Some(id("office")),
                interval: ALWAYS,
            });
        }
    }

    /// An instant of a line: `HH:MM`, `DD/HH:MM`.
    pub fn at(&self, text: &str) -> Instant {
        let (date, time) = text
            .split_once('/')
            .map_or((16, text), |(date, time)| (date.parse().expect("a day"), time));
        let mut parts = time.split(':');
        let (hours, minutes) = (parts.next().expect("hours"), parts.next().expect("minutes"));
        let (seconds, milliseconds) = parts.next().map_or((0, 0), |seconds| match seconds.split_once('.') {
            Some((seconds, milliseconds)) => (
                seconds.parse().expect("seconds"),
                milliseconds.parse().expect("milliseconds"),
            ),
            None => (seconds.parse().expect("seconds"), 0),
        });
        let base = instant_of(day(date), civil(&format!("{hours}:{minutes}")), self.records.site.zone);
        base + Span::from_seconds(seconds) + Span::from_ms(milliseconds)
    }

    pub fn interval(&self, text: &str) -> Interval {
        let (from, until) = text.split_once('-').expect("an interval");
        Interval::new(self.at(from), self.at(until))
    }

    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["now", at] => self.now = Some(self.at(at)),
            ["known", at] => self.known_at = Some(self.at(at)),
            ["dates", from, until] => {
                self.dates = DateRange {
                    from: day(from.parse().expect("a day")),
                    until: day(until.parse().expect("a day")),
                };
            }
            ["leave", interval, ref rest @ ..] => self.leave(interval, rest),
            [
                kind @ ("holiday" | "workday" | "morning_off" | "afternoon_off"),
                date,
                ref rest @ ..,
            ] => self.calendar(kind, date, rest),
            ["meeting", interval, place, ref rest @ ..] => self.meeting(interval, place, rest),
            ["duty", interval, ref rest @ ..] => self.duty(interval, rest),
            ["check", at] => {
                let at = self.at(at);
                let duty = self.records.duties.last_mut().expect("a duty");
                duty.checks_at.push(at);
            }
            ["permit", interval] => {
                let interval = self.interval(interval);
                let meeting = self.records.meetings.last_mut().expect("a meeting");
                meeting.permissions.push(Permission {
                    person: PersonIndex(0),
                    interval,
                });
            }
            ["stands", "in", substitute, "for", named] => {
                let accepted = Substitution {
                    person: self.who(named),
                    substitute: self.who(substitute),
                    accepted_by: None,
                    accepted_at: None,
                };
                self.last_meeting().substitutions.push(accepted);
            }
            ["substitutes", allowed] => {
                self.last_meeting().substitutes = match allowed {
                    "none" => Substitutes::None,
                    "within_unit" => Substitutes::WithinUnit,
                    _ => Substitutes::WithApproval,
                };
            }
            ["sends", unit, at_least, ref rest @ ..] => self.obligation(unit, at_least, rest),
            ["extended", until] => self.last_meeting().extended_until = Some(self.at(until)),
            ["closed", at] => self.last_meeting().closed_early_at = Some(self.at(at)),
            ["observed", subject, kind, at] => self.observation(subject, kind, at),
            ["down", reader, interval] => {
                let (from, until) = interval.split_once('-').expect("an interval");
                let down_until = (!until.is_empty()).then(|| self.at(until));
                let outage = Outage {
                    reader: self.reader(reader),
                    down_from: self.at(from),
                    down_until,
                };
                self.records.outages.push(outage);
            }
            [at, badge, direction, ref rest @ ..] => self.swipe(at, badge, direction, rest),
            _ => panic!("what does {line:?} say?"),
        }
    }

    fn leave(&mut self, interval: &str, rest: &[&str]) {
        let interval = self.interval(interval);
        let approved_until = if let ["approved", until] = rest {
            self.at(until)
        } else {
            interval.until
        };
        self.records.absences.push(Absence {
            id: id(&format!("a{}", self.records.absences.len())),
            person: PersonIndex(0),
            kind: id("leave"),
            interval,
            approved_until,
        });
    }

    fn calendar(&mut self, kind: &str, date: &str, rest: &[&str]) {
        let kind = match kind {
            "holiday" => DayKind::Holiday,
            "workday" => DayKind::Workday,
            "morning_off" => DayKind::MorningOff,
            _ => DayKind::AfternoonOff,
        };
        let acts_as = rest
            .first()
            .map(|weekday| weekday.parse::<Weekday>().expect("a weekday"));
        let date = day(date.parse().expect("a day"));
        self.records.calendar.push(CalendarDay {
            date,
            kind,
            name: None,
            acts_as,
            source: None,
        });
    }

    fn meeting(&mut self, interval: &str, place: &str, rest: &[&str]) {
        let interval = self.interval(interval);
        let place = self.place(place);
        let mut meeting = Meeting {
            roster: vec![RosterEntry {
                person: PersonIndex(0),
                role: Role::Required,
                seat: None,
            }],
            ..Meeting::new(
                id(&format!("m{}", self.records.meetings.len())),
                id("meeting"),
                place,
                interval,
            )
        };
        for pair in rest.chunks(2) {
            match *pair {
                ["opens", at] => meeting.sign_in_opens = self.at(at),
                ["grace", minutes] => meeting.late_grace = span(minutes),
                ["absent", minutes] => meeting.absent_after = span(minutes),
                ["late_absent", minutes] => meeting.late_absent_after = Some(span(minutes)),
                ["early", minutes] => meeting.early_grace = span(minutes),
                ["role", "optional"] => meeting.roster[0].role = Role::Optional,
                ["roster", "none"] => meeting.roster.clear(),
                _ => panic!("what does {pair:?} say of a meeting?"),
            }
        }
        self.records.meetings.push(meeting);
    }

    /// Somebody more, with a badge of the same name: unit, then `rank N`, `head yes`.
    fn person(&mut self, name: &str, unit: &str, rest: &[&str]) {
        let mut added = person(name);
        let stint = &mut added.stints[0];
        stint.unit = self.unit(unit);
        for pair in rest.chunks(2) {
            match *pair {
                ["rank", rank] => stint.rank = Some(rank.parse().expect("a rank")),
                ["head", _] => stint.head = true,
                _ => panic!("what does {pair:?} say of a person?"),
            }
        }
        let person = PersonIndex(u32::try_from(self.records.people.len()).expect("few people"));
        self.records.people.push(added);
        self.records.badges.push(Badge {
            key: id(name),
            grants: vec![BadgeGrant {
                interval: ALWAYS,
                person,
            }],
        });
    }

    fn obligation(&mut self, unit: &str, at_least: &str, rest: &[&str]) {
        let mut obligation = Obligation {
            unit: self.unit(unit),
            at_least: at_least.parse().expect("a number"),
            min_rank: None,
            head_required: false,
        };
        for pair in rest.chunks(2) {
            match *pair {
                ["rank", rank] => obligation.min_rank = Some(rank.parse().expect("a rank")),
                ["head", _] => obligation.head_required = true,
                _ => panic!("what does {pair:?} say of what a unit sends?"),
            }
        }
        self.last_meeting().obligations.push(obligation);
    }

    /// At the last meeting, if there is one.
    fn observation(&mut self, subject: &str, kind: &str, at: &str) {
        let is_unit = self.records.units.iter().any(|unit| *unit.id == *subject);
        let subject = if is_unit {
            Subject::Unit(self.unit(subject))
        } else {
            Subject::Person(self.who(subject))
        };
        let meeting = self.records.meetings.len().checked_sub(1);
        let observation = Observation {
            id: id(&format!("o{}", self.records.observations.len())),
            subject,
            kind: if kind == "seating" {
                ObservationKind::Seating
            } else {
                ObservationKind::Conduct
            },
            meeting: meeting.map(|last| MeetingIndex(u32::try_from(last).expect("few meetings"))),
            at: self.at(at),
            observer: id("inspector"),
            note: None,
        };
        self.records.observations.push(observation);
    }

    fn last_meeting(&mut self) -> &mut Meeting {
        self.records.meetings.last_mut().expect("a meeting")
    }

    pub fn who(&self, name: &str) -> PersonIndex {
        let position = self.records.people.iter().position(|person| *person.id == *name);
        PersonIndex(u32::try_from(position.expect("a person")).expect("few people"))
    }

    fn unit(&self, name: &str) -> UnitIndex {
        let position = self.records.units.iter().position(|unit| *unit.id == *name);
        UnitIndex(u32::try_from(position.expect("a unit")).expect("few units"))
    }

    /// A duty of ana at the watch, by its interval and pairs such as `of bo`, `at room`, `over 1` (the number of a duty).
    fn duty(&mut self, interval: &str, rest: &[&str]) {
        let (interval, place) = (self.interval(interval), self.place("watch"));
        let mut duty = Duty::new(
            id(&format!("d{}", self.records.duties.len())),
            PersonIndex(0),
            place,
            interval,
        );
        for pair in rest.chunks(2) {
            match *pair {
                ["of", "bo"] => duty.person = PersonIndex(1),
                ["at", place] => duty.place = self.place(place),
                ["over", number] => duty.hands_over_to = Some(DutyIndex(number.parse().expect("a number"))),
                ["checks", number] => duty.checks_drawn = number.parse().expect("a number"),
                ["seed", seed] => duty.check_seed = Some(id(seed)),
                _ => panic!("what does {pair:?} say of a duty?"),
            }
        }
        self.records.duties.push(duty);
    }

    /// `in`, `out` and `both` are readers of the gate; `in@hall` one of the hall.
    fn reader(&self, text: &str) -> ReaderIndex {
        let name = if text.contains('@') {
            text.to_owned()
        } else {
            format!("{text}@gate")
        };
        let position = self.records.readers.iter().position(|reader| *reader.id == *name);
        ReaderIndex(u32::try_from(position.unwrap_or_else(|| panic!("no reader {name}"))).expect("few readers"))
    }

    fn place(&self, text: &str) -> PlaceIndex {
        let position = self.records.places.iter().position(|place| *place.id == *text);
        PlaceIndex(u32::try_from(position.expect("a place")).expect("few places"))
    }

    fn swipe(&mut self, at: &str, badge: &str, direction: &str, rest: &[&str]) {
        let happened_at = self.at(at);
        let received_at = if let ["received", at] = rest {
            self.at(at)
        } else {
            happened_at
        };
        let badge = self
            .records
            .badges
            .iter()
            .position(|known| *known.key == *badge)
            .expect("a badge");
        let badge = BadgeIndex(u32::try_from(badge).expect("few badges"));
        self.swipes
            .push(swipe(happened_at, received_at, badge, self.reader(direction)));
    }

    /// What the rules say of ana.
    pub fn assess(&self) -> Assessment {
        self.assess_person(PersonIndex(0))
    }

    fn assess_person(&self, person: PersonIndex) -> Assessment {
        let site = SiteFacts::new(self.records.clone());
        let now = self.now.unwrap_or_else(|| self.at("20/12:00"));
        let facts = PersonFacts {
            site: &site,
            person,
            dates: self.dates,
            swipes: &self.swipes,
            known_at: self.known_at,
        };
        evaluate(&facts, now)
    }

    /// What the rules say of the last meeting as a whole.
    pub fn assess_meeting(&self) -> MeetingAssessment {
        let site = SiteFacts::new(self.records.clone());
        let last = self.records.meetings.len().checked_sub(1).expect("a meeting");
        let facts = MeetingFacts {
            site: &site,
            scope: UnitScope::Meeting(MeetingIndex(u32::try_from(last).expect("few meetings"))),
            swipes: &self.swipes,
            known_at: self.known_at,
        };
        evaluate_meeting(&facts, self.now.unwrap_or_else(|| self.at("20/12:00")))
    }

    /// What is said of the last meeting as a whole, one finding or stranger a line; `fine` where there is none.
    pub fn told_of_meeting(&self) -> String {
        let assessment = self.assess_meeting();
        let unit = |unit: UnitIndex| &self.records.units[unit.at()].id;
        let name = |person: PersonIndex| &self.records.people[person.at()].id;
        let mut lines: Vec<String> = assessment
            .findings
            .iter()
            .map(|finding| format!("{} {}", unit(finding.unit.expect("a unit")), self.show(finding)))
            .collect();
        lines.extend(assessment.proposals.iter().map(|proposal| {
            let (who, at) = (name(proposal.substitute), self.clock(proposal.arrived_at));
            format!("{} proposes {who} {at}", unit(proposal.unit))
        }));
        lines.extend(assessment.unlisted.iter().map(|unlisted| {
            let at = self.clock(unlisted.arrived_at);
            format!("unlisted {} {at}", name(unlisted.person))
        }));
        if lines.is_empty() {
            String::from("fine")
        } else {
            lines.join("\n")
        }
    }

    /// One finding in words.
    pub fn show(&self, finding: &Finding) -> String {
        let mut text = String::new();
        if self.dates != DateRange::of_date(day(16)) {
            write!(text, "{} ", finding.date.format("%d")).expect("a string");
        }
        match &finding.about {
            About::Period(name) => text.push_str(name),
            About::Meeting(meeting) => text.push_str(&self.records.meetings[meeting.at()].id),
            About::Duty(duty) => text.push_str(&self.records.duties[duty.at()].id),
            About::Date => text.push_str("date"),
        }
        write!(text, " {}", finding.kind.name()).expect("a string");
        if finding.by_lateness {
            text.push_str(" by lateness");
        }
        if let Some(length) = finding.length {
            write!(text, " {}m", length.shown_minutes()).expect("a string");
        }
        for (name, at) in [
            ("due", finding.due),
            ("actual", finding.actual),
            ("since", finding.since),
        ] {
            if let Some(at) = at {
                write!(text, " {name} {}", self.clock(at)).expect("a string");
            }
        }
        match finding.state {
            FindingState::Final => {}
            FindingState::Provisional => text.push_str(" (provisional)"),
            FindingState::Withheld => {
                let readers = finding.withheld_by.iter().map(|(reader, since)| {
                    format!("{} since {}", self.records.readers[reader.at()].id, self.clock(*since))
                });
                write!(text, " (withheld: {})", readers.collect::<Vec<_>>().join(", ")).expect("a string");
            }
        }
        text
    }

    pub fn clock(&self, at: Instant) -> String {
        let local = at.to_utc().with_timezone(&self.records.site.zone);
        let day = local.format("%d").to_string();
        let day = if day == "16" { String::new() } else { format!("{day}/") };
        let text = local.format("%H:%M:%S%.3f").to_string();
        let text = text.trim_end_matches(".000");
        format!("{day}{}", text.strip_suffix(":00").unwrap_or(text))
    }

    /// Every finding of ana, one a line; `fine` where there is none.
    pub fn told(&self) -> String {
        self.told_of("ana")
    }

    /// Every finding of somebody, one a line; `fine` where there is none.
    pub fn told_of(&self, name: &str) -> String {
        let findings = self.assess_person(self.who(name)).findings;
        let lines: Vec<String> = findings.iter().map(|finding| self.show(finding)).collect();
        if lines.is_empty() {
            String::from("fine")
        } else {
            lines.join("\n")
        }
    }
}

pub fn swipe(happened_at: Instant, received_at: Instant, badge: BadgeIndex, reader: ReaderIndex) -> Swipe {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&happened_at.as_ms().to_be_bytes());
    bytes[8..12].copy_from_slice(&badge.0.to_be_bytes());
    bytes[12..].copy_from_slice(&reader.0.to_be_bytes());
    Swipe {
        id: SwipeId(bytes),
        reader,
        badge,
        happened_at,
        received_at,
        sequence: None,
        faces: None,
    }
}

pub fn civil(text: &str) -> CivilTime {
    let (text, days) = text.strip_suffix("+1").map_or((text, 0), |text| (text, 1));
    let (hours, minutes) = text.split_once(':').expect("HH:MM");
    let minutes = hours.parse::<i32>().expect("hours") * 60 + minutes.parse::<i32>().expect("minutes");
    CivilTime::from_minutes(minutes + days * 1440).expect("in range")
}

pub fn span(text: &str) -> Span {
    Span::from_minutes(text.trim_end_matches('m').parse().expect("minutes"))
}

pub fn period(name: &str, span: &str) -> Period {
    let (starts, ends) = span.split_once('-').expect("a span");
    let weekdays = [true, true, true, true, true, false, false];
    Period {
        name: id(name),
        starts: civil(starts),
        ends: civil(ends),
        weekdays,
        settings: PeriodSettings::default(),
    }
}

/// Sets one period parameter.
pub fn set(settings: &mut PeriodSettings, words: &[&str]) {
    let (name, value) = (words[0], words[1]);
    match name {
        "grace" => settings.grace_late = span(value),
        "early" => settings.grace_early = span(value),
        "serious" => settings.serious_after = Some(span(value)),
        "absent" => settings.absent_after = Some(span(value)),
        "flex" => settings.flex = span(value),
        "stepout" => settings.step_out_allowance = Some(span(value)),
        "shown" => settings.early_leave_shown_after = span(value),
        "counts" => settings.late_counts_from = LateCountsFrom::GraceEnd,
        "arrive" => settings.arrive = Side::Free,
        "leave" => settings.leave = Side::Free,
        "arrive_from" => settings.arrive_from = Some(civil(value)),
        "arrive_until" => settings.arrive_until = Some(civil(value)),
        "leave_from" => settings.leave_from = Some(civil(value)),
        "leave_until" => settings.leave_until = Some(civil(value)),
        _ => panic!("no parameter {name}"),
    }
}

fn empty() -> SiteRecords {
    let place = |name: &str, kind| Place {
        id: id(name),
        name: id(name),
        kind,
        pairing: Pairing::First,
    };
    let mut readers = Vec::new();
    for (place, name) in (0..).zip(["gate", "hall", "room", "watch"]) {
        for (direction, faces) in [("in", Facing::In), ("out", Facing::Out), ("both", Facing::Both)] {
            let stands = vec![Stand {
                interval: ALWAYS,
                place: PlaceIndex(place),
                faces,
            }];
            readers.push(Reader {
                id: id(&format!("{direction}@{name}")),
                stands,
            });
        }
    }
    let people: Vec<Person> = ["ana", "bo"].into_iter().map(person).collect();
    let badges = (0..).zip(["ana", "bo"]).map(|(index, key)| Badge {
        key: id(key),
        grants: vec![BadgeGrant {
            interval: ALWAYS,
            person: PersonIndex(index),
        }],
    });
    let site = Site {
        since: Instant::from_ms(1_577_808_000_000),
        ..Site::of_zone(id("bureau"), chrono_tz::Asia::Shanghai)
    };
    SiteRecords {
        units: vec![
            Unit {
                id: id("bureau"),
                parent: None,
                name: id("bureau"),
            },
            Unit {
                id: id("plan"),
                parent: Some(UnitIndex(0)),
                name: id("plan"),
            },
        ],
        people,
        badges: badges.collect(),
        places: vec![
            place("gate", PlaceKind::Office),
            place("hall", PlaceKind::Meeting),
            place("room", PlaceKind::Meeting),
            place("watch", PlaceKind::Duty),
        ],
        readers,
        ..SiteRecords::of_site(site)
    }
}

fn person(name: &str) -> Person {
    let stint = Stint {
        interval: ALWAYS,
        name: id(name),
        unit: UnitIndex(1),
        rank: None,
        head: false,
        mail: None,
    };
    Person {
        id: id(name),
        stints: vec![stint],
    }
}
