//! The board: the state of everybody today, and the view of it that a screen shows. Pure: time is an argument.
//!
//! *Who is counted, and where.* Everybody once, by their current period: the earliest that is shown and not over. While they
//! are merely expected in it, the last period that ended today stays (over lunch the morning's), so that a headline does not
//! fall to zero when the afternoon opens, and each person moves on when they arrive or when they are overdue. Who has no
//! period today is not counted. Lateness is the day's: a late morning is still listed in the afternoon. Not being there is
//! now: only the current period's. Nobody who is on leave now is listed, and no absence that is withheld is ever listed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{Days, NaiveDate, NaiveTime, SecondsFormat};
use chrono_tz::Tz;
use rules::facts::SiteFacts;
use rules::finding::{About, Finding, FindingKind, FindingState, Presence, Standing};
use rules::model::{
    DutyIndex, Id, Meeting, MeetingIndex, PersonIndex, ReaderIndex, Role, SiteRecords, Subject, UnitIndex,
};
use rules::time::{Instant, civil_instant, local_date};
use rules::units::UnitCount;

use super::names::{NameMode, mask, plain};
use super::view::{Counts, MeetingPanel, Phase, Row, Shortfall, Source, Tally, UnitTally, View};

/// The most rows that a view lists; counts stay whole beyond it. It keeps a snapshot under 64 KB.
pub const LISTED_ROWS: usize = 240;

/// The most meetings that a view shows.
pub const LISTED_MEETINGS: usize = 8;

/// The most units that a meeting's panel names for what they did not send.
pub const LISTED_SHORTFALLS: usize = 40;

/// The most readers that a view names.
pub const LISTED_SOURCES: usize = 64;

/// What the engine says after a commit. Everything in it is absolute and may be said again.
#[derive(Clone, Debug, Default)]
pub struct BoardChange {
    /// The facts in force, where they are new. Every index in `days` refers to them (or, where this is `None`, to the last
    /// that were said); what the board already holds moves over by identifiers.
    pub facts: Option<Arc<SiteFacts>>,
    /// Days that were judged. Days far from today are ignored.
    pub days: Vec<BoardDay>,
    /// Meetings that were judged as a whole.
    pub meetings: Vec<BoardMeeting>,
    /// Readers whose state changed.
    pub sources: Vec<SourceState>,
}

/// What was judged of one person on one date: replaces whatever was said of that day before.
#[derive(Clone, Debug)]
pub struct BoardDay {
    /// Who.
    pub person: PersonIndex,
    /// The date.
    pub date: NaiveDate,
    /// How they stand in each period and meeting.
    pub standings: Vec<Standing>,
    /// What is not as it should be.
    pub findings: Vec<BoardFinding>,
}

/// What was judged of a meeting as a whole: replaces whatever was said of it before.
#[derive(Clone, Debug)]
pub struct BoardMeeting {
    /// Which.
    pub meeting: MeetingIndex,
    /// What its units did not do.
    pub findings: Vec<BoardFinding>,
    /// How many came for each unit that has to send somebody.
    pub counts: Vec<UnitCount>,
}

impl BoardDay {
    /// Whether a duty that began on the date, maybe days ago, is still on.
    fn is_on_duty(&self, now: Instant) -> bool {
        let mut duties = self
            .standings
            .iter()
            .filter(|standing| matches!(standing.about, About::Duty(_)));
        duties.any(|standing| standing.shown.contains(now))
    }
}

/// A finding with the name and revision that the store gave it.
#[derive(Clone, Debug)]
pub struct BoardFinding {
    /// Its opaque id.
    pub id: String,
    /// Its revision.
    pub revision: i64,
    /// What it says.
    pub finding: Finding,
}

/// Whether a reader can be heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceState {
    /// Reader id.
    pub reader: String,
    /// Whether it has been silent beyond its threshold.
    pub silent: bool,
    /// Since when that is so: for a silent reader its last sign of life.
    pub since: Instant,
}

/// The state that a lobby screen shows.
#[derive(Clone, Debug, Default)]
pub struct Board {
    facts: Option<Arc<SiteFacts>>,
    days: BTreeMap<(PersonIndex, NaiveDate), BoardDay>,
    meetings: BTreeMap<MeetingIndex, BoardMeeting>,
    sources: BTreeMap<String, SourceState>,
}

impl Board {
    /// Takes a change in, as of `now`, and lets go of what matters no more.
    pub fn apply(&mut self, change: BoardChange, now: Instant) {
        self.gather(change, now);
        let near = self.near(now);
        self.days
            .retain(|_, day| near.contains(&day.date) || day.is_on_duty(now));
        let over = self.facts.as_ref().map(|facts| over_before(facts.records(), near[0]));
        self.meetings
            .retain(|meeting, _| over.as_ref().is_none_or(|over| !over(*meeting)));
    }

    /// Adds a change, as far as it matters at `now`, to what is soon taken out again: cheap, however much is there.
    pub fn gather(&mut self, change: BoardChange, now: Instant) {
        if let Some(facts) = change.facts
            && self.facts.as_ref().is_none_or(|known| !Arc::ptr_eq(known, &facts))
        {
            self.adopt(&facts);
        }
        let near = self.near(now);
        let matters = |day: &BoardDay| near.contains(&day.date) || day.is_on_duty(now);
        let days = change.days.into_iter().filter(matters);
        self.days.extend(days.map(|day| ((day.person, day.date), day)));
        self.meetings
            .extend(change.meetings.into_iter().map(|meeting| (meeting.meeting, meeting)));
        self.sources
            .extend(change.sources.into_iter().map(|source| (source.reader.clone(), source)));
    }

    /// Everything it holds, as one change; what stays behind is a board that knows the facts and nothing else.
    #[must_use]
    pub fn take(&mut self) -> BoardChange {
        BoardChange {
            facts: self.facts.clone(),
            days: std::mem::take(&mut self.days).into_values().collect(),
            meetings: std::mem::take(&mut self.meetings).into_values().collect(),
            sources: std::mem::take(&mut self.sources).into_values().collect(),
        }
    }

    /// What a screen shows at `now`.
    pub fn view(&self, now: Instant, names: NameMode) -> View {
        self.facts.as_ref().map_or_else(View::default, |facts| {
            let zone = facts.records().site.zone;
            let today = local_date(now, zone);
            let painter = Painter {
                records: facts.records(),
                zone,
                now,
                today,
                midnight: start_of(today, zone),
                names,
            };
            painter.view(self)
        })
    }

    /// The first instant after `now` at which the view differs although nothing new was said.
    pub fn next_change(&self, now: Instant) -> Option<Instant> {
        let records = self.facts.as_ref()?.records();
        let edges = self
            .days
            .values()
            .flat_map(|day| &day.standings)
            .flat_map(|standing| [standing.shown.from, standing.shown.until]);
        let meetings = records
            .meetings
            .iter()
            .flat_map(|meeting| [meeting.sign_in_opens, meeting.starts, meeting.last_end()]);
        let midnight = start_of(local_date(now, records.site.zone) + Days::new(1), records.site.zone);
        edges.chain(meetings).chain([midnight]).filter(|&at| at > now).min()
    }

    /// The dates whose days can matter at `now`: a night shift of yesterday is still on, tomorrow's may already be open.
    fn near(&self, now: Instant) -> [NaiveDate; 3] {
        let zone = self.facts.as_ref().map_or(Tz::UTC, |facts| facts.records().site.zone);
        let today = local_date(now, zone);
        [today - Days::new(1), today, today + Days::new(1)]
    }

    fn adopt(&mut self, facts: &Arc<SiteFacts>) {
        if let Some(before) = self.facts.replace(Arc::clone(facts)) {
            let moves = Moves::between(before.records(), facts.records());
            self.days = std::mem::take(&mut self.days)
                .into_values()
                .filter_map(|day| moves.day(day))
                .map(|day| ((day.person, day.date), day))
                .collect();
            self.meetings = std::mem::take(&mut self.meetings)
                .into_values()
                .filter_map(|meeting| moves.meeting(meeting))
                .map(|meeting| (meeting.meeting, meeting))
                .collect();
        }
    }
}

/// Which meetings were over before a date: a board keeps nothing of them.
fn over_before(records: &SiteRecords, date: NaiveDate) -> impl Fn(MeetingIndex) -> bool + '_ {
    let midnight = start_of(date, records.site.zone);
    move |meeting| {
        records
            .meetings
            .get(meeting.at())
            .is_none_or(|meeting| meeting.last_end() < midnight)
    }
}

/// Where the indices of one edition of the facts are in the next.
struct Moves {
    people: Vec<Option<PersonIndex>>,
    units: Vec<Option<UnitIndex>>,
    meetings: Vec<Option<MeetingIndex>>,
    duties: Vec<Option<DutyIndex>>,
    readers: Vec<Option<ReaderIndex>>,
}

impl Moves {
    fn between(before: &SiteRecords, after: &SiteRecords) -> Self {
        Self {
            people: positions(
                before.people.iter().map(|person| &*person.id),
                after.people.iter().map(|person| &*person.id),
                PersonIndex,
            ),
            units: positions(
                before.units.iter().map(|unit| &*unit.id),
                after.units.iter().map(|unit| &*unit.id),
                UnitIndex,
            ),
            meetings: positions(
                before.meetings.iter().map(|one| &*one.id),
                after.meetings.iter().map(|one| &*one.id),
                MeetingIndex,
            ),
            duties: positions(
                before.duties.iter().map(|one| &*one.id),
                after.duties.iter().map(|one| &*one.id),
                DutyIndex,
            ),
            readers: positions(
                before.readers.iter().map(|one| &*one.id),
                after.readers.iter().map(|one| &*one.id),
                ReaderIndex,
            ),
        }
    }

    fn day(&self, mut day: BoardDay) -> Option<BoardDay> {
        day.person = self.people.get(day.person.at()).copied().flatten()?;
        day.standings.retain_mut(|standing| self.about(&mut standing.about));
        day.findings.retain_mut(|found| self.about(&mut found.finding.about));
        for standing in &mut day.standings {
            standing.unit = self.unit(standing.unit);
        }
        for BoardFinding { finding, .. } in &mut day.findings {
            finding.subject = Subject::Person(day.person);
            finding.unit = self.unit(finding.unit);
            finding.withheld_by.retain_mut(|(reader, _)| {
                let moved = self.readers.get(reader.at()).copied().flatten();
                *reader = moved.unwrap_or(*reader);
                moved.is_some()
            });
        }
        Some(day)
    }

    fn meeting(&self, mut judged: BoardMeeting) -> Option<BoardMeeting> {
        judged.meeting = self.meetings.get(judged.meeting.at()).copied().flatten()?;
        judged.counts.retain_mut(|count| {
            let moved = self.unit(Some(count.unit));
            count.unit = moved.unwrap_or(count.unit);
            moved.is_some()
        });
        judged.findings.retain_mut(|found| {
            let finding = &mut found.finding;
            finding.unit = self.unit(finding.unit);
            finding.subject = finding.unit.map_or(finding.subject, Subject::Unit);
            finding.unit.is_some() && self.about(&mut finding.about)
        });
        Some(judged)
    }

    fn unit(&self, unit: Option<UnitIndex>) -> Option<UnitIndex> {
        self.units.get(unit?.at()).copied().flatten()
    }

    fn about(&self, about: &mut About) -> bool {
        let moved = match about {
            About::Meeting(meeting) => self.meetings.get(meeting.at()).copied().flatten().map(About::Meeting),
            About::Duty(duty) => self.duties.get(duty.at()).copied().flatten().map(About::Duty),
            About::Period(_) | About::Date => return true,
        };
        let is_known = moved.is_some();
        *about = moved.unwrap_or(About::Date);
        is_known
    }
}

fn positions<'a, Index>(
    before: impl Iterator<Item = &'a str>,
    after: impl Iterator<Item = &'a str>,
    index: fn(u32) -> Index,
) -> Vec<Option<Index>> {
    let found: HashMap<&str, u32> = after.zip(0..).collect();
    before.map(|id| found.get(id).copied().map(index)).collect()
}

/// Draws one view: the facts, the instant and the name mode that it is drawn for.
struct Painter<'a> {
    records: &'a SiteRecords,
    zone: Tz,
    now: Instant,
    today: NaiveDate,
    /// When today began.
    midnight: Instant,
    names: NameMode,
}

/// What the walk over the people gathers.
#[derive(Default)]
struct Gathered {
    counts: Counts,
    rows: Vec<Row>,
    periods: HashMap<Id, u32>,
    meetings: HashMap<MeetingIndex, MeetingGathered>,
}

#[derive(Default)]
struct MeetingGathered {
    units: BTreeMap<Option<UnitIndex>, Tally>,
    out: Vec<Row>,
}

impl Painter<'_> {
    fn view(&self, board: &Board) -> View {
        let shown = self.shown_meetings();
        let mut gathered = Gathered::default();
        let days: Vec<&BoardDay> = board.days.values().collect();
        for days in days.chunk_by(|a, b| a.person == b.person) {
            self.gather_person(days, &mut gathered);
            self.gather_meetings(days, &shown, &mut gathered);
        }
        View {
            date: self.today.to_string(),
            period: most_common(&gathered.periods),
            counts: gathered.counts,
            rows: self.listed(gathered.rows),
            meetings: shown
                .iter()
                .map(|&(index, phase)| {
                    let shortfalls = board.meetings.get(&index).filter(|_| phase == Phase::Running);
                    let shortfalls = shortfalls.map_or_else(Vec::new, |judged| self.shortfalls(judged));
                    self.panel((index, phase), gathered.meetings.remove(&index), shortfalls)
                })
                .collect(),
            sources: self.sources(board),
        }
    }

    fn gather_person(&self, days: &[&BoardDay], gathered: &mut Gathered) {
        let Some(current) = self.current(days) else { return };
        let of_today = |date: NaiveDate| date == self.today || date == current.date;
        let periods = || {
            days.iter()
                .flat_map(|day| &day.standings)
                .filter(|standing| matches!(standing.about, About::Period(_)))
        };
        let late = periods().any(|standing| standing.late && of_today(standing.date));
        count(&mut gathered.counts, current.presence, late);
        if let About::Period(name) = &current.about {
            if let Some(people) = gathered.periods.get_mut(name) {
                *people += 1;
            } else {
                gathered.periods.insert(name.clone(), 1);
            }
        }
        if current.presence == Presence::Excused {
            return;
        }
        let findings = days
            .iter()
            .flat_map(|day| &day.findings)
            .filter(|found| of_today(found.finding.date));
        let listed: Vec<&BoardFinding> = findings.filter(|found| is_listed(&found.finding, current)).collect();
        if listed.iter().any(|found| is_lateness(&found.finding)) {
            gathered.counts.late_today += 1;
        }
        gathered.rows.extend(listed.into_iter().map(|found| self.row(found)));
    }

    /// The period that a person is counted in; see the top of this file.
    fn current<'d>(&self, days: &[&'d BoardDay]) -> Option<&'d Standing> {
        let begun = days
            .iter()
            .flat_map(|day| &day.standings)
            .filter(|standing| matches!(standing.about, About::Period(_)) && standing.shown.from <= self.now);
        let (mut running, mut over): (Option<&Standing>, Option<&Standing>) = (None, None);
        for standing in begun {
            if standing.shown.until > self.now {
                running = Some(running.map_or(standing, |other| {
                    if other.shown.from <= standing.shown.from {
                        other
                    } else {
                        standing
                    }
                }));
            } else if standing.shown.until > self.midnight {
                over = Some(over.map_or(standing, |other| {
                    if other.shown.until >= standing.shown.until {
                        other
                    } else {
                        standing
                    }
                }));
            }
        }
        match (running, over) {
            (Some(running), Some(over)) if running.presence == Presence::Expected => Some(over),
            (Some(running), _) => Some(running),
            (None, over) => over,
        }
    }

    fn gather_meetings(&self, days: &[&BoardDay], shown: &[(MeetingIndex, Phase)], gathered: &mut Gathered) {
        for standing in days.iter().flat_map(|day| &day.standings) {
            if let About::Meeting(index) = standing.about
                && shown.iter().any(|&(other, _)| other == index)
                && days.first().is_some_and(|day| self.is_required(index, day.person))
            {
                let meeting = gathered.meetings.entry(index).or_default();
                tally(meeting.units.entry(standing.unit).or_default(), standing);
            }
        }
        for found in days.iter().flat_map(|day| &day.findings) {
            if let About::Meeting(index) = found.finding.about
                && is_open_walk_out(&found.finding)
                && self.names != NameMode::Counts
                && shown
                    .iter()
                    .any(|&(other, phase)| other == index && phase == Phase::Running)
            {
                gathered.meetings.entry(index).or_default().out.push(self.row(found));
            }
        }
    }

    fn is_required(&self, index: MeetingIndex, person: PersonIndex) -> bool {
        let entries = self
            .records
            .meetings
            .get(index.at())
            .map_or(&[][..], |meeting| &meeting.roster);
        entries
            .iter()
            .find(|entry| entry.person == person)
            .is_none_or(|entry| entry.role != Role::Optional)
    }

    /// The meetings that are on or signing in, by start, then the next one of today.
    fn shown_meetings(&self) -> Vec<(MeetingIndex, Phase)> {
        let tomorrow = start_of(self.today + Days::new(1), self.zone);
        let indexed = || self.records.meetings.iter().zip((0..).map(MeetingIndex));
        let mut open: Vec<(&Meeting, MeetingIndex)> = indexed()
            .filter(|(meeting, _)| meeting.sign_in_opens <= self.now && self.now < meeting.last_end())
            .collect();
        open.sort_by_key(|(meeting, index)| (meeting.starts, *index));
        open.truncate(LISTED_MEETINGS - 1);
        let next = indexed()
            .filter(|(meeting, _)| self.now < meeting.sign_in_opens && meeting.starts < tomorrow)
            .min_by_key(|(meeting, index)| (meeting.starts, *index));
        let phase = |meeting: &Meeting| {
            if meeting.starts <= self.now {
                Phase::Running
            } else {
                Phase::SignIn
            }
        };
        open.into_iter()
            .map(|(meeting, index)| (index, phase(meeting)))
            .chain(next.map(|(_, index)| (index, Phase::Next)))
            .collect()
    }

    /// The units that did not send what they had to, as far as a silent reader leaves no doubt of it: who sent nobody first.
    fn shortfalls(&self, judged: &BoardMeeting) -> Vec<Shortfall> {
        let short = judged.findings.iter().filter_map(|found| {
            let finding = &found.finding;
            let is_short = matches!(
                finding.kind,
                FindingKind::UnitAbsent | FindingKind::UnitShort | FindingKind::UnitRank
            );
            if !is_short || finding.state == FindingState::Withheld {
                return None;
            }
            let count = judged.counts.iter().find(|count| Some(count.unit) == finding.unit)?;
            Some((finding.kind, found, count))
        });
        let mut short: Vec<_> = short.collect();
        short.sort_by_key(|(kind, ..)| *kind);
        short.truncate(LISTED_SHORTFALLS);
        let row = |(kind, found, count): (FindingKind, &BoardFinding, &UnitCount)| Shortfall {
            id: found.id.clone(),
            revision: found.revision,
            unit: self.unit(found.finding.unit),
            kind: kind.name(),
            state: found.finding.state.name(),
            asked: count.at_least,
            came: count.arrived,
        };
        short.into_iter().map(row).collect()
    }

    fn panel(
        &self,
        (index, phase): (MeetingIndex, Phase),
        gathered: Option<MeetingGathered>,
        shortfalls: Vec<Shortfall>,
    ) -> MeetingPanel {
        let meeting = &self.records.meetings[index.at()];
        let MeetingGathered { units, mut out } = gathered.unwrap_or_default();
        out.sort_by(|a, b| a.since.cmp(&b.since).then_with(|| a.id.cmp(&b.id)));
        out.truncate(LISTED_ROWS);
        let mut units: Vec<UnitTally> = units
            .into_iter()
            .map(|(unit, tally)| UnitTally {
                name: self.unit(unit),
                tally,
            })
            .collect();
        // While people sign in, every unit is an exception that shrinks by the second: rows that stay where they are can be read.
        if phase == Phase::Running {
            units.sort_by_key(|unit| std::cmp::Reverse(exceptions(&unit.tally)));
        }
        let mut counts = units.iter().fold(Tally::default(), |sum, unit| sum.plus(unit.tally));
        if phase == Phase::Next {
            // Nobody stands anywhere in a meeting that is not open yet; the roster says how many are called.
            let called = meeting
                .roster
                .iter()
                .filter(|entry| entry.role != Role::Optional)
                .count();
            counts = Tally {
                required: u32::try_from(called).unwrap_or(u32::MAX),
                ..Tally::default()
            };
            counts.expected = counts.required;
            units.clear();
        }
        MeetingPanel {
            id: meeting.id.to_string(),
            title: plain(&meeting.title),
            room: self
                .records
                .places
                .get(meeting.place.at())
                .map_or_else(String::new, |place| plain(&place.name)),
            phase,
            starts: self.stamp(meeting.starts),
            ends: self.stamp(meeting.last_end()),
            counts,
            units,
            out,
            shortfalls,
        }
    }

    fn row(&self, found: &BoardFinding) -> Row {
        let finding = &found.finding;
        let open_ended = matches!(finding.kind, FindingKind::NotArrived) || is_whole_absence(finding);
        let at = if open_ended {
            finding.due
        } else {
            finding.actual.or(finding.since).or(finding.due)
        };
        let since = if finding.kind == FindingKind::NotArrived {
            finding.due
        } else {
            finding.since
        };
        Row {
            id: found.id.clone(),
            revision: found.revision,
            unit: self.unit(finding.unit),
            name: Some(self.name(finding)),
            people: None,
            // That leave preceded an absence is nobody's business in a lobby.
            kind: if finding.kind == FindingKind::OverstayedLeave {
                FindingKind::Absent.name()
            } else {
                finding.kind.name()
            },
            state: finding.state.name(),
            by_lateness: finding.by_lateness,
            at: at.map(|at| self.stamp(at)),
            minutes: finding
                .length
                .filter(|_| finding.state != FindingState::Withheld)
                .map(rules::time::Span::shown_minutes),
            since: since.map(|since| self.stamp(since)),
            meeting: match finding.about {
                About::Meeting(index) => self
                    .records
                    .meetings
                    .get(index.at())
                    .map(|meeting| plain(&meeting.title)),
                About::Period(_) | About::Duty(_) | About::Date => None,
            },
        }
    }

    fn name(&self, finding: &Finding) -> String {
        let Subject::Person(person) = finding.subject else {
            return self.unit(finding.unit);
        };
        let at = finding.actual.or(finding.due).unwrap_or(self.now);
        let stints = self
            .records
            .people
            .get(person.at())
            .map_or(&[][..], |person| &person.stints);
        let stint = stints
            .iter()
            .rfind(|stint| stint.interval.contains(at))
            .or(stints.last());
        let name = stint.map_or("", |stint| &*stint.name);
        if self.names == NameMode::Full {
            plain(name)
        } else {
            mask(name)
        }
    }

    fn unit(&self, unit: Option<UnitIndex>) -> String {
        unit.and_then(|index| self.records.units.get(index.at()))
            .map_or_else(String::new, |unit| plain(&unit.name))
    }

    fn listed(&self, rows: Vec<Row>) -> Vec<Row> {
        let mut rows = if self.names == NameMode::Counts {
            by_unit(rows)
        } else {
            rows
        };
        View::sort_rows(&mut rows);
        rows.truncate(LISTED_ROWS);
        rows
    }

    fn sources(&self, board: &Board) -> Vec<Source> {
        let standing = |source: &SourceState| self.records.readers.iter().find(|reader| *reader.id == source.reader);
        let mut sources: Vec<&SourceState> = board
            .sources
            .values()
            .filter(|source| standing(source).is_some())
            .collect();
        sources.sort_by_key(|source| (!source.silent, source.reader.as_str()));
        sources.truncate(LISTED_SOURCES);
        sources
            .into_iter()
            .map(|source| Source {
                reader: source.reader.clone(),
                place: self.place_of(&source.reader),
                state: if source.silent { "silent" } else { "heard" },
                since: self.stamp(source.since),
            })
            .collect()
    }

    fn place_of(&self, reader: &str) -> String {
        let reader = self.records.readers.iter().find(|other| *other.id == *reader);
        let stand = reader.and_then(|reader| reader.stands.iter().rfind(|stand| stand.interval.contains(self.now)));
        stand
            .and_then(|stand| self.records.places.get(stand.place.at()))
            .map_or_else(String::new, |place| plain(&place.name))
    }

    fn stamp(&self, at: Instant) -> String {
        at.to_utc()
            .with_timezone(&self.zone)
            .to_rfc3339_opts(SecondsFormat::Secs, false)
    }
}

/// The first instant of a date.
fn start_of(date: NaiveDate, zone: Tz) -> Instant {
    civil_instant(date.and_time(NaiveTime::MIN), zone)
}

fn count(counts: &mut Counts, presence: Presence, late: bool) {
    let due = match presence {
        Presence::Excused => {
            counts.leave += 1;
            return;
        }
        Presence::Expected => &mut counts.expected,
        Presence::Present { .. } | Presence::Out { .. } => {
            counts.late += u32::from(late);
            &mut counts.arrived
        }
        Presence::Missing => &mut counts.missing,
        Presence::Withheld => &mut counts.withheld,
    };
    *due += 1;
    counts.due += 1;
}

fn tally(tally: &mut Tally, standing: &Standing) {
    let part = match standing.presence {
        Presence::Excused => &mut tally.excused,
        Presence::Expected => &mut tally.expected,
        Presence::Present { .. } => &mut tally.present,
        Presence::Out { .. } => &mut tally.out,
        Presence::Missing => &mut tally.absent,
        Presence::Withheld => &mut tally.withheld,
    };
    *part += 1;
    tally.required += 1;
    let came = matches!(standing.presence, Presence::Present { .. } | Presence::Out { .. });
    tally.late += u32::from(standing.late && came);
}

impl Tally {
    fn plus(self, other: Self) -> Self {
        Self {
            required: self.required + other.required,
            present: self.present + other.present,
            late: self.late + other.late,
            absent: self.absent + other.absent,
            out: self.out + other.out,
            excused: self.excused + other.excused,
            withheld: self.withheld + other.withheld,
            expected: self.expected + other.expected,
        }
    }
}

/// What puts a unit before others: the worst first, and who is merely on leave last.
fn exceptions(tally: &Tally) -> (u32, u32, u32) {
    (tally.absent + tally.out, tally.withheld + tally.expected, tally.excused)
}

/// Whether a board lists the finding of somebody whose current period is `current`.
fn is_listed(finding: &Finding, current: &Standing) -> bool {
    let is_current = finding.date == current.date && finding.about == current.about;
    match finding.kind {
        FindingKind::Late | FindingKind::SeriouslyLate | FindingKind::EarlyLeave | FindingKind::StepOut => true,
        FindingKind::Absent if finding.by_lateness => true,
        FindingKind::NotArrived | FindingKind::Absent | FindingKind::OverstayedLeave => {
            is_current && finding.state != FindingState::Withheld && current.presence == Presence::Missing
        }
        // Without an arrival the person is one of the missing in the meeting's panel.
        FindingKind::MeetingLate => finding.actual.is_some(),
        // A forgotten card is between the person and the clerk, and so is what an inspector or the counting says; what concerns
        // a meeting is in its panel.
        FindingKind::MissingArrival
        | FindingKind::MissingDeparture
        | FindingKind::MeetingAbsent
        | FindingKind::MeetingEarlyLeave
        | FindingKind::WalkOut
        | FindingKind::WalkingAbout
        | FindingKind::DutyLate
        | FindingKind::DutyAbsent
        | FindingKind::DutyLeft
        | FindingKind::HandoverMissing
        | FindingKind::Seating
        | FindingKind::Conduct
        | FindingKind::UnitAbsent
        | FindingKind::UnitShort
        | FindingKind::UnitRank
        | FindingKind::Escalation => false,
    }
}

fn is_lateness(finding: &Finding) -> bool {
    matches!(finding.kind, FindingKind::Late | FindingKind::SeriouslyLate)
        || (finding.kind == FindingKind::Absent && finding.by_lateness)
}

fn is_whole_absence(finding: &Finding) -> bool {
    matches!(finding.kind, FindingKind::Absent | FindingKind::OverstayedLeave) && !finding.by_lateness
}

/// An exit that a reader's silence leaves in doubt is not called one.
fn is_open_walk_out(finding: &Finding) -> bool {
    finding.kind == FindingKind::WalkOut && finding.since.is_some() && finding.state != FindingState::Withheld
}

/// One row for each unit and kind, with the number of people, from rows of people.
fn by_unit(rows: Vec<Row>) -> Vec<Row> {
    let mut units: BTreeMap<(String, &'static str, bool), u32> = BTreeMap::new();
    for row in rows {
        *units.entry((row.unit, row.kind, row.by_lateness)).or_default() += 1;
    }
    let row = |((unit, kind, by_lateness), people): ((String, &'static str, bool), u32)| Row {
        id: format!("{kind}{}/{unit}", if by_lateness { "-by-lateness" } else { "" }),
        revision: i64::from(people),
        unit,
        name: None,
        people: Some(people),
        kind,
        state: FindingState::Provisional.name(),
        by_lateness,
        at: None,
        minutes: None,
        since: None,
        meeting: None,
    };
    units.into_iter().map(row).collect()
}

fn most_common(periods: &HashMap<Id, u32>) -> Option<String> {
    periods
        .iter()
        .max_by_key(|&(name, people)| (*people, std::cmp::Reverse(name)))
        .map(|(name, _)| plain(name))
}

#[cfg(test)]
mod tests;
