//! Access controllers that report events: what an event of one means to us, whoever made it.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value};

use crate::adms::StatusRule;
use crate::badge::BadgeKeyRule;
use crate::documents::Documents;
use crate::isapi;
use crate::line::{clean, key_of};
use crate::malformed::{Malformed, Reason};
use crate::reading::{Faces, HappenedAt, Reading};

/// The longest text of a field that is looked at, in bytes.
const LONGEST_FIELD: usize = 256;

/// What is a person's badge at a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Badge {
    /// The number under which the controller knows them. A card that it does not know is then the badge `card:NUMBER`, for its number
    /// may be that of another person.
    Employee,
    /// The number of their card. Somebody who showed none is then the badge `employee:NUMBER`.
    Card,
}

impl Badge {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Employee, Self::Card];

    /// The name in configuration files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Employee => "employee",
            Self::Card => "card",
        }
    }
}

/// How the events of a controller are to be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRule {
    /// What is a badge.
    pub badge: Badge,
    /// What makes a key of it.
    pub badge_key: BadgeKeyRule,
    /// Whether what the controller notes as attendance (check in, check out, entry, exit) is the direction.
    pub status: StatusRule,
    /// Directions of its card readers by number, for a door with one on either side.
    pub card_readers: Vec<(i64, Faces)>,
    /// Directions of its doors by number, where the card reader says none.
    pub doors: Vec<(i64, Faces)>,
    /// Events that are a person's swipe at this controller besides those that are known to be, as (major, sub).
    pub also_swipes: Vec<(i64, i64)>,
}

impl EventRule {
    /// What holds where nothing is said.
    pub const DEFAULT: Self = Self {
        badge: Badge::Employee,
        badge_key: BadgeKeyRule::Text,
        status: StatusRule::Ignore,
        card_readers: Vec::new(),
        doors: Vec::new(),
        also_swipes: Vec::new(),
    };

    fn faces(&self, status: Option<Faces>, card_reader: Option<i64>, door: Option<i64>) -> Option<Faces> {
        let of = |directions: &[(i64, Faces)], number: Option<i64>| {
            let known = directions.iter().find(|(known, _)| Some(*known) == number);
            known.map(|(_, faces)| *faces)
        };
        let status = match self.status {
            StatusRule::Direction => status,
            StatusRule::Ignore => None,
        };
        status
            .or_else(|| of(&self.card_readers, card_reader))
            .or_else(|| of(&self.doors, door))
    }
}

/// What a controller told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What.
    pub what: What,
    /// When, by its clock.
    pub happened_at: Option<HappenedAt>,
    /// Whether it happens now (`true`) or was kept (`false`), where it says so.
    pub is_live: Option<bool>,
    /// Its running number, and that of the event before it.
    pub serial: Option<i64>,
    /// The number of the event before it, where it says so.
    pub front: Option<i64>,
}

/// What an event is to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Somebody was recognised, or showed a card.
    Swipe(Reading),
    /// Somebody was not let in, and it is not certain who.
    Refused(Event),
    /// A door, a lock, a button: nobody's.
    Door(Event),
    /// An event of which we do not know what it means.
    Unknown(Event),
    /// The controller shows that it is there.
    Heartbeat,
    /// Something else than events of doors.
    Foreign {
        /// Its name.
        name: String,
    },
}

/// An event that is no swipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it means, a stable word; `unknown` where that is not known.
    pub meaning: &'static str,
    /// Its code, as the maker writes it.
    pub code: String,
    /// It, as it came.
    pub raw: Vec<u8>,
}

impl What {
    /// What of it is to be kept although it is no swipe.
    pub fn kept(&self) -> Option<Malformed> {
        match self {
            Self::Refused(event) => Some(Malformed::new(Reason::NotAuthenticated, &event.raw)),
            Self::Unknown(event) => Some(Malformed::new(Reason::UnknownEvent, &event.raw)),
            Self::Swipe(_) | Self::Door(_) | Self::Heartbeat | Self::Foreign { .. } => None,
        }
    }
}

/// The fields of a swipe at a controller.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen<'a> {
    pub employee: Option<&'a str>,
    pub card: Option<&'a str>,
    pub status: Option<Faces>,
    pub card_reader: Option<i64>,
    pub door: Option<i64>,
    pub happened_at: Option<HappenedAt>,
    pub serial: Option<i64>,
    /// What makes the record the same when it comes again, by whichever way.
    pub source_id: &'a str,
    pub raw: &'a [u8],
}

impl Seen<'_> {
    pub fn reading(self, rule: &EventRule) -> Result<Reading, Reason> {
        let clean = |text| clean(text, LONGEST_FIELD);
        let (employee, card) = (self.employee.map(clean).transpose()?, self.card.map(clean).transpose()?);
        let key = match (rule.badge, employee, card) {
            (Badge::Employee, Some(own), _) | (Badge::Card, _, Some(own)) => key_of(own, rule.badge_key)?,
            (Badge::Employee, None, Some(card)) => key_of(&format!("card:{card}"), BadgeKeyRule::Text)?,
            (Badge::Card, Some(employee), None) => key_of(&format!("employee:{employee}"), BadgeKeyRule::Text)?,
            (_, None, None) => return Err(Reason::EmptyBadge),
        };
        Ok(Reading {
            happened_at: self.happened_at,
            faces: rule.faces(self.status, self.card_reader, self.door),
            sequence: self.serial.filter(|serial| *serial >= 0),
            source_id: Some(self.source_id.to_string()),
            ..Reading::of_card(self.raw.to_vec(), None, key)
        })
    }
}

/// The running numbers of a controller, as far as they have come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Serials {
    last: Option<i64>,
    last_at: Option<HappenedAt>,
}

/// What a running number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// The events of these numbers, both included, were not told.
    Gap {
        /// The first that is missing.
        from: i64,
        /// The last.
        until: i64,
    },
    /// The numbers began anew: the controller was reset, or it is another one.
    Restarted,
}

impl Serials {
    /// Numbers that have come up to here.
    pub const fn known(last: Option<i64>) -> Self {
        Self { last, last_at: None }
    }

    /// The highest number that has come.
    pub const fn last(&self) -> Option<i64> {
        self.last
    }

    /// Takes the number of an event into account. What was kept fills gaps and makes none.
    pub fn note(&mut self, told: &Told) -> Option<Note> {
        let serial = told.serial?;
        let front = told.front.unwrap_or(serial - 1);
        let Some(last) = self.last else {
            (self.last, self.last_at) = (Some(serial), told.happened_at);
            return None;
        };
        let is_later = match (self.last_at, told.happened_at) {
            (Some(HappenedAt::Instant(before)), Some(HappenedAt::Instant(now))) => now > before,
            (Some(HappenedAt::Civil(before)), Some(HappenedAt::Civil(now))) => now > before,
            _ => false,
        };
        if serial <= last {
            if !is_later || told.is_live == Some(false) {
                return None;
            }
            (self.last, self.last_at) = (Some(serial), told.happened_at);
            return Some(Note::Restarted);
        }
        (self.last, self.last_at) = (Some(serial), told.happened_at);
        (front > last && told.is_live != Some(false)).then_some(Note::Gap {
            from: last + 1,
            until: front,
        })
    }
}

/// A whole number, however it is written.
pub(crate) fn number(fields: &Map<String, Value>, names: &[&str]) -> Option<i64> {
    names.iter().find_map(|name| match fields.get(*name)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

/// A text that is not empty, however it is written.
pub(crate) fn text(fields: &Map<String, Value>, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| {
        let text = match fields.get(*name)? {
            Value::String(text) => text.trim().to_string(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    })
}

/// Yes or no, however it is written.
pub(crate) fn flag(fields: &Map<String, Value>, names: &[&str]) -> Option<bool> {
    names.iter().find_map(|name| match fields.get(*name)? {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    })
}

/// A number under which somebody or something is known; nothing but zeros is none.
pub(crate) fn identity(fields: &Map<String, Value>, names: &[&str]) -> Option<String> {
    text(fields, names).filter(|text| text.bytes().any(|byte| byte != b'0'))
}

/// Whose events they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Hikvision: [`crate::isapi`].
    Isapi,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 1] = [Self::Isapi];

    /// The name in configuration files and addresses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Isapi => "isapi",
        }
    }
}

/// What a stream of documents tells. `push`, then `next` until it is empty; `end` where the stream ends.
#[derive(Clone, Debug)]
pub struct Stream {
    dialect: Dialect,
    rule: EventRule,
    documents: Documents,
    told: VecDeque<Result<Told, Malformed>>,
}

impl Stream {
    /// A stream of which nothing has come yet.
    pub fn new(dialect: Dialect, rule: EventRule) -> Self {
        Self {
            dialect,
            rule,
            documents: Documents::default(),
            told: VecDeque::new(),
        }
    }

    /// Takes bytes and says how many; all of them, up to some thousand, once everything has been taken out.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        self.documents.push(bytes)
    }

    /// Nothing more will come: what has begun and not ended was cut off.
    pub fn end(&mut self) {
        self.documents.end();
    }

    /// The next event, or what is left of one.
    #[expect(
        clippy::should_implement_trait,
        reason = "as with `Decoder`: more can come after `None`"
    )]
    pub fn next(&mut self) -> Option<Result<Told, Malformed>> {
        while self.told.is_empty() {
            let document = match self.documents.next()? {
                Ok(document) => document,
                Err(malformed) => return Some(Err(malformed)),
            };
            self.told = match self.dialect {
                Dialect::Isapi => isapi::tell(&document, &self.rule),
            }
            .into();
        }
        self.told.pop_front()
    }
}
