//! `rollcall-bridge decode --format zk-4370`: a capture of a terminal's TCP connection, both directions or one, as packets and readings.

use std::io::{ErrorKind, Write};
use std::path::Path;

use serde::Serialize;
use wire::adms::{RecordRule, StatusRule};
use wire::zk::{EVENT_ATTENDANCE, Frames, LONGEST_PACKET, Packet, Sizes, attendance, command, event};
use wire::{BadgeKeyRule, Malformed, Reading};

use crate::show::{HexDigits, Shown, with_input};

/// Bytes of one read, written in hex or not.
const READ_BYTES: usize = 64 * 1024;

/// How many bytes of a packet's data are shown.
const SHOWN_BYTES: usize = 64;

/// Attendance records that are read are collected up to here.
const LARGEST_BLOCK: usize = 64 * 1024 * 1024;

/// A packet that is no reading.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ShownPacket {
    Packet {
        command: u16,
        name: &'static str,
        session: u16,
        number: u16,
        data_hex: String,
    },
}

/// Decodes a file, or standard input, to standard output.
pub fn decode(badge_key: BadgeKeyRule, hex: bool, file: Option<&Path>) -> anyhow::Result<()> {
    with_input(file, |input, output| {
        let mut capture = Capture {
            rule: RecordRule {
                badge_key,
                status: StatusRule::Ignore,
            },
            frames: Frames::default(),
            records: 0,
            block: None,
            output,
        };
        let (mut digits, mut bytes) = (HexDigits::default(), vec![0; READ_BYTES.min(LONGEST_PACKET)]);
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
        capture.frames.end();
        capture.packets()
    })
}

/// What has been seen of a connection.
struct Capture<'a> {
    rule: RecordRule,
    frames: Frames,
    /// How many records the terminal said that it holds; 0: it was not asked.
    records: u32,
    /// Attendance records that are being read.
    block: Option<Vec<u8>>,
    output: &'a mut dyn Write,
}

impl Capture<'_> {
    fn bytes(&mut self, mut bytes: &[u8]) -> anyhow::Result<()> {
        while !bytes.is_empty() {
            let taken = self.frames.push(bytes);
            bytes = &bytes[taken..];
            self.packets()?;
        }
        Ok(())
    }

    fn packets(&mut self) -> anyhow::Result<()> {
        while let Some(packet) = self.frames.next() {
            match packet {
                Ok(bytes) => self.packet(&bytes)?,
                Err(malformed) => self.line(&Shown::from(Err::<Reading, _>(malformed)))?,
            }
        }
        self.output.flush()?;
        Ok(())
    }

    fn packet(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let packet = Packet::new_checked(bytes).map_err(|reason| anyhow::anyhow!("{reason} after it was checked"))?;
        if (packet.command(), packet.session()) == (command::EVENT, EVENT_ATTENDANCE) && !packet.data().is_empty() {
            let reading = event(packet.data(), self.rule).map_err(|reason| Malformed::new(reason, packet.data()));
            return self.line(&Shown::from(reading));
        }
        self.line(&ShownPacket::Packet {
            command: packet.command(),
            name: name(packet.command()),
            session: packet.session(),
            number: packet.number(),
            data_hex: hex::encode(&packet.data()[..packet.data().len().min(SHOWN_BYTES)]),
        })?;
        self.collect(packet)
    }

    /// Puts the records together that are read in pieces.
    fn collect(&mut self, packet: Packet<'_>) -> anyhow::Result<()> {
        match (packet.command(), packet.data()) {
            (command::PREPARE_BUFFER, [_, low, high, ..]) => {
                let is_attendance = u16::from_le_bytes([*low, *high]) == command::ATTENDANCE;
                self.block = is_attendance.then(Vec::new);
            }
            (command::ATTENDANCE, []) => self.block = Some(Vec::new()),
            (command::OK, data) => {
                if let Some(sizes) = Sizes::parse(data) {
                    self.records = sizes.records;
                }
            }
            (command::DATA, data) => {
                let Some(block) = &mut self.block else { return Ok(()) };
                block.extend_from_slice(data);
                let length = block.first_chunk().map(|length| u32::from_le_bytes(*length) as usize);
                if length.is_some_and(|length| block.len() >= 4 + length) || block.len() > LARGEST_BLOCK {
                    let block = self.block.take().unwrap_or_default();
                    for reading in attendance(&block, self.records, self.rule) {
                        self.line(&Shown::from(reading))?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn line(&mut self, shown: &impl Serialize) -> anyhow::Result<()> {
        writeln!(self.output, "{}", serde_json::to_string(shown)?)?;
        Ok(())
    }
}

/// What a command is called.
const fn name(command: u16) -> &'static str {
    match command {
        command::CONNECT => "connect",
        command::EXIT => "exit",
        command::ENABLE => "enable",
        command::DISABLE => "disable",
        command::VERSION => "version",
        command::AUTH => "auth",
        command::OPTION => "option",
        command::GET_TIME => "get_time",
        command::SET_TIME => "set_time",
        command::SIZES => "sizes",
        command::ATTENDANCE => "attendance",
        command::EVENT => "event",
        command::PREPARE_DATA => "prepare_data",
        command::DATA => "data",
        command::FREE_DATA => "free_data",
        command::PREPARE_BUFFER => "prepare_buffer",
        command::READ_BUFFER => "read_buffer",
        command::OK => "ok",
        command::ERROR => "error",
        command::UNAUTHORIZED => "unauthorized",
        _ => "other",
    }
}
