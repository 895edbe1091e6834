//! The `[[reader]]` tables of `rollcall.toml`.

use std::path::PathBuf;

use serde::Deserialize;
use wire::{BadgeKeyRule, Decoding, Format, Suffix, UnknownName, WiegandRule};

/// A `[[reader]]` table as it is written; [`ReaderTable::check`] makes a [`ReaderConfig`] of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReaderTable {
    /// As in `readers.csv`.
    pub id: String,
    /// `serial:PATH`, `tcp-listen:ADDR`, `tcp:ADDR` or `http`.
    pub link: String,
    /// A name of [`Format`]; `json` for readers that call us over HTTP, where it need not be said.
    pub format: Option<String>,
    /// Bits per second of a serial port; 9600 where it is not said.
    pub baud: Option<u32>,
    /// A name of [`BadgeKeyRule`]; the format's own where it is not said.
    pub badge_key: Option<String>,
    /// A name of [`WiegandRule`], for `wiegand-hex` and `wiegand-decimal`.
    pub wiegand_format: Option<String>,
    /// A name of [`Suffix`], for `scanner`; any line end where it is not said.
    pub suffix: Option<String>,
    /// No sign of life for longer means not covered; 0, where it is not said, takes the reader as covered while its link is up.
    #[serde(default)]
    pub silent_after_seconds: u32,
    /// Whether a TCP peer is told what became of each record; where it is not said, senders of `line` and `json` are.
    pub reply: Option<bool>,
    /// For OSDP readers, which this version refuses: known here only so that the refusal names the reader.
    secure_channel_key: Option<serde::de::IgnoredAny>,
}

/// A reader and how to hear it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderConfig {
    /// As in `readers.csv`.
    pub id: String,
    /// Where its bytes come from.
    pub link: Link,
    /// What they mean.
    pub decoding: Decoding,
    /// Bits per second of a serial port.
    pub baud: u32,
    /// No sign of life for longer means not covered; 0 takes the reader as covered while its link is up.
    pub silent_after_seconds: u32,
    /// Whether a TCP peer is told what became of each record.
    pub reply: bool,
}

/// Where a reader's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// A serial port of this machine.
    Serial(PathBuf),
    /// Peers that connect to us here, `HOST:PORT`.
    TcpListen(String),
    /// A peer that we connect to, `HOST:PORT`.
    Tcp(String),
    /// The reader calls `POST /api/v1/swipes`: there is nothing to open.
    Http,
}

/// What is wrong in a `[[reader]]` table, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reader `{reader}`: `{key}`: {problem}")]
pub struct ConfigError {
    /// The reader's id as written.
    pub reader: String,
    /// The key in its table.
    pub key: &'static str,
    /// What is wrong and what to write instead.
    pub problem: String,
}

/// Link schemes of later versions.
const LATER_LINKS: [&str; 5] = ["mqtt", "osdp", "adms", "zk", "isapi"];

/// Speeds outside of this are typing errors, bits per second.
const BAUD: std::ops::RangeInclusive<u32> = 50..=4_000_000;

impl ReaderTable {
    /// Checks the values and fills in what is not said.
    pub fn check(&self) -> Result<ReaderConfig, ConfigError> {
        let id = self.id.trim();
        if id.is_empty() || id.len() > wire::limits::LONGEST_ID || id.chars().any(char::is_control) || id.contains('|')
        {
            return Err(self.error(
                "id",
                "write the reader's id of readers.csv: 1 to 128 bytes, no control characters, no `|`".into(),
            ));
        }
        let link = self.link()?;
        if self.secure_channel_key.is_some() {
            return Err(self.error("secure_channel_key", "only `osdp:` links have one; remove it".into()));
        }
        let format = self.format(&link)?;
        let serial = matches!(link, Link::Serial(_));
        if !serial && self.baud.is_some() {
            return Err(self.error("baud", "only a `serial:` link has a speed; remove it".into()));
        }
        let baud = self.baud.unwrap_or(9_600);
        if !BAUD.contains(&baud) {
            return Err(self.error(
                "baud",
                format!("{baud} is no speed of a serial port; most readers use 9600"),
            ));
        }
        if self.reply.is_some() && !matches!(link, Link::Tcp(_) | Link::TcpListen(_)) {
            return Err(self.error(
                "reply",
                "only `tcp-listen:` and `tcp:` links are answered in lines; remove it".into(),
            ));
        }
        Ok(ReaderConfig {
            id: id.to_owned(),
            link,
            decoding: Decoding {
                format,
                badge_key: self.badge_key(format)?,
                wiegand_format: self.wiegand_format(format)?,
                suffix: self.suffix(format)?,
            },
            baud,
            silent_after_seconds: self.silent_after_seconds,
            reply: self.reply.unwrap_or(format.is_text()),
        })
    }

    fn link(&self) -> Result<Link, ConfigError> {
        let (scheme, rest) = self.link.split_once(':').unwrap_or((&self.link, ""));
        match (scheme, rest) {
            ("http", "") => Ok(Link::Http),
            ("serial", "") => Err(self.error("link", "name the port: `serial:/dev/serial/by-id/…`".into())),
            ("serial", path) => Ok(Link::Serial(PathBuf::from(path))),
            ("tcp-listen", address) => self.address(address).map(Link::TcpListen),
            ("tcp", address) => self.address(address).map(Link::Tcp),
            _ if LATER_LINKS.contains(&scheme) => Err(self.error(
                "link",
                format!("`{scheme}:` links come with a later version; this one has serial:PATH, tcp-listen:ADDR, tcp:ADDR and http"),
            )),
            _ => Err(self.error(
                "link",
                format!("`{}` is no link; write serial:PATH, tcp-listen:ADDR, tcp:ADDR or http", self.link),
            )),
        }
    }

    fn address(&self, address: &str) -> Result<String, ConfigError> {
        match address.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(address.to_owned()),
            _ => Err(self.error(
                "link",
                format!("`{address}` is no address; write HOST:PORT, such as 0.0.0.0:7001 or [::]:7001"),
            )),
        }
    }

    fn format(&self, link: &Link) -> Result<Format, ConfigError> {
        let name = match (&self.format, link) {
            (Some(name), _) => name.as_str(),
            (None, Link::Http) => Format::Json.name(),
            (None, _) => return Err(self.error("format", format!("say what the reader speaks: {}", line_formats()))),
        };
        let format = name
            .parse::<Format>()
            .ok()
            .filter(|format| format.is_for_links());
        match (format, link) {
            (Some(format), Link::Http) if format != Format::Json => {
                Err(self.error("format", "readers that call over HTTP send json; leave it out".into()))
            }
            (Some(format), _) => Ok(format),
            (None, _) => {
                let problem = name
                    .parse::<Format>()
                    .err()
                    .map_or("is for `rollcall-bridge decode` only".to_owned(), |e| e.to_string());
                Err(self.error(
                    "format",
                    format!("`{name}` {problem}; this version has {}", line_formats()),
                ))
            }
        }
    }

    fn badge_key(&self, format: Format) -> Result<BadgeKeyRule, ConfigError> {
        let Some(name) = &self.badge_key else {
            return Ok(format.default_badge_key());
        };
        name.parse().map_err(|unknown: UnknownName| {
            let names = BadgeKeyRule::ALL.map(BadgeKeyRule::name).join(", ");
            self.error("badge_key", format!("`{name}` {unknown}; write one of {names}"))
        })
    }

    fn wiegand_format(&self, format: Format) -> Result<WiegandRule, ConfigError> {
        let Some(name) = &self.wiegand_format else {
            return Ok(WiegandRule::ByLength);
        };
        if !matches!(format, Format::WiegandHex | Format::WiegandDecimal) {
            return Err(self.error(
                "wiegand_format",
                "only `wiegand-hex` and `wiegand-decimal` readers have one; remove it".into(),
            ));
        }
        name.parse().map_err(|unknown: UnknownName| {
            let names = WiegandRule::NAMES.join(", ");
            self.error("wiegand_format", format!("`{name}` {unknown}; write one of {names}"))
        })
    }

    fn suffix(&self, format: Format) -> Result<Suffix, ConfigError> {
        let Some(name) = &self.suffix else {
            return Ok(Suffix::Line);
        };
        if format != Format::Scanner {
            return Err(self.error("suffix", "only `scanner` readers have one; remove it".into()));
        }
        name.parse().map_err(|unknown: UnknownName| {
            let names = Suffix::ALL.map(Suffix::name).join(", ");
            self.error("suffix", format!("`{name}` {unknown}; write one of {names}"))
        })
    }

    fn error(&self, key: &'static str, problem: String) -> ConfigError {
        ConfigError {
            reader: self.id.clone(),
            key,
            problem,
        }
    }
}

/// The formats that a link can carry, for messages.
fn line_formats() -> String {
    let on_links = Format::ALL.into_iter().filter(|format| format.is_for_links());
    on_links.map(Format::name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(table: &str) -> Result<ReaderConfig, String> {
        let table: ReaderTable = toml::from_str(table).map_err(|error| error.message().to_owned())?;
        table.check().map_err(|error| error.to_string())
    }

    #[test]
    fn a_reader_needs_three_lines() {
        let reader =
            check("id = 'east-gate-in'\nlink = 'serial:/dev/ttyUSB0'\nformat = 'rdm6300'").expect("a good table");
        assert_eq!(reader.link, Link::Serial(PathBuf::from("/dev/ttyUSB0")));
        assert_eq!(reader.decoding, Decoding::new(Format::Rdm6300));
        assert_eq!(
            (reader.baud, reader.silent_after_seconds, reader.reply),
            (9_600, 0, false)
        );
    }

    #[test]
    fn everything_can_be_said() {
        let reader = check(
            "id = 'hall'\nlink = 'tcp-listen:[::1]:7001'\nformat = 'wiegand-hex'\nbadge_key = 'decimal24'\n\
             wiegand_format = 'h10301'\nsilent_after_seconds = 900\nreply = true",
        )
        .expect("a good table");
        assert_eq!(reader.link, Link::TcpListen("[::1]:7001".into()));
        assert_eq!(reader.decoding.badge_key, BadgeKeyRule::Decimal24);
        assert_eq!(
            reader.decoding.wiegand_format,
            WiegandRule::Named(wire::WiegandFormat::H10301)
        );
        assert_eq!((reader.silent_after_seconds, reader.reply), (900, true));
        assert!(check("id = 'w'\nlink = 'http'").expect("nothing to open").link == Link::Http);
        assert!(
            check("id = 'w'\nlink = 'tcp:10.0.0.7:4001'\nformat = 'line'")
                .expect("a good table")
                .reply
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_remedy() {
        for (table, expected) in [
            ("id = ''\nlink = 'http'", "reader ``: `id`: write the reader's id"),
            (
                "id = 'r'\nlink = 'osdp:bus1/101'\nsecure_channel_key = '00'",
                "reader `r`: `link`: `osdp:` links come with a later version",
            ),
            ("id = 'r'\nlink = 'mqtt:a/b'", "come with a later version"),
            ("id = 'r'\nlink = 'usb'", "`usb` is no link; write serial:PATH"),
            ("id = 'r'\nlink = 'serial:'", "name the port"),
            (
                "id = 'r'\nlink = 'tcp:somewhere'\nformat = 'line'",
                "`somewhere` is no address; write HOST:PORT",
            ),
            ("id = 'r'\nlink = 'tcp::1'\nformat = 'line'", "is no address"),
            (
                "id = 'r'\nlink = 'serial:/dev/x'",
                "say what the reader speaks: em4100, rdm6300",
            ),
            (
                "id = 'r'\nlink = 'serial:/dev/x'\nformat = 'dahua'",
                "`dahua` comes with a later version; this version has",
            ),
            (
                "id = 'r'\nlink = 'serial:/dev/x'\nformat = 'rdm'",
                "`rdm` is unknown; this version has",
            ),
            (
                "id = 'r'\nlink = 'serial:/dev/x'\nformat = 'wiegand-bits'",
                "is for `rollcall-bridge decode` only",
            ),
            (
                "id = 'r'\nlink = 'serial:/dev/x'\nformat = 'line'\nbaud = 3",
                "3 is no speed of a serial port",
            ),
            (
                "id = 'r'\nlink = 'tcp:a:1'\nformat = 'line'\nbaud = 9600",
                "only a `serial:` link has a speed",
            ),
            (
                "id = 'r'\nlink = 'serial:/dev/x'\nformat = 'line'\nreply = true",
                "only `tcp-listen:` and `tcp:` links are answered",
            ),
            (
                "id = 'r'\nlink = 'serial:/dev/x'\nformat = 'line'\nbadge_key = 'dec'",
                "`dec` is unknown; write one of decimal32",
            ),
            (
                "id = 'r'\nlink = 'serial:/dev/x'\nformat = 'line'\nwiegand_format = 'h10301'",
                "only `wiegand-hex` and",
            ),
            (
                "id = 'r'\nlink = 'serial:/dev/x'\nformat = 'wiegand-hex'\nwiegand_format = 'h1'",
                "`h1` is unknown; write one of h10301, wiegand34, h10304, h10302, raw",
            ),
            (
                "id = 'r'\nlink = 'serial:/dev/x'\nformat = 'line'\nsuffix = 'cr'",
                "only `scanner` readers have one",
            ),
            (
                "id = 'r'\nlink = 'serial:/dev/x'\nformat = 'scanner'\nsuffix = 'enter'",
                "`enter` is unknown; write one of line, cr",
            ),
            (
                "id = 'r'\nlink = 'http'\nsecure_channel_key = '00'",
                "only `osdp:` links have one",
            ),
            (
                "id = 'r'\nlink = 'http'\nformat = 'line'",
                "readers that call over HTTP send json",
            ),
            ("id = 'r'\nlink = 'http'\nspeed = 1", "unknown field `speed`"),
        ] {
            let error = check(table).expect_err(table);
            assert!(error.contains(expected), "{table}: {error}");
        }
    }
}
