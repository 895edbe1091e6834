//! Records in JSON: `{"id","reader","badge","happened_at","sequence"?,"faces"?}`, one object a line on a serial or TCP link, or in
//! the body of a request.
//!
//! On a link only `badge` is required: the link knows its reader, and what has no time happened when it arrived. Fields that we do
//! not know are not looked at.

use alloc::string::{String, ToString};

use serde_json::{Map, Value};

use crate::badge::BadgeKeyRule;
use crate::limits::{DEEPEST_NESTING, LONGEST_ID};
use crate::line::{key_of, owned};
use crate::malformed::Reason;
use crate::reading::{Faces, HappenedAt, Reading};

impl Reading {
    /// The reading of a line that holds one JSON object.
    pub fn parse_json(line: &str, rule: BadgeKeyRule) -> Result<Self, Reason> {
        check_nesting(line)?;
        match serde_json::from_str(line) {
            Ok(Value::Object(fields)) => Ok(Self {
                raw: line.as_bytes().to_vec(),
                ..Self::from_json(&fields, rule)?
            }),
            _ => Err(Reason::NotJson),
        }
    }

    /// The reading of a JSON object; its `raw` is empty, for the caller has the text.
    pub fn from_json(fields: &Map<String, Value>, rule: BadgeKeyRule) -> Result<Self, Reason> {
        let badge = match field(fields, "badge") {
            None => return Err(Reason::EmptyBadge),
            Some(Value::String(text)) => text.trim().to_string(),
            Some(Value::Number(number)) => number.as_u64().ok_or(Reason::BadField)?.to_string(),
            Some(_) => return Err(Reason::BadField),
        };
        let mut reading = Self::of_card(alloc::vec::Vec::new(), None, key_of(&badge, rule)?);
        reading.happened_at = text(fields, "happened_at")?.map(HappenedAt::parse).transpose()?;
        reading.faces = text(fields, "faces")?
            .map(|name| Faces::from_name(name).ok_or(Reason::BadDirection))
            .transpose()?;
        reading.sequence = field(fields, "sequence").map(sequence).transpose()?;
        reading.source_id = text(fields, "id")?.map(name).transpose()?;
        reading.reader = text(fields, "reader")?.map(name).transpose()?;
        Ok(reading)
    }
}

/// Refuses text whose arrays and objects are nested deeper than [`DEEPEST_NESTING`], before anything is built of it.
pub fn check_nesting(text: &str) -> Result<(), Reason> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => depth += 1,
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST_NESTING {
            return Err(Reason::TooDeep);
        }
    }
    Ok(())
}

/// A field that is there and not null.
fn field<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Reason> {
    field(fields, name)
        .map(|value| value.as_str().ok_or(Reason::BadField))
        .transpose()
}

fn name(text: &str) -> Result<String, Reason> {
    if text.is_empty() {
        Err(Reason::BadField)
    } else {
        owned(text, LONGEST_ID)
    }
}

fn sequence(value: &Value) -> Result<i64, Reason> {
    value.as_i64().filter(|number| *number >= 0).ok_or(Reason::BadField)
}
