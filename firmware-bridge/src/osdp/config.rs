//! The `[[osdp_bus]]` tables of `rollcall.toml`, and what `osdp:` readers have besides other readers.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use wire::osdp::{HIGHEST_ADDRESS, INSTALL_KEY};

use crate::config::{Link, ReaderConfig};

/// The speeds of the standard, bits per second.
const BAUDS: [u32; 6] = [9_600, 19_200, 38_400, 57_600, 115_200, 230_400];

/// An `[[osdp_bus]]` table as it is written; [`OsdpBusTable::check`] makes an [`OsdpBus`] of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OsdpBusTable {
    /// What `osdp:BUS/ADDRESS` calls it.
    pub id: String,
    /// `serial:PATH` or `tcp:HOST:PORT`.
    pub link: String,
    /// Bits per second; 9600 where it is not said. Behind a `tcp:` link it is the speed of the serial server's port.
    pub baud: Option<u32>,
}

/// A bus and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OsdpBus {
    /// What its readers call it.
    pub id: String,
    /// Where it is.
    pub line: OsdpLine,
    /// Bits per second.
    pub baud: u32,
}

/// Where a bus is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OsdpLine {
    /// A serial port of this machine, with an RS-485 adapter.
    Serial(PathBuf),
    /// A serial server or a reader, `HOST:PORT`.
    Tcp(String),
}

impl fmt::Display for OsdpLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(path) => path.display().fmt(formatter),
            Self::Tcp(address) => formatter.write_str(address),
        }
    }
}

/// What is wrong in an `[[osdp_bus]]` table, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("osdp_bus `{bus}`: `{key}`: {problem}")]
pub struct BusError {
    /// The bus's id as written.
    pub bus: String,
    /// The key in its table.
    pub key: &'static str,
    /// What is wrong and what to write instead.
    pub problem: String,
}

/// A reader on a bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OsdpReader {
    /// The bus's id.
    pub bus: String,
    /// 0 to 126.
    pub address: u8,
    /// The key of its secure channel; `None`: it is spoken to in plain.
    pub key: Option<SecureChannelKey>,
    /// Whether a number that is keyed and ended with `#` is a badge.
    pub keypad: bool,
}

/// A key that must not reach a log.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SecureChannelKey([u8; 16]);

impl SecureChannelKey {
    /// The key itself.
    pub const fn expose(&self) -> [u8; 16] {
        self.0
    }

    /// A key that is to be given to a device.
    pub(crate) const fn new(key: [u8; 16]) -> Self {
        Self(key)
    }

    /// Reads 32 hex digits. The key that every device has when it is new is none.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let mut key = [0; 16];
        hex::decode_to_slice(text.trim(), &mut key).map_err(
            |_| "a key is 32 hex digits; `rollcall-bridge osdp provision` makes one and gives it to the reader",
        )?;
        if key == INSTALL_KEY || key == [0; 16] {
            return Err(
                "everybody knows this key; `rollcall-bridge osdp provision` makes one and gives it to the reader",
            );
        }
        Ok(Self(key))
    }

    /// Reads it from a file.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            format!(
                "cannot read {} ({error}); `rollcall-bridge osdp provision` writes it",
                path.display()
            )
        })?;
        Self::parse(&text).map_err(|problem| format!("{}: {problem}", path.display()))
    }
}

impl fmt::Debug for SecureChannelKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecureChannelKey(…)")
    }
}

impl OsdpBusTable {
    /// Checks the values and fills in what is not said.
    pub fn check(&self) -> Result<OsdpBus, BusError> {
        let error = |key, problem: &str| {
            Err(BusError {
                bus: self.id.clone(),
                key,
                problem: problem.to_owned(),
            })
        };
        if self.id.is_empty() || self.id.contains(['/', '|']) || self.id.chars().any(char::is_control) {
            return error("id", "write a name without `/`, such as bus1");
        }
        let line = match OsdpLine::parse(&self.link) {
            Ok(line) => line,
            Err(problem) => return error("link", problem),
        };
        let baud = self.baud.unwrap_or(BAUDS[0]);
        if !BAUDS.contains(&baud) {
            return error("baud", "write one of 9600, 19200, 38400, 57600, 115200 and 230400");
        }
        Ok(OsdpBus {
            id: self.id.clone(),
            line,
            baud,
        })
    }
}

impl OsdpLine {
    /// Reads `serial:PATH` or `tcp:HOST:PORT`.
    pub fn parse(link: &str) -> Result<Self, &'static str> {
        match link.split_once(':') {
            Some(("serial", path)) if !path.is_empty() => Ok(Self::Serial(PathBuf::from(path))),
            Some(("tcp", address))
                if address
                    .rsplit_once(':')
                    .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) =>
            {
                Ok(Self::Tcp(address.to_owned()))
            }
            _ => Err("write serial:/dev/serial/by-id/… or tcp:HOST:PORT"),
        }
    }
}

/// What `osdp:BUS/ADDRESS` names.
pub fn place(rest: &str) -> Result<(String, u8), &'static str> {
    let (bus, address) = rest.rsplit_once('/').unwrap_or((rest, ""));
    let address = address.parse().ok().filter(|address| *address <= HIGHEST_ADDRESS);
    match address {
        Some(address) if !bus.is_empty() => Ok((bus.to_owned(), address)),
        _ => Err("name the bus and the reader's address, 0 to 126: `osdp:bus1/101`"),
    }
}

/// What one table alone cannot show: buses that do not exist or share a line, and addresses that are given twice.
pub fn check_buses(buses: &[OsdpBus], readers: &[ReaderConfig]) -> Result<(), BusError> {
    let error = |bus: &str, key, problem| {
        Err(BusError {
            bus: bus.to_owned(),
            key,
            problem,
        })
    };
    for (place, bus) in buses.iter().enumerate() {
        for other in &buses[..place] {
            if other.id == bus.id {
                return error(&bus.id, "id", "it is there twice; give each bus its own".to_owned());
            }
            if other.line == bus.line {
                let problem = format!("bus `{}` is on the same line; give its readers to one bus", other.id);
                return error(&bus.id, "link", problem);
            }
        }
    }
    let mut seen = std::collections::BTreeMap::new();
    for reader in readers {
        let Link::Osdp(osdp) = &reader.link else { continue };
        if !buses.iter().any(|bus| bus.id == osdp.bus) {
            let problem = format!(
                "reader `{}` is on it, and there is no [[osdp_bus]] with this id; write one",
                reader.id
            );
            return error(&osdp.bus, "id", problem);
        }
        if let Some(other) = seen.insert((&osdp.bus, osdp.address), &reader.id) {
            let problem = format!(
                "readers `{other}` and `{}` both have address {}; each reader needs its own",
                reader.id, osdp.address
            );
            return error(&osdp.bus, "link", problem);
        }
    }
    Ok(())
}
