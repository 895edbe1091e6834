//! `rollcall-bridge decode`: a capture in, JSON lines out.

use std::fs::File;
use std::io::{ErrorKind, Read, Write, stdin, stdout};
use std::path::Path;

use anyhow::{Context, bail};
use serde::Serialize;
use wire::{Decoder, Decoding, Format, Malformed, Reading};

/// Bytes of one read.
const READ_BYTES: usize = 64 * 1024;

/// One line of output.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// A reading.
    Reading(ShownReading),
    /// An input that is none.
    Malformed {
        /// Why.
        reason: &'static str,
        /// What came.
        bytes_hex: String,
    },
}

#[derive(Serialize)]
pub struct ShownReading {
    raw_hex: String,
    bits: Option<u16>,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    happened_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    faces: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reader: Option<String>,
}

impl From<Result<Reading, Malformed>> for Shown {
    fn from(decoded: Result<Reading, Malformed>) -> Self {
        match decoded {
            Ok(reading) => Self::Reading(ShownReading {
                raw_hex: hex::encode(reading.raw),
                bits: reading.bits,
                key: reading.key,
                happened_at: reading.happened_at.map(|at| at.to_string()),
                faces: reading.faces.map(wire::Faces::name),
                sequence: reading.sequence,
                id: reading.source_id,
                reader: reading.reader,
            }),
            Err(malformed) => Self::Malformed {
                reason: malformed.reason.name(),
                bytes_hex: hex::encode(malformed.bytes),
            },
        }
    }
}

/// Decodes a file, or standard input, to standard output.
pub fn decode(decoding: Decoding, hex: bool, file: Option<&Path>) -> anyhow::Result<()> {
    with_input(file, |input, output| decode_all(decoding, hex, input, output))
}

/// Runs a decoder from a file, or standard input, to standard output. A reader of the output that has seen enough is no error.
pub fn with_input(
    file: Option<&Path>,
    decode: impl FnOnce(&mut dyn Read, &mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (mut input, name): (Box<dyn Read>, String) = match file {
        Some(path) => {
            let name = path.display().to_string();
            (
                Box::new(File::open(path).with_context(|| format!("cannot open {name}"))?),
                name,
            )
        }
        None => (Box::new(stdin().lock()), "standard input".to_owned()),
    };
    match decode(&mut input, &mut stdout().lock()) {
        Err(error)
            if error
                .downcast_ref::<std::io::Error>()
                .is_some_and(|io| io.kind() == ErrorKind::BrokenPipe) =>
        {
            Ok(())
        }
        result => result.with_context(|| name),
    }
}

fn decode_all(decoding: Decoding, hex: bool, input: &mut dyn Read, output: &mut dyn Write) -> anyhow::Result<()> {
    let mut show = Show {
        decoding,
        decoder: Decoder::new(decoding),
        output,
    };
    let mut digits = HexDigits::default();
    let mut packed = Vec::new();
    let mut chunk = vec![0; READ_BYTES];
    loop {
        let length = match input.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error.into()),
        };
        if !hex {
            show.bytes(&chunk[..length])?;
        } else if decoding.format == Format::WiegandBits {
            for part in chunk[..length].split_inclusive(|&byte| byte == b'\n') {
                packed.extend(digits.bytes(part)?);
                if part.ends_with(b"\n") {
                    show.packed(&mut packed)?;
                }
                if packed.len() > READ_BYTES {
                    bail!("line {}: longer than any card", digits.line);
                }
            }
        } else {
            let bytes = digits.bytes(&chunk[..length])?;
            show.bytes(&bytes)?;
        }
        show.output.flush()?;
    }
    digits.end()?;
    show.packed(&mut packed)?;
    show.decoder.idle();
    show.bytes(&[])?;
    show.output.flush()?;
    Ok(())
}

/// The decoder and where its findings go.
struct Show<'a> {
    decoding: Decoding,
    decoder: Decoder,
    output: &'a mut dyn Write,
}

impl Show<'_> {
    fn bytes(&mut self, mut bytes: &[u8]) -> anyhow::Result<()> {
        loop {
            while let Some(decoded) = self.decoder.next() {
                self.line(decoded)?;
            }
            if bytes.is_empty() {
                return Ok(());
            }
            let taken = self.decoder.push(bytes);
            bytes = &bytes[taken..];
        }
    }

    /// One card whose bits were written as a line of hex digits.
    fn packed(&mut self, bytes: &mut Vec<u8>) -> anyhow::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let reading = Reading::parse_wiegand_packed(bytes, self.decoding.wiegand_format, self.decoding.badge_key);
        self.line(reading.map_err(|reason| Malformed::new(reason, bytes)))?;
        bytes.clear();
        Ok(())
    }

    fn line(&mut self, decoded: Result<Reading, Malformed>) -> anyhow::Result<()> {
        let line = serde_json::to_string(&Shown::from(decoded))?;
        writeln!(self.output, "{line}")?;
        Ok(())
    }
}

/// Bytes written in hex, read in pieces.
pub struct HexDigits {
    line: usize,
    column: usize,
    half: Option<u8>,
}

impl Default for HexDigits {
    fn default() -> Self {
        Self {
            line: 1,
            column: 0,
            half: None,
        }
    }
}

impl HexDigits {
    /// The bytes of a piece of text.
    pub fn bytes(&mut self, text: &[u8]) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(text.len() / 2);
        for &character in text {
            self.column += 1;
            match char::from(character)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
            {
                Some(digit) => match self.half.take() {
                    Some(high) => bytes.push(high << 4 | digit),
                    None => self.half = Some(digit),
                },
                None if character.is_ascii_whitespace() || character == b':' => self.end()?,
                None => bail!("line {}, column {}: no hex digit", self.line, self.column),
            }
            if character == b'\n' {
                self.line += 1;
                self.column = 0;
            }
        }
        Ok(bytes)
    }

    /// Refuses half a byte.
    pub fn end(&self) -> anyhow::Result<()> {
        if self.half.is_some() {
            bail!(
                "line {}, column {}: half a byte; write two hex digits for each",
                self.line,
                self.column
            );
        }
        Ok(())
    }
}
