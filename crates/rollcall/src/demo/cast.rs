//! What a day has in store for whom: most people do the usual, and a known number of them do not.

use chrono::NaiveDate;

use super::bureau::{Gathering, Member, past_dates, seconds_at};
use super::random::Random;

/// When those of the shown day come who are late beyond the grace of five minutes.
pub const LATE_ARRIVALS: [u32; 9] = [
    seconds_at(8, 37),
    seconds_at(8, 40),
    seconds_at(8, 41),
    seconds_at(8, 43),
    seconds_at(8, 44),
    seconds_at(8, 47),
    seconds_at(8, 55),
    seconds_at(9, 14),
    seconds_at(9, 51),
];

/// When those of the shown day leave who leave early.
pub const EARLY_LEAVES: [u32; 3] = [seconds_at(17, 2), seconds_at(17, 9), seconds_at(17, 16)];

/// Who of the morning's roster does not come to work at all on the shown day.
const NEVER_AND_ROSTERED: usize = 3;

/// Who else does not come to work on the shown day.
const NEVER_AND_NOT_ROSTERED: usize = 3;

/// A date and what happens to everybody on it.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The date.
    pub date: NaiveDate,
    /// What each of the bureau's people does, in their order.
    pub parts: Vec<Part>,
}

/// What one person does on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// How the day begins.
    pub morning: Morning,
    /// Goes to lunch without showing the card.
    pub forgets_card_at_noon: bool,
    /// Leaves for the day at this second rather than after work.
    pub leaves_early: Option<u32>,
    /// What the person does at the meetings of the day, each with its position in the bureau's gatherings.
    pub meetings: Vec<(usize, Attendance)>,
}

/// How a person's day begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Morning {
    /// Comes in time.
    #[default]
    InTime,
    /// Comes at this second of the day.
    At(u32),
    /// Does not come and nobody knows why.
    Never,
    /// Has an absence of this kind for the whole day.
    Away(&'static str),
    /// Has leave until the first second of the two and comes at the second one.
    LeaveUntil(u32, u32),
}

/// What a person does at a meeting. Seconds of the day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attendance {
    /// Signs in at this second rather than in time.
    pub late_at: Option<u32>,
    /// Goes out and comes back.
    pub exits: Vec<(u32, u32)>,
    /// Goes out for good before the end.
    pub gone_at: Option<u32>,
}

impl Part {
    /// Whether the person comes to work at all.
    pub const fn comes(&self) -> bool {
        !matches!(self.morning, Morning::Never | Morning::Away(_))
    }
}

impl Cast {
    /// The casts of the past dates and of `date`, in this order.
    pub fn of_the_days(date: NaiveDate, people: &[Member], gatherings: &[Gathering], random: &mut Random) -> Vec<Self> {
        let mut casts: Vec<Self> = past_dates(date)
            .into_iter()
            .zip([6, 8])
            .map(|(past, late)| Self::of_a_plain_day(past, late, people, random))
            .collect();
        casts.push(Self::of_the_shown_day(date, people, gatherings, random));
        casts
    }

    /// A day without meetings, with a few of everything that a week's review lists.
    fn of_a_plain_day(date: NaiveDate, late: usize, people: &[Member], random: &mut Random) -> Self {
        let mut parts = vec![Part::default(); people.len()];
        let mut order: Vec<usize> = (0..people.len()).collect();
        random.shuffle(&mut order);
        let mut chosen = order.into_iter();
        for _ in 0..late {
            parts[next(&mut chosen)].morning = Morning::At(random.between(seconds_at(8, 36), seconds_at(9, 20)));
        }
        for kind in ["leave", "leave", "leave", "leave", "errand", "errand", "trip", "trip"] {
            parts[next(&mut chosen)].morning = Morning::Away(kind);
        }
        parts[next(&mut chosen)].morning = Morning::Never;
        parts[next(&mut chosen)].forgets_card_at_noon = true;
        parts[next(&mut chosen)].leaves_early = Some(random.between(seconds_at(16, 50), seconds_at(17, 20)));
        Self { date, parts }
    }

    /// The day that the demo shows. Who is late at the gate is not on the morning's roster, since the rules take the
    /// meeting out of the office hours of those who are.
    fn of_the_shown_day(date: NaiveDate, people: &[Member], gatherings: &[Gathering], random: &mut Random) -> Self {
        let mut parts = vec![Part::default(); people.len()];
        let (mut rostered, mut others): (Vec<_>, Vec<_>) =
            (0..people.len()).partition(|person| gatherings[0].roster.contains(person));
        // Whoever chairs a meeting comes.
        rostered.retain(|&person| !people[person].is_head());
        random.shuffle(&mut rostered);
        random.shuffle(&mut others);
        let (mut rostered, mut others) = (rostered.into_iter(), others.into_iter());
        cast_mornings(&mut parts, &mut rostered, &mut others, random);
        for leaves_at in EARLY_LEAVES {
            parts[next(&mut others)].leaves_early = Some(leaves_at);
        }
        for _ in 0..2 {
            parts[next(&mut others)].forgets_card_at_noon = true;
        }
        for (position, gathering) in gatherings.iter().enumerate() {
            for &person in &gathering.roster {
                if parts[person].comes() {
                    parts[person].meetings.push((position, Attendance::default()));
                }
            }
        }
        cast_morning_meeting(&mut parts, &mut rostered);
        cast_afternoon_meeting(&mut parts, people);
        Self { date, parts }
    }
}

/// Six who never come, twelve on leave or on errands, nine who are late and six who come within the grace.
fn cast_mornings(
    parts: &mut [Part],
    rostered: &mut impl Iterator<Item = usize>,
    others: &mut impl Iterator<Item = usize>,
    random: &mut Random,
) {
    for _ in 0..NEVER_AND_ROSTERED {
        parts[next(rostered)].morning = Morning::Never;
    }
    for _ in 0..NEVER_AND_NOT_ROSTERED {
        parts[next(others)].morning = Morning::Never;
    }
    parts[next(rostered)].morning = Morning::Away("leave");
    for kind in [
        "leave", "leave", "leave", "leave", "leave", "errand", "errand", "errand", "trip", "trip",
    ] {
        parts[next(others)].morning = Morning::Away(kind);
    }
    parts[next(others)].morning = Morning::LeaveUntil(seconds_at(10, 0), seconds_at(9, 52));
    for arrives_at in LATE_ARRIVALS {
        parts[next(others)].morning = Morning::At(arrives_at);
    }
    for _ in 0..6 {
        parts[next(others)].morning = Morning::At(random.between(seconds_at(8, 30) + 20, seconds_at(8, 34)));
    }
}

/// Two who sign in late, two who walk out of whom one comes back, and one who walks about.
fn cast_morning_meeting(parts: &mut [Part], rostered: &mut impl Iterator<Item = usize>) {
    let mut attend = |attendance| {
        let person = next(rostered);
        let own = parts[person].meetings.iter_mut().find(|(gathering, _)| *gathering == 0);
        own.expect("whoever is left of the roster comes to the meeting").1 = attendance;
    };
    attend(Attendance {
        late_at: Some(seconds_at(9, 4)),
        ..Attendance::default()
    });
    attend(Attendance {
        late_at: Some(seconds_at(9, 12)),
        ..Attendance::default()
    });
    attend(Attendance {
        gone_at: Some(seconds_at(9, 31)),
        ..Attendance::default()
    });
    attend(Attendance {
        exits: vec![(seconds_at(9, 38), seconds_at(9, 50))],
        ..Attendance::default()
    });
    let strolls =
        [(9, 20), (9, 44), (10, 5)].map(|(hour, minute)| (seconds_at(hour, minute), seconds_at(hour, minute + 3)));
    attend(Attendance {
        exits: strolls.to_vec(),
        ..Attendance::default()
    });
}

/// One who signs in late and one who goes before the end; neither is a head.
fn cast_afternoon_meeting(parts: &mut [Part], people: &[Member]) {
    let attendances = [
        Attendance {
            late_at: Some(seconds_at(14, 36)),
            ..Attendance::default()
        },
        Attendance {
            gone_at: Some(seconds_at(15, 35)),
            ..Attendance::default()
        },
    ];
    let guests = parts.iter_mut().zip(people).filter(|(_, member)| !member.is_head());
    let own = guests.flat_map(|(part, _)| part.meetings.iter_mut().filter(|(gathering, _)| *gathering == 1));
    for ((_, own), attendance) in own.zip(attendances) {
        *own = attendance;
    }
}

fn next(people: &mut impl Iterator<Item = usize>) -> usize {
    people
        .next()
        .expect("the bureau has more people than the day has parts")
}
