//! A small bureau for the lobby's tests: everybody works mornings (08:30 to 12:00) and afternoons (13:30 to 17:30) on
//! 16 September 2026, and one meeting is from 09:00 to 10:30.

use std::sync::Arc;

use chrono::NaiveDate;
use rules::facts::SiteFacts;
use rules::finding::{About, Finding, FindingKind, FindingState, Presence, Standing};
use rules::model::{
    Facing, Id, Meeting, MeetingIndex, Pairing, Person, PersonIndex, Place, PlaceIndex, PlaceKind, Reader, Role,
    RosterEntry, Site, SiteRecords, Stand, Stint, Subject, Unit, UnitIndex,
};
use rules::time::{CivilTime, Instant, Interval, Span, instant_of};

use super::board::{BoardDay, BoardFinding};

pub const ZONE: chrono_tz::Tz = chrono_tz::Asia::Shanghai;
pub const DATE: NaiveDate = NaiveDate::from_ymd_opt(2026, 9, 16).expect("a date");

/// `at(9, 30)` is half past nine on [`DATE`].
pub fn at(hour: i32, minute: i32) -> Instant {
    instant_of(
        DATE,
        CivilTime::from_minutes(hour * 60 + minute).expect("a time of the day"),
        ZONE,
    )
}

/// A bureau of these people (id, name), all in one unit, whose meeting `m1` calls everybody but the last, who may come.
pub fn records(people: &[(&str, &str)]) -> SiteRecords {
    let ever = Interval::new(Instant::from_ms(0), Instant::from_ms(i64::MAX));
    let stint = |name: &str| Stint {
        interval: ever,
        name: name.into(),
        unit: UnitIndex(0),
        rank: None,
        head: false,
        mail: None,
    };
    let place = |id: &str, name: &str, kind| Place {
        id: id.into(),
        name: name.into(),
        kind,
        pairing: Pairing::First,
    };
    SiteRecords {
        units: vec![Unit {
            id: "office".into(),
            parent: None,
            name: "办公室".into(),
        }],
        people: people
            .iter()
            .map(|(id, name)| Person {
                id: Id::from(*id),
                stints: vec![stint(name)],
            })
            .collect(),
        places: vec![
            place("gate", "东门", PlaceKind::Office),
            place("hall", "多功能厅", PlaceKind::Meeting),
        ],
        readers: vec![Reader {
            id: "gate-1".into(),
            stands: vec![Stand {
                interval: ever,
                place: PlaceIndex(0),
                faces: Facing::Both,
            }],
        }],
        meetings: vec![meeting(people.len())],
        ..SiteRecords::of_site(Site::of_zone("云川市综合服务局".into(), ZONE))
    }
}

fn meeting(people: usize) -> Meeting {
    let role = |number| {
        if number + 1 == people {
            Role::Optional
        } else {
            Role::Required
        }
    };
    let person = |number| PersonIndex(u32::try_from(number).expect("few people"));
    Meeting {
        roster: (0..people)
            .map(|number| RosterEntry {
                person: person(number),
                role: role(number),
                seat: None,
            })
            .collect(),
        ..Meeting::new(
            "m1".into(),
            "推进会".into(),
            PlaceIndex(1),
            Interval::new(at(9, 0), at(10, 30)),
        )
    }
}

/// The facts of these people.
pub fn facts(people: &[(&str, &str)]) -> Arc<SiteFacts> {
    Arc::new(SiteFacts::new(records(people)))
}

/// How somebody stands in the morning.
pub fn morning(presence: Presence, late: bool) -> Standing {
    standing(
        About::Period("morning".into()),
        Interval::new(at(6, 30), at(12, 0)),
        presence,
        late,
    )
}

/// How somebody stands in the afternoon.
pub fn afternoon(presence: Presence, late: bool) -> Standing {
    standing(
        About::Period("afternoon".into()),
        Interval::new(at(11, 30), at(17, 30)),
        presence,
        late,
    )
}

/// How somebody stands in the meeting.
pub fn sitting(presence: Presence) -> Standing {
    standing(
        About::Meeting(MeetingIndex(0)),
        Interval::new(at(8, 30), at(10, 30)),
        presence,
        false,
    )
}

fn standing(about: About, shown: Interval, presence: Presence, late: bool) -> Standing {
    Standing {
        date: DATE,
        about,
        shown,
        unit: Some(UnitIndex(0)),
        presence,
        late,
    }
}

/// The day of a person.
pub fn day(person: u32, standings: Vec<Standing>, findings: Vec<BoardFinding>) -> BoardDay {
    BoardDay {
        person: PersonIndex(person),
        date: DATE,
        standings,
        findings,
    }
}

/// A final finding of a person about the period or meeting of a standing, ten minutes long, that began at half past eight.
pub fn found(person: u32, kind: FindingKind, standing: &Standing) -> BoardFinding {
    let finding = Finding {
        subject: Subject::Person(PersonIndex(person)),
        unit: Some(UnitIndex(0)),
        date: DATE,
        about: standing.about.clone(),
        kind,
        state: FindingState::Final,
        length: Some(Span::from_minutes(10)),
        due: Some(at(8, 30)),
        actual: Some(at(8, 40)),
        since: None,
        source: None,
        by_lateness: false,
        withheld_by: Vec::new(),
        swipes: Vec::new(),
    };
    BoardFinding {
        id: format!("{person}-{}", kind.name()),
        revision: 1,
        finding,
    }
}
