//! Messages of readers that publish them, as MQTT carries them: a payload is whole, and most of them are no readings.
//!
//! | format | what it publishes | source |
//! |---|---|---|
//! | `tasmota` | JSON with a `Time` and a section for each module | its drivers xsns_40, xsns_51, xsns_80, xsns_82 and xdrv_08 |
//! | `esp-rfid` | JSON with a `type`, of which `access` is a badge | its `mqtt.esp` |
//! | `esphome` | the bare number or UID, as `on_tag` hands it over | its components `rdm6300`, `wiegand`, `pn532`, `rc522` |
//!
//! Any other format is one that a line carries, and a payload is then a piece of that line with silence behind it.

mod card;
mod esp_rfid;
mod esphome;
mod tasmota;

use alloc::vec::Vec;

use serde_json::{Map, Value};

use crate::decoder::Decoder;
use crate::format::{Decoding, Format};
use crate::json::check_nesting;
use crate::limits::LONGEST_LINE;
use crate::magstripe::holds_payment_card;
use crate::malformed::{Malformed, Reason};
use crate::reading::{HappenedAt, Reading};

/// What the payloads of one reader mean. Payloads of several devices belong to several of these: a serial bridge may cut a frame in two.
#[derive(Debug)]
pub struct Messages {
    decoding: Decoding,
    /// What a serial bridge forwards; for formats of lines, the line.
    stream: Decoder,
}

/// What one payload said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// The badges in it, and what in it could not be read; mostly none.
    pub readings: Vec<Result<Reading, Malformed>>,
    /// What the device's clock showed, where the payload says it: the device is there.
    pub clock: Option<HappenedAt>,
}

impl Messages {
    /// For a reader of which nothing was heard yet.
    pub const fn new(decoding: Decoding) -> Self {
        let stream = match (decoding.format, decoding.serial_format) {
            (Format::Tasmota, Some(format)) => Decoding { format, ..decoding },
            // Nothing is ever put into it.
            (Format::Tasmota, None) => Decoding::new(Format::Line),
            _ => decoding,
        };
        Self {
            decoding,
            stream: Decoder::new(stream),
        }
    }

    /// What a payload says. An empty one says nothing: it is how a retained message is taken back.
    pub fn hear(&mut self, payload: &[u8]) -> Heard {
        if payload.trim_ascii().is_empty() {
            return Heard::default();
        }
        if !self.decoding.format.is_message() {
            return Heard {
                readings: self.records(payload),
                clock: None,
            };
        }
        self.message(payload).unwrap_or_else(|reason| Heard {
            readings: [Err(Malformed::new(reason, payload))].into(),
            clock: None,
        })
    }

    fn message(&mut self, payload: &[u8]) -> Result<Heard, Reason> {
        if payload.len() > LONGEST_LINE {
            return Err(Reason::TooLong);
        }
        if holds_payment_card(payload) {
            return Err(Reason::PaymentCard);
        }
        let text = str::from_utf8(payload).map_err(|_| Reason::NotUtf8)?.trim();
        match self.decoding.format {
            Format::Tasmota => {
                let fields = object(text)?;
                Ok(tasmota::hear(&fields, payload, self.decoding, &mut self.stream))
            }
            Format::EspRfid => Ok(esp_rfid::hear(&object(text)?, payload, self.decoding.badge_key)),
            _ => {
                let reading = esphome::parse(text, self.decoding)?;
                Ok(Heard {
                    readings: [Ok(reading)].into(),
                    clock: None,
                })
            }
        }
    }

    /// The records of a format that lines carry; the end of the payload is the end of its last record.
    fn records(&mut self, payload: &[u8]) -> Vec<Result<Reading, Malformed>> {
        let mut items = take(&mut self.stream, payload);
        items.append(&mut end(&mut self.stream, self.decoding));
        items
    }
}

/// One JSON object and nothing else.
fn object(text: &str) -> Result<Map<alloc::string::String, Value>, Reason> {
    check_nesting(text)?;
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(Reason::NotJson),
    }
}

/// Puts bytes into a decoder and takes out what they make.
fn take(decoder: &mut Decoder, mut bytes: &[u8]) -> Vec<Result<Reading, Malformed>> {
    let mut items = Vec::new();
    while !bytes.is_empty() {
        let taken = decoder.push(bytes);
        bytes = &bytes[taken..];
        items.extend(core::iter::from_fn(|| decoder.next()));
    }
    items
}

/// Ends what is in a decoder: its last line has ended even where its line end was left out.
fn end(decoder: &mut Decoder, decoding: Decoding) -> Vec<Result<Reading, Malformed>> {
    let line_end = match decoding.format {
        Format::Scanner => decoding.suffix.bytes(),
        _ if decoding.has_line_ends() => b"\n",
        _ => b"",
    };
    let mut items = take(decoder, line_end);
    decoder.idle();
    items.extend(core::iter::from_fn(|| decoder.next()));
    items
}
