//! The invented bureau: who works there, with which card, and which meetings are announced.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use rules::time::{CivilTime, Instant, Span, instant_of};

use super::cast::Cast;
use super::names;
use super::random::Random;

/// The bureau's name.
pub const NAME: &str = "云川市综合服务局";

/// The unit above the eight; it has nobody of its own.
pub const ROOT_UNIT: &str = "bureau";

/// Where its clocks are.
pub const ZONE: Tz = chrono_tz::Asia::Shanghai;

/// A unit: its id, its name, how many people it has, and how many of them the morning's meeting asks for.
pub struct UnitPlan {
    /// Its identifier in the site folder.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// How many people work in it.
    pub people: usize,
    /// How many of them are on the roster of the morning's meeting.
    pub rostered: usize,
}

const fn unit(id: &'static str, name: &'static str, people: usize, rostered: usize) -> UnitPlan {
    UnitPlan {
        id,
        name,
        people,
        rostered,
    }
}

/// The eight units: 274 people, 92 of them on the morning's roster.
pub const UNITS: [UnitPlan; 8] = [
    unit("office", "办公室", 28, 9),
    unit("personnel", "组织人事科", 26, 10),
    unit("finance", "财务审计科", 30, 10),
    unit("policy", "政策法规科", 26, 10),
    unit("service-1", "综合业务一科", 52, 16),
    unit("service-2", "综合业务二科", 50, 16),
    unit("information", "信息中心", 34, 12),
    unit("logistics", "后勤保障科", 28, 9),
];

/// Somebody who works there.
#[derive(Clone, Debug)]
pub struct Member {
    /// Identifier in the site folder.
    pub id: String,
    /// Invented name.
    pub name: String,
    /// Position in [`UNITS`].
    pub unit: usize,
    /// Higher is senior: 5 heads a unit, 4 is a deputy, 1 has just come.
    pub rank: u8,
    /// The card's number, 24 bits: what an EM4100 reader and a Wiegand 26 reader have in common.
    pub card: u32,
    /// Whether this person usually takes the west gate.
    pub west: bool,
}

impl Member {
    /// Whether this person heads the unit.
    pub const fn is_head(&self) -> bool {
        self.rank == 5
    }
}

/// A meeting of the day that the demo shows; seconds are counted from that date's midnight.
#[derive(Clone, Debug)]
pub struct Gathering {
    /// Identifier in the site folder.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// When it starts.
    pub starts: u32,
    /// When it ends.
    pub ends: u32,
    /// Who must come; positions in [`Bureau::people`]. The first one chairs it.
    pub roster: Vec<usize>,
}

/// The invented bureau with what happens there on the days that the demo knows.
#[derive(Clone, Debug)]
pub struct Bureau {
    /// The date that the demo shows.
    pub date: NaiveDate,
    /// Everybody, unit by unit, the head of a unit first.
    pub people: Vec<Member>,
    /// The meetings of `date`.
    pub gatherings: Vec<Gathering>,
    /// What happens on which date, the past ones first and `date` last.
    pub casts: Vec<Cast>,
}

impl Bureau {
    /// The bureau that follows from `seed`: always the same one.
    pub fn invent(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let date = NaiveDate::from_ymd_opt(2026, 9, 16).expect("a Wednesday without a holiday near it");
        let people = hire(&mut random);
        let gatherings = vec![morning_meeting(&people), afternoon_meeting(&people)];
        let casts = Cast::of_the_days(date, &people, &gatherings, &mut random);
        Self {
            date,
            people,
            gatherings,
            casts,
        }
    }

    /// The cast of the date that the demo shows.
    #[cfg(test)]
    pub fn today(&self) -> &Cast {
        self.casts.last().expect("a bureau is invented with its date")
    }

    /// The instant at which judging time starts: shortly before work begins, when the gates are busiest.
    pub fn opens_at(&self) -> Instant {
        instant_on(self.date, seconds_at(8, 18))
    }

    /// The instant at which the day is over and judging time slows down to real time.
    pub fn closes_at(&self) -> Instant {
        instant_on(self.date, seconds_at(18, 30))
    }
}

/// Seconds from midnight.
pub const fn seconds_at(hour: u32, minute: u32) -> u32 {
    (hour * 60 + minute) * 60
}

/// The instant that many seconds into a date at the bureau. Its zone has no clock changes.
pub fn instant_on(date: NaiveDate, seconds: u32) -> Instant {
    let midnight = CivilTime::from_minutes(0).expect("midnight is in range");
    instant_of(date, midnight, ZONE) + Span::from_seconds(i64::from(seconds))
}

/// The working dates before `date` whose swipes the demo brings along, so that there is a week to review.
pub fn past_dates(date: NaiveDate) -> [NaiveDate; 2] {
    [2, 1].map(|days| {
        date.checked_sub_days(Days::new(days))
            .expect("far from the first date of the calendar")
    })
}

fn hire(random: &mut Random) -> Vec<Member> {
    let mut names = names::invent(UNITS.iter().map(|unit| unit.people).sum(), random).into_iter();
    let mut cards = BTreeSet::new();
    let mut people = Vec::new();
    for (unit, plan) in UNITS.iter().enumerate() {
        for place in 0..plan.people {
            let rank = match place {
                0 => 5,
                1 | 2 => 4,
                _ => u8::try_from(random.between(1, 4)).expect("at most 3"),
            };
            people.push(Member {
                id: format!("10{}{:02}", unit + 1, place + 1),
                name: names.next().expect("as many names as people"),
                unit,
                rank,
                card: new_card(&mut cards, random),
                west: random.below(5) < 2,
            });
        }
    }
    people
}

/// A card number that nobody has: eight bits of facility and sixteen of card, as it is printed on the card.
fn new_card(cards: &mut BTreeSet<u32>, random: &mut Random) -> u32 {
    loop {
        let card = (118 << 16) | random.between(1, 0xFFFF);
        if cards.insert(card) {
            return card;
        }
    }
}

/// The first so many people of each unit, by its plan.
fn morning_meeting(people: &[Member]) -> Gathering {
    let mut seen = [0; UNITS.len()];
    let roster = (0..people.len())
        .filter(|&person| {
            let unit = people[person].unit;
            seen[unit] += 1;
            seen[unit] <= UNITS[unit].rostered
        })
        .collect();
    Gathering {
        id: "push-2026-09",
        title: "全局重点工作推进会",
        starts: seconds_at(9, 0),
        ends: seconds_at(10, 30),
        roster,
    }
}

/// Heads and deputies, and some of the others.
fn afternoon_meeting(people: &[Member]) -> Gathering {
    let roster = (0..people.len())
        .filter(|&person| people[person].rank >= 4 || person % 9 == 5)
        .collect();
    Gathering {
        id: "study-2026-09",
        title: "理论学习中心组扩大学习会",
        starts: seconds_at(14, 30),
        ends: seconds_at(16, 0),
        roster,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bureau_has_the_size_that_it_is_announced_with() {
        let bureau = Bureau::invent(1);
        assert_eq!(bureau.people.len(), 274);
        assert_eq!(bureau.gatherings[0].roster.len(), 92);
        assert_eq!(bureau.people.iter().filter(|member| member.is_head()).count(), 8);
        assert_eq!(
            bureau
                .people
                .iter()
                .map(|member| member.card)
                .collect::<BTreeSet<_>>()
                .len(),
            274,
            "one card each"
        );
    }

    #[test]
    fn the_same_seed_invents_the_same_bureau() {
        let names = |seed| {
            Bureau::invent(seed)
                .people
                .into_iter()
                .map(|member| (member.name, member.card))
                .collect::<Vec<_>>()
        };
        assert_eq!(names(5), names(5));
        assert_ne!(names(5), names(6));
    }
}
