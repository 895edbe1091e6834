//! The invented bureau as a site folder, the same files that a real bureau keeps.

use std::fs;
use std::io;
use std::path::Path;

use chrono::{Days, NaiveDate};
use rules::time::Instant;

use super::bureau::{Bureau, Gathering, NAME, ROOT_UNIT, UNITS, ZONE, seconds_at};
use super::cast::{Cast, Morning};
use super::script::{Direction, Gate, ScriptedSwipe};
use super::watch;

/// The unit that has to send everybody whom it named.
const FULL_UNIT: &str = "finance";

/// Readers of the bureau, as `readers.csv` and the demo's configuration name them.
pub mod reader {
    /// Outer side of the east gate.
    pub const EAST_IN: &str = "east-gate-in";
    /// Inner side of the east gate.
    pub const EAST_OUT: &str = "east-gate-out";
    /// The west gate.
    pub const WEST: &str = "west-gate";
    /// The door of the meeting hall.
    pub const HALL: &str = "hall-door";
}

const SCHEDULES: &str = r#"[[schedule]]
id = "机关作息"

[[schedule.period]]
name = "上午"
starts = "08:30"
ends = "12:00"
grace_late_minutes = 5

[[schedule.period]]
name = "下午"
starts = "13:30"
ends = "17:30"
grace_late_minutes = 5
"#;

/// What follows the day that the demo shows, from the State Council's notice for 2026.
const CALENDAR: &str = "\
date,kind,name,source
2026-09-20,workday,国庆节调休,国务院办公厅关于2026年部分节假日安排的通知
2026-09-25,holiday,中秋节,国务院办公厅关于2026年部分节假日安排的通知
2026-10-01,holiday,国庆节,国务院办公厅关于2026年部分节假日安排的通知
2026-10-02,holiday,国庆节,国务院办公厅关于2026年部分节假日安排的通知
2026-10-05,holiday,国庆节,国务院办公厅关于2026年部分节假日安排的通知
2026-10-06,holiday,国庆节,国务院办公厅关于2026年部分节假日安排的通知
2026-10-07,holiday,国庆节,国务院办公厅关于2026年部分节假日安排的通知
2026-10-10,workday,国庆节调休,国务院办公厅关于2026年部分节假日安排的通知
";

const PLACES: &str = "\
place,name,kind,pairing
east-gate,东门,office,first
west-gate,西门,office,first
hall,三楼多功能厅,meeting,directed
duty-room,值班室,duty,directed
";

const READERS: &str = "\
reader,place,faces
east-gate-in,east-gate,in
east-gate-out,east-gate,out
west-gate,west-gate,both
hall-door,hall,both
duty-door,duty-room,both
";

/// Writes the bureau into `directory`, which must exist, with `swipes` as what has happened already.
pub fn write(bureau: &Bureau, swipes: &[ScriptedSwipe], directory: &Path) -> io::Result<()> {
    let documents = [
        ("site.toml", format!("name = \"{NAME}\"\ntime_zone = \"{ZONE}\"\n")),
        ("schedules.toml", SCHEDULES.to_owned()),
        ("calendar.csv", CALENDAR.to_owned()),
        ("places.csv", PLACES.to_owned()),
        ("readers.csv", READERS.to_owned()),
        (
            "assignments.csv",
            format!("subject,schedule\nunit:{ROOT_UNIT},机关作息\n"),
        ),
        ("meetings.toml", meetings(bureau)),
    ];
    for (file, text) in documents {
        fs::write(directory.join(file), text)?;
    }
    write_table(directory, "units.csv", &["unit", "parent", "name"], units())?;
    write_table(
        directory,
        "people.csv",
        &["person", "name", "unit", "rank", "head"],
        people(bureau),
    )?;
    write_table(directory, "badges.csv", &["badge", "person"], badges(bureau))?;
    write_table(
        directory,
        "absences.csv",
        &["absence", "person", "kind", "from", "until"],
        absences(bureau),
    )?;
    write_table(
        directory,
        "meeting_roster.csv",
        &["meeting", "person", "role"],
        roster(bureau),
    )?;
    write_table(
        directory,
        "meeting_units.csv",
        &["meeting", "unit", "at_least"],
        quotas(bureau),
    )?;
    write_watch(bureau, directory)?;
    write_table(
        directory,
        "swipes.csv",
        &["reader", "badge", "happened_at", "faces"],
        swipes.iter().map(swipe_row).chain(watch::swipes(bureau)),
    )
}

fn write_watch(bureau: &Bureau, directory: &Path) -> io::Result<()> {
    let columns = ["duty", "person", "place", "starts", "ends", "role", "hands_over_to"];
    write_table(directory, "duties.csv", &columns, watch::duties(bureau))?;
    write_table(directory, "duty_checks.csv", &["duty", "at"], watch::checks(bureau))
}

fn write_table<const COLUMNS: usize>(
    directory: &Path,
    file: &str,
    header: &[&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> io::Result<()> {
    let mut writer = csv::Writer::from_path(directory.join(file))?;
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row)?;
    }
    writer.flush()
}

fn units() -> impl Iterator<Item = [String; 3]> {
    let root = [ROOT_UNIT, "", NAME].map(str::to_owned);
    std::iter::once(root).chain(
        UNITS
            .iter()
            .map(|unit| [unit.id, ROOT_UNIT, unit.name].map(str::to_owned)),
    )
}

fn people(bureau: &Bureau) -> impl Iterator<Item = [String; 5]> {
    bureau.people.iter().map(|member| {
        let head = if member.is_head() { "yes" } else { "no" };
        [
            member.id.clone(),
            member.name.clone(),
            UNITS[member.unit].id.to_owned(),
            member.rank.to_string(),
            head.to_owned(),
        ]
    })
}

fn badges(bureau: &Bureau) -> impl Iterator<Item = [String; 2]> {
    bureau
        .people
        .iter()
        .map(|member| [badge_key(member.card), member.id.clone()])
}

/// The key of a card at all of the bureau's readers: the facility and the number that are printed on it.
pub fn badge_key(card: u32) -> String {
    format!("{}-{}", card >> 16, card & 0xFFFF)
}

fn absences(bureau: &Bureau) -> Vec<[String; 5]> {
    bureau.casts.iter().flat_map(|cast| absences_of(bureau, cast)).collect()
}

fn absences_of(bureau: &Bureau, cast: &Cast) -> impl Iterator<Item = [String; 5]> {
    let next_date = cast
        .date
        .checked_add_days(Days::new(1))
        .expect("far from the last date of the calendar");
    bureau.people.iter().zip(&cast.parts).filter_map(move |(member, part)| {
        let (kind, from, until) = match part.morning {
            Morning::Away(kind) => (kind, cast.date.to_string(), next_date.to_string()),
            Morning::LeaveUntil(until, _) => (
                "leave",
                written(cast.date, seconds_at(8, 30)),
                written(cast.date, until),
            ),
            Morning::InTime | Morning::At(_) | Morning::Never => return None,
        };
        Some([
            format!("{}-{}", member.id, cast.date),
            member.id.clone(),
            kind.to_owned(),
            from,
            until,
        ])
    })
}

fn roster(bureau: &Bureau) -> Vec<[String; 3]> {
    let guests = |gathering: &Gathering| {
        let chaired = gathering.roster.iter().enumerate();
        let row = |(place, &person): (usize, &usize)| {
            let role = if place == 0 { "chair" } else { "required" };
            [
                gathering.id.to_owned(),
                bureau.people[person].id.clone(),
                role.to_owned(),
            ]
        };
        chaired.map(row).collect::<Vec<_>>()
    };
    bureau.gatherings.iter().flat_map(guests).collect()
}

fn meetings(bureau: &Bureau) -> String {
    let entry = |gathering: &Gathering| {
        let (starts, ends) = (
            written(bureau.date, gathering.starts),
            written(bureau.date, gathering.ends),
        );
        format!(
            "[[meeting]]\nid = \"{}\"\ntitle = \"{}\"\nplace = \"hall\"\nstarts = \"{starts}\"\nends = \"{ends}\"\n",
            gathering.id, gathering.title
        )
    };
    bureau.gatherings.iter().map(entry).collect::<Vec<_>>().join("\n")
}

/// What units send to the morning's meeting. One has to send everybody whom it named, and one of them does not come; the others have
/// named two more than they must send.
fn quotas(bureau: &Bureau) -> impl Iterator<Item = [String; 3]> {
    UNITS.iter().map(|unit| {
        let at_least = if unit.id == FULL_UNIT {
            unit.rostered
        } else {
            unit.rostered - 2
        };
        [
            bureau.gatherings[0].id.to_owned(),
            unit.id.to_owned(),
            at_least.to_string(),
        ]
    })
}

fn swipe_row(swipe: &ScriptedSwipe) -> [String; 4] {
    let (reader, faces) = reader_of(swipe);
    let happened_at = local(swipe.at).format("%Y-%m-%d %H:%M:%S").to_string();
    [
        reader.to_owned(),
        badge_key(swipe.card),
        happened_at,
        faces.map_or_else(String::new, |direction| direction.name().to_owned()),
    ]
}

/// The reader that sees a swipe, and the direction where the reader itself says it.
pub const fn reader_of(swipe: &ScriptedSwipe) -> (&'static str, Option<Direction>) {
    match (swipe.gate, swipe.direction) {
        (Gate::East, Direction::In) => (reader::EAST_IN, None),
        (Gate::East, Direction::Out) => (reader::EAST_OUT, None),
        (Gate::West, _) => (reader::WEST, None),
        (Gate::Hall, direction) => (reader::HALL, Some(direction)),
    }
}

/// An instant as the bureau's clocks show it.
pub fn local(at: Instant) -> chrono::DateTime<chrono_tz::Tz> {
    at.to_utc().with_timezone(&ZONE)
}

/// A second of a date as files write it.
pub fn written(date: NaiveDate, seconds: u32) -> String {
    format!(
        "{date} {:02}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::random::Random;
    use crate::demo::script;

    #[test]
    fn the_folder_has_a_row_for_everybody() {
        let bureau = Bureau::invent(1);
        let directory = tempfile::tempdir().unwrap();
        let swipes = script::write(&bureau, bureau.today(), &mut Random::new(1));
        write(&bureau, &swipes, directory.path()).unwrap();
        let lines = |file: &str| fs::read_to_string(directory.path().join(file)).unwrap().lines().count();
        assert_eq!(lines("people.csv"), 1 + 274);
        assert_eq!(lines("badges.csv"), 1 + 274);
        assert_eq!(lines("units.csv"), 1 + 9);
        assert_eq!(lines("absences.csv"), 1 + 8 + 8 + 12);
        assert_eq!(lines("swipes.csv"), 1 + swipes.len() + watch::swipes(&bureau).len());
        assert_eq!((lines("duties.csv"), lines("duty_checks.csv")), (1 + 3, 1 + 4));
        assert!(lines("meeting_roster.csv") > 92 + 24);
    }
}
