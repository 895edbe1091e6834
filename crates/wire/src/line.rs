//! Lines of text: `BADGE`, `BADGE,INSTANT`, `BADGE,INSTANT,in|out`.

use alloc::string::{String, ToString};

use chrono::{DateTime, NaiveDateTime};

use crate::badge::BadgeKeyRule;
use crate::limits::LONGEST_BADGE;
use crate::magstripe::{holds_payment_card, is_payment_card_number};
use crate::malformed::Reason;
use crate::reading::{Faces, HappenedAt, Reading};

impl Reading {
    /// The reading of one line. Blanks around a field do not belong to it.
    pub fn parse_line(line: &str, rule: BadgeKeyRule) -> Result<Self, Reason> {
        let mut fields = line.split(',').map(str::trim);
        let key = key_of(fields.next().unwrap_or_default(), rule)?;
        let happened_at = fields.next().map(HappenedAt::parse).transpose()?;
        let faces = fields
            .next()
            .map(|name| Faces::from_name(name).ok_or(Reason::BadDirection))
            .transpose()?;
        match fields.next() {
            Some(_) => Err(Reason::TooManyFields),
            None => Ok(Self {
                happened_at,
                faces,
                ..Self::of_card(line.as_bytes().to_vec(), None, key)
            }),
        }
    }
}

impl HappenedAt {
    /// An instant in RFC 3339, or a civil time `YYYY-MM-DD HH:MM[:SS[.fff]]`, with `T` or a blank between date and time.
    pub fn parse(text: &str) -> Result<Self, Reason> {
        if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::Instant(instant.timestamp_millis()));
        }
        let civil = text.replacen('T', " ", 1);
        ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(&civil, format).ok())
            .map(Self::Civil)
            .ok_or(Reason::BadInstant)
    }
}

/// The key of a badge that came as text of the sender's choosing.
pub(crate) fn key_of(badge: &str, rule: BadgeKeyRule) -> Result<String, Reason> {
    if badge.is_empty() {
        return Err(Reason::EmptyBadge);
    }
    if holds_payment_card(badge.as_bytes()) || is_payment_card_number(badge) {
        return Err(Reason::PaymentCard);
    }
    rule.key_of_text(clean(badge, LONGEST_BADGE)?)
}

/// Text that is short enough and has no control characters: it ends in logs, pages and files.
pub(crate) fn clean(text: &str, longest: usize) -> Result<&str, Reason> {
    match text {
        _ if text.len() > longest => Err(Reason::TooLong),
        _ if text.chars().any(char::is_control) => Err(Reason::ControlByte),
        _ => Ok(text),
    }
}

/// [`clean`] text of our own.
pub(crate) fn owned(text: &str, longest: usize) -> Result<String, Reason> {
    clean(text, longest).map(ToString::to_string)
}
