//! Asking a device for the events that it keeps: `POST /ISAPI/AccessControl/AcsEvent?format=json`, a page at a time.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Map, Value, json};

use super::{event, xml};
use crate::controller::{EventRule, Told, number, text};
use crate::documents::{Document, Kind};
use crate::malformed::Malformed;

/// Where events are searched.
pub const SEARCH: &str = "/ISAPI/AccessControl/AcsEvent?format=json";

/// Where a device says how it can be searched.
pub const CAPABILITIES: &str = "/ISAPI/AccessControl/AcsEvent/capabilities?format=json";

/// Where events are streamed.
pub const STREAM: &str = "/ISAPI/Event/notification/alertStream";

/// Where the clock is.
pub const CLOCK: &str = "/ISAPI/System/time";

/// How many events a page has where the device says nothing; some have no more than ten.
const PAGE: i64 = 30;

/// The most that we ask for, whatever the device allows.
const LARGEST_PAGE: i64 = 100;

/// The last running number, as the maker writes "all that follow".
const LAST_SERIAL: i64 = 3_000_000_000;

/// How a device can be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The most events of a page.
    pub page: i64,
    /// Whether it can be asked for running numbers.
    pub by_serial: bool,
}

impl Capabilities {
    /// Reads what a device says of itself; what it does not say is as everywhere.
    pub fn parse(body: &[u8]) -> Self {
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let conditions = value
            .pointer("/AcsEvent/AcsEventCond")
            .or_else(|| value.get("AcsEventCond"));
        let page = conditions.and_then(|conditions| conditions.pointer("/maxResults/@max"));
        Self {
            page: page.and_then(Value::as_i64).unwrap_or(PAGE).clamp(1, LARGEST_PAGE),
            by_serial: conditions.is_some_and(|conditions| conditions.get("beginSerialNo").is_some()),
        }
    }
}

/// What is searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The name of the search, the same for all of its pages.
    pub id: String,
    /// The first event of the page, from 0 on.
    pub position: i64,
    /// The most events of the page.
    pub page: i64,
    /// The major type; 0: all.
    pub major: i64,
    /// What of it.
    pub range: Range,
}

/// Which events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Range {
    /// From this running number on.
    Serials(i64),
    /// Between two times, as the device writes them.
    Times(String, String),
}

impl Condition {
    /// The body of the request.
    pub fn body(&self) -> String {
        let mut condition = Map::new();
        condition.insert("searchID".into(), json!(self.id));
        condition.insert("searchResultPosition".into(), json!(self.position));
        condition.insert("maxResults".into(), json!(self.page));
        condition.insert("major".into(), json!(self.major));
        condition.insert("minor".into(), json!(0));
        match &self.range {
            Range::Serials(from) => {
                condition.insert("beginSerialNo".into(), json!(from));
                condition.insert("endSerialNo".into(), json!(LAST_SERIAL));
            }
            Range::Times(from, until) => {
                condition.insert("startTime".into(), json!(from));
                condition.insert("endTime".into(), json!(until));
            }
        }
        condition.insert("timeReverseOrder".into(), json!(false));
        json!({"AcsEventCond": condition}).to_string()
    }
}

/// A page of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What it tells.
    pub told: Vec<Result<Told, Malformed>>,
    /// How far to go on for the next page.
    pub matches: i64,
    /// Whether there is one.
    pub has_more: bool,
}

/// Why there is no page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// The device keeps no events, or does not give them.
    #[error("it gives no history ({0})")]
    NotSupported(String),
    /// It wants the question put in another way.
    #[error("it does not understand the question ({0})")]
    BadParameters(String),
    /// Something else.
    #[error("it answered {0}")]
    Unexpected(String),
}

impl Page {
    /// Reads an answer.
    pub fn parse(status: u16, body: &[u8], rule: &EventRule) -> Result<Self, SearchError> {
        let value = match serde_json::from_slice(body) {
            Ok(value) => value,
            Err(_) => str::from_utf8(body)
                .ok()
                .and_then(|text| xml::value(text).ok())
                .unwrap_or_default(),
        };
        let Some(Value::Object(answer)) = value.get("AcsEvent").filter(|_| status == 200) else {
            return Err(refusal(status, &value));
        };
        let told = event::tell(
            &Document {
                kind: Kind::Json,
                label: Vec::new(),
                text: body.to_vec(),
            },
            rule,
        );
        let listed = answer.get("InfoList").and_then(Value::as_array).map_or(0, Vec::len);
        let listed = i64::try_from(listed).unwrap_or(i64::MAX);
        let matches = number(answer, &["numOfMatches"]).unwrap_or(listed).max(listed);
        let said = text(answer, &["responseStatusStrg"]).unwrap_or_default();
        Ok(Self {
            told,
            matches,
            has_more: matches > 0 && said.eq_ignore_ascii_case("MORE"),
        })
    }
}

fn refusal(status: u16, value: &Value) -> SearchError {
    let fields = value.get("ResponseStatus").unwrap_or(value);
    let empty = Map::new();
    let fields = fields.as_object().unwrap_or(&empty);
    let sub = text(fields, &["subStatusCode"]).unwrap_or_default();
    let what = match (sub.as_str(), text(fields, &["errorMsg", "statusString"])) {
        ("", None) => status.to_string(),
        ("", Some(said)) => said,
        (sub, _) => sub.to_string(),
    };
    let what: String = what.chars().filter(|letter| !letter.is_control()).take(80).collect();
    let word = sub.to_ascii_lowercase();
    match status {
        _ if ["notsupport", "invalidoperation", "methodnotallowed"].contains(&word.as_str()) => {
            SearchError::NotSupported(what)
        }
        _ if word.contains("param") || word.contains("format") || word.contains("content") => {
            SearchError::BadParameters(what)
        }
        404 | 405 | 501 => SearchError::NotSupported(what),
        400 => SearchError::BadParameters(what),
        _ => SearchError::Unexpected(what),
    }
}

/// What the clock of a device shows, in its answer to [`CLOCK`], and whether it is set by hand.
pub fn clock(body: &[u8]) -> Option<Clock> {
    let value = match serde_json::from_slice(body) {
        Ok(value) => value,
        Err(_) => xml::value(str::from_utf8(body).ok()?).ok()?,
    };
    let fields = value.get("Time")?.as_object()?;
    let shows = text(fields, &["localTime"])?;
    Some(Clock {
        is_manual: text(fields, &["timeMode"]).is_some_and(|mode| mode.eq_ignore_ascii_case("manual")),
        zone: text(fields, &["timeZone"]),
        shows,
    })
}

/// A device's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// What it shows, as it is written.
    pub shows: String,
    /// Whether nothing but people sets it.
    pub is_manual: bool,
    /// Its zone, as it is written.
    pub zone: Option<String>,
}

/// The body that sets a device's clock, to be `PUT` to [`CLOCK`].
pub fn set_clock(local: &str, zone: Option<&str>) -> String {
    let zone = zone.filter(|zone| {
        zone.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-:,./".contains(&byte))
    });
    let zone = zone
        .map(|zone| alloc::format!("<timeZone>{zone}</timeZone>"))
        .unwrap_or_default();
    alloc::format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Time><timeMode>manual</timeMode><localTime>{local}</localTime>{zone}</Time>"
    )
}
