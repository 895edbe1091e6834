//! What the rules conclude.

use alloc::sync::Arc;
use alloc::vec::Vec;

use chrono::NaiveDate;

use crate::model::{
    DutyIndex, Id, MeetingIndex, ObservationKind, PersonIndex, ReaderIndex, Subject, SwipeId, UnitIndex,
};
use crate::time::{Instant, Interval, Span};

/// What [`crate::evaluate`] says about one person on some dates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assessment {
    /// What is not as it should be, sorted by date, period or meeting, kind.
    pub findings: Vec<Finding>,
    /// How the person stands in each period and meeting of those dates, whether or not anything is wrong: what a board counts.
    pub standings: Vec<Standing>,
    /// The smallest instant after `now` at which any comparison made can turn out differently without a new fact.
    pub next_deadline: Option<Instant>,
}

/// One finding. Its identity is (subject, date, about, kind, source).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whom it is about.
    pub subject: Subject,
    /// The person's unit at that time, or the unit itself.
    pub unit: Option<UnitIndex>,
    /// The local date on which what it is about starts.
    pub date: NaiveDate,
    /// The period, meeting or duty.
    pub about: About,
    /// What it is.
    pub kind: FindingKind,
    /// Whether it can still change by itself.
    pub state: FindingState,
    /// How much; `None` where the kind has no length.
    pub length: Option<Span>,
    /// When it should have been.
    pub due: Option<Instant>,
    /// When it was.
    pub actual: Option<Instant>,
    /// Since when it is going on.
    pub since: Option<Instant>,
    /// The observation or duty from which it comes, by its identifier.
    pub source: Option<Id>,
    /// For `Absent` and `MeetingAbsent`: whether by lateness.
    pub by_lateness: bool,
    /// Where `state` is [`FindingState::Withheld`]: which readers could not be heard, and since when.
    pub withheld_by: Vec<(ReaderIndex, Instant)>,
    /// The swipes that it cites.
    pub swipes: Vec<SwipeId>,
}

impl Finding {
    /// One that is yet to be said.
    fn unsaid(about: About) -> Self {
        Self {
            subject: Subject::Person(PersonIndex(0)),
            unit: None,
            date: NaiveDate::MIN,
            about,
            kind: FindingKind::NotArrived,
            state: FindingState::Provisional,
            length: None,
            due: None,
            actual: None,
            since: None,
            source: None,
            by_lateness: false,
            withheld_by: Vec::new(),
            swipes: Vec::new(),
        }
    }

    /// By what findings of one subject are sorted.
    pub(crate) fn place(&self) -> (NaiveDate, &About, FindingKind, Option<&Id>) {
        (self.date, &self.about, self.kind, self.source.as_ref())
    }
}

/// What a finding or standing is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// A period of the date, by its name.
    Period(Id),
    /// A meeting.
    Meeting(MeetingIndex),
    /// A duty.
    Duty(DutyIndex),
    /// The date as a whole: what an inspector saw outside meetings, and counting.
    Date,
}

/// Whether a finding can still change by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingState {
    /// Time alone may change it.
    Provisional,
    /// Only a new fact may change it.
    Final,
    /// 暂缓: it rests on something not seen while a reader that could have shown it was down.
    Withheld,
}

/// Every kind of finding, in the order in which findings of one period or meeting are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// 未到岗
    NotArrived,
    /// 迟到
    Late,
    /// 严重迟到
    SeriouslyLate,
    /// 缺勤, or 旷工迟到 by lateness
    Absent,
    /// 早退
    EarlyLeave,
    /// 上班缺卡
    MissingArrival,
    /// 下班缺卡
    MissingDeparture,
    /// 脱岗
    StepOut,
    /// 假期逾期
    OverstayedLeave,
    /// 值班迟到
    DutyLate,
    /// 值班缺岗
    DutyAbsent,
    /// 值班脱岗
    DutyLeft,
    /// 未交接班
    HandoverMissing,
    /// 会议迟到
    MeetingLate,
    /// 会议缺席
    MeetingAbsent,
    /// 会议早退
    MeetingEarlyLeave,
    /// 中途离场
    WalkOut,
    /// 随意走动
    WalkingAbout,
    /// 座次
    Seating,
    /// 会风
    Conduct,
    /// 单位缺席
    UnitAbsent,
    /// 单位人数不足
    UnitShort,
    /// 单位参会职级不符
    UnitRank,
    /// 累计
    Escalation,
}

impl FindingKind {
    /// Every kind, in order.
    pub const ALL: [Self; 24] = [
        Self::NotArrived,
        Self::Late,
        Self::SeriouslyLate,
        Self::Absent,
        Self::EarlyLeave,
        Self::MissingArrival,
        Self::MissingDeparture,
        Self::StepOut,
        Self::OverstayedLeave,
        Self::DutyLate,
        Self::DutyAbsent,
        Self::DutyLeft,
        Self::HandoverMissing,
        Self::MeetingLate,
        Self::MeetingAbsent,
        Self::MeetingEarlyLeave,
        Self::WalkOut,
        Self::WalkingAbout,
        Self::Seating,
        Self::Conduct,
        Self::UnitAbsent,
        Self::UnitShort,
        Self::UnitRank,
        Self::Escalation,
    ];

    /// The name in files and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotArrived => "not_arrived",
            Self::Late => "late",
            Self::SeriouslyLate => "seriously_late",
            Self::Absent => "absent",
            Self::EarlyLeave => "early_leave",
            Self::MissingArrival => "missing_arrival",
            Self::MissingDeparture => "missing_departure",
            Self::StepOut => "step_out",
            Self::OverstayedLeave => "overstayed_leave",
            Self::DutyLate => "duty_late",
            Self::DutyAbsent => "duty_absent",
            Self::DutyLeft => "duty_left",
            Self::HandoverMissing => "handover_missing",
            Self::MeetingLate => "meeting_late",
            Self::MeetingAbsent => "meeting_absent",
            Self::MeetingEarlyLeave => "meeting_early_leave",
            Self::WalkOut => "walk_out",
            Self::WalkingAbout => "walking_about",
            Self::Seating => "seating",
            Self::Conduct => "conduct",
            Self::UnitAbsent => "unit_absent",
            Self::UnitShort => "unit_short",
            Self::UnitRank => "unit_rank",
            Self::Escalation => "escalation",
        }
    }
}

impl From<ObservationKind> for FindingKind {
    fn from(seen: ObservationKind) -> Self {
        match seen {
            ObservationKind::Seating => Self::Seating,
            ObservationKind::Conduct => Self::Conduct,
        }
    }
}

impl FindingState {
    /// The name in files and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provisional => "provisional",
            Self::Final => "final",
            Self::Withheld => "withheld",
        }
    }
}

/// How a person stands in one period or meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The local date on which it starts.
    pub date: NaiveDate,
    /// Which.
    pub about: About,
    /// From when a board shows it (`arrive_from`, `sign_in_opens`) until it ends.
    pub shown: Interval,
    /// The person's unit then.
    pub unit: Option<UnitIndex>,
    /// Where they are.
    pub presence: Presence,
    /// Whether they came late beyond the grace.
    pub late: bool,
}

/// Where a person is, as far as one period or meeting goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Absent with leave over the whole of it, or (judged at `now`) on an absence now.
    Excused,
    /// Not there yet, and not yet late beyond the grace.
    Expected,
    /// There, or was there and it is over.
    Present {
        /// Since when.
        since: Instant,
    },
    /// Came and went out; it is not over.
    Out {
        /// Since when.
        since: Instant,
    },
    /// Should be there and no reader has seen them.
    Missing,
    /// Should be there, was not seen, and a reader that could have shown it was down.
    Withheld,
}

/// Findings written over those of whoever was judged before, whose memory is used again.
#[derive(Debug)]
pub(crate) struct Findings<'a> {
    list: &'a mut Vec<Finding>,
    count: usize,
}

impl<'a> Findings<'a> {
    /// Over a list whose first ones hold already.
    pub(crate) fn over(list: &'a mut Vec<Finding>, count: usize) -> Self {
        Self { list, count }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn all(&mut self) -> &mut [Finding] {
        &mut self.list[..self.count]
    }

    pub(crate) fn put(&mut self, finding: Finding) {
        match self.list.get_mut(self.count) {
            Some(before) => *before = finding,
            None => self.list.push(finding),
        }
        self.count += 1;
    }

    /// The next finding, about a period of this name; all else of it is to be said.
    pub(crate) fn about_period(&mut self, name: &Id) -> &mut Finding {
        let position = self.count;
        self.count += 1;
        if position == self.list.len() {
            self.list.push(Finding::unsaid(About::Period(name.clone())));
        }
        let finding = &mut self.list[position];
        if !matches!(&finding.about, About::Period(kept) if Arc::ptr_eq(kept, name)) {
            finding.about = About::Period(name.clone());
        }
        finding
    }

    /// Puts those of one date, from a position to the end, before those of later dates.
    pub(crate) fn put_in_place(&mut self, first_new: usize) {
        let (before, new) = self.list[..self.count].split_at(first_new);
        let Some(first) = new.first() else { return };
        let place = before.partition_point(|finding| finding.date <= first.date);
        let count = new.len();
        self.list[place..self.count].rotate_right(count);
    }

    /// Forgets all but the first ones.
    pub(crate) fn truncate(&mut self, count: usize) {
        self.count = self.count.min(count);
    }

    /// Forgets what is left of whoever was judged before.
    pub(crate) fn end(self) {
        self.list.truncate(self.count);
    }
}
