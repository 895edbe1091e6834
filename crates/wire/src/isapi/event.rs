//! What a document of a device tells.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use chrono::{DateTime, NaiveDateTime, Timelike};
use serde_json::{Map, Value};

use super::pairs::{self, Kind};
use super::xml;
use crate::controller::{Event, EventRule, Seen, Told, What, flag, identity, number, text};
use crate::documents::{self, Document};
use crate::limits::{LONGEST_ID, LONGEST_LINE};
use crate::malformed::{Malformed, Reason};
use crate::reading::{Faces, HappenedAt};

type Fields = Map<String, Value>;

/// What a document tells: an event, several, or that the device is there.
pub fn tell(document: &Document, rule: &EventRule) -> Vec<Result<Told, Malformed>> {
    let mut reader = Reader {
        document,
        rule,
        told: Vec::new(),
    };
    match value_of(document) {
        Ok(Some(value)) => reader.read(&value),
        Ok(None) => {}
        Err(reason) => reader.told.push(Err(Malformed::new(reason, &document.text))),
    }
    reader.told
}

fn value_of(document: &Document) -> Result<Option<Value>, Reason> {
    let text = str::from_utf8(&document.text).map_err(|_| Reason::NotUtf8)?;
    match document.kind {
        documents::Kind::Json => serde_json::from_str(text).map(Some).map_err(|_| Reason::NotJson),
        documents::Kind::Xml => xml::value(text).map(Some),
        documents::Kind::Line => Ok(None),
    }
}

/// Reads the events of a document one by one.
struct Reader<'a> {
    document: &'a Document,
    rule: &'a EventRule,
    told: Vec<Result<Told, Malformed>>,
}

impl Reader<'_> {
    fn read(&mut self, value: &Value) {
        match value {
            Value::Array(list) => list.iter().for_each(|value| self.read(value)),
            Value::Object(fields) => self.object(fields),
            _ => {}
        }
    }

    fn object(&mut self, fields: &Fields) {
        if let Some(alert) = fields.get("EventNotificationAlert") {
            return self.read(alert);
        }
        if let Some(event) = fields.get("AccessControllerEvent") {
            return self.events(fields, event);
        }
        if let Some(Value::Object(answer)) = fields.get("AcsEvent") {
            let list = answer.get("InfoList");
            return list.into_iter().for_each(|list| self.events(&Fields::new(), list));
        }
        if number(fields, MAJOR).is_some() {
            return self.event(fields, fields);
        }
        match text(fields, &["eventType"]) {
            Some(name) if is_heartbeat(&name, fields) => self.told.push(Ok(Told {
                what: What::Heartbeat,
                happened_at: time(fields).ok().map(|(at, _)| at),
                is_live: Some(true),
                serial: None,
                front: None,
            })),
            Some(name) => self.foreign(name),
            None => {
                let before = self.told.len();
                let nested = fields.values().filter(|value| value.is_object() || value.is_array());
                nested.for_each(|value| self.read(value));
                if self.told.len() == before
                    && let Some(name) = fields.keys().next()
                {
                    self.foreign(name.clone());
                }
            }
        }
    }

    fn foreign(&mut self, mut name: String) {
        name.retain(|letter| !letter.is_control());
        while name.len() > LONGEST_ID {
            name.pop();
        }
        self.told.push(Ok(Told {
            what: What::Foreign { name },
            happened_at: None,
            is_live: None,
            serial: None,
            front: None,
        }));
    }

    /// One event or a list of them, in what is said of all of them.
    fn events(&mut self, outer: &Fields, events: &Value) {
        match events {
            Value::Array(list) => list.iter().for_each(|event| self.events(outer, event)),
            Value::Object(inner) => self.event(outer, inner),
            _ => self.wrong(Reason::BadField, &Value::Object(outer.clone())),
        }
    }

    fn event(&mut self, outer: &Fields, inner: &Fields) {
        let raw = self.raw(outer, inner);
        match self.understand(outer, inner, &raw) {
            Ok(told) => self.told.push(Ok(told)),
            Err(reason) => self.told.push(Err(Malformed::new(reason, &raw))),
        }
    }

    fn wrong(&mut self, reason: Reason, value: &Value) {
        let text = serde_json::to_vec(value).unwrap_or_default();
        self.told.push(Err(Malformed::new(reason, &text)));
    }

    /// The event as it came: the whole document where it is the only one and not long, else itself with its time.
    fn raw(&self, outer: &Fields, inner: &Fields) -> Vec<u8> {
        let is_alone = self.document.text.len() <= LONGEST_LINE
            && !matches!(outer.get("AccessControllerEvent"), Some(Value::Array(_)))
            && !outer.is_empty()
            && self.told.is_empty();
        if is_alone {
            return self.document.text.clone();
        }
        let mut fields = inner.clone();
        for name in ["dateTime", "macAddress"] {
            if let (Some(value), false) = (outer.get(name), fields.contains_key(name)) {
                fields.insert(name.into(), value.clone());
            }
        }
        let mut raw = serde_json::to_vec(&Value::Object(fields)).unwrap_or_default();
        raw.truncate(LONGEST_LINE);
        raw
    }

    fn understand(&self, outer: &Fields, inner: &Fields, raw: &[u8]) -> Result<Told, Reason> {
        let (major, sub) = number(inner, MAJOR).zip(number(inner, SUB)).ok_or(Reason::BadField)?;
        let (happened_at, local) = time(inner).or_else(|_| time(outer))?;
        let serial = number(inner, &["serialNo"]).filter(|serial| *serial > 0);
        let (employee, card) = (
            identity(inner, &["employeeNoString", "employeeNo"]),
            identity(inner, &["cardNo"]),
        );
        let card_reader = number(inner, &["cardReaderNo"]);
        let source_id = match serial {
            Some(serial) => format!("{serial}|{local}"),
            None => format!(
                "at:{local}|{major}/{sub}|{}|{}|{}",
                employee.as_deref().unwrap_or_default(),
                card.as_deref().unwrap_or_default(),
                card_reader.unwrap_or_default()
            ),
        };
        let seen = Seen {
            employee: employee.as_deref(),
            card: card.as_deref(),
            status: text(inner, &["attendanceStatus"]).as_deref().and_then(faces),
            card_reader,
            door: number(inner, &["doorNo"]),
            happened_at: Some(happened_at),
            serial,
            source_id: &source_id,
            raw,
        };
        Ok(Told {
            what: self.what(major, sub, seen)?,
            happened_at: Some(happened_at),
            is_live: flag(inner, &["currentEvent"]),
            serial,
            front: number(inner, &["frontSerialNo"]).filter(|front| *front >= 0),
        })
    }

    fn what(&self, major: i64, sub: i64, seen: Seen<'_>) -> Result<What, Reason> {
        let pair = pairs::find(major, sub);
        let event = |meaning| Event {
            meaning,
            code: format!("{major}/{sub}"),
            raw: seen.raw.to_vec(),
        };
        if self.rule.also_swipes.contains(&(major, sub)) {
            return seen.reading(self.rule).map(What::Swipe);
        }
        Ok(match pair.map(|pair| (pair.kind, pair.meaning)) {
            Some((Kind::Person, _)) => What::Swipe(seen.reading(self.rule)?),
            Some((Kind::UnknownCard, _)) if seen.card.is_some() => {
                let employee = None;
                What::Swipe(Seen { employee, ..seen }.reading(self.rule)?)
            }
            Some((Kind::UnknownCard | Kind::Refused, meaning)) => What::Refused(event(meaning)),
            Some((Kind::Door, meaning)) => What::Door(event(meaning)),
            None => What::Unknown(event("unknown")),
        })
    }
}

/// What the major type is called, pushed and asked for.
const MAJOR: &[&str] = &["majorEventType", "major"];

/// The same of the sub type.
const SUB: &[&str] = &["subEventType", "minorEventType", "minor"];

/// Whether an event of that name only shows that the device is there. Streams of older firmware say so by a camera that lost nothing.
fn is_heartbeat(name: &str, fields: &Fields) -> bool {
    name.eq_ignore_ascii_case("heartBeat")
        || (name.eq_ignore_ascii_case("videoloss")
            && text(fields, &["eventState"]).is_some_and(|state| state.eq_ignore_ascii_case("inactive")))
}

fn faces(status: &str) -> Option<Faces> {
    match status.to_ascii_lowercase().as_str() {
        "checkin" | "breakin" | "overtimein" => Some(Faces::In),
        "checkout" | "breakout" | "overtimeout" => Some(Faces::Out),
        _ => None,
    }
}

/// The time of an event, and what the device's clock showed then: the same whether its zone is said or not.
fn time(fields: &Fields) -> Result<(HappenedAt, NaiveDateTime), Reason> {
    let text = text(fields, &["dateTime", "time"]).ok_or(Reason::BadInstant)?;
    let with_zone =
        DateTime::parse_from_rfc3339(&text).or_else(|_| DateTime::parse_from_str(&text, ZONE_WITHOUT_COLON));
    let (at, local) = match with_zone {
        Ok(at) => (HappenedAt::Instant(at.timestamp_millis()), at.naive_local()),
        Err(_) => match HappenedAt::parse(&text)? {
            HappenedAt::Civil(local) => (HappenedAt::Civil(local), local),
            at @ HappenedAt::Instant(_) => (at, NaiveDateTime::default()),
        },
    };
    Ok((at, local.with_nanosecond(0).unwrap_or(local)))
}

/// `2026-01-05T08:00:00+0800`
const ZONE_WITHOUT_COLON: &str = "%Y-%m-%dT%H:%M:%S%.f%z";
