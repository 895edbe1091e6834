//! Why a verdict is what it is: closed steps with typed arguments, in the order in which a clerk would tell them.
//! The edge puts them into words.

use alloc::vec::Vec;

use chrono::{NaiveDate, Weekday};

use crate::count::Window;
use crate::finding::{About, FindingKind};
use crate::model::{
    AssignmentSubject, DayKind, DutyIndex, Facing, Id, MeetingIndex, Occasion, PersonIndex, PlaceIndex, ReaderIndex,
    SwipeId, UnitIndex,
};
pub use crate::narrate::explain;
use crate::time::{Instant, Interval, Span};
pub use crate::units::explain_meeting;

/// The explanation of one finding, or of "nothing wrong" in one period or meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The local date on which the period or meeting starts.
    pub date: NaiveDate,
    /// Which.
    pub about: About,
    /// The finding it explains; `None` explains why nothing is wrong.
    pub finding: Option<FindingKind>,
    /// The observation or duty from which that finding comes.
    pub source: Option<Id>,
    /// The steps in the order in which a clerk would tell them.
    pub steps: Vec<Step>,
}

impl Explanation {
    /// By what explanations of one subject are sorted: as the findings are.
    pub(crate) fn place(&self) -> (NaiveDate, &About, Option<FindingKind>, Option<&Id>) {
        (self.date, &self.about, self.finding, self.source.as_ref())
    }
}

/// The part of the rules (`domain.md`) on which a step rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clause {
    /// "Words": assignment and calendar.
    Words,
    /// "Time".
    Time,
    /// "Swipes".
    Swipes,
    /// "An office period", by the number of its rule.
    Office(u8),
    /// "Coverage".
    Coverage,
    /// "A meeting".
    Meeting,
    /// "Findings": counting.
    Counting,
    /// "A duty".
    Duty,
}

/// One of the two sides of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeriodSide {
    /// Coming.
    Arrival,
    /// Leaving.
    Departure,
}

/// Why a swipe is the arrival of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrivalReason {
    /// It is the earliest that can be one.
    Earliest,
    /// It is the earliest after the person went out again before the start.
    AfterGoingOut {
        /// When they went out.
        out_at: Instant,
    },
    /// Nothing else can be one, and it is the first of several undetermined swipes in the second half.
    FirstOfSeveral,
}

/// From where lateness is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueReason {
    /// From the start of the time that is left of the period.
    EffectiveStart,
    /// From the end of the flexible time.
    Flex {
        /// How long that is.
        flex: Span,
    },
    /// From the later time that a late stay on the previous working date allows.
    LateStay {
        /// That date.
        date: NaiveDate,
        /// When the person left on it.
        left_at: Instant,
        /// Leaving later than this allows it.
        left_after: Instant,
    },
}

/// What a length measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// From when one is due to the arrival.
    Lateness,
    /// From when one is due until now, nobody having come.
    NotThere,
    /// From the departure to the required end.
    LeftEarly,
    /// From an exit until now.
    OpenGap,
}

/// What a length is compared with. A length counts when it is longer than the limit; exactly the limit does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// `grace_late`, or a meeting's `late_grace`.
    GraceLate,
    /// `grace_early`, or a meeting's `early_grace`.
    GraceEarly,
    /// `serious_after`.
    SeriousAfter,
    /// `absent_after`, of a period or a meeting.
    AbsentAfter,
    /// A meeting's `late_absent_after`.
    LateAbsentAfter,
    /// `step_out_allowance`.
    StepOutAllowance,
    /// `early_leave_shown_after`.
    EarlyLeaveShownAfter,
    /// `exit_allowance`.
    ExitAllowance,
}

/// One step of an explanation: a closed list, which the edge puts into words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    // What applies.
    /// The period, and by which schedule.
    Schedule {
        /// The schedule's id.
        schedule: Id,
        /// From when its edition is in force; `None` is always.
        edition: Option<NaiveDate>,
        /// To whom it was assigned: the person or a unit above them.
        assigned: AssignmentSubject,
        /// The period's name.
        period: Id,
        /// The period as scheduled.
        interval: Interval,
    },
    /// The calendar says something about the date.
    Calendar {
        /// The date.
        date: NaiveDate,
        /// What.
        kind: DayKind,
        /// The holiday's name.
        name: Option<Id>,
        /// Whose weekday's periods the date has.
        acts_as: Weekday,
        /// The notice it comes from.
        source: Option<Id>,
    },
    /// Several periods of the date are judged as one stay.
    Joined {
        /// Their names, in order; periods that are wholly excused are no longer among them.
        periods: Vec<Id>,
    },
    /// A half holiday took time out.
    HalfHoliday {
        /// Morning or afternoon.
        kind: DayKind,
        /// What it took out of the period or stay.
        taken: Interval,
    },
    /// An absence took time out.
    Absence {
        /// Its id.
        absence: Id,
        /// Its kind as written.
        kind: Id,
        /// The absence, as far as it lasted.
        interval: Interval,
        /// Its end as approved, where an early return shortened it.
        shortened_from: Option<Instant>,
    },
    /// No absence of the person meets it.
    NoAbsence,
    /// A meeting or a duty took time out of a period.
    Taken {
        /// Which.
        by: Occasion,
        /// What it took.
        taken: Interval,
        /// Whether attendance is only assumed, the person not having been seen there yet.
        assumed: bool,
    },
    /// What is left to be judged, where something was taken out.
    Effective {
        /// In order.
        pieces: Vec<Interval>,
    },
    /// Nothing is left to be judged.
    Excused,
    /// Where swipes are looked for.
    Windows {
        /// Arrivals from here.
        arrive_from: Instant,
        /// Undetermined swipes up to here can be arrivals.
        arrive_until: Instant,
        /// Undetermined swipes from here can be departures.
        leave_from: Instant,
        /// Departures up to here: `leave_until`, or the start of the next period.
        leave_until: Instant,
    },
    /// The break between this and a neighbouring period is shared.
    BreakShared {
        /// The neighbour's name.
        neighbour: Id,
        /// The neighbour's date.
        date: NaiveDate,
        /// The break.
        interval: Interval,
        /// Whether this period is the earlier one.
        this_is_earlier: bool,
    },

    // What was seen.
    /// A swipe that was looked at.
    Swipe {
        /// Which.
        id: SwipeId,
        /// When.
        at: Instant,
        /// Where.
        reader: ReaderIndex,
        /// Which way.
        faces: Facing,
    },
    /// Repeated readings that are not judged by themselves.
    Repeats {
        /// The reading that they repeat.
        id: SwipeId,
        /// The repeats.
        repeats: Vec<SwipeId>,
        /// The last of them: when it counts as a departure or closing.
        last_at: Instant,
    },
    /// An undetermined swipe is read as coming in, because the person had gone out before it.
    ReadAsIn {
        /// Which.
        id: SwipeId,
        /// When.
        at: Instant,
    },
    /// The person's sign-in at a meeting or a duty counts as coming.
    SeenAt {
        /// At which.
        occasion: Occasion,
        /// The swipe, if it was not an earlier one that carried over.
        id: Option<SwipeId>,
        /// When.
        at: Instant,
    },
    /// Nobody was seen at all.
    NoSwipe,
    /// The arrival.
    Arrival {
        /// The swipe; `None` is presence that carried over into a meeting's sign-in time.
        id: Option<SwipeId>,
        /// When.
        at: Instant,
        /// Why this one.
        reason: ArrivalReason,
    },
    /// No swipe can be the arrival.
    NoArrival,
    /// The departure.
    Departure {
        /// The swipe.
        id: SwipeId,
        /// When.
        at: Instant,
        /// The meeting or duty whose last closing it is, where it was not an office swipe.
        closing_of: Option<Occasion>,
    },
    /// No swipe can be the departure.
    NoDeparture,
    /// The person came in again before the required end, so that what came before is no departure.
    CameBack {
        /// The swipe.
        id: Option<SwipeId>,
        /// When.
        at: Instant,
    },
    /// What follows is another visit.
    AnotherVisit {
        /// From here on.
        at: Instant,
    },
    /// A meeting or a duty covers this side of the period, which satisfies it.
    Satisfied {
        /// Which side.
        side: PeriodSide,
        /// The meeting or duty.
        by: Occasion,
    },
    /// This side is not judged.
    SideFree {
        /// Which.
        side: PeriodSide,
    },

    // What follows from it.
    /// From when lateness counts.
    Due {
        /// When.
        at: Instant,
        /// Why then.
        reason: DueReason,
    },
    /// Until when one must stay.
    RequiredEnd {
        /// When.
        at: Instant,
        /// How much later than the period's end, for coming late within the flexible time.
        moved: Span,
    },
    /// The arithmetic: `to - from - not_counted = length`.
    Length {
        /// What is measured.
        measure: Measure,
        /// From.
        from: Instant,
        /// To; `None` is until now.
        to: Option<Instant>,
        /// How much of it does not count, because absences, half holidays, breaks or meetings cover it.
        not_counted: Span,
        /// What is left; `None` while it still grows.
        length: Option<Span>,
    },
    /// A length was compared with a limit.
    Compared {
        /// With which.
        limit: Limit,
        /// How long that is.
        allowed: Span,
        /// The length; `None` while it still grows.
        length: Option<Span>,
        /// Whether it is longer.
        exceeded: bool,
    },
    /// Minutes are shown from the end of the grace.
    CountedFromGraceEnd {
        /// The grace.
        grace: Span,
        /// What remains.
        length: Span,
    },
    /// Time out between going out and coming back.
    Gap {
        /// Going out.
        from: Instant,
        /// Coming back.
        to: Instant,
        /// As far as it counts.
        length: Span,
        /// Whether it is longer than allowed.
        counts: bool,
    },
    /// This period of a stay was over before the person came.
    EndedBeforeArrival {
        /// When it ended.
        ended_at: Instant,
        /// When they came.
        arrived_at: Instant,
    },
    /// The person has not been seen at the office since the end of an absence.
    NotSeenSinceAbsence {
        /// The absence.
        absence: Id,
        /// Its end.
        ended_at: Instant,
    },
    /// Somebody was seen, so that only the departure is missing.
    SignOfPresence {
        /// The first swipe that shows it.
        id: Option<SwipeId>,
        /// When.
        at: Instant,
    },

    // Meetings.
    /// The meeting as announced.
    Meeting {
        /// Which.
        meeting: MeetingIndex,
        /// From its start to its end.
        interval: Interval,
        /// When sign-in opens.
        sign_in_opens: Instant,
        /// Where.
        place: PlaceIndex,
    },
    /// It was extended, for those who were present at its end otherwise.
    Extended {
        /// Until when.
        until: Instant,
    },
    /// It was closed before its announced end, for all.
    ClosedEarly {
        /// When.
        at: Instant,
    },
    /// The person's role is optional: shown and never judged.
    OptionalRole,
    /// Somebody was accepted to stand in for the person 代会: their presence counts as the person's.
    StandsIn {
        /// Who.
        substitute: PersonIndex,
        /// Who accepted it.
        accepted_by: Option<Id>,
        /// When.
        accepted_at: Option<Instant>,
    },
    /// A permission took time out.
    Permission {
        /// When.
        interval: Interval,
    },
    /// Presence at another meeting took time out.
    AtOtherMeeting {
        /// Which.
        meeting: MeetingIndex,
        /// When.
        interval: Interval,
    },
    /// The person was in before sign-in opened and had not gone out.
    CarriedOver {
        /// The swipe with which they came in.
        id: SwipeId,
        /// When that was.
        came_in_at: Instant,
        /// From when they are present.
        present_from: Instant,
    },
    /// Coming in to the meeting.
    Opening {
        /// The swipe.
        id: SwipeId,
        /// When.
        at: Instant,
    },
    /// Going out of the meeting.
    Closing {
        /// The swipe.
        id: SwipeId,
        /// When.
        at: Instant,
    },
    /// A swipe at another meeting place, which changes nothing here.
    WrongRoom {
        /// The swipe.
        id: SwipeId,
        /// When.
        at: Instant,
        /// Where.
        place: PlaceIndex,
    },
    /// An exit from the meeting.
    Exit {
        /// When they went out.
        from: Instant,
        /// When they came back; `None` if they did not before the end.
        to: Option<Instant>,
        /// As far as it counts; `None` while it still grows.
        length: Option<Span>,
        /// Whether it is longer than allowed.
        counts: bool,
    },
    /// How often they went out and came back.
    ExitCount {
        /// How often.
        count: u32,
        /// How often is allowed.
        allowed: u32,
    },

    // Counting.
    /// What adds up to an escalation.
    EscalationRule {
        /// The rule's id.
        rule: Id,
        /// What people call it.
        name: Id,
        /// From when its edition is in force; `None` is always.
        from: Option<NaiveDate>,
        /// What it counts.
        kinds: Vec<FindingKind>,
        /// How many it takes.
        count: u32,
        /// Within which time.
        within: Window,
        /// Whose findings it counts; empty is everybody's.
        units: Vec<UnitIndex>,
    },
    /// A confirmed finding that counts.
    Counted {
        /// Its number among those that count, from 1.
        number: u32,
        /// Its date.
        date: NaiveDate,
        /// The period or meeting, by name or id; empty where it is about neither.
        place: Id,
        /// What it is.
        kind: FindingKind,
        /// Which finding.
        finding: Id,
    },
    /// So many were found in the window.
    CountReached {
        /// How many.
        count: u32,
        /// The first date of the window.
        first: NaiveDate,
        /// The date on which the last one came.
        date: NaiveDate,
        /// What follows.
        yields: Id,
    },

    // Units.
    /// What a unit has to send to the meeting.
    Obligation {
        /// The unit.
        unit: UnitIndex,
        /// How many at least.
        at_least: u32,
        /// Whether one of them must have this rank or a higher one.
        min_rank: Option<i64>,
        /// Whether its head must come in person.
        head_required: bool,
    },
    /// Somebody of the unit came, or somebody accepted to stand in for one of it.
    CameForUnit {
        /// Who.
        person: PersonIndex,
        /// The swipe.
        id: SwipeId,
        /// When.
        at: Instant,
        /// For whom they stand in, where they are not of the unit themselves.
        stands_for: Option<PersonIndex>,
    },
    /// How many came for the unit.
    CountForUnit {
        /// How many.
        arrived: u32,
        /// How many it has to send.
        at_least: u32,
    },
    /// The highest rank among those who came for the unit.
    RankForUnit {
        /// The highest; `None` where nobody who came has a rank.
        highest: Option<i64>,
        /// What is asked.
        min_rank: i64,
    },
    /// Whether the unit's head came in person.
    HeadForUnit {
        /// The head who came; `None` if none did.
        came: Option<PersonIndex>,
    },

    // Inspectors.
    /// What an inspector wrote down 督查.
    Observed {
        /// The observation's id.
        observation: Id,
        /// The inspector.
        observer: Id,
        /// When it was seen.
        at: Instant,
        /// In the inspector's words.
        note: Option<Id>,
    },

    // Duties.
    /// The duty as the roster says it.
    Duty {
        /// Which.
        duty: DutyIndex,
        /// From its start to its end.
        interval: Interval,
        /// From when somebody can arrive for it.
        sign_in_opens: Instant,
        /// Where.
        place: PlaceIndex,
    },
    /// The person was there from their duty before this one and had not gone out.
    StillThere {
        /// That duty.
        before: DutyIndex,
        /// The swipe with which they came in.
        id: SwipeId,
        /// When that was.
        came_in_at: Instant,
    },
    /// A check 查岗 that was answered.
    Proof {
        /// When it was.
        check_at: Instant,
        /// When a swipe counts.
        window: Interval,
        /// The swipe.
        id: SwipeId,
        /// When they swiped.
        at: Instant,
    },
    /// A check that nobody answered.
    ProofMissed {
        /// When it was.
        check_at: Instant,
        /// When a swipe would have counted.
        window: Interval,
    },
    /// To whom the duty is handed over 交接班.
    HandsOver {
        /// The next duty.
        to: DutyIndex,
    },
    /// The successor came.
    SuccessorCame {
        /// The swipe.
        id: SwipeId,
        /// When.
        at: Instant,
    },
    /// The successor was not seen.
    NoSuccessor {
        /// Up to then; it is looked at no longer.
        until: Instant,
    },
    /// The person handing over was gone before the successor came.
    LeftBeforeSuccessor {
        /// The swipe with which they left.
        id: SwipeId,
        /// When that was.
        left_at: Instant,
        /// When the successor came.
        came_at: Instant,
    },

    // How certain it is.
    /// A reader that could have shown what was not seen was down, so the verdict is withheld.
    Withheld {
        /// The reader.
        reader: ReaderIndex,
        /// Since when.
        down_from: Instant,
        /// Until when; `None` is still down.
        down_until: Option<Instant>,
    },
    /// No reader that could have shown it was down in this time.
    Covered {
        /// When it mattered.
        interval: Interval,
    },
    /// Time alone may change it until then; `None` where that depends on a meeting that is not over.
    ProvisionalUntil {
        /// When it becomes final or something else.
        at: Option<Instant>,
    },
    /// Only a new fact can change it.
    Final,
    /// Not yet over: nothing is wrong so far.
    NotOver {
        /// Until when it is looked at.
        until: Instant,
    },
    /// Nothing is wrong.
    NothingWrong,
    /// The conclusion.
    Concluded {
        /// What.
        kind: FindingKind,
        /// Whether absence is by lateness.
        by_lateness: bool,
        /// The length that counts.
        length: Option<Span>,
    },
}

impl Step {
    /// The part of the rules on which the step rests.
    pub const fn clause(&self) -> Clause {
        match self {
            Self::Schedule { .. } | Self::Calendar { .. } | Self::NothingWrong | Self::Concluded { .. } => {
                Clause::Words
            }
            Self::HalfHoliday { .. }
            | Self::Absence { .. }
            | Self::NoAbsence
            | Self::Effective { .. }
            | Self::Excused => Clause::Office(1),
            Self::Joined { .. } | Self::EndedBeforeArrival { .. } => Clause::Office(2),
            Self::BreakShared { .. } => Clause::Office(3),
            Self::Windows { .. } | Self::ReadAsIn { .. } => Clause::Office(4),
            Self::Swipe { .. } | Self::Repeats { .. } => Clause::Swipes,
            Self::Arrival { .. } | Self::NoArrival => Clause::Office(5),
            Self::Departure { .. } | Self::NoDeparture | Self::CameBack { .. } | Self::AnotherVisit { .. } => {
                Clause::Office(6)
            }
            Self::Due {
                reason: DueReason::LateStay { .. },
                ..
            } => Clause::Office(12),
            Self::Due { .. } | Self::RequiredEnd { .. } | Self::CountedFromGraceEnd { .. } => Clause::Office(7),
            Self::Length { .. }
            | Self::Compared { .. }
            | Self::ProvisionalUntil { .. }
            | Self::Final
            | Self::NotOver { .. } => Clause::Time,
            Self::SideFree { .. } => Clause::Office(9),
            Self::NoSwipe | Self::Gap { .. } | Self::NotSeenSinceAbsence { .. } | Self::SignOfPresence { .. } => {
                Clause::Office(10)
            }
            Self::Taken { .. } | Self::SeenAt { .. } | Self::Satisfied { .. } => Clause::Office(11),
            Self::Meeting { .. }
            | Self::Extended { .. }
            | Self::ClosedEarly { .. }
            | Self::StandsIn { .. }
            | Self::Obligation { .. }
            | Self::CameForUnit { .. }
            | Self::CountForUnit { .. }
            | Self::RankForUnit { .. }
            | Self::HeadForUnit { .. }
            | Self::Observed { .. }
            | Self::OptionalRole
            | Self::Permission { .. }
            | Self::AtOtherMeeting { .. }
            | Self::CarriedOver { .. }
            | Self::Opening { .. }
            | Self::Closing { .. }
            | Self::WrongRoom { .. }
            | Self::Exit { .. }
            | Self::ExitCount { .. } => Clause::Meeting,
            Self::Duty { .. }
            | Self::StillThere { .. }
            | Self::Proof { .. }
            | Self::ProofMissed { .. }
            | Self::HandsOver { .. }
            | Self::SuccessorCame { .. }
            | Self::NoSuccessor { .. }
            | Self::LeftBeforeSuccessor { .. } => Clause::Duty,
            Self::Withheld { .. } | Self::Covered { .. } => Clause::Coverage,
            Self::EscalationRule { .. } | Self::Counted { .. } | Self::CountReached { .. } => Clause::Counting,
        }
    }
}
