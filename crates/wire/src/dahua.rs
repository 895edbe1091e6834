//! Dahua access controllers: events as they stream them (`eventManager.cgi?action=attach`) or post them, and the records that they give
//! when asked (`recordFinder.cgi`).
//!
//! An event is text, `Code=…;action=…;index=…;data={…}` with JSON over several lines behind `data=`, or JSON by itself. Lengths and
//! boundaries around it are not believed: [`crate::documents`] finds it. Documents and records have no running number that both of
//! them carry, so what makes an event the same is its second, its person or card, and its door.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use chrono::NaiveDateTime;
use serde_json::{Map, Value};

use crate::controller::{Event, EventRule, Seen, Told, What, flag, identity, number, text};
use crate::documents::{Document, Kind};
use crate::limits::{LONGEST_ID, LONGEST_LINE};
use crate::malformed::{Malformed, Reason};
use crate::reading::{Faces, HappenedAt};

type Fields = Map<String, Value>;

/// Where events are streamed.
pub const STREAM: &str = "/cgi-bin/eventManager.cgi?action=attach&codes=[AccessControl]&heartbeat=10";

/// Where the clock is read; the answer is [`clock`]'s.
pub const CLOCK: &str = "/cgi-bin/global.cgi?action=getCurrentTime";

/// How many records are asked for at once.
pub const PAGE: usize = 500;

/// The most records of one answer that are read.
const MOST_RECORDS: usize = 10_000;

/// What doors, locks and buttons tell; nobody's.
const DOORS: [&str; 5] = ["DoorStatus", "DoorNotClosed", "DoorControl", "ButtonExit", "BreakIn"];

/// A way of opening that is no person at the door: from afar, and by the button within.
const METHODS_WITHOUT_PERSON: [i64; 2] = [4, 5];

/// Where records between two instants are asked for, both included, in seconds since 1970.
pub fn records_target(from_seconds: i64, until_seconds: i64) -> String {
    format!(
        "/cgi-bin/recordFinder.cgi?action=find&name=AccessControlCardRec&StartTime={from_seconds}&EndTime={until_seconds}&count={PAGE}"
    )
}

/// Where the clock is set to a local time.
pub fn set_clock_target(local: NaiveDateTime) -> String {
    format!(
        "/cgi-bin/global.cgi?action=setCurrentTime&time={}",
        local.format("%Y-%m-%d%%20%H:%M:%S")
    )
}

/// The local time in the answer to [`CLOCK`].
pub fn clock(body: &[u8]) -> Option<NaiveDateTime> {
    let text = str::from_utf8(body).ok()?;
    let time = text.lines().find_map(|line| line.trim().strip_prefix("result="))?;
    NaiveDateTime::parse_from_str(time.trim(), "%Y-%m-%d %H:%M:%S").ok()
}

/// What a document tells: an event, several, or that the device is there.
pub fn tell(document: &Document, rule: &EventRule) -> Vec<Result<Told, Malformed>> {
    let label = String::from_utf8_lossy(&document.label);
    match document.kind {
        Kind::Line if document.text == b"Heartbeat" => [Ok(sign(What::Heartbeat))].into(),
        // An event without data is about nobody.
        Kind::Line => foreign(code_of(&String::from_utf8_lossy(&document.text)))
            .into_iter()
            .collect(),
        Kind::Xml => Vec::new(),
        Kind::Json => match serde_json::from_slice::<Value>(&document.text) {
            Ok(value) => {
                let mut reader = Reader {
                    document,
                    rule,
                    told: Vec::new(),
                };
                match code_of(&label) {
                    Some(code) => reader.event(&code, &value, None),
                    None => reader.read(&value, None),
                }
                reader.told
            }
            Err(_) => [Err(Malformed::new(Reason::NotJson, &document.text))].into(),
        },
    }
}

/// The code in `Code=AccessControl;action=Pulse;index=0;data=`.
fn code_of(label: &str) -> Option<String> {
    let (_, rest) = label.rsplit_once("Code=")?;
    let code = rest.split(';').next().unwrap_or_default().trim();
    (!code.is_empty()).then(|| code.to_string())
}

fn sign(what: What) -> Told {
    Told {
        what,
        happened_at: None,
        is_live: None,
        serial: None,
        front: None,
    }
}

fn foreign(code: Option<String>) -> Option<Result<Told, Malformed>> {
    let mut name = code?;
    name.retain(|letter| !letter.is_control());
    while name.len() > LONGEST_ID {
        name.pop();
    }
    Some(Ok(sign(What::Foreign { name })))
}

/// Reads the events of a document one by one.
struct Reader<'a> {
    document: &'a Document,
    rule: &'a EventRule,
    told: Vec<Result<Told, Malformed>>,
}

impl Reader<'_> {
    /// `time` is what is said of all of them.
    fn read(&mut self, value: &Value, time: Option<&str>) {
        match value {
            Value::Array(list) => list.iter().for_each(|value| self.read(value, time)),
            Value::Object(fields) => self.object(fields, time),
            _ => {}
        }
    }

    fn object(&mut self, fields: &Fields, time: Option<&str>) {
        let time = fields.get("Time").and_then(Value::as_str).or(time);
        if let Some(code) = text(fields, &["Code"]) {
            let data = fields.get("Data").or_else(|| fields.get("data"));
            return self.event(&code, data.unwrap_or(&Value::Null), time);
        }
        let before = self.told.len();
        let nested = fields.values().filter(|value| value.is_object() || value.is_array());
        nested.for_each(|value| self.read(value, time));
        if self.told.len() == before {
            self.told.extend(foreign(fields.keys().next().cloned()));
        }
    }

    fn event(&mut self, code: &str, data: &Value, time: Option<&str>) {
        let Value::Object(data) = data else {
            return self.told.extend(foreign(Some(code.to_string())));
        };
        let raw = self.raw(code, data);
        let told = match code {
            "AccessControl" => understand(data, time, &raw, self.rule),
            _ if DOORS.contains(&code) => Ok(sign(What::Door(Event {
                meaning: "door",
                code: code.to_string(),
                raw: raw.clone(),
            }))),
            _ => return self.told.extend(foreign(Some(code.to_string()))),
        };
        self.told.push(told.map_err(|reason| Malformed::new(reason, &raw)));
    }

    /// The event as it came: its whole text where it is alone and not long, else its data.
    fn raw(&self, code: &str, data: &Fields) -> Vec<u8> {
        let length = self.document.label.len() + self.document.text.len();
        if self.told.is_empty()
            && length <= LONGEST_LINE
            && code_of(&String::from_utf8_lossy(&self.document.label)).is_some()
        {
            return [self.document.label.as_slice(), &self.document.text].concat();
        }
        let mut raw = serde_json::to_vec(&serde_json::json!({"Code": code, "Data": data})).unwrap_or_default();
        raw.truncate(LONGEST_LINE);
        raw
    }
}

/// What the fields of an event or of a record say.
fn understand(fields: &Fields, outer_time: Option<&str>, raw: &[u8], rule: &EventRule) -> Result<Told, Reason> {
    let (employee, card) = (identity(fields, &["UserID"]), identity(fields, &["CardNo"]));
    let method = number(fields, &["Method"]);
    let door = number(fields, &["Door"]);
    let happened_at = time(fields, outer_time)?;
    let serial = number(fields, &["RecNo"]).filter(|number| *number > 0);
    let event = |meaning: &'static str| Event {
        meaning,
        code: format!(
            "AccessControl/{}",
            method.map(|method| method.to_string()).unwrap_or_default()
        ),
        raw: raw.to_vec(),
    };
    let source_id = happened_at.map(|at| {
        let who = employee.as_deref().or(card.as_deref()).unwrap_or_default();
        format!("{}|{who}|{}", seconds(at), door.unwrap_or_default())
    });
    let mut seen = Seen {
        employee: employee.as_deref(),
        card: card.as_deref(),
        status: text(fields, &["Type"]).as_deref().and_then(faces),
        card_reader: number(fields, &["ReaderID"]),
        door,
        happened_at,
        serial,
        source_id: source_id.as_deref(),
        raw,
    };
    let what = match (status(fields), method) {
        (_, Some(method)) if METHODS_WITHOUT_PERSON.contains(&method) => What::Door(event("opened_without_person")),
        (Some(true), _) => What::Swipe(seen.reading(rule)?),
        // Nobody whom the device knows showed a card.
        (Some(false), _) if employee.is_none() && card.is_some() => {
            seen.employee = None;
            What::Swipe(seen.reading(rule)?)
        }
        (Some(false), _) => What::Refused(event("refused")),
        (None, _) => What::Unknown(event("unknown")),
    };
    Ok(Told {
        what,
        happened_at,
        is_live: None,
        serial,
        front: None,
    })
}

/// Whether somebody was let in, where that is said.
fn status(fields: &Fields) -> Option<bool> {
    if let Some(status) = flag(fields, &["Status"]) {
        return Some(status);
    }
    match text(fields, &["Status"])?.to_ascii_lowercase().as_str() {
        "1" | "open" | "success" | "ok" => Some(true),
        "0" | "close" | "closed" | "fail" | "failed" => Some(false),
        _ => None,
    }
}

fn faces(kind: &str) -> Option<Faces> {
    match kind.to_ascii_lowercase().as_str() {
        "entry" => Some(Faces::In),
        "exit" => Some(Faces::Out),
        _ => None,
    }
}

fn seconds(at: HappenedAt) -> String {
    match at {
        HappenedAt::Instant(ms) => (ms / 1_000).to_string(),
        HappenedAt::Civil(local) => local.to_string(),
    }
}

/// When it happened; `None` where nobody says, so that it happened when it came.
fn time(fields: &Fields, outer: Option<&str>) -> Result<Option<HappenedAt>, Reason> {
    // Firmware whose `UTC` is the local time says the real one beside it.
    let epoch = number(fields, &["RealUTC", "CreateTimeRealUTC", "UTC", "CreateTime"]).filter(|seconds| *seconds > 0);
    if let Some(seconds) = epoch {
        return seconds
            .checked_mul(1_000)
            .map(HappenedAt::Instant)
            .map(Some)
            .ok_or(Reason::BadInstant);
    }
    match text(fields, &["CreateTime"]).as_deref().or(outer) {
        None | Some("0") => Ok(None),
        Some(local) => HappenedAt::parse(local)
            .or_else(|_| NaiveDateTime::parse_from_str(local, "%d-%m-%Y %H:%M:%S").map(HappenedAt::Civil))
            .map(Some)
            .map_err(|_| Reason::BadInstant),
    }
}

/// The records of an answer to [`records_target`], in the order of their numbers there; `None` where it is none.
pub fn records(body: &[u8], rule: &EventRule) -> Option<Records> {
    let text = str::from_utf8(body).ok()?;
    let mut found = None;
    let mut records: BTreeMap<usize, Fields> = BTreeMap::new();
    for line in text.lines().map(str::trim) {
        if let Some(count) = line.strip_prefix("found=").or_else(|| line.strip_prefix("totalCount=")) {
            found = found.or(count.parse().ok());
        }
        let Some((index, key, value)) = field_of(line) else {
            continue;
        };
        if index < MOST_RECORDS {
            records.entry(index).or_default().insert(key.into(), value.into());
        }
    }
    let found = found
        .filter(|_| text.contains("found="))
        .or((!records.is_empty()).then_some(records.len()))?;
    let told = records.values().map(|fields| {
        let raw = serde_json::to_vec(fields).unwrap_or_default();
        understand(fields, None, &raw, rule).map_err(|reason| Malformed::new(reason, &raw))
    });
    let told: Vec<_> = told.collect();
    Some(Records { found, told })
}

/// Records of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// How many the device gave; [`PAGE`] of them: there may be more.
    pub found: usize,
    /// What they tell.
    pub told: Vec<Result<Told, Malformed>>,
}

/// `records[3].UserID=7`
fn field_of(line: &str) -> Option<(usize, &str, &str)> {
    let (index, rest) = line.strip_prefix("records[")?.split_once(']')?;
    let (key, value) = rest.strip_prefix('.')?.split_once('=')?;
    Some((index.parse().ok()?, key, value))
}
