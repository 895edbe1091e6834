//! The facts that verdicts are made of: the bureau ([`SiteRecords`]), and one person's swipes ([`PersonFacts`]).
//!
//! Records refer to each other by index, so a reference that exists is valid; whoever reads files or rows resolves names
//! and reports what does not resolve. `crate::facts::SiteFacts` is made of the records once and then shared.

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use chrono::{NaiveDate, Weekday};
use chrono_tz::Tz;

use crate::count::EscalationRule;
use crate::time::{CivilTime, Instant, Interval, Span};

/// An identifier as the site folder writes it.
pub type Id = Arc<str>;

macro_rules! index {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u32);
        impl $name {
            /// The position in its vector.
            pub const fn at(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

index! {
    /// A unit's position in [`SiteRecords::units`].
    UnitIndex;
    /// A person's position in [`SiteRecords::people`].
    PersonIndex;
    /// A badge's position in [`SiteRecords::badges`].
    BadgeIndex;
    /// A place's position in [`SiteRecords::places`].
    PlaceIndex;
    /// A reader's position in [`SiteRecords::readers`].
    ReaderIndex;
    /// A meeting's position in [`SiteRecords::meetings`].
    MeetingIndex;
    /// A duty's position in [`SiteRecords::duties`].
    DutyIndex;
}

/// Everything about a bureau but its swipes, as a site folder or the database holds it.
#[derive(Clone, Debug)]
pub struct SiteRecords {
    /// The bureau itself.
    pub site: Site,
    /// Units; they form a tree.
    pub units: Vec<Unit>,
    /// People.
    pub people: Vec<Person>,
    /// Badges that belong to somebody at some time.
    pub badges: Vec<Badge>,
    /// Places where readers stand.
    pub places: Vec<Place>,
    /// Readers.
    pub readers: Vec<Reader>,
    /// Schedules; several editions of one `id` with different `from` are its seasonal editions.
    pub schedules: Vec<Schedule>,
    /// Dated overrides of the week; at most one a date (the reader of the file reports a second).
    pub calendar: Vec<CalendarDay>,
    /// Who follows which schedule.
    pub assignments: Vec<Assignment>,
    /// Approved absences.
    pub absences: Vec<Absence>,
    /// Duties.
    pub duties: Vec<Duty>,
    /// Meetings with their rosters and permissions.
    pub meetings: Vec<Meeting>,
    /// What inspectors saw.
    pub observations: Vec<Observation>,
    /// What adds up, and what follows from it.
    pub escalations: Vec<EscalationRule>,
    /// When readers could not be heard.
    pub outages: Vec<Outage>,
}

impl SiteRecords {
    /// A bureau with nobody in it.
    pub const fn of_site(site: Site) -> Self {
        Self {
            site,
            units: Vec::new(),
            people: Vec::new(),
            badges: Vec::new(),
            places: Vec::new(),
            readers: Vec::new(),
            schedules: Vec::new(),
            calendar: Vec::new(),
            assignments: Vec::new(),
            absences: Vec::new(),
            duties: Vec::new(),
            meetings: Vec::new(),
            observations: Vec::new(),
            escalations: Vec::new(),
            outages: Vec::new(),
        }
    }
}

/// Why somebody may not stand in for somebody at a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandInRefusal {
    /// The named person is not on the meeting's roster.
    NotOnRoster,
    /// It is the named person, or the meeting's `substitutes` does not allow it.
    NotAllowed,
}

impl SiteRecords {
    /// Whether a meeting takes somebody in the place of somebody on its roster.
    pub fn may_stand_in(
        &self,
        meeting: MeetingIndex,
        named: PersonIndex,
        substitute: PersonIndex,
    ) -> Result<(), StandInRefusal> {
        let announced = &self.meetings[meeting.at()];
        if !announced.roster.iter().any(|entry| entry.person == named) {
            return Err(StandInRefusal::NotOnRoster);
        }
        let allowed = match announced.substitutes {
            Substitutes::None => false,
            Substitutes::WithApproval => true,
            Substitutes::WithinUnit => self.is_within_unit_of(substitute, named, announced.starts),
        };
        if allowed && named != substitute {
            Ok(())
        } else {
            Err(StandInRefusal::NotAllowed)
        }
    }

    /// Whether somebody belongs to the unit of another person, or to one below it.
    fn is_within_unit_of(&self, person: PersonIndex, other: PersonIndex, at: Instant) -> bool {
        let unit_of = |person: PersonIndex| {
            let mut stints = self.people[person.at()].stints.iter();
            stints.find(|stint| stint.interval.contains(at)).map(|stint| stint.unit)
        };
        let (Some(own), Some(theirs)) = (unit_of(person), unit_of(other)) else {
            return false;
        };
        let above = core::iter::successors(Some(own), |unit| self.units[unit.at()].parent);
        above.take(self.units.len()).any(|unit| unit == theirs)
    }
}

impl Site {
    /// A bureau with the defaults of every setting, in which no swipe is too old.
    pub fn of_zone(name: Id, zone: Tz) -> Self {
        Self {
            name,
            zone,
            since: Instant::from_ms(0),
            settings: vec![SiteSettings::default()],
        }
    }

    /// The settings in force at an instant.
    pub fn settings_at(&self, instant: Instant) -> &SiteSettings {
        let in_force = self
            .settings
            .iter()
            .skip(1)
            .take_while(|settings| settings.from <= instant);
        in_force.last().unwrap_or(&self.settings[0])
    }

    /// Swipes farther apart than that are repeats in no edition.
    pub(crate) fn longest_debounce(&self) -> Span {
        let debounces = self.settings.iter().map(|settings| settings.debounce);
        debounces.max().unwrap_or(Span::ZERO)
    }
}

impl Default for SiteSettings {
    fn default() -> Self {
        Self {
            from: Instant::from_ms(i64::MIN),
            debounce: Span::from_seconds(60),
            clock_tolerance: Span::from_seconds(30),
            coverage_tolerance: Span::from_minutes(2),
            meeting_travel: Span::from_minutes(10),
        }
    }
}

/// The bureau: `site.toml`.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its name.
    pub name: Id,
    /// Its IANA zone.
    pub zone: Tz,
    /// Swipes before this are quarantined; default 2020-01-01 at the site.
    pub since: Instant,
    /// The editions of its settings by `from`. Never empty; the first holds before its own `from` too.
    pub settings: Vec<SiteSettings>,
}

/// An edition of the settings of a bureau that belong to no schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteSettings {
    /// From when it is in force, until that of the next edition.
    pub from: Instant,
    /// Repeated readings closer than this are one burst; default 60 s. It follows the later reading.
    pub debounce: Span,
    /// How far ahead of its receipt a swipe may be; default 30 s. It follows the receipt, for the other time is the one in doubt.
    pub clock_tolerance: Span,
    /// Outages shorter than this do not count; default 2 min. It follows the beginning of the outage.
    pub coverage_tolerance: Span,
    /// How much the presence at a meeting or a duty is widened on both sides; default 10 min. It follows its announced start.
    pub meeting_travel: Span,
}

/// A unit.
#[derive(Clone, Debug)]
pub struct Unit {
    /// Its identifier.
    pub id: Id,
    /// The unit it belongs to.
    pub parent: Option<UnitIndex>,
    /// Its name; the id where none was given.
    pub name: Id,
}

/// A person, with the stints that say where they worked when. Stints are disjoint.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their identifier.
    pub id: Id,
    /// When they belonged to which unit, in order of `from`.
    pub stints: Vec<Stint>,
}

/// A person's time in one unit.
#[derive(Clone, Debug)]
pub struct Stint {
    /// When it holds.
    pub interval: Interval,
    /// The person's name in that time.
    pub name: Id,
    /// The unit.
    pub unit: UnitIndex,
    /// Rank, higher is senior.
    pub rank: Option<i64>,
    /// Whether they head the unit.
    pub head: bool,
    /// Mail address.
    pub mail: Option<Id>,
}

/// A badge key and who held it when. Where grants overlap the latest `from` wins.
#[derive(Clone, Debug)]
pub struct Badge {
    /// The key that readers' rules make of the card.
    pub key: Id,
    /// Who held it when, in order of `from`.
    pub grants: Vec<BadgeGrant>,
}

/// A time in which a badge belongs to a person.
#[derive(Clone, Copy, Debug)]
pub struct BadgeGrant {
    /// When.
    pub interval: Interval,
    /// Whose it is.
    pub person: PersonIndex,
}

/// A place.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its identifier.
    pub id: Id,
    /// Its name; the id where none was given.
    pub name: Id,
    /// What it is for.
    pub kind: PlaceKind,
    /// How swipes at readers that face both ways pair.
    pub pairing: Pairing,
}

/// What a place is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceKind {
    /// Office periods are judged by swipes here.
    Office,
    /// Meetings take place here.
    Meeting,
    /// Duties are stood here.
    Duty,
}

/// How `both` swipes at a place pair for presence in a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// `both` swipes are ignored.
    Directed,
    /// `both` swipes open and close in turn.
    Alternate,
    /// A `both` swipe opens when closed and says nothing when open.
    First,
}

/// A reader and where it stood when.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Its identifier.
    pub id: Id,
    /// Where it stood when, in order of `from`; where stands overlap the latest `from` wins.
    pub stands: Vec<Stand>,
}

/// A time in which a reader stands at a place.
#[derive(Clone, Copy, Debug)]
pub struct Stand {
    /// When.
    pub interval: Interval,
    /// Where.
    pub place: PlaceIndex,
    /// Which way it faces.
    pub faces: Facing,
}

/// Which way a reader faces, or a swipe went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Facing {
    /// Into the place.
    In,
    /// Out of it.
    Out,
    /// Undetermined.
    Both,
}

/// One edition of a schedule.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// Its identifier; editions share it.
    pub id: Id,
    /// The first date on which this edition is in force; `None` is always.
    pub from: Option<NaiveDate>,
    /// The first date on which it no longer is; `None` is never. Of overlapping editions the latest `from` wins.
    pub until: Option<NaiveDate>,
    /// Its periods, in order of `starts`.
    pub periods: Vec<Period>,
    /// Late stays that allow a late arrival the next working day.
    pub late_allowances: Vec<LateAllowance>,
}

/// A period of a working day, on the weekdays that it names.
#[derive(Clone, Debug)]
pub struct Period {
    /// Its name, unique among the periods of one day.
    pub name: Id,
    /// When it starts.
    pub starts: CivilTime,
    /// When it ends; after `starts`.
    pub ends: CivilTime,
    /// On which weekdays, indexed from Monday.
    pub weekdays: [bool; 7],
    /// How it is judged.
    pub settings: PeriodSettings,
}

/// How a period is judged. [`PeriodSettings::default`] is what `domain.md` gives as defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeriodSettings {
    /// The first moment that can count as an arrival; `None` is 120 min before `starts`.
    pub arrive_from: Option<CivilTime>,
    /// The last moment at which a `both` swipe can be an arrival; `None` is the middle.
    pub arrive_until: Option<CivilTime>,
    /// The first moment at which a `both` swipe can be a departure; `None` is the middle.
    pub leave_from: Option<CivilTime>,
    /// The last moment that can count as a departure; `None` is 600 min after `ends`.
    pub leave_until: Option<CivilTime>,
    /// Lateness up to and including this is none.
    pub grace_late: Span,
    /// Leaving early by up to and including this is not early.
    pub grace_early: Span,
    /// Lateness longer than this is serious.
    pub serious_after: Option<Span>,
    /// Lateness longer than this is absence.
    pub absent_after: Option<Span>,
    /// How much later than `starts` somebody may come and make up for it at the end.
    pub flex: Span,
    /// From where late minutes are counted.
    pub late_counts_from: LateCountsFrom,
    /// Gaps longer than this are stepping out; `None` does not judge them.
    pub step_out_allowance: Option<Span>,
    /// An open gap is shown as an early leave once longer than this.
    pub early_leave_shown_after: Span,
    /// Whether an arrival is required.
    pub arrive: Side,
    /// Whether a departure is required.
    pub leave: Side,
}

impl Default for PeriodSettings {
    fn default() -> Self {
        Self {
            arrive_from: None,
            arrive_until: None,
            leave_from: None,
            leave_until: None,
            grace_late: Span::ZERO,
            grace_early: Span::ZERO,
            serious_after: None,
            absent_after: None,
            flex: Span::ZERO,
            late_counts_from: LateCountsFrom::Start,
            step_out_allowance: None,
            early_leave_shown_after: Span::from_minutes(15),
            arrive: Side::Required,
            leave: Side::Required,
        }
    }
}

/// From where late minutes are counted once somebody is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateCountsFrom {
    /// From `due`.
    Start,
    /// From `due` plus the grace.
    GraceEnd,
}

/// Whether one side of a period is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A swipe is required.
    Required,
    /// No swipe is required and its lack says nothing.
    Free,
}

/// 晚走晚到: whoever leaves after `left_after` may arrive as late as `may_arrive_until` on the next working date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LateAllowance {
    /// The departure, relative to its own date, must be later than this.
    pub left_after: CivilTime,
    /// The next working date's `due` is no earlier than this.
    pub may_arrive_until: CivilTime,
}

/// An override of the week on one date.
#[derive(Clone, Debug)]
pub struct CalendarDay {
    /// The date.
    pub date: NaiveDate,
    /// What it is.
    pub kind: DayKind,
    /// The holiday's name.
    pub name: Option<Id>,
    /// For a makeup workday: the weekday whose periods it has. `None`: its own from Monday to Friday, else Monday's.
    pub acts_as: Option<Weekday>,
    /// The notice it comes from.
    pub source: Option<Id>,
}

/// What an override makes of a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DayKind {
    /// Nobody works.
    Holiday,
    /// Makeup workday 调休上班.
    Workday,
    /// The time before 12:00 is off, as by an absence.
    MorningOff,
    /// The time from 12:00 is off, as by an absence.
    AfternoonOff,
}

/// Who follows which schedule from when. Person beats unit, nearer unit beats farther, then the latest `from` wins.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// Who.
    pub subject: AssignmentSubject,
    /// The schedule's `id`, or `None` for "no office hours".
    pub schedule: Option<Id>,
    /// When; compared with the start of a date's period.
    pub interval: Interval,
}

/// Whom an assignment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssignmentSubject {
    /// Everybody of the unit and the units below it.
    Unit(UnitIndex),
    /// One person.
    Person(PersonIndex),
}

/// An approved absence 请假, 公出, 出差.
#[derive(Clone, Debug)]
pub struct Absence {
    /// Its identifier.
    pub id: Id,
    /// Whose.
    pub person: PersonIndex,
    /// Its kind as written: leave, trip, errand, ….
    pub kind: Id,
    /// When, already shortened by an early return (销假).
    pub interval: Interval,
    /// The end as approved, where an early return shortened it.
    pub approved_until: Instant,
}

/// A duty 值班: a shift of one person at one place.
#[derive(Clone, Debug)]
pub struct Duty {
    /// Its identifier.
    pub id: Id,
    /// Who is on duty.
    pub person: PersonIndex,
    /// Where.
    pub place: PlaceIndex,
    /// From when to when.
    pub interval: Interval,
    /// As what: 带班领导, 值班员, ….
    pub role: Option<Id>,
    /// The duty to whose person this one hands over 交接班.
    pub hands_over_to: Option<DutyIndex>,
    /// When the person must show that they are there 查岗, as set.
    pub checks_at: Vec<Instant>,
    /// How many more such times are drawn, see [`crate::drawn_checks`].
    pub checks_drawn: u32,
    /// What they are drawn from; `None` is the duty's id.
    pub check_seed: Option<Id>,
}

impl Duty {
    /// A duty without a role, handover or checks.
    pub const fn new(id: Id, person: PersonIndex, place: PlaceIndex, interval: Interval) -> Self {
        Self {
            id,
            person,
            place,
            interval,
            role: None,
            hands_over_to: None,
            checks_at: Vec::new(),
            checks_drawn: 0,
            check_seed: None,
        }
    }
}

/// What takes a person out of their office periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A meeting for which they are rostered.
    Meeting(MeetingIndex),
    /// A duty of theirs.
    Duty(DutyIndex),
}

/// What an inspector saw 督查: it becomes a finding whose evidence is the inspector.
#[derive(Clone, Debug)]
pub struct Observation {
    /// Its identifier.
    pub id: Id,
    /// Whom it is about.
    pub subject: Subject,
    /// What was seen.
    pub kind: ObservationKind,
    /// At which meeting, if at one.
    pub meeting: Option<MeetingIndex>,
    /// When.
    pub at: Instant,
    /// Who saw it.
    pub observer: Id,
    /// In the inspector's words.
    pub note: Option<Id>,
}

/// What an inspector can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObservationKind {
    /// Wrong seat or scattered seating 座次.
    Seating,
    /// Phone, talking and the like 会风.
    Conduct,
}

/// Whom a finding or observation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// A person.
    Person(PersonIndex),
    /// A unit as a whole.
    Unit(UnitIndex),
}

/// A meeting with its roster.
#[derive(Clone, Debug)]
pub struct Meeting {
    /// Its identifier.
    pub id: Id,
    /// Its title.
    pub title: Id,
    /// Where.
    pub place: PlaceIndex,
    /// Announced start.
    pub starts: Instant,
    /// Announced end; after `starts`.
    pub ends: Instant,
    /// Until when it was extended: for those who are present at its end otherwise.
    pub extended_until: Option<Instant>,
    /// When it was closed before its end: for all.
    pub closed_early_at: Option<Instant>,
    /// When sign-in opens; default 30 min before the start.
    pub sign_in_opens: Instant,
    /// Default 0.
    pub late_grace: Span,
    /// Default 30 min.
    pub absent_after: Span,
    /// Default none.
    pub late_absent_after: Option<Span>,
    /// Default 5 min.
    pub exit_allowance: Span,
    /// Default 2.
    pub exits_allowed: u32,
    /// Default 0.
    pub early_grace: Span,
    /// Whether somebody may stand in for a rostered person.
    pub substitutes: Substitutes,
    /// Who must come.
    pub roster: Vec<RosterEntry>,
    /// Who may be out when.
    pub permissions: Vec<Permission>,
    /// What units must send 单位名额.
    pub obligations: Vec<Obligation>,
    /// Substitutes 代会 whom somebody accepted.
    pub substitutions: Vec<Substitution>,
}

impl Meeting {
    /// A meeting with the defaults of every setting and nobody on its roster.
    pub fn new(id: Id, title: Id, place: PlaceIndex, announced: Interval) -> Self {
        Self {
            id,
            title,
            place,
            starts: announced.from,
            ends: announced.until,
            extended_until: None,
            closed_early_at: None,
            sign_in_opens: announced.from - Span::from_minutes(30),
            late_grace: Span::ZERO,
            absent_after: Span::from_minutes(30),
            late_absent_after: None,
            exit_allowance: Span::from_minutes(5),
            exits_allowed: 2,
            early_grace: Span::ZERO,
            substitutes: Substitutes::None,
            roster: Vec::new(),
            permissions: Vec::new(),
            obligations: Vec::new(),
            substitutions: Vec::new(),
        }
    }

    /// The end for everybody whom no extension holds: the announced one, or an earlier close.
    pub fn over_at(&self) -> Instant {
        self.closed_early_at.map_or(self.ends, |closed| closed.min(self.ends))
    }

    /// The last end for anybody: that of those whom an extension holds, if there is one.
    pub fn last_end(&self) -> Instant {
        let extended = self.extended_until.map(|until| match self.closed_early_at {
            Some(closed) => until.min(closed),
            None => until,
        });
        extended.map_or(self.over_at(), |until| until.max(self.over_at()))
    }

    /// Those accepted to stand in for a rostered person.
    pub fn substitutes_of(&self, person: PersonIndex) -> impl Iterator<Item = &Substitution> {
        self.substitutions
            .iter()
            .filter(move |accepted| accepted.person == person)
    }
}

/// What a unit must send to a meeting; it counts the people of its whole subtree.
#[derive(Clone, Debug)]
pub struct Obligation {
    /// The unit.
    pub unit: UnitIndex,
    /// How many at least; default 1.
    pub at_least: u32,
    /// Whether one of them must have this rank or a higher one.
    pub min_rank: Option<i64>,
    /// Whether the head of the very unit must come in person.
    pub head_required: bool,
}

/// Somebody accepted to stand in for a rostered person at a meeting.
#[derive(Clone, Debug)]
pub struct Substitution {
    /// The rostered person.
    pub person: PersonIndex,
    /// Who stands in.
    pub substitute: PersonIndex,
    /// Who accepted it.
    pub accepted_by: Option<Id>,
    /// When.
    pub accepted_at: Option<Instant>,
}

/// Whether somebody may stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Substitutes {
    /// Nobody.
    None,
    /// Whoever a person accepts.
    WithApproval,
    /// Whoever a person accepts, of the named person's own unit or one below it.
    WithinUnit,
}

/// One rostered person.
#[derive(Clone, Debug)]
pub struct RosterEntry {
    /// Who.
    pub person: PersonIndex,
    /// As what.
    pub role: Role,
    /// Assigned seat.
    pub seat: Option<Id>,
}

/// As what somebody is at a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Chairs it.
    Chair,
    /// Must come.
    Required,
    /// Is shown and never judged.
    Optional,
    /// Is not on the roster and was accepted to stand in for somebody who is; never judged by it, but away from the office for it.
    Substitute,
}

/// A permission to be out of a meeting.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    /// Who.
    pub person: PersonIndex,
    /// When.
    pub interval: Interval,
}

/// An interval in which a reader could not be heard.
#[derive(Clone, Copy, Debug)]
pub struct Outage {
    /// Which reader.
    pub reader: ReaderIndex,
    /// When it was last heard.
    pub down_from: Instant,
    /// When it was back with all it had buffered; `None` while it is still down.
    pub down_until: Option<Instant>,
}

/// The identity of a swipe: the first 128 bits of the SHA-256 of its dedup key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SwipeId(pub [u8; 16]);

/// One reading of a known badge at a known reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swipe {
    /// Its identity.
    pub id: SwipeId,
    /// The reader.
    pub reader: ReaderIndex,
    /// The badge.
    pub badge: BadgeIndex,
    /// When it happened: what is judged.
    pub happened_at: Instant,
    /// When it was received: what is known.
    pub received_at: Instant,
    /// The source's own number, if it has one.
    pub sequence: Option<i64>,
    /// The direction, where the source says it; else the reader's.
    pub faces: Option<Facing>,
}
