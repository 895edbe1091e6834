//! The script of a day: who shows the card at which gate, and when.

use rules::time::Instant;

use super::bureau::{Bureau, Gathering, Member, instant_on, seconds_at};
use super::cast::{Attendance, Cast, Morning, Part};
use super::random::Random;

/// A place where cards are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    /// The east gate: an EM4100 reader on each side.
    East,
    /// The west gate: one Wiegand reader that cannot tell the direction.
    West,
    /// The door of the meeting hall: text lines over TCP that say the direction.
    Hall,
}

/// Which way somebody goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// Into the place.
    In,
    /// Out of it.
    Out,
}

impl Direction {
    /// As the site folder and the hall door write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
        }
    }
}

/// One card shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScriptedSwipe {
    /// When.
    pub at: Instant,
    /// The card's 24 bits.
    pub card: u32,
    /// Where.
    pub gate: Gate,
    /// Which way its holder goes.
    pub direction: Direction,
}

/// A visitor's card that no row of the bureau knows: an unknown badge is recorded and listed, too.
pub const VISITOR_CARD: u32 = (7 << 16) | 0x1092;

/// Every swipe of a cast's date, in order.
pub fn write(bureau: &Bureau, cast: &Cast, random: &mut Random) -> Vec<ScriptedSwipe> {
    let mut swipes = Vec::new();
    for (member, part) in bureau.people.iter().zip(&cast.parts).filter(|(_, part)| part.comes()) {
        let mut day = PersonDay {
            cast,
            member,
            swipes: &mut swipes,
        };
        day.office(part, random);
        for (gathering, attendance) in &part.meetings {
            day.meeting(&bureau.gatherings[*gathering], attendance, random);
        }
    }
    if cast.date == bureau.date {
        let at = instant_on(cast.date, seconds_at(8, 52));
        swipes.push(ScriptedSwipe {
            at,
            card: VISITOR_CARD,
            gate: Gate::West,
            direction: Direction::In,
        });
    }
    swipes.sort_unstable();
    swipes
}

struct PersonDay<'a> {
    cast: &'a Cast,
    member: &'a Member,
    swipes: &'a mut Vec<ScriptedSwipe>,
}

impl PersonDay<'_> {
    fn show(&mut self, seconds: u32, gate: Gate, direction: Direction) {
        self.swipes.push(ScriptedSwipe {
            at: instant_on(self.cast.date, seconds),
            card: self.member.card,
            gate,
            direction,
        });
    }

    fn gate(&self) -> Gate {
        if self.member.west { Gate::West } else { Gate::East }
    }

    /// Comes, goes to lunch, comes back and leaves.
    fn office(&mut self, part: &Part, random: &mut Random) {
        let usual = self.gate();
        let arrives = match part.morning {
            Morning::At(at) | Morning::LeaveUntil(_, at) => at,
            _ => in_time(random),
        };
        self.show(arrives, usual, Direction::In);
        let (to_lunch, from_lunch) = (
            seconds_at(12, 0) + random.between(20, 12 * 60),
            seconds_at(12, 55) + random.between(0, 30 * 60),
        );
        if !part.forgets_card_at_noon {
            self.show(to_lunch, usual, Direction::Out);
        }
        self.show(from_lunch, usual, Direction::In);
        match part.leaves_early {
            // By a gate that tells the direction, so that it shows while the day still goes on.
            Some(leaves) => self.show(leaves, Gate::East, Direction::Out),
            None => self.show(seconds_at(17, 30) + random.between(10, 40 * 60), usual, Direction::Out),
        }
    }

    fn meeting(&mut self, gathering: &Gathering, attendance: &Attendance, random: &mut Random) {
        let in_time = gathering.starts - random.between(2 * 60, 18 * 60);
        self.show(attendance.late_at.unwrap_or(in_time), Gate::Hall, Direction::In);
        for &(out, back) in &attendance.exits {
            self.show(out, Gate::Hall, Direction::Out);
            self.show(back, Gate::Hall, Direction::In);
        }
        let after_the_end = gathering.ends + random.between(5, 5 * 60);
        self.show(attendance.gone_at.unwrap_or(after_the_end), Gate::Hall, Direction::Out);
    }
}

/// An arrival before 08:30: the product of two even chances crowds most of them into the last quarter of an hour.
fn in_time(random: &mut Random) -> u32 {
    let earliness = random.between(0, 1_000) * random.between(0, 1_000) / 1_000;
    seconds_at(8, 29) + 40 - earliness * 45 * 60 / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_in_order_and_always_the_same() {
        let bureau = Bureau::invent(1);
        let script = write(&bureau, bureau.today(), &mut Random::new(9));
        assert!(script.is_sorted());
        assert_eq!(script, write(&bureau, bureau.today(), &mut Random::new(9)));
        assert!(
            (1_100..1_500).contains(&script.len()),
            "four swipes a person and the hall door: {}",
            script.len()
        );
    }

    #[test]
    fn the_gates_are_busy_when_the_demo_starts() {
        let bureau = Bureau::invent(1);
        let script = write(&bureau, bureau.today(), &mut Random::new(9));
        let before = script.iter().filter(|swipe| swipe.at < bureau.opens_at()).count();
        assert!((70..150).contains(&before), "some have come already: {before}");
        let ten_minutes = instant_on(bureau.date, seconds_at(8, 28));
        let soon = script
            .iter()
            .filter(|swipe| swipe.at >= bureau.opens_at() && swipe.at < ten_minutes)
            .count();
        assert!(soon > 60, "and many come within ten seconds at speed 60: {soon}");
    }
}
