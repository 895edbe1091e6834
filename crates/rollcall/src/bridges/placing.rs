//! When something happened, by the daemon's time, that a bridge stamped with its own clocks.

use bridge::record::Stamp;
use rules::time::{Instant, Span};

/// A wall clock that is off by no more is right: network time is better than what one question over a network can measure,
/// milliseconds.
const RIGHT_WITHIN_MS: i64 = 1_000;

/// The longest a question and its answer may take and still say something about a clock.
pub const LONGEST_ROUND_TRIP: std::time::Duration = std::time::Duration::from_secs(5);

/// What was measured when a bridge was last asked for its clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// What they showed.
    pub clocks: Stamp,
    /// What ours showed at the same moment, as near as can be known.
    pub at: Instant,
}

/// Where a stamp lies in our time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// There.
    pub at: Instant,
    /// The clock that made the stamp is off by this much and nothing says how far it was off then; `None`: the place is good.
    pub doubt: Option<Span>,
}

impl Contact {
    /// How far the bridge's wall clock is ahead of ours.
    pub fn ahead(&self) -> Span {
        Span::from_ms(self.clocks.wall_ms - self.at.as_ms())
    }

    /// Places a stamp. In the same run of the machine its age is known exactly, however wrong its wall clock was or is; `speed` is how
    /// many of our seconds pass in a real one. Of an earlier run only the wall clock is known: it is believed if it is right now.
    pub fn place(&self, stamp: &Stamp, speed: f64, tolerance: Span) -> Placed {
        if stamp.boot == self.clocks.boot {
            // Negative for what came after the clocks were compared.
            let age_ms = stretched(self.clocks.up_ms - stamp.up_ms, speed);
            let by_age = self.at.as_ms() - age_ms;
            let is_right = (stamp.wall_ms - by_age).abs() <= RIGHT_WITHIN_MS;
            let at = Instant::from_ms(if is_right { stamp.wall_ms } else { by_age });
            return Placed { at, doubt: None };
        }
        let ahead = self.ahead();
        if ahead.as_ms().abs() <= RIGHT_WITHIN_MS {
            let at = Instant::from_ms(stamp.wall_ms);
            return Placed { at, doubt: None };
        }
        let at = Instant::from_ms(stamp.wall_ms - ahead.as_ms());
        let doubt = (ahead.as_ms().abs() > tolerance.as_ms()).then_some(ahead);
        Placed { at, doubt }
    }
}

fn stretched(age_ms: i64, speed: f64) -> i64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "an age of milliseconds, far below 2^52"
    )]
    let age = (age_ms as f64 * speed) as i64;
    age
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLERANCE: Span = Span::from_seconds(30);

    fn stamp(boot: &str, wall_ms: i64, up_ms: i64) -> Stamp {
        Stamp {
            wall_ms,
            up_ms,
            boot: boot.to_owned(),
        }
    }

    fn contact(wall_ms: i64, up_ms: i64, at_ms: i64) -> Contact {
        Contact {
            clocks: stamp("now", wall_ms, up_ms),
            at: Instant::from_ms(at_ms),
        }
    }

    fn placed(contact: &Contact, stamp: &Stamp) -> (i64, Option<i64>) {
        let placed = contact.place(stamp, 1.0, TOLERANCE);
        (placed.at.as_ms(), placed.doubt.map(Span::as_ms))
    }

    #[test]
    fn a_right_clock_is_taken_at_its_word() {
        let contact = contact(1_000_300, 500_000, 1_000_000);
        assert_eq!(placed(&contact, &stamp("now", 900_000, 400_000)), (900_000, None));
        assert_eq!(placed(&contact, &stamp("before", 800_000, 7)), (800_000, None));
    }

    #[test]
    fn a_wrong_clock_does_not_matter_while_the_machine_runs() {
        // 1970 until somebody set it, an hour ahead since: the badge passed a hundred seconds ago all the same.
        let contact = contact(4_600_000, 500_000, 1_000_000);
        assert_eq!(placed(&contact, &stamp("now", 17, 400_000)), (900_000, None));
        assert_eq!(placed(&contact, &stamp("now", 4_500_000, 400_000)), (900_000, None));
    }

    #[test]
    fn what_comes_after_the_clocks_were_compared_is_placed_by_them() {
        let contact = contact(4_600_000, 500_000, 1_000_000);
        assert_eq!(placed(&contact, &stamp("now", 4_607_000, 507_000)), (1_007_000, None));
    }

    #[test]
    fn a_clock_that_is_wrong_now_is_not_believed_about_an_earlier_run() {
        let off_by_an_hour = contact(4_600_000, 500, 1_000_000);
        let earlier = stamp("before", 4_500_000, 1);
        assert_eq!(placed(&off_by_an_hour, &earlier), (900_000, Some(3_600_000)));
        let off_by_ten_seconds = contact(1_010_000, 500, 1_000_000);
        assert_eq!(
            placed(&off_by_ten_seconds, &stamp("before", 910_000, 1)),
            (900_000, None)
        );
    }

    #[test]
    fn a_driven_clock_stretches_ages() {
        let contact = contact(5, 10_000, 1_000_000);
        let placed = contact.place(&stamp("now", 5, 9_000), 60.0, TOLERANCE);
        assert_eq!(placed.at.as_ms(), 1_000_000 - 60_000);
    }
}
