//! The bureau's records, indexed for judging, and what is known of one person.

use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

use chrono::{Days, NaiveDate};

use crate::assignment::{Following, following};
use crate::coverage::OutagePiece;
use crate::glance::PlainReader;
use crate::model::{
    BadgeIndex, DutyIndex, Id, MeetingIndex, Period, PeriodSettings, PersonIndex, PlaceIndex, PlaceKind, ReaderIndex,
    Role, Site, SiteRecords, Stand, Stint, Subject, Swipe, UnitIndex,
};
use crate::plan::Planned;
use crate::shape::direction_of;
use crate::time::{DayClock, DayClocks, Instant, Interval, Span, local_date};

/// A reading can change which of those after it are repeats; a burst does not go on for longer than this.
pub(crate) const BURST_REACH: Span = Span::from_minutes(6 * 60);

/// An absence that ended longer ago than this no longer makes a later absence an `OverstayedLeave`: the bound on how far back
/// judging a date looks for swipes because of an absence.
pub const OVERSTAY_REACH: Span = Span::from_minutes(31 * 24 * 60);

/// How many dates back the previous working date is looked for; the bound that rule 12 needs.
pub const WORKING_DATE_REACH_DAYS: u64 = 62;

/// How long after a meeting's end swipes at its place still say when somebody went out.
pub(crate) const MEETING_AFTERMATH: Span = Span::from_minutes(30);

/// The slow facts of a bureau, indexed; immutable once made.
#[derive(Debug)]
pub struct SiteFacts {
    records: SiteRecords,
    badge_by_key: BTreeMap<Id, BadgeIndex>,
    reader_by_id: BTreeMap<Id, ReaderIndex>,
    person_by_id: BTreeMap<Id, PersonIndex>,
    /// The first of each edition's periods in `settings`.
    pub(crate) settings_of: Vec<usize>,
    /// How periods are judged: every edition's in a row, where judging finds them at once.
    pub(crate) settings: Vec<PeriodSettings>,
    /// Editions of each schedule id, as positions in `records.schedules`, the latest `from` first.
    pub(crate) editions: Vec<Vec<usize>>,
    /// Positions in `records.calendar`, by date.
    pub(crate) calendar: BTreeMap<NaiveDate, usize>,
    pub(crate) outages: Vec<OutagePiece>,
    /// For each of `outages`, the latest end among it and those before it: what is over can be skipped.
    pub(crate) outages_over_by: Vec<Instant>,
    /// Where each reader that has one stand only stands, and whether that is an office.
    unmoved: Vec<Option<(Stand, bool)>>,
    plain_readers: Vec<PlainReader>,
    /// Whether a place has a reader that faces outwards.
    pub(crate) has_outward_reader: Vec<bool>,
    people: Vec<PersonIndexes>,
    /// Meetings at each place.
    pub(crate) meetings_at: Vec<Vec<MeetingIndex>>,
    pub(crate) any_late_allowance: bool,
    /// When each duty is checked, set and drawn times together, in order.
    pub(crate) duty_checks: Vec<Vec<Instant>>,
}

/// What most people have, where judging finds it at once: one badge that nobody else ever had, and one stint.
#[derive(Clone, Copy, Debug, Default)]
struct Plain {
    badge: Option<(BadgeIndex, Interval)>,
    stint: Option<(UnitIndex, Interval)>,
}

/// What concerns one person.
#[derive(Debug, Default)]
struct PersonIndexes {
    plain: Plain,
    badges: Vec<BadgeIndex>,
    /// Which schedule they follow when, in order; gaps are no office hours.
    following: Vec<Following>,
    /// Positions in `records.absences`, in order of `from`.
    absences: Vec<usize>,
    /// Those of `absences` that took time from a period, with their ends, in order of their ends.
    taking: Vec<(Instant, usize)>,
    /// Meetings for which they are rostered or accepted as a substitute, in order of `starts`.
    meetings: Vec<(MeetingIndex, Role)>,
    /// What inspectors saw of them, as positions in `records.observations`.
    observations: Vec<usize>,
    /// Their duties, in order of their starts.
    duties: Vec<DutyIndex>,
    /// The other people whose swipes judging them needs.
    witnesses: Vec<PersonIndex>,
    /// The other people whom judging needs their swipes for.
    dependants: Vec<PersonIndex>,
}

/// Why a swipe is kept, shown and not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quarantine {
    /// It happened before the site's `since`: a clock that was never set.
    BeforeSince,
    /// It happened later than its receipt allows: a clock that is ahead.
    AheadOfReceipt,
}

impl Quarantine {
    /// Why a swipe of these times is not judged at this site, or `None` if it is.
    pub fn of(site: &Site, happened_at: Instant, received_at: Instant) -> Option<Self> {
        if happened_at < site.since {
            Some(Self::BeforeSince)
        } else if happened_at > received_at && happened_at > received_at + site.settings_at(received_at).clock_tolerance
        {
            Some(Self::AheadOfReceipt)
        } else {
            None
        }
    }

    /// The name in files and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeSince => "before_since",
            Self::AheadOfReceipt => "ahead_of_receipt",
        }
    }
}

impl SiteFacts {
    /// Indexes the records.
    pub fn new(records: SiteRecords) -> Self {
        let (editions, schedule_ids) = schedule_editions(&records);
        let mut facts = Self {
            badge_by_key: index_by_id(records.badges.iter().map(|badge| &badge.key), BadgeIndex),
            reader_by_id: index_by_id(records.readers.iter().map(|reader| &reader.id), ReaderIndex),
            person_by_id: index_by_id(records.people.iter().map(|person| &person.id), PersonIndex),
            calendar: records
                .calendar
                .iter()
                .enumerate()
                .map(|(position, day)| (day.date, position))
                .collect(),
            any_late_allowance: records
                .schedules
                .iter()
                .any(|schedule| !schedule.late_allowances.is_empty()),
            settings_of: settings_of(&records),
            settings: periods(&records).map(|period| period.settings.clone()).collect(),
            plain_readers: unmoved_readers(&records).into_iter().map(plain_reader).collect(),
            unmoved: unmoved_readers(&records),
            has_outward_reader: crate::coverage::places_with_outward_reader(&records),
            people: people_indexes(&records, &schedule_ids),
            meetings_at: meetings_by_place(&records),
            duty_checks: records.duties.iter().map(crate::duty::checks_of).collect(),
            outages: crate::coverage::outage_pieces(&records),
            outages_over_by: Vec::new(),
            editions,
            records,
        };
        facts.outages_over_by = crate::coverage::over_by(&facts.outages);
        for person in 0..facts.people.len() {
            facts.people[person].taking =
                facts.absences_taking_time(PersonIndex(u32::try_from(person).unwrap_or(u32::MAX)));
        }
        facts
    }

    /// The records it is made of.
    pub fn records(&self) -> &SiteRecords {
        &self.records
    }

    /// The badge with this key, exactly as written.
    pub fn badge_index(&self, key: &str) -> Option<BadgeIndex> {
        self.badge_by_key.get(key).copied()
    }

    /// The reader with this id.
    pub fn reader_index(&self, id: &str) -> Option<ReaderIndex> {
        self.reader_by_id.get(id).copied()
    }

    /// The person with this id.
    pub fn person_index(&self, id: &str) -> Option<PersonIndex> {
        self.person_by_id.get(id).copied()
    }

    /// Every person, in the order of the records.
    pub fn person_indexes(&self) -> impl Iterator<Item = PersonIndex> + use<> {
        (0..u32::try_from(self.records.people.len()).unwrap_or(u32::MAX)).map(PersonIndex)
    }

    /// Whose a badge is at an instant; of overlapping grants the latest `from` wins.
    pub fn holder(&self, badge: BadgeIndex, at: Instant) -> Option<PersonIndex> {
        let grants = &self.records.badges[badge.at()].grants;
        if let [only] = &grants[..] {
            return only.interval.contains(at).then_some(only.person);
        }
        grants
            .iter()
            .filter(|grant| grant.interval.contains(at))
            .max_by_key(|grant| grant.interval.from)
            .map(|grant| grant.person)
    }

    /// Every badge that a person holds at any time.
    pub fn badges_of(&self, person: PersonIndex) -> &[BadgeIndex] {
        &self.people[person.at()].badges
    }

    /// The other people whose swipes judging a person needs: who was accepted to stand in for them at a meeting, and who takes a duty
    /// over from them.
    pub fn witnesses_of(&self, person: PersonIndex) -> &[PersonIndex] {
        &self.people[person.at()].witnesses
    }

    /// The other people whom a swipe of a person can touch: the other side of [`SiteFacts::witnesses_of`].
    pub fn dependants_of(&self, person: PersonIndex) -> &[PersonIndex] {
        &self.people[person.at()].dependants
    }

    /// A person's duties, in order of their starts.
    pub fn duties_of(&self, person: PersonIndex) -> &[DutyIndex] {
        &self.people[person.at()].duties
    }

    /// Where a reader stands at an instant; of overlapping stands the latest `from` wins.
    pub fn stand_at(&self, reader: ReaderIndex, at: Instant) -> Option<Stand> {
        let stands = &self.records.readers[reader.at()].stands;
        stands
            .iter()
            .filter(|stand| stand.interval.contains(at))
            .max_by_key(|stand| stand.interval.from)
            .copied()
    }

    /// Where a reader stands at an instant, and whether that is an office.
    pub(crate) fn standing_at(&self, reader: ReaderIndex, at: Instant) -> Option<(Stand, bool)> {
        if let Some((stand, at_office)) = self.unmoved[reader.at()] {
            return stand.interval.contains(at).then_some((stand, at_office));
        }
        let stand = self.stand_at(reader, at)?;
        Some((stand, self.is_office(stand.place)))
    }

    /// When a badge is a person's, if nobody else ever had it.
    pub(crate) fn sole_grant(&self, person: PersonIndex, badge: BadgeIndex) -> Option<Interval> {
        match self.people[person.at()].plain.badge {
            Some((only, held)) if only == badge => Some(held),
            _ => sole_grant(&self.records, person, badge),
        }
    }

    /// A person's unit at an instant, and over which time around it.
    pub(crate) fn unit_around(&self, person: PersonIndex, at: Instant) -> Option<(UnitIndex, Interval)> {
        let only = self.people[person.at()].plain.stint;
        let holds = only.filter(|(_, belongs)| belongs.contains(at));
        holds.or_else(|| {
            let stint = self.stint_at(person, at)?;
            Some((stint.unit, stint.interval))
        })
    }

    /// Which readers' swipes are plain, by reader.
    pub(crate) fn plain_readers(&self) -> &[PlainReader] {
        &self.plain_readers
    }

    /// At which place a reader stands at an instant.
    pub fn place_of(&self, reader: ReaderIndex, at: Instant) -> Option<PlaceIndex> {
        self.stand_at(reader, at).map(|stand| stand.place)
    }

    /// What a person is at an instant: unit, name, rank; `None` while they do not belong to the bureau.
    pub fn stint_at(&self, person: PersonIndex, at: Instant) -> Option<&Stint> {
        self.records.people[person.at()]
            .stints
            .iter()
            .find(|stint| stint.interval.contains(at))
    }

    /// A person's unit at an instant.
    pub fn unit_at(&self, person: PersonIndex, at: Instant) -> Option<UnitIndex> {
        self.stint_at(person, at).map(|stint| stint.unit)
    }

    /// Why a swipe is not judged, or `None` if it is.
    pub fn quarantine(&self, swipe: &Swipe) -> Option<Quarantine> {
        Quarantine::of(&self.records.site, swipe.happened_at, swipe.received_at)
    }

    /// Meetings for which a person is rostered, whatever their role, or accepted as a substitute, in order of `starts`.
    pub fn meetings_of(&self, person: PersonIndex) -> &[(MeetingIndex, Role)] {
        &self.people[person.at()].meetings
    }

    /// A person's absences as positions in the records, in order of `from`.
    pub fn absences_of(&self, person: PersonIndex) -> &[usize] {
        &self.people[person.at()].absences
    }

    /// What inspectors saw of a person, as positions in the records.
    pub fn observations_of(&self, person: PersonIndex) -> &[usize] {
        &self.people[person.at()].observations
    }

    pub(crate) fn following_of(&self, person: PersonIndex) -> &[Following] {
        &self.people[person.at()].following
    }

    /// The last absence of a person that took time from a period and ended at or before `at`, no longer than
    /// [`OVERSTAY_REACH`] before it.
    pub(crate) fn last_absence_taking_time(&self, person: PersonIndex, at: Instant) -> Option<(Instant, usize)> {
        let taking = &self.people[person.at()].taking;
        let last = taking[..taking.partition_point(|(until, _)| *until <= at)]
            .last()
            .copied();
        last.filter(|(until, _)| at - *until <= OVERSTAY_REACH)
    }

    /// Whether an absence of a person that took time from a period ended so shortly before some instant of an interval that it may
    /// be overstayed then: they were last seen at an office before the interval at `seen`.
    pub(crate) fn may_overstay(&self, person: PersonIndex, interval: Interval, seen: Option<Instant>) -> bool {
        let taking = &self.people[person.at()].taking;
        let last = taking[..taking.partition_point(|(until, _)| *until <= interval.until)].last();
        last.is_some_and(|(until, _)| {
            let was_seen = *until <= interval.from && seen.is_some_and(|seen| *until <= seen);
            *until + OVERSTAY_REACH >= interval.from && !was_seen
        })
    }

    /// The local date to which a meeting's findings belong: that of its start.
    pub fn date_of_meeting(&self, meeting: MeetingIndex) -> NaiveDate {
        local_date(self.records.meetings[meeting.at()].starts, self.records.site.zone)
    }

    /// The dates of rostered people that a meeting's time, place or roster can touch: its own and those over which it lies.
    pub fn dates_of_meeting(&self, meeting: MeetingIndex) -> DateRange {
        let announced = &self.records.meetings[meeting.at()];
        let zone = self.records.site.zone;
        let (first, last) = (
            local_date(announced.sign_in_opens, zone),
            local_date(announced.last_end() + MEETING_AFTERMATH, zone),
        );
        DateRange {
            from: days_before(first, 2),
            until: days_after(last, 3),
        }
    }

    /// What a person's office hours are on a date, wholly excused periods included, in order.
    pub fn periods_on(&self, person: PersonIndex, date: NaiveDate) -> Vec<Planned> {
        let mut periods = Vec::new();
        self.plan_date(person, &DayClock::new(date, self.records.site.zone), &mut periods);
        periods
    }

    /// Whether the calendar and the schedule ask a person to work on a date, whatever absences say.
    pub fn is_working_date(&self, person: PersonIndex, date: NaiveDate) -> bool {
        !self.periods_on(person, date).is_empty()
    }

    /// The last working date of a person before a date, at most [`WORKING_DATE_REACH_DAYS`] back.
    pub fn previous_working_date(&self, person: PersonIndex, date: NaiveDate) -> Option<NaiveDate> {
        (1..=WORKING_DATE_REACH_DAYS)
            .filter_map(|days| date.checked_sub_days(Days::new(days)))
            .find(|date| self.is_working_date(person, *date))
    }

    /// The next working date of a person after a date, at most [`WORKING_DATE_REACH_DAYS`] on.
    pub fn next_working_date(&self, person: PersonIndex, date: NaiveDate) -> Option<NaiveDate> {
        (1..=WORKING_DATE_REACH_DAYS)
            .filter_map(|days| date.checked_add_days(Days::new(days)))
            .find(|date| self.is_working_date(person, *date))
    }

    /// The local date to which an observation belongs: that of its meeting, else that on which it was made.
    pub fn date_of_observation(&self, observation: usize) -> NaiveDate {
        let seen = &self.records.observations[observation];
        match seen.meeting {
            Some(meeting) => self.date_of_meeting(meeting),
            None => local_date(seen.at, self.records.site.zone),
        }
    }

    /// Whether a person is judged on a date: by a period, a meeting or duty that starts on it, or what an inspector saw.
    pub fn is_asked(&self, person: PersonIndex, date: NaiveDate) -> bool {
        self.opens_at(person, date).is_some()
    }

    /// When the date of a person begins to be judged: its earliest `arrive_from`, `sign_in_opens` or observation, for a duty half an hour
    /// before it starts, or `None` if nothing is asked of them that day.
    pub fn opens_at(&self, person: PersonIndex, date: NaiveDate) -> Option<Instant> {
        let periods = self.periods_on(person, date);
        let meetings = self
            .meetings_of(person)
            .iter()
            .filter(|(meeting, role)| *role != Role::Substitute && self.date_of_meeting(*meeting) == date);
        let sign_ins = meetings.map(|(meeting, _)| self.records.meetings[meeting.at()].sign_in_opens);
        let observed = self
            .observations_of(person)
            .iter()
            .filter(|observation| self.date_of_observation(**observation) == date)
            .map(|observation| self.records.observations[*observation].at);
        let duties = self.duties_of(person).iter();
        let duties = duties
            .filter(|duty| self.date_of_duty(**duty) == date)
            .map(|duty| self.duty_opens_at(*duty));
        let periods = periods.iter().map(|period| period.arrive_from);
        periods.chain(sign_ins).chain(duties).chain(observed).min()
    }

    /// Which swipes judging these dates of a person needs: all of their badges' swipes that happened in this interval. Swipes of
    /// more change nothing.
    pub fn swipe_window(&self, person: PersonIndex, dates: DateRange) -> Interval {
        let context = self.context_of(person, dates);
        let mut window = context.interval;
        for (meeting, _) in self.meetings_meeting(person, window) {
            window = window.hull(self.meeting_extent(meeting));
        }
        // A meeting's effective time depends on presence at the meetings that it overlaps.
        for (meeting, _) in self.meetings_meeting(person, window) {
            window = window.hull(self.meeting_extent(meeting));
        }
        for duty in self.duties_meeting(person, context.interval) {
            window = window.hull(self.duty_extent(duty));
        }
        if let Some(ended_at) = self.earliest_absence_end(person, dates) {
            window.from = window.from.min(ended_at);
        }
        window
    }

    /// The dates whose periods judging `dates` looks at, and from when to when.
    pub(crate) fn context_of(&self, person: PersonIndex, dates: DateRange) -> Context {
        let previous = if self.any_late_allowance {
            self.previous_working_date(person, dates.from)
        } else {
            None
        };
        let analysed_from = previous.unwrap_or(dates.from);
        let planned = DateRange {
            from: days_before(analysed_from, 2),
            until: days_after(dates.until, 2),
        };
        let zone = self.records.site.zone;
        let (first, last) = (days_before(analysed_from, 1), days_after(dates.until, 2));
        let clocks = DayClocks::new(first, last, zone);
        let interval = Interval::new(clocks.of(first).midnight(), clocks.of(last).midnight());
        Context {
            analysed_from,
            planned,
            interval: Interval::new(interval.from - Span::from_minutes(24 * 60), interval.until),
        }
    }

    /// Rostered meetings whose swipes or effects may lie in an interval.
    pub(crate) fn meetings_meeting(
        &self,
        person: PersonIndex,
        interval: Interval,
    ) -> impl Iterator<Item = (MeetingIndex, Role)> + '_ {
        self.meetings_of(person)
            .iter()
            .copied()
            .filter(move |(meeting, _)| self.meeting_extent(*meeting).meets(interval))
    }

    /// When a meeting's swipes happen and its presence counts: from its date's midnight, for whoever came in early, to the last
    /// moment that it takes out of a period or at which somebody goes out.
    pub(crate) fn meeting_extent(&self, meeting: MeetingIndex) -> Interval {
        let announced = &self.records.meetings[meeting.at()];
        let travel = self.records.site.settings_at(announced.starts).meeting_travel;
        let first = self
            .midnight_before_sign_in(meeting)
            .min(announced.sign_in_opens - travel);
        Interval::new(first, announced.last_end() + travel.max(MEETING_AFTERMATH))
    }

    /// From when whoever came in on the date on which sign-in opens may be there still.
    pub(crate) fn midnight_before_sign_in(&self, meeting: MeetingIndex) -> Instant {
        let zone = self.records.site.zone;
        let opens = self.records.meetings[meeting.at()].sign_in_opens;
        DayClock::new(local_date(opens, zone), zone).midnight()
    }

    /// The earliest end of an absence that can make an absence on these dates an `OverstayedLeave`.
    fn earliest_absence_end(&self, person: PersonIndex, dates: DateRange) -> Option<Instant> {
        if self.people[person.at()].taking.is_empty() {
            return None;
        }
        let ends = dates
            .days()
            .flat_map(|date| self.periods_on(person, date))
            .filter_map(|period| period.base.end());
        ends.filter_map(|end| self.last_absence_taking_time(person, end))
            .map(|(ended_at, _)| ended_at)
            .min()
    }

    /// Which absences of a person took time from a period of theirs.
    fn absences_taking_time(&self, person: PersonIndex) -> Vec<(Instant, usize)> {
        let mut taking: Vec<_> = self
            .absences_of(person)
            .iter()
            .copied()
            .filter(|absence| self.takes_time(person, *absence))
            .collect();
        taking.sort_by_key(|absence| self.records.absences[*absence].interval.until);
        taking
            .into_iter()
            .map(|absence| (self.records.absences[absence].interval.until, absence))
            .collect()
    }

    fn takes_time(&self, person: PersonIndex, absence: usize) -> bool {
        const LONGEST_SEARCH_DAYS: usize = 400;
        let (interval, zone) = (self.records.absences[absence].interval, self.records.site.zone);
        let first = days_before(local_date(interval.from, zone), 1);
        let dates = DateRange {
            from: first,
            until: days_after(local_date(interval.until, zone), 1),
        };
        let mut periods = Vec::new();
        dates.days().take(LONGEST_SEARCH_DAYS).any(|date| {
            periods.clear();
            self.plan_before_absences(person, &DayClock::new(date, zone), &mut periods);
            periods
                .iter()
                .any(|period| period.base.length_within(interval) > Span::ZERO)
        })
    }
}

/// What judging some dates looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    /// The first date whose arrivals and departures are found: the previous working date where rule 12 needs it.
    pub(crate) analysed_from: NaiveDate,
    /// The dates whose periods are planned, neighbours across breaks included.
    pub(crate) planned: DateRange,
    /// From when to when swipes can matter, meetings and overstays aside.
    pub(crate) interval: Interval,
}

impl Default for Context {
    /// Nothing.
    fn default() -> Self {
        let (never, nowhen) = (NaiveDate::MIN, Instant::from_ms(0));
        Self {
            analysed_from: never,
            planned: DateRange {
                from: never,
                until: never,
            },
            interval: Interval::new(nowhen, nowhen),
        }
    }
}

/// Dates from `from` up to but without `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateRange {
    /// The first date.
    pub from: NaiveDate,
    /// The date after the last.
    pub until: NaiveDate,
}

impl DateRange {
    /// One date.
    pub fn of_date(date: NaiveDate) -> Self {
        Self {
            from: date,
            until: days_after(date, 1),
        }
    }

    /// Whether a date is in it.
    pub fn contains(self, date: NaiveDate) -> bool {
        self.from <= date && date < self.until
    }

    /// Its dates in order.
    pub fn days(self) -> impl Iterator<Item = NaiveDate> {
        self.from.iter_days().take_while(move |date| *date < self.until)
    }

    /// The smallest range that holds both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self {
            from: self.from.min(other.from),
            until: self.until.max(other.until),
        }
    }
}

/// What is known of one person: what [`crate::evaluate`] judges.
#[derive(Clone, Copy, Debug)]
pub struct PersonFacts<'a> {
    /// The bureau.
    pub site: &'a SiteFacts,
    /// The person.
    pub person: PersonIndex,
    /// The dates to judge: periods, meetings and duties that start on them, by the site's clocks.
    pub dates: DateRange,
    /// The swipes of every badge that the person and [`SiteFacts::witnesses_of`] them ever held, of at least [`SiteFacts::swipe_window`], in any order, quarantined ones
    /// and other holders' too.
    pub swipes: &'a [Swipe],
    /// Judge by what had been received by then; `None` is by all that is there.
    pub known_at: Option<Instant>,
}

pub(crate) fn days_before(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN)
}

pub(crate) fn days_after(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX)
}

fn index_by_id<'a, T>(ids: impl Iterator<Item = &'a Id>, index: impl Fn(u32) -> T) -> BTreeMap<Id, T> {
    ids.zip(0u32..)
        .map(|(id, position)| (id.clone(), index(position)))
        .collect()
}

/// Editions by schedule, and the position of each schedule id among them.
fn schedule_editions(records: &SiteRecords) -> (Vec<Vec<usize>>, BTreeMap<Id, usize>) {
    let mut ids = BTreeMap::new();
    let mut editions: Vec<Vec<usize>> = Vec::new();
    for (position, schedule) in records.schedules.iter().enumerate() {
        let group = *ids.entry(schedule.id.clone()).or_insert(editions.len());
        if group == editions.len() {
            editions.push(Vec::new());
        }
        editions[group].push(position);
    }
    for group in &mut editions {
        group.sort_by_key(|position| core::cmp::Reverse(records.schedules[*position].from));
    }
    (editions, ids)
}

fn people_indexes(records: &SiteRecords, schedule_ids: &BTreeMap<Id, usize>) -> Vec<PersonIndexes> {
    let mut people: Vec<PersonIndexes> = Vec::new();
    people.resize_with(records.people.len(), PersonIndexes::default);
    for (badge, index) in records.badges.iter().zip((0..).map(BadgeIndex)) {
        for grant in &badge.grants {
            let badges = &mut people[grant.person.at()].badges;
            if !badges.contains(&index) {
                badges.push(index);
            }
        }
    }
    for (position, absence) in records.absences.iter().enumerate() {
        people[absence.person.at()].absences.push(position);
    }
    for (meeting, index) in records.meetings.iter().zip((0..).map(MeetingIndex)) {
        for entry in &meeting.roster {
            let meetings = &mut people[entry.person.at()].meetings;
            if !meetings.iter().any(|(listed, _)| *listed == index) {
                meetings.push((index, entry.role));
            }
        }
    }
    index_substitutes(records, &mut people);
    for (position, observation) in records.observations.iter().enumerate() {
        if let Subject::Person(person) = observation.subject {
            people[person.at()].observations.push(position);
        }
    }
    index_duties(records, &mut people);
    index_witnesses(records, &mut people);
    for (position, indexes) in people.iter_mut().enumerate() {
        indexes
            .absences
            .sort_by_key(|absence| records.absences[*absence].interval.from);
        indexes
            .meetings
            .sort_by_key(|(meeting, _)| (records.meetings[meeting.at()].starts, *meeting));
        indexes.following = following(records, schedule_ids, position);
        indexes.plain = plain(
            records,
            PersonIndex(u32::try_from(position).unwrap_or(u32::MAX)),
            &indexes.badges,
        );
    }
    people
}

fn plain(records: &SiteRecords, person: PersonIndex, badges: &[BadgeIndex]) -> Plain {
    let badge = match badges {
        [only] => sole_grant(records, person, *only).map(|held| (*only, held)),
        _ => None,
    };
    let stint = match &records.people[person.at()].stints[..] {
        [only] => Some((only.unit, only.interval)),
        _ => None,
    };
    Plain { badge, stint }
}

fn sole_grant(records: &SiteRecords, person: PersonIndex, badge: BadgeIndex) -> Option<Interval> {
    match records.badges[badge.at()].grants[..] {
        [only] if only.person == person => Some(only.interval),
        _ => None,
    }
}

/// Whoever stands in for somebody is away from the office for the meeting, as those on its roster are.
fn index_substitutes(records: &SiteRecords, people: &mut [PersonIndexes]) {
    for (meeting, index) in records.meetings.iter().zip((0..).map(MeetingIndex)) {
        for accepted in &meeting.substitutions {
            let meetings = &mut people[accepted.substitute.at()].meetings;
            if !meetings.iter().any(|(listed, _)| *listed == index) {
                meetings.push((index, Role::Substitute));
            }
        }
    }
}

fn index_duties(records: &SiteRecords, people: &mut [PersonIndexes]) {
    for (duty, index) in records.duties.iter().zip((0..).map(DutyIndex)) {
        people[duty.person.at()].duties.push(index);
    }
    for indexes in people {
        indexes
            .duties
            .sort_by_key(|duty| (records.duties[duty.at()].interval.from, *duty));
    }
}

/// Who is judged by whose swipes besides their own.
fn index_witnesses(records: &SiteRecords, people: &mut [PersonIndexes]) {
    let substitutions = records.meetings.iter().flat_map(|meeting| &meeting.substitutions);
    let substitutes = substitutions.map(|accepted| (accepted.person, accepted.substitute));
    let handing_over = records.duties.iter().filter_map(|duty| {
        let successor = duty.hands_over_to?;
        Some((duty.person, records.duties[successor.at()].person))
    });
    for (judged, witness) in substitutes
        .chain(handing_over)
        .filter(|(judged, witness)| judged != witness)
    {
        people[judged.at()].witnesses.push(witness);
        people[witness.at()].dependants.push(judged);
    }
    for indexes in people {
        for others in [&mut indexes.witnesses, &mut indexes.dependants] {
            others.sort_unstable();
            others.dedup();
        }
    }
}

fn unmoved_readers(records: &SiteRecords) -> Vec<Option<(Stand, bool)>> {
    let unmoved = records.readers.iter().map(|reader| {
        let [only] = reader.stands[..] else { return None };
        Some((only, records.places[only.place.at()].kind == PlaceKind::Office))
    });
    unmoved.collect()
}

fn plain_reader(unmoved: Option<(Stand, bool)>) -> PlainReader {
    let at_office = unmoved.filter(|(_, at_office)| *at_office).map(|(stand, _)| stand);
    let never = Interval::new(Instant::from_ms(0), Instant::from_ms(0));
    PlainReader {
        stands: at_office.map_or(never, |stand| stand.interval),
        direction: at_office.map_or(0, |stand| direction_of(stand.faces)),
    }
}

/// Every edition's periods in a row.
fn periods(records: &SiteRecords) -> impl Iterator<Item = &Period> {
    records.schedules.iter().flat_map(|schedule| &schedule.periods)
}

/// The position of each edition's first period in that row.
fn settings_of(records: &SiteRecords) -> Vec<usize> {
    let firsts = records.schedules.iter().scan(0, |next, schedule| {
        let first = *next;
        *next += schedule.periods.len();
        Some(first)
    });
    firsts.collect()
}

fn meetings_by_place(records: &SiteRecords) -> Vec<Vec<MeetingIndex>> {
    let mut meetings_at = vec![Vec::new(); records.places.len()];
    for (meeting, index) in records.meetings.iter().zip((0..).map(MeetingIndex)) {
        meetings_at[meeting.place.at()].push(index);
    }
    meetings_at
}

impl SiteFacts {
    pub(crate) fn is_office(&self, place: PlaceIndex) -> bool {
        self.records.places[place.at()].kind == PlaceKind::Office
    }
}
