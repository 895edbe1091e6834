//! The steps of an explanation in words, by an exhaustive match: a new step does not compile until somebody says it.

use chrono::{NaiveDate, Timelike, Weekday};
use chrono_tz::Tz;
use rules::count::Window;
use rules::explain::{ArrivalReason, Clause, DueReason, Explanation, Limit, Measure, PeriodSide, Step};
use rules::finding::{About, FindingKind};
use rules::model::{
    AssignmentSubject, DayKind, DutyIndex, Facing, Id, MeetingIndex, Occasion, PersonIndex, PlaceIndex, ReaderIndex,
    SiteRecords, SwipeId, UnitIndex,
};
use rules::time::{Instant, Interval, Span};

use super::{Bilingual, Language, Value, text};

/// One step in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepText {
    /// What it says.
    pub text: Bilingual,
    /// What it rests on: swipe ids, absence ids, `schedule@edition`, meeting ids, reader ids, notices.
    pub refs: Vec<String>,
    /// The part of the rules that it applies, such as `office-7`.
    pub clause: String,
    /// Whether it is what all the others lead to.
    pub is_conclusion: bool,
}

/// The steps of an explanation in words. Times are those of the site's clocks, with a date where it is another one than
/// the explanation's, with seconds where there are some.
pub fn steps(explanation: &Explanation, records: &SiteRecords) -> Vec<StepText> {
    let context = Context {
        records,
        date: explanation.date,
        zone: records.site.zone,
    };
    let about = &explanation.about;
    let is_withheld = explanation
        .steps
        .iter()
        .any(|step| matches!(step, Step::Withheld { .. }));
    let words = |step: &Step| {
        let said = match step {
            Step::Concluded { kind, .. } if is_withheld => {
                Said::new("step-concluded-withheld").with("kind", Argument::Kind(*kind))
            }
            _ => context.say(step, about),
        };
        let text = Bilingual {
            chinese: context.text(&said, Language::Chinese),
            english: context.text(&said, Language::English),
        };
        StepText {
            text,
            refs: said.refs,
            clause: clause(step.clause(), about),
            is_conclusion: matches!(
                step,
                Step::Concluded { .. } | Step::NothingWrong | Step::CountReached { .. }
            ),
        }
    };
    explanation
        .steps
        .iter()
        .filter(|step| says_something(step))
        .map(words)
        .collect()
}

/// Whether a step adds to those around it: that no time at all is within a limit does not, nor that no time is left where
/// the next step says that all of it is excused.
fn says_something(step: &Step) -> bool {
    match step {
        Step::Compared {
            length,
            exceeded: false,
            ..
        } => *length != Some(Span::ZERO),
        Step::Effective { pieces } => !pieces.is_empty(),
        _ => true,
    }
}

/// A length such as `6 分 1 秒`.
pub fn length(language: Language, span: Span) -> String {
    let milliseconds = span.as_ms().max(0);
    let (hours, minutes) = (milliseconds / 3_600_000, milliseconds / 60_000 % 60);
    let seconds = match milliseconds % 60_000 {
        whole if whole % 1_000 == 0 => (whole / 1_000).to_string(),
        part => format!("{}.{:03}", part / 1_000, part % 1_000),
    };
    let mut parts = Vec::new();
    let mut add = |key, number: String| parts.push(text(language, key, &[("number", Value::from(number))]));
    if hours > 0 {
        add("length-hours", hours.to_string());
    }
    if minutes > 0 {
        add("length-minutes", minutes.to_string());
    }
    if seconds != "0" || milliseconds < 60_000 {
        add("length-seconds", seconds);
    }
    parts.join(" ")
}

/// A window such as `一个自然月内`.
pub fn window(language: Language, within: Window) -> String {
    let key = match within {
        Window::Month => "window-month",
        Window::Quarter => "window-quarter",
        Window::Year => "window-year",
        Window::Days(days) => return text(language, "window-days", &[("days", Value::from(days))]),
    };
    text(language, key, &[])
}

fn clause(clause: Clause, about: &About) -> String {
    match (clause, about) {
        (Clause::Office(_) | Clause::Meeting, About::Meeting(_)) | (Clause::Meeting, _) => "meeting".to_owned(),
        (Clause::Office(_) | Clause::Duty, About::Duty(_)) | (Clause::Duty, _) => "duty".to_owned(),
        (Clause::Office(rule), _) => format!("office-{rule}"),
        (Clause::Words, _) => "words".to_owned(),
        (Clause::Time, _) => "time".to_owned(),
        (Clause::Swipes, _) => "swipes".to_owned(),
        (Clause::Coverage, _) => "coverage".to_owned(),
        (Clause::Counting, _) => "counting".to_owned(),
    }
}

struct Context<'a> {
    records: &'a SiteRecords,
    date: NaiveDate,
    zone: Tz,
}

/// What a step says before a language is chosen.
struct Said {
    key: &'static str,
    arguments: Vec<(&'static str, Argument)>,
    refs: Vec<String>,
}

enum Argument {
    Text(String),
    At(Instant),
    /// A time that is told together with its date.
    AtOn(NaiveDate, Instant),
    Between(Interval),
    Pieces(Vec<Interval>),
    Length(Span),
    Count(i64),
    /// Words of their own, by their key.
    Words(&'static str),
    Kind(FindingKind),
    Kinds(Vec<FindingKind>),
    Window(Window),
}

impl Said {
    fn new(key: &'static str) -> Self {
        Self {
            key,
            arguments: Vec::new(),
            refs: Vec::new(),
        }
    }

    fn with(mut self, name: &'static str, argument: Argument) -> Self {
        self.arguments.push((name, argument));
        self
    }

    fn text(self, name: &'static str, value: &impl ToString) -> Self {
        self.with(name, Argument::Text(value.to_string()))
    }

    fn at(self, name: &'static str, at: Instant) -> Self {
        self.with(name, Argument::At(at))
    }

    fn between(self, interval: Interval) -> Self {
        self.with("interval", Argument::Between(interval))
    }

    fn length(self, name: &'static str, span: Span) -> Self {
        self.with(name, Argument::Length(span))
    }

    fn cites(mut self, reference: &impl ToString) -> Self {
        self.refs.push(reference.to_string());
        self
    }

    fn swipe(self, id: SwipeId) -> Self {
        self.cites(&hex::encode(id.0))
    }

    fn maybe_swipe(self, id: Option<SwipeId>) -> Self {
        match id {
            Some(id) => self.swipe(id),
            None => self,
        }
    }
}

/// One of two keys.
fn either(first: bool, key: &'static str, other: &'static str) -> &'static str {
    if first { key } else { other }
}

impl Context<'_> {
    #[expect(
        clippy::too_many_lines,
        reason = "one arm a step; the exhaustive match is what holds every step to its words"
    )]
    fn say(&self, step: &Step, about: &About) -> Said {
        match step {
            Step::Schedule {
                schedule,
                edition,
                assigned,
                period,
                interval,
            } => self.schedule(schedule, *edition, *assigned, period).between(*interval),
            Step::Calendar {
                date,
                kind,
                name,
                acts_as,
                source,
            } => calendar(*date, *kind, name.as_ref(), *acts_as, source.as_ref()),
            Step::Joined { periods } => Said::new("step-joined").text("periods", &periods.join(" + ")),
            Step::HalfHoliday { kind, taken } => Said::new(either(
                *kind == DayKind::MorningOff,
                "step-morning-off",
                "step-afternoon-off",
            ))
            .between(*taken),
            Step::Absence {
                absence,
                kind,
                interval,
                shortened_from,
            } => absent(absence, kind, *shortened_from).between(*interval),
            Step::NoAbsence => Said::new("step-no-absence"),
            Step::Taken { by, taken, assumed } => {
                let keys = if *assumed {
                    ["step-meeting-assumed", "step-duty-assumed"]
                } else {
                    ["step-meeting-taken", "step-duty-taken"]
                };
                self.occasion(keys, *by).between(*taken)
            }
            Step::Effective { pieces } => Said::new("step-effective").with("pieces", Argument::Pieces(pieces.clone())),
            Step::Excused => Said::new("step-excused"),
            Step::Windows {
                arrive_from,
                arrive_until,
                leave_from,
                leave_until,
            } => Said::new("step-windows")
                .at("arrive_from", *arrive_from)
                .at("arrive_until", *arrive_until)
                .at("leave_from", *leave_from)
                .at("leave_until", *leave_until),
            Step::BreakShared {
                neighbour,
                date,
                interval,
                this_is_earlier,
            } => Said::new(either(*this_is_earlier, "step-break-earlier", "step-break-later"))
                .with("neighbour", self.neighbour(neighbour, *date))
                .between(*interval),
            Step::Swipe { id, at, reader, faces } => self
                .reader("step-swipe", *reader)
                .text("place", self.where_is(*reader, *at))
                .at("at", *at)
                .with("faces", facing(*faces))
                .swipe(*id),
            Step::Repeats { id, repeats, last_at } => repeated(*id, repeats).at("at", *last_at),
            Step::ReadAsIn { id, at } => Said::new("step-read-as-in").at("at", *at).swipe(*id),
            Step::SeenAt { occasion, id, at } => self
                .occasion(["step-seen-at-meeting", "step-seen-on-duty"], *occasion)
                .at("at", *at)
                .maybe_swipe(*id),
            Step::NoSwipe => Said::new("step-no-swipe"),
            Step::Arrival { id, at, reason } => arrival(*reason).at("at", *at).maybe_swipe(*id),
            Step::NoArrival => Said::new("step-no-arrival"),
            Step::Departure {
                id,
                at,
                closing_of: None,
            } => Said::new("step-departure").at("at", *at).swipe(*id),
            Step::Departure {
                id,
                at,
                closing_of: Some(occasion),
            } => self
                .occasion(["step-departure-from-meeting", "step-departure-from-duty"], *occasion)
                .at("at", *at)
                .swipe(*id),
            Step::NoDeparture => Said::new("step-no-departure"),
            Step::CameBack { id, at } => Said::new("step-came-back").at("at", *at).maybe_swipe(*id),
            Step::AnotherVisit { at } => Said::new("step-another-visit").at("at", *at),
            Step::Satisfied { side, by } => self
                .occasion(["step-satisfied-by-meeting", "step-satisfied-by-duty"], *by)
                .with("side", side_name(*side)),
            Step::SideFree { side } => Said::new("step-side-free").with("side", side_name(*side)),
            Step::Due { at, reason } => due(*reason, about).at("due", *at),
            Step::RequiredEnd { at, moved } => Said::new(either(
                *moved == Span::ZERO,
                "step-required-end",
                "step-required-end-moved",
            ))
            .at("at", *at)
            .length("moved", *moved),
            Step::Length {
                measure,
                from,
                to,
                not_counted,
                length,
            } => measured(*measure, *from, *to, *not_counted, *length),
            Step::Compared {
                limit,
                allowed,
                length,
                exceeded,
            } => compared(*limit, *allowed, *length, *exceeded),
            Step::CountedFromGraceEnd { grace, length } => Said::new("step-counted-from-grace-end")
                .length("grace", *grace)
                .length("length", *length),
            Step::Gap {
                from,
                to,
                length,
                counts,
            } => Said::new(either(*counts, "step-gap-counts", "step-gap"))
                .at("from", *from)
                .at("to", *to)
                .length("length", *length),
            Step::EndedBeforeArrival { ended_at, arrived_at } => Said::new("step-ended-before-arrival")
                .at("ended", *ended_at)
                .at("arrived", *arrived_at),
            Step::NotSeenSinceAbsence { absence, ended_at } => Said::new("step-not-seen-since-absence")
                .text("absence", absence)
                .at("ended", *ended_at)
                .cites(absence),
            Step::SignOfPresence { id, at } => Said::new("step-sign-of-presence").at("at", *at).maybe_swipe(*id),
            Step::Meeting {
                meeting,
                interval,
                sign_in_opens,
                place,
            } => self
                .meeting("step-meeting", *meeting)
                .between(*interval)
                .at("sign_in_opens", *sign_in_opens)
                .text("place", self.place(*place)),
            Step::Extended { until } => Said::new("step-meeting-extended").at("until", *until),
            Step::ClosedEarly { at } => Said::new("step-meeting-closed-early").at("at", *at),
            Step::StandsIn {
                substitute,
                accepted_by,
                accepted_at,
            } => self.stands_in(*substitute, accepted_by.as_ref(), *accepted_at),
            Step::Obligation {
                unit,
                at_least,
                min_rank,
                head_required,
            } => self.obligation(*unit, *at_least, *min_rank, *head_required),
            Step::CameForUnit {
                person,
                id,
                at,
                stands_for,
            } => self.came_for_unit(*person, *stands_for).at("at", *at).swipe(*id),
            Step::CountForUnit { arrived, at_least } => {
                Said::new(either(arrived < at_least, "step-unit-count-short", "step-unit-count"))
                    .with("arrived", Argument::Count(i64::from(*arrived)))
                    .with("at_least", Argument::Count(i64::from(*at_least)))
            }
            Step::RankForUnit { highest, min_rank } => rank(*highest, *min_rank),
            Step::HeadForUnit { came: Some(head) } => self.person("step-unit-head", *head),
            Step::HeadForUnit { came: None } => Said::new("step-unit-no-head"),
            Step::Observed {
                observation,
                observer,
                at,
                note,
            } => observed(observer, note.as_ref()).at("at", *at).cites(observation),
            Step::OptionalRole => Said::new("step-optional-role"),
            Step::Permission { interval } => Said::new("step-permission").between(*interval),
            Step::AtOtherMeeting { meeting, interval } => {
                self.meeting("step-at-other-meeting", *meeting).between(*interval)
            }
            Step::CarriedOver {
                id,
                came_in_at,
                present_from,
            } => Said::new("step-carried-over")
                .at("came_in", *came_in_at)
                .at("present_from", *present_from)
                .swipe(*id),
            Step::Opening { id, at } => Said::new("step-opening").at("at", *at).swipe(*id),
            Step::Closing { id, at } => Said::new("step-closing").at("at", *at).swipe(*id),
            Step::WrongRoom { id, at, place } => Said::new("step-wrong-room")
                .at("at", *at)
                .text("place", self.place(*place))
                .swipe(*id),
            Step::Exit {
                from,
                to,
                length,
                counts,
            } => exit(*from, *to, *length, *counts),
            Step::ExitCount { count, allowed } => {
                Said::new(either(count > allowed, "step-exits-too-many", "step-exits"))
                    .with("count", Argument::Count(i64::from(*count)))
                    .with("allowed", Argument::Count(i64::from(*allowed)))
            }
            Step::EscalationRule {
                rule,
                name,
                from,
                kinds,
                count,
                within,
                units,
            } => self
                .escalation(rule, name, *from, units)
                .with("kinds", Argument::Kinds(kinds.clone()))
                .with("count", Argument::Count(i64::from(*count)))
                .with("window", Argument::Window(*within)),
            Step::Counted {
                number,
                date,
                place,
                kind,
                finding,
            } => Said::new(either(place.is_empty(), "step-counted-date", "step-counted"))
                .with("number", Argument::Count(i64::from(*number)))
                .text("date", date)
                .text("place", &self.place_of_count(place))
                .with("kind", Argument::Kind(*kind))
                .cites(&format!("finding:{finding}")),
            Step::CountReached {
                count,
                first,
                date,
                yields,
            } => Said::new("step-count-reached")
                .with("count", Argument::Count(i64::from(*count)))
                .text("first", first)
                .text("date", date)
                .text("yields", yields),
            Step::Duty {
                duty,
                interval,
                sign_in_opens,
                place,
            } => self
                .duty("step-duty", *duty)
                .between(*interval)
                .at("sign_in_opens", *sign_in_opens)
                .text("place", self.place(*place)),
            Step::StillThere { before, id, came_in_at } => self
                .duty("step-still-there", *before)
                .at("came_in", *came_in_at)
                .swipe(*id),
            Step::Proof { check_at, id, at, .. } => {
                Said::new("step-proof").at("check", *check_at).at("at", *at).swipe(*id)
            }
            Step::ProofMissed { check_at, window } => {
                Said::new("step-proof-missed").at("check", *check_at).between(*window)
            }
            Step::HandsOver { to } => self.duty("step-hands-over", *to),
            Step::SuccessorCame { id, at } => Said::new("step-successor-came").at("at", *at).swipe(*id),
            Step::NoSuccessor { until } => Said::new("step-no-successor").at("until", *until),
            Step::LeftBeforeSuccessor { id, left_at, came_at } => Said::new("step-left-before-successor")
                .at("left", *left_at)
                .at("came", *came_at)
                .swipe(*id),
            Step::Withheld {
                reader,
                down_from,
                down_until: Some(until),
            } => self
                .reader("step-withheld", *reader)
                .at("from", *down_from)
                .at("until", *until),
            Step::Withheld {
                reader,
                down_from,
                down_until: None,
            } => self.reader("step-withheld-still", *reader).at("from", *down_from),
            Step::Covered { interval } => Said::new("step-covered").between(*interval),
            Step::ProvisionalUntil { at: Some(at) } => Said::new("step-provisional-until").at("at", *at),
            Step::ProvisionalUntil { at: None } => Said::new("step-provisional"),
            Step::Final => Said::new("step-final"),
            Step::NotOver { until } => Said::new("step-not-over").at("until", *until),
            Step::NothingWrong => Said::new("step-nothing-wrong"),
            Step::Concluded {
                kind,
                by_lateness,
                length,
            } => concluded(*kind, *by_lateness, *length),
        }
    }

    fn schedule(&self, schedule: &Id, edition: Option<NaiveDate>, assigned: AssignmentSubject, period: &Id) -> Said {
        let (who, name) = match assigned {
            AssignmentSubject::Unit(unit) => ("words-of-unit", &self.records.units[unit.at()].name),
            AssignmentSubject::Person(person) => ("words-of-person", self.name(person)),
        };
        let said = match edition {
            Some(from) => Said::new("step-schedule-edition")
                .text("edition", &from)
                .cites(&format!("{schedule}@{from}")),
            None => Said::new("step-schedule").cites(schedule),
        };
        said.text("schedule", schedule)
            .text("period", period)
            .with("who", Argument::Words(who))
            .text("name", name)
    }

    fn escalation(&self, rule: &Id, name: &Id, from: Option<NaiveDate>, units: &[UnitIndex]) -> Said {
        let said = match (from, units.is_empty()) {
            (None, true) => Said::new("step-escalation"),
            (None, false) => Said::new("step-escalation-of-units"),
            (Some(_), true) => Said::new("step-escalation-since"),
            (Some(_), false) => Said::new("step-escalation-since-of-units"),
        };
        let units: Vec<&str> = units.iter().map(|unit| &*self.records.units[unit.at()].name).collect();
        let said = match from {
            Some(from) => said.text("from", &from).cites(&format!("{rule}@{from}")),
            None => said.cites(rule),
        };
        said.text("name", name).text("units", &units.join(", "))
    }

    /// A meeting by its title, a period by its name.
    fn place_of_count(&self, place: &Id) -> Id {
        let mut meetings = self.records.meetings.iter();
        let meeting = meetings.find(|meeting| meeting.id == *place);
        meeting.map_or_else(|| place.clone(), |meeting| meeting.title.clone())
    }

    fn name(&self, person: PersonIndex) -> &Id {
        let person = &self.records.people[person.at()];
        person.stints.last().map_or(&person.id, |stint| &stint.name)
    }

    fn person(&self, key: &'static str, person: PersonIndex) -> Said {
        Said::new(key).text("person", self.name(person))
    }

    fn stands_in(&self, substitute: PersonIndex, accepted_by: Option<&Id>, accepted_at: Option<Instant>) -> Said {
        match (accepted_by, accepted_at) {
            (Some(by), Some(at)) => self
                .person("step-stands-in-accepted", substitute)
                .text("by", by)
                .at("at", at),
            (Some(by), None) => self.person("step-stands-in-accepted-by", substitute).text("by", by),
            (None, _) => self.person("step-stands-in", substitute),
        }
    }

    fn obligation(&self, unit: UnitIndex, at_least: u32, min_rank: Option<i64>, head_required: bool) -> Said {
        let said = match (min_rank, head_required) {
            (None, false) => Said::new("step-obligation"),
            (None, true) => Said::new("step-obligation-head"),
            (Some(rank), false) => Said::new("step-obligation-rank").text("rank", &rank),
            (Some(rank), true) => Said::new("step-obligation-rank-head").text("rank", &rank),
        };
        let unit = &self.records.units[unit.at()];
        said.text("unit", &unit.name)
            .with("at_least", Argument::Count(i64::from(at_least)))
            .cites(&unit.id)
    }

    fn came_for_unit(&self, person: PersonIndex, stands_for: Option<PersonIndex>) -> Said {
        match stands_for {
            Some(named) => self
                .person("step-came-for-unit-instead", person)
                .text("named", self.name(named)),
            None => self.person("step-came-for-unit", person),
        }
    }

    fn meeting(&self, key: &'static str, meeting: MeetingIndex) -> Said {
        let meeting = &self.records.meetings[meeting.at()];
        Said::new(key).text("meeting", &meeting.title).cites(&meeting.id)
    }

    /// A duty by its role and its person.
    fn duty(&self, key: &'static str, duty: DutyIndex) -> Said {
        let duty = &self.records.duties[duty.at()];
        let said = Said::new(key)
            .with("role", role(duty.role.as_ref()))
            .text("person", self.name_at(duty.person, duty.interval.from));
        said.cites(&duty.id)
    }

    /// A meeting by its title, or a duty by its role: each has a key of its own.
    fn occasion(&self, keys: [&'static str; 2], occasion: Occasion) -> Said {
        match occasion {
            Occasion::Meeting(meeting) => self.meeting(keys[0], meeting),
            Occasion::Duty(duty) => self.duty(keys[1], duty),
        }
    }

    /// A person's name at an instant, or the last one known.
    fn name_at(&self, person: PersonIndex, at: Instant) -> &Id {
        let person = &self.records.people[person.at()];
        let stint = person.stints.iter().find(|stint| stint.interval.contains(at));
        let stint = stint.or_else(|| person.stints.last());
        stint.map_or(&person.id, |stint| &stint.name)
    }

    fn reader(&self, key: &'static str, reader: ReaderIndex) -> Said {
        let id = &self.records.readers[reader.at()].id;
        Said::new(key).text("reader", id).cites(id)
    }

    /// A period's name, with its date where that is another one.
    fn neighbour(&self, period: &Id, date: NaiveDate) -> Argument {
        Argument::Text(if date == self.date {
            period.to_string()
        } else {
            format!("{date} {period}")
        })
    }

    /// Where a reader stood, or its own name where nobody said.
    fn where_is(&self, reader: ReaderIndex, at: Instant) -> &Id {
        let reader = &self.records.readers[reader.at()];
        let stand = reader.stands.iter().rfind(|stand| stand.interval.contains(at));
        stand.map_or(&reader.id, |stand| self.place(stand.place))
    }

    fn place(&self, place: PlaceIndex) -> &Id {
        &self.records.places[place.at()].name
    }

    fn text(&self, said: &Said, language: Language) -> String {
        let value = |argument: &Argument| match argument {
            Argument::Text(text) => Value::from(text.clone()),
            Argument::At(at) => Value::from(self.clock(*at, self.date)),
            Argument::AtOn(date, at) => Value::from(self.clock(*at, *date)),
            Argument::Between(interval) => Value::from(self.between(*interval)),
            Argument::Pieces(pieces) => {
                let pieces: Vec<String> = pieces.iter().map(|piece| self.between(*piece)).collect();
                Value::from(pieces.join(&text(language, "words-and", &[])))
            }
            Argument::Length(span) => Value::from(length(language, *span)),
            Argument::Count(count) => Value::from(*count),
            Argument::Words(key) => Value::from(text(language, key, &[])),
            Argument::Kind(kind) => Value::from(super::kind(language, *kind)),
            Argument::Kinds(kinds) => {
                let kinds: Vec<String> = kinds.iter().map(|kind| super::kind(language, *kind)).collect();
                Value::from(kinds.join(&text(language, "words-or", &[])))
            }
            Argument::Window(within) => Value::from(window(language, *within)),
        };
        let arguments: Vec<_> = said
            .arguments
            .iter()
            .map(|(name, argument)| (*name, value(argument)))
            .collect();
        text(language, said.key, &arguments)
    }

    fn between(&self, interval: Interval) -> String {
        format!(
            "{}–{}",
            self.clock(interval.from, self.date),
            self.clock(interval.until, self.date)
        )
    }

    fn clock(&self, at: Instant, date: NaiveDate) -> String {
        let local = at.to_utc().with_timezone(&self.zone);
        let format = match (local.second(), local.nanosecond()) {
            (0, 0) => "%H:%M",
            (_, 0) => "%H:%M:%S",
            _ => "%H:%M:%S%.3f",
        };
        let time = local.format(format);
        if local.date_naive() == date {
            time.to_string()
        } else {
            format!("{} {time}", local.date_naive())
        }
    }
}

fn absent(absence: &Id, kind: &Id, shortened_from: Option<Instant>) -> Said {
    let kind = match &**kind {
        "leave" => Argument::Words("absence-leave"),
        "trip" => Argument::Words("absence-trip"),
        "errand" => Argument::Words("absence-errand"),
        other => Argument::Text(other.to_owned()),
    };
    let said = match shortened_from {
        Some(approved) => Said::new("step-absence-shortened").at("approved", approved),
        None => Said::new("step-absence"),
    };
    said.text("absence", absence).with("kind", kind).cites(absence)
}

fn calendar(date: NaiveDate, kind: DayKind, name: Option<&Id>, acts_as: Weekday, source: Option<&Id>) -> Said {
    let said = match kind {
        DayKind::Holiday => Said::new("step-calendar-holiday"),
        DayKind::Workday => Said::new("step-calendar-workday").with("weekday", Argument::Words(weekday_name(acts_as))),
        DayKind::MorningOff => Said::new("step-calendar-morning-off"),
        DayKind::AfternoonOff => Said::new("step-calendar-afternoon-off"),
    };
    let name = name.map_or(Argument::Words("words-calendar"), |name| {
        Argument::Text(name.to_string())
    });
    let said = said.text("date", &date).with("name", name);
    match source {
        Some(source) => said.cites(source),
        None => said,
    }
}

fn weekday_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "weekday-mon",
        Weekday::Tue => "weekday-tue",
        Weekday::Wed => "weekday-wed",
        Weekday::Thu => "weekday-thu",
        Weekday::Fri => "weekday-fri",
        Weekday::Sat => "weekday-sat",
        Weekday::Sun => "weekday-sun",
    }
}

/// What somebody is on duty as: `leader` is the leader's shift 带班, and other words stand as the roster has them.
fn role(role: Option<&Id>) -> Argument {
    match role.map(|role| &**role) {
        None => Argument::Words("duty-role-none"),
        Some(role) => match super::duty_role(role) {
            Some(key) => Argument::Words(key),
            None => Argument::Text(role.to_owned()),
        },
    }
}

fn facing(faces: Facing) -> Argument {
    Argument::Words(match faces {
        Facing::In => "facing-in",
        Facing::Out => "facing-out",
        Facing::Both => "facing-both",
    })
}

fn side_name(side: PeriodSide) -> Argument {
    Argument::Words(match side {
        PeriodSide::Arrival => "side-arrival",
        PeriodSide::Departure => "side-departure",
    })
}

fn repeated(id: SwipeId, repeats: &[SwipeId]) -> Said {
    let count = i64::try_from(repeats.len()).unwrap_or(i64::MAX);
    let said = Said::new("step-repeats")
        .with("count", Argument::Count(count))
        .swipe(id);
    repeats.iter().fold(said, |said, repeat| said.swipe(*repeat))
}

fn arrival(reason: ArrivalReason) -> Said {
    match reason {
        ArrivalReason::Earliest => Said::new("step-arrival"),
        ArrivalReason::AfterGoingOut { out_at } => Said::new("step-arrival-after-going-out").at("out", out_at),
        ArrivalReason::FirstOfSeveral => Said::new("step-arrival-first-of-several"),
    }
}

fn due(reason: DueReason, about: &About) -> Said {
    match reason {
        DueReason::EffectiveStart => Said::new(match about {
            About::Meeting(_) => "step-due-meeting",
            About::Duty(_) => "step-due-duty",
            About::Period(_) | About::Date => "step-due",
        }),
        DueReason::Flex { flex } => Said::new("step-due-flex").length("flex", flex),
        DueReason::LateStay {
            date,
            left_at,
            left_after,
        } => Said::new("step-due-late-stay")
            .text("date", &date)
            .with("left", Argument::AtOn(date, left_at))
            .with("left_after", Argument::AtOn(date, left_after)),
    }
}

fn measured(measure: Measure, from: Instant, to: Option<Instant>, not_counted: Span, length: Option<Span>) -> Said {
    let what = match measure {
        Measure::Lateness if to.is_some_and(|to| to <= from) => return Said::new("step-not-late"),
        Measure::LeftEarly if to.is_some_and(|to| to <= from) => return Said::new("step-not-early"),
        Measure::Lateness => "measure-lateness",
        Measure::NotThere => "measure-not-there",
        Measure::LeftEarly => "measure-left-early",
        Measure::OpenGap => "measure-open-gap",
    };
    let whole = not_counted == Span::ZERO;
    let said = match (to, length) {
        (Some(to), Some(length)) => Said::new(either(whole, "step-length", "step-length-covered"))
            .at("to", to)
            .length("length", length),
        _ => Said::new(either(whole, "step-length-open", "step-length-open-covered")),
    };
    let said = said.with("what", Argument::Words(what)).at("from", from);
    if whole {
        said
    } else {
        said.length("not_counted", not_counted)
    }
}

fn compared(limit: Limit, allowed: Span, length: Option<Span>, exceeded: bool) -> Said {
    let what = match limit {
        Limit::GraceLate => "limit-grace-late",
        Limit::GraceEarly => "limit-grace-early",
        Limit::SeriousAfter => "limit-serious-after",
        Limit::AbsentAfter => "limit-absent-after",
        Limit::LateAbsentAfter => "limit-late-absent-after",
        Limit::StepOutAllowance => "limit-step-out-allowance",
        Limit::EarlyLeaveShownAfter => "limit-early-leave-shown-after",
        Limit::ExitAllowance => "limit-exit-allowance",
    };
    let said = match length {
        Some(length) if exceeded && allowed == Span::ZERO => Said::new("step-exceeds-nothing").length("length", length),
        None if exceeded && allowed == Span::ZERO => Said::new("step-exceeds-nothing-already"),
        Some(length) => Said::new(either(exceeded, "step-exceeds", "step-within")).length("length", length),
        None => Said::new(either(exceeded, "step-exceeds-already", "step-within-so-far")),
    };
    said.with("what", Argument::Words(what)).length("allowed", allowed)
}

fn rank(highest: Option<i64>, min_rank: i64) -> Said {
    let said = match highest {
        Some(highest) => {
            Said::new(either(highest < min_rank, "step-unit-rank-low", "step-unit-rank")).text("highest", &highest)
        }
        None => Said::new("step-unit-no-rank"),
    };
    said.text("rank", &min_rank)
}

fn observed(observer: &Id, note: Option<&Id>) -> Said {
    let said = match note {
        Some(note) => Said::new("step-observed-note").text("note", note),
        None => Said::new("step-observed"),
    };
    said.text("observer", observer)
}

fn exit(from: Instant, to: Option<Instant>, length: Option<Span>, counts: bool) -> Said {
    let said = match to {
        Some(to) => Said::new(either(counts, "step-exit-counts", "step-exit")).at("to", to),
        None => Said::new(either(counts, "step-exit-open-counts", "step-exit-open")),
    };
    let length = length.map_or(Argument::Words("length-still-growing"), Argument::Length);
    said.at("from", from).with("length", length)
}

fn concluded(kind: FindingKind, by_lateness: bool, length: Option<Span>) -> Said {
    let said = match length {
        Some(length) => Said::new(either(
            by_lateness,
            "step-concluded-by-lateness",
            "step-concluded-length",
        ))
        .with("minutes", Argument::Count(length.shown_minutes())),
        None => Said::new("step-concluded"),
    };
    said.with("kind", Argument::Kind(kind))
}

#[cfg(test)]
mod tests {
    use rules::model::{
        Absence, Duty, Meeting, Pairing, Person, Place, PlaceKind, Reader, Site, Stint, Unit, UnitIndex,
    };

    use super::*;

    const AT: Instant = Instant::from_ms(1_789_518_901_000);
    const ID: SwipeId = SwipeId([7; 16]);
    const M: MeetingIndex = MeetingIndex(0);
    const R: ReaderIndex = ReaderIndex(0);
    const D: DutyIndex = DutyIndex(0);

    fn interval() -> Interval {
        Interval::new(AT, AT + Span::from_minutes(90))
    }

    fn records() -> SiteRecords {
        let person = PersonIndex(0);
        let stint = Stint {
            interval: interval(),
            name: "安娜".into(),
            unit: UnitIndex(0),
            rank: None,
            head: false,
            mail: None,
        };
        let absence = Absence {
            id: "a1".into(),
            person,
            kind: "leave".into(),
            interval: interval(),
            approved_until: interval().until,
        };
        SiteRecords {
            units: vec![Unit {
                id: "plan".into(),
                parent: None,
                name: "规划科".into(),
            }],
            people: vec![Person {
                id: "ana".into(),
                stints: vec![stint],
            }],
            places: vec![Place {
                id: "hall".into(),
                name: "大会堂".into(),
                kind: PlaceKind::Meeting,
                pairing: Pairing::First,
            }],
            readers: vec![Reader {
                id: "hall-in".into(),
                stands: Vec::new(),
            }],
            absences: vec![absence],
            duties: vec![Duty {
                role: Some("leader".into()),
                ..Duty::new("d1".into(), person, PlaceIndex(0), interval())
            }],
            meetings: vec![Meeting {
                sign_in_opens: AT,
                ..Meeting::new(
                    "m1".into(),
                    "例会".into(),
                    PlaceIndex(0),
                    Interval::new(AT, interval().until),
                )
            }],
            ..SiteRecords::of_site(Site::of_zone("局".into(), chrono_tz::Asia::Shanghai))
        }
    }

    fn what_applies() -> Vec<Step> {
        let schedule = |edition, assigned| Step::Schedule {
            schedule: "office".into(),
            edition,
            assigned,
            period: "上午".into(),
            interval: interval(),
        };
        let date = NaiveDate::from_ymd_opt(2026, 9, 16);
        let calendar = |kind, name: Option<&str>| Step::Calendar {
            date: date.expect("a date"),
            kind,
            name: name.map(Into::into),
            acts_as: Weekday::Mon,
            source: name.map(Into::into),
        };
        vec![
            schedule(None, AssignmentSubject::Unit(UnitIndex(0))),
            schedule(date, AssignmentSubject::Person(PersonIndex(0))),
            calendar(DayKind::Holiday, Some("国庆")),
            calendar(DayKind::Workday, None),
            calendar(DayKind::MorningOff, None),
            calendar(DayKind::AfternoonOff, None),
        ]
    }

    fn what_was_taken_out() -> Vec<Step> {
        let date = NaiveDate::from_ymd_opt(2026, 9, 16);
        let absence = |kind: &str, shortened_from| Step::Absence {
            absence: "a1".into(),
            kind: kind.into(),
            interval: interval(),
            shortened_from,
        };
        let taken = |by, assumed| Step::Taken {
            by,
            taken: interval(),
            assumed,
        };
        let shared = |this_is_earlier| Step::BreakShared {
            neighbour: "下午".into(),
            date: date.expect("a date"),
            interval: interval(),
            this_is_earlier,
        };
        vec![
            Step::Joined {
                periods: vec!["上午".into(), "下午".into()],
            },
            Step::HalfHoliday {
                kind: DayKind::MorningOff,
                taken: interval(),
            },
            Step::HalfHoliday {
                kind: DayKind::AfternoonOff,
                taken: interval(),
            },
            absence("leave", None),
            absence("trip", Some(AT)),
            absence("errand", None),
            absence("培训", None),
            Step::NoAbsence,
            taken(Occasion::Meeting(M), true),
            taken(Occasion::Meeting(M), false),
            taken(Occasion::Duty(D), true),
            taken(Occasion::Duty(D), false),
            Step::Effective {
                pieces: vec![interval(), interval()],
            },
            Step::Excused,
            Step::Windows {
                arrive_from: AT,
                arrive_until: AT,
                leave_from: AT,
                leave_until: AT,
            },
            shared(true),
            shared(false),
        ]
    }

    fn what_was_seen() -> Vec<Step> {
        let arrival = |reason| Step::Arrival {
            id: Some(ID),
            at: AT,
            reason,
        };
        vec![
            Step::Swipe {
                id: ID,
                at: AT,
                reader: R,
                faces: Facing::In,
            },
            Step::Swipe {
                id: ID,
                at: AT,
                reader: R,
                faces: Facing::Out,
            },
            Step::Swipe {
                id: ID,
                at: AT,
                reader: R,
                faces: Facing::Both,
            },
            Step::Repeats {
                id: ID,
                repeats: vec![ID],
                last_at: AT,
            },
            Step::Repeats {
                id: ID,
                repeats: vec![ID, ID],
                last_at: AT,
            },
            Step::ReadAsIn { id: ID, at: AT },
            Step::SeenAt {
                occasion: Occasion::Meeting(M),
                id: None,
                at: AT,
            },
            Step::NoSwipe,
            arrival(ArrivalReason::Earliest),
            arrival(ArrivalReason::AfterGoingOut { out_at: AT }),
            arrival(ArrivalReason::FirstOfSeveral),
            Step::NoArrival,
            Step::Departure {
                id: ID,
                at: AT,
                closing_of: None,
            },
            Step::Departure {
                id: ID,
                at: AT,
                closing_of: Some(Occasion::Meeting(M)),
            },
            Step::NoDeparture,
            Step::CameBack { id: Some(ID), at: AT },
            Step::AnotherVisit { at: AT },
            Step::Satisfied {
                side: PeriodSide::Arrival,
                by: Occasion::Meeting(M),
            },
            Step::SideFree {
                side: PeriodSide::Departure,
            },
        ]
    }

    fn what_follows() -> Vec<Step> {
        let minute = Span::from_minutes(1);
        let date = NaiveDate::from_ymd_opt(2026, 9, 15).expect("a date");
        let due = |reason| Step::Due { at: AT, reason };
        let length = |measure, to, not_counted, length| Step::Length {
            measure,
            from: AT,
            to,
            not_counted,
            length,
        };
        vec![
            due(DueReason::EffectiveStart),
            due(DueReason::Flex { flex: minute }),
            due(DueReason::LateStay {
                date,
                left_at: AT,
                left_after: AT,
            }),
            Step::RequiredEnd {
                at: AT,
                moved: Span::ZERO,
            },
            Step::RequiredEnd { at: AT, moved: minute },
            length(Measure::Lateness, Some(AT), Span::ZERO, Some(Span::ZERO)),
            length(Measure::LeftEarly, Some(AT), Span::ZERO, Some(Span::ZERO)),
            length(Measure::Lateness, Some(AT + minute), Span::ZERO, Some(minute)),
            length(Measure::NotThere, None, Span::ZERO, None),
            length(Measure::LeftEarly, Some(AT + minute), minute, Some(minute)),
            length(Measure::OpenGap, None, minute, None),
            Step::CountedFromGraceEnd {
                grace: minute,
                length: minute,
            },
            Step::Gap {
                from: AT,
                to: AT,
                length: minute,
                counts: true,
            },
            Step::Gap {
                from: AT,
                to: AT,
                length: minute,
                counts: false,
            },
            Step::EndedBeforeArrival {
                ended_at: AT,
                arrived_at: AT,
            },
            Step::NotSeenSinceAbsence {
                absence: "a1".into(),
                ended_at: AT,
            },
            Step::SignOfPresence { id: None, at: AT },
        ]
    }

    fn comparisons() -> Vec<Step> {
        let minute = Span::from_minutes(1);
        let limits = [
            Limit::GraceLate,
            Limit::GraceEarly,
            Limit::SeriousAfter,
            Limit::AbsentAfter,
            Limit::LateAbsentAfter,
            Limit::StepOutAllowance,
            Limit::EarlyLeaveShownAfter,
            Limit::ExitAllowance,
        ];
        let compared = |(position, limit): (usize, Limit)| Step::Compared {
            limit,
            allowed: if position < 4 { minute } else { Span::ZERO },
            length: (position % 4 < 2).then_some(minute),
            exceeded: position % 2 == 0,
        };
        limits.into_iter().enumerate().map(compared).collect()
    }

    fn counting() -> Vec<Step> {
        let date = NaiveDate::from_ymd_opt(2026, 9, 16).expect("a date");
        let rule = |from, within, units| Step::EscalationRule {
            rule: "three-late".into(),
            name: "累计迟到".into(),
            from,
            kinds: vec![FindingKind::Late, FindingKind::SeriouslyLate],
            count: 3,
            within,
            units,
        };
        let counted = |place: &str| Step::Counted {
            number: 1,
            date,
            place: place.into(),
            kind: FindingKind::Late,
            finding: "f".into(),
        };
        vec![
            rule(None, Window::Month, Vec::new()),
            rule(Some(date), Window::Quarter, Vec::new()),
            rule(None, Window::Year, vec![UnitIndex(0)]),
            rule(Some(date), Window::Days(30), vec![UnitIndex(0)]),
            counted("m1"),
            counted(""),
            Step::CountReached {
                count: 3,
                first: date,
                date,
                yields: "谈话提醒".into(),
            },
        ]
    }

    fn meetings_and_certainty() -> Vec<Step> {
        let minute = Span::from_minutes(1);
        let exit = |to, length, counts| Step::Exit {
            from: AT,
            to,
            length,
            counts,
        };
        let concluded = |by_lateness, length| Step::Concluded {
            kind: FindingKind::Absent,
            by_lateness,
            length,
        };
        vec![
            Step::Meeting {
                meeting: M,
                interval: interval(),
                sign_in_opens: AT,
                place: PlaceIndex(0),
            },
            Step::OptionalRole,
            Step::Permission { interval: interval() },
            Step::AtOtherMeeting {
                meeting: M,
                interval: interval(),
            },
            Step::CarriedOver {
                id: ID,
                came_in_at: AT,
                present_from: AT,
            },
            Step::Opening { id: ID, at: AT },
            Step::Closing { id: ID, at: AT },
            Step::WrongRoom {
                id: ID,
                at: AT,
                place: PlaceIndex(0),
            },
            exit(Some(AT), Some(minute), true),
            exit(Some(AT), Some(minute), false),
            exit(None, None, true),
            exit(None, Some(minute), false),
            Step::ExitCount { count: 1, allowed: 2 },
            Step::ExitCount { count: 3, allowed: 2 },
            Step::Withheld {
                reader: R,
                down_from: AT,
                down_until: Some(AT),
            },
            Step::Withheld {
                reader: R,
                down_from: AT,
                down_until: None,
            },
            Step::Covered { interval: interval() },
            Step::ProvisionalUntil { at: Some(AT) },
            Step::ProvisionalUntil { at: None },
            Step::Final,
            Step::NotOver { until: AT },
            Step::NothingWrong,
            concluded(false, None),
            concluded(false, Some(minute)),
            concluded(true, Some(minute)),
        ]
    }

    fn units_and_inspectors() -> Vec<Step> {
        let person = PersonIndex(0);
        let obligation = |min_rank, head_required| Step::Obligation {
            unit: UnitIndex(0),
            at_least: 2,
            min_rank,
            head_required,
        };
        let stands_in = |accepted_by: Option<&str>, accepted_at| Step::StandsIn {
            substitute: person,
            accepted_by: accepted_by.map(Into::into),
            accepted_at,
        };
        let came = |stands_for| Step::CameForUnit {
            person,
            id: ID,
            at: AT,
            stands_for,
        };
        let rank = |highest| Step::RankForUnit { highest, min_rank: 5 };
        let observed = |note: Option<&str>| Step::Observed {
            observation: "o1".into(),
            observer: "督查员".into(),
            at: AT,
            note: note.map(Into::into),
        };
        vec![
            Step::Extended { until: AT },
            Step::ClosedEarly { at: AT },
            stands_in(None, None),
            stands_in(Some("办公室"), None),
            stands_in(Some("办公室"), Some(AT)),
            obligation(None, false),
            obligation(None, true),
            obligation(Some(5), false),
            obligation(Some(5), true),
            came(None),
            came(Some(person)),
            Step::CountForUnit {
                arrived: 1,
                at_least: 2,
            },
            Step::CountForUnit {
                arrived: 2,
                at_least: 2,
            },
            rank(None),
            rank(Some(4)),
            rank(Some(5)),
            Step::HeadForUnit { came: Some(person) },
            Step::HeadForUnit { came: None },
            observed(None),
            observed(Some("玩手机。")),
        ]
    }

    fn duties() -> Vec<Step> {
        vec![
            Step::SeenAt {
                occasion: Occasion::Duty(D),
                id: Some(ID),
                at: AT,
            },
            Step::Departure {
                id: ID,
                at: AT,
                closing_of: Some(Occasion::Duty(D)),
            },
            Step::Satisfied {
                side: PeriodSide::Departure,
                by: Occasion::Duty(D),
            },
            Step::Duty {
                duty: D,
                interval: interval(),
                sign_in_opens: AT,
                place: PlaceIndex(0),
            },
            Step::StillThere {
                before: D,
                id: ID,
                came_in_at: AT,
            },
            Step::Proof {
                check_at: AT,
                window: interval(),
                id: ID,
                at: AT,
            },
            Step::ProofMissed {
                check_at: AT,
                window: interval(),
            },
            Step::HandsOver { to: D },
            Step::SuccessorCame { id: ID, at: AT },
            Step::NoSuccessor { until: AT },
            Step::LeftBeforeSuccessor {
                id: ID,
                left_at: AT,
                came_at: AT,
            },
        ]
    }

    #[test]
    fn every_step_has_words_in_both_languages() {
        let all = [
            what_applies(),
            what_was_taken_out(),
            what_was_seen(),
            what_follows(),
            comparisons(),
            meetings_and_certainty(),
            counting(),
            units_and_inspectors(),
            duties(),
        ]
        .concat();
        let date = NaiveDate::from_ymd_opt(2026, 9, 16).expect("a date");
        for about in [About::Period("上午".into()), About::Meeting(M), About::Duty(D)] {
            let explanation = Explanation {
                date,
                about,
                finding: None,
                source: None,
                steps: all.clone(),
            };
            for (step, words) in all.iter().zip(steps(&explanation, &records())) {
                let Bilingual { chinese, english } = &words.text;
                assert!(
                    !chinese.contains(['{', '$']) && chinese.ends_with('。'),
                    "{step:?}: {chinese}"
                );
                assert!(
                    !english.contains(['{', '$']) && english.ends_with('.'),
                    "{step:?}: {english}"
                );
                assert!(!words.clause.is_empty());
            }
        }
    }

    #[test]
    fn times_show_what_matters_of_them() {
        let date = NaiveDate::from_ymd_opt(2026, 9, 16).expect("a date");
        let records = records();
        let context = Context {
            records: &records,
            date,
            zone: records.site.zone,
        };
        assert_eq!(context.clock(AT, date), "08:35:01");
        assert_eq!(context.clock(Instant::from_ms(AT.as_ms() - 1_000), date), "08:35");
        assert_eq!(context.clock(AT + Span::from_ms(1), date), "08:35:01.001");
        assert_eq!(
            context.clock(AT + Span::from_minutes(24 * 60), date),
            "2026-09-17 08:35:01"
        );
        let spoken = |span| Language::ALL.map(|language| length(language, span)).join(" / ");
        assert_eq!(spoken(Span::from_ms(3_661_000)), "1 小时 1 分 1 秒 / 1 h 1 min 1 s");
        assert_eq!(spoken(Span::from_ms(1)), "0.001 秒 / 0.001 s");
        assert_eq!(spoken(Span::ZERO), "0 秒 / 0 s");
        assert_eq!(spoken(Span::from_minutes(20)), "20 分 / 20 min");
    }
}
