//! The duty roster 值班: two nights before the day that the demo shows, and its day. Who stood them has shown the card at the door of the
//! duty room already; nobody plays the door live.

use chrono::{Days, NaiveDate};

use super::bureau::{Bureau, past_dates};
use super::cast::{Cast, Part};
use super::site::{badge_key, written};

/// The reader at the door of the duty room, which notes the direction.
pub const READER: &str = "duty-door";
/// The duty room.
pub const PLACE: &str = "duty-room";

/// A shift.
struct Shift {
    id: &'static str,
    /// How many dates after the first of the casts it begins.
    day: usize,
    /// Its first and last hour, counted from that date's midnight.
    hours: [u32; 2],
    role: &'static str,
    hands_over_to: &'static str,
    /// When it is checked whether somebody is there, in seconds from the same midnight.
    checks: &'static [u32],
    /// Card shown at the door: seconds from the same midnight, and the direction.
    swipes: &'static [(u32, &'static str)],
}

const HOUR: u32 = 3_600;

/// The first night, a leader's, is as it should be; in the second one check goes unanswered, and in the morning the officer is gone
/// two minutes before the successor comes.
const SHIFTS: [Shift; 3] = [
    Shift {
        id: "night-0914",
        day: 0,
        hours: [18, 32],
        role: "leader",
        hands_over_to: "",
        checks: &[22 * HOUR, 27 * HOUR],
        swipes: &[
            (17 * HOUR + 2_940, "in"),
            (22 * HOUR + 240, "in"),
            (27 * HOUR + 420, "in"),
            (32 * HOUR + 300, "out"),
        ],
    },
    Shift {
        id: "night-0915",
        day: 1,
        hours: [18, 32],
        role: "",
        hands_over_to: "day-0916",
        checks: &[21 * HOUR, 26 * HOUR],
        swipes: &[
            (17 * HOUR + 3_120, "in"),
            (21 * HOUR + 180, "in"),
            (31 * HOUR + 3_360, "out"),
        ],
    },
    Shift {
        id: "day-0916",
        day: 2,
        hours: [8, 18],
        role: "",
        hands_over_to: "",
        checks: &[],
        swipes: &[(7 * HOUR + 3_480, "in")],
    },
];

/// The rows of `duties.csv`.
pub fn duties(bureau: &Bureau) -> Vec<[String; 7]> {
    let row = |(shift, person): (&Shift, usize)| {
        let date = date_of(bureau, shift);
        let [starts, ends] = shift.hours.map(|hour| at(date, hour * HOUR));
        [
            shift.id.to_owned(),
            bureau.people[person].id.clone(),
            PLACE.to_owned(),
            starts,
            ends,
            shift.role.to_owned(),
            shift.hands_over_to.to_owned(),
        ]
    };
    on_duty(bureau).map(row).collect()
}

/// The rows of `duty_checks.csv`.
pub fn checks(bureau: &Bureau) -> Vec<[String; 2]> {
    let of_shift = |shift: &Shift| {
        let date = date_of(bureau, shift);
        let row = |seconds: &u32| [shift.id.to_owned(), at(date, *seconds)];
        shift.checks.iter().map(row).collect::<Vec<_>>()
    };
    SHIFTS.iter().flat_map(of_shift).collect()
}

/// What the door of the duty room has seen, as rows of `swipes.csv`.
pub fn swipes(bureau: &Bureau) -> Vec<[String; 4]> {
    let of_shift = |(shift, person): (&Shift, usize)| {
        let (date, badge) = (date_of(bureau, shift), badge_key(bureau.people[person].card));
        let row = |(seconds, faces): &(u32, &str)| {
            let at = at(date, *seconds);
            [READER.to_owned(), badge.clone(), at, (*faces).to_owned()]
        };
        shift.swipes.iter().map(row).collect::<Vec<_>>()
    };
    on_duty(bureau).flat_map(of_shift).collect()
}

/// The shifts with the people who stand them: some who have nothing else in store on these days.
fn on_duty(bureau: &Bureau) -> impl Iterator<Item = (&'static Shift, usize)> {
    let quiet = (0..bureau.people.len()).filter(|person| {
        let parts = bureau.casts.iter().map(|cast: &Cast| &cast.parts[*person]);
        parts.into_iter().all(|part| *part == Part::default())
    });
    SHIFTS.iter().zip(quiet)
}

fn date_of(bureau: &Bureau, shift: &Shift) -> NaiveDate {
    let [first, second] = past_dates(bureau.date);
    [first, second, bureau.date][shift.day]
}

/// A second of a date, or of the next one, as files write it.
fn at(date: NaiveDate, seconds: u32) -> String {
    let days = seconds / (24 * HOUR);
    let date = date
        .checked_add_days(Days::new(days.into()))
        .expect("far from the last date of the calendar");
    written(date, seconds % (24 * HOUR))
}
