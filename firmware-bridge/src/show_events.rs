//! `rollcall-bridge decode --format isapi`: what a controller posts or streams, with or without headers around it, as readings and events.

use std::io::{ErrorKind, Write};
use std::path::Path;

use serde::Serialize;
use wire::controller::{Dialect, EventRule, Stream, Told, What};
use wire::limits::LONGEST_MALFORMED;
use wire::{BadgeKeyRule, Malformed, Reading, Reason};

use crate::show::{HexDigits, Shown, with_input};

/// Bytes of one read.
const READ_BYTES: usize = 16 * 1024;

/// What was told and is no reading.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ShownEvent<'a> {
    Event {
        /// `refused`, `door`, `unknown`, `heartbeat` or `foreign`.
        kind: &'static str,
        meaning: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        happened_at: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sequence: Option<i64>,
    },
}

/// Decodes a file, or standard input, to standard output.
pub fn decode(dialect: Dialect, badge_key: BadgeKeyRule, hex: bool, file: Option<&Path>) -> anyhow::Result<()> {
    let rule = EventRule {
        badge_key,
        ..EventRule::DEFAULT
    };
    with_input(file, |input, output| {
        let mut capture = Capture {
            stream: Stream::new(dialect, rule),
            beginning: Vec::new(),
            shown: 0,
            output,
        };
        let (mut digits, mut bytes) = (HexDigits::default(), vec![0; READ_BYTES]);
        loop {
            let length = match input.read(&mut bytes) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            if hex {
                let bytes = digits.bytes(&bytes[..length])?;
                capture.bytes(&bytes)?;
            } else {
                capture.bytes(&bytes[..length])?;
            }
        }
        digits.end()?;
        capture.end()
    })
}

/// What has been seen of a capture.
struct Capture<'a> {
    stream: Stream,
    beginning: Vec<u8>,
    shown: usize,
    output: &'a mut dyn Write,
}

impl Capture<'_> {
    fn bytes(&mut self, mut bytes: &[u8]) -> anyhow::Result<()> {
        let room = LONGEST_MALFORMED.saturating_sub(self.beginning.len());
        self.beginning.extend_from_slice(&bytes[..bytes.len().min(room)]);
        while !bytes.is_empty() {
            bytes = &bytes[self.stream.push(bytes)..];
            self.told()?;
        }
        Ok(())
    }

    fn end(&mut self) -> anyhow::Result<()> {
        self.stream.end();
        self.told()?;
        if self.shown == 0 && !self.beginning.trim_ascii().is_empty() {
            let nothing = Malformed::new(Reason::NotJson, &self.beginning);
            self.line(&Shown::from(Err::<Reading, _>(nothing)))?;
        }
        Ok(self.output.flush()?)
    }

    fn told(&mut self) -> anyhow::Result<()> {
        while let Some(item) = self.stream.next() {
            match item {
                Err(malformed) => self.line(&Shown::from(Err::<Reading, _>(malformed)))?,
                Ok(told) => self.one(&told)?,
            }
        }
        Ok(())
    }

    fn one(&mut self, told: &Told) -> anyhow::Result<()> {
        let (kind, meaning, code) = match &told.what {
            What::Swipe(reading) => return self.line(&Shown::from(Ok(reading.clone()))),
            What::Heartbeat => ("heartbeat", "heartbeat", None),
            What::Foreign { name } => ("foreign", name.as_str(), None),
            What::Refused(event) => ("refused", event.meaning, Some(event.code.as_str())),
            What::Door(event) => ("door", event.meaning, Some(event.code.as_str())),
            What::Unknown(event) => ("unknown", event.meaning, Some(event.code.as_str())),
        };
        let event = ShownEvent::Event {
            kind,
            meaning,
            code,
            happened_at: told.happened_at.map(|at| at.to_string()),
            sequence: told.serial,
        };
        self.line(&event)
    }

    fn line(&mut self, shown: &impl Serialize) -> anyhow::Result<()> {
        self.shown += 1;
        writeln!(self.output, "{}", serde_json::to_string(shown)?)?;
        Ok(())
    }
}
