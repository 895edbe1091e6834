//! esp-rfid: JSON objects with a `type`. A badge is an `access` record, whether its door opened or not; in the mode for Home
//! Assistant it has no type, and its `access` and `time` show what it is. Boot, heartbeat, events and the list of users are no badges,
//! and neither is a door that was opened over MQTT, whose `uid` is blank.
//!
//! It writes the bytes of a UID in hex without leading zeros, and numbers of Wiegand readers in decimal, so its `uid` is a text by
//! which it knows the card itself, and no number.

use alloc::string::String;

use serde_json::{Map, Value};

use super::{Heard, card};
use crate::badge::BadgeKeyRule;
use crate::line::key_of;
use crate::malformed::{Malformed, Reason};
use crate::reading::{HappenedAt, Reading};

/// What a message says.
pub fn hear(fields: &Map<String, Value>, payload: &[u8], rule: BadgeKeyRule) -> Heard {
    let clock = fields.get("time").map(clock).transpose();
    let reading = badge(fields).map(|uid| {
        let reading = match rule {
            BadgeKeyRule::Hex => card::uid(uid, rule)?,
            _ => Reading::of_card(payload.to_vec(), None, key_of(uid, rule)?),
        };
        let happened_at = Some(clock?.ok_or(Reason::BadInstant)?);
        Ok(Reading { happened_at, ..reading })
    });
    Heard {
        readings: reading
            .into_iter()
            .map(|reading| reading.map_err(|reason| Malformed::new(reason, payload)))
            .collect(),
        clock: clock.ok().flatten(),
    }
}

/// The badge of an access record.
fn badge(fields: &Map<String, Value>) -> Option<&str> {
    let is_access = match fields.get("type") {
        Some(kind) => kind == "access",
        None => fields.contains_key("access") && fields.contains_key("time"),
    };
    let uid = fields.get("uid").filter(|_| is_access)?.as_str()?.trim();
    (!uid.is_empty()).then_some(uid)
}

/// Seconds since 1970.
fn clock(time: &Value) -> Result<HappenedAt, Reason> {
    let ms = time.as_i64().and_then(|seconds| seconds.checked_mul(1_000));
    ms.map(HappenedAt::Instant).ok_or(Reason::BadInstant)
}
