//! `rollcall-bridge decode --format osdp`: a capture of an OSDP bus, both directions or one, as frames and readings.

use std::io::{ErrorKind, Write};
use std::path::Path;

use serde::Serialize;
use wire::osdp::{Frame, Frames, Reply, name};
use wire::{Decoding, Malformed, Reading};

use crate::show::{HexDigits, Shown, with_input};

/// Bytes of one read, written in hex or not.
const READ_BYTES: usize = 4_096;

/// A frame that is no reading.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ShownFrame {
    Frame {
        address: u8,
        reply: bool,
        sequence: u8,
        code: String,
        name: &'static str,
        /// `handshake`, `mac` or `encrypted`; what an encrypted frame says only its two ends know.
        secure: Option<&'static str>,
        data_hex: String,
    },
}

/// Decodes a file, or standard input, to standard output.
pub fn decode(decoding: Decoding, hex: bool, file: Option<&Path>) -> anyhow::Result<()> {
    with_input(file, |input, output| {
        let mut frames = Frames::default();
        let (mut digits, mut bytes) = (HexDigits::default(), vec![0; READ_BYTES]);
        loop {
            let length = match input.read(&mut bytes) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let came = if hex {
                digits.bytes(&bytes[..length])?
            } else {
                bytes[..length].to_vec()
            };
            let mut rest = &came[..];
            while !rest.is_empty() {
                let taken = frames.push(rest);
                rest = &rest[taken..];
                show(&mut frames, decoding, output)?;
            }
        }
        digits.end()?;
        frames.idle();
        show(&mut frames, decoding, output)
    })
}

fn show(frames: &mut Frames, decoding: Decoding, output: &mut dyn Write) -> anyhow::Result<()> {
    while let Some(next) = frames.next() {
        let line = match next {
            Ok(bytes) => frame(&bytes, decoding)?,
            Err(malformed) => serde_json::to_string(&Shown::from(Err::<Reading, _>(malformed)))?,
        };
        writeln!(output, "{line}")?;
    }
    output.flush()?;
    Ok(())
}

fn frame(bytes: &[u8], decoding: Decoding) -> anyhow::Result<String> {
    let frame = Frame::new_checked(bytes).map_err(|reason| anyhow::anyhow!("{reason} after it was checked"))?;
    let secure = frame.block().map(|block| match block.kind {
        _ if block.is_encrypted() => "encrypted",
        _ if block.has_mac() => "mac",
        _ => "handshake",
    });
    if frame.is_reply() && secure.is_none() {
        match Reply::parse(frame.code(), frame.data()) {
            Ok(reply) => {
                if let Some(reading) = reply.reading(decoding) {
                    let reading = reading.map_err(|reason| Malformed::new(reason, bytes));
                    return Ok(serde_json::to_string(&Shown::from(reading))?);
                }
            }
            Err(reason) => {
                let malformed = Malformed::new(reason, bytes);
                return Ok(serde_json::to_string(&Shown::from(Err::<Reading, _>(malformed)))?);
            }
        }
    }
    Ok(serde_json::to_string(&ShownFrame::Frame {
        address: frame.address(),
        reply: frame.is_reply(),
        sequence: frame.sequence(),
        code: hex::encode([frame.code()]),
        name: name(frame.code(), frame.is_reply()),
        secure,
        data_hex: hex::encode(frame.data()),
    })?)
}
