//! The `[[reader]]` tables of `rollcall.toml`.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::Deserialize;
use wire::adms::{StatusRule, is_serial};
use wire::controller::Dialect;
use wire::{BadgeKeyRule, Decoding, Format, Suffix, UnknownName, WiegandRule};

use crate::controller::Controller;
use crate::mqtt::MqttReader;
use crate::osdp::{self, OsdpReader, SecureChannelKey};

/// A `[[reader]]` table as it is written; [`ReaderTable::check`] makes a [`ReaderConfig`] of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReaderTable {
    /// As in `readers.csv`.
    pub id: String,
    /// `serial:PATH`, `tcp-listen:ADDR`, `tcp:ADDR`, `http`, `adms:SERIAL`, `zk:ADDR`, `zk-udp:ADDR`, `osdp:BUS/ADDRESS`, `isapi` or
    /// `isapi:URL`, `dahua`, `dahua:URL` or `mqtt:TOPIC`.
    pub link: String,
    /// A name of [`Format`]; not said for readers that call us over HTTP and for ZKTeco terminals, whose link says it.
    pub format: Option<String>,
    /// Bits per second of a serial port; 9600 where it is not said.
    pub baud: Option<u32>,
    /// A name of [`BadgeKeyRule`]; the format's own where it is not said.
    pub badge_key: Option<String>,
    /// A name of [`WiegandRule`], for `wiegand-hex` and `wiegand-decimal`.
    pub wiegand_format: Option<String>,
    /// A name of [`Suffix`], for `scanner`; any line end where it is not said.
    pub suffix: Option<String>,
    /// No sign of life for longer means not covered; 0 takes the reader as covered while its link is up. Where it is not said it is
    /// 900 for links with a heartbeat, which are those of terminals, and 0 for the others.
    pub silent_after_seconds: Option<u32>,
    /// The key that is set at a ZKTeco terminal.
    pub comm_key: Option<String>,
    /// Whether the state that a terminal or controller notes with a record is its direction; `false` where it is not said.
    pub status_is_direction: Option<bool>,
    /// Whether the clock of a terminal that we call is set when it is wrong; `false` where it is not said.
    pub set_clock: Option<bool>,
    /// Whether a TCP peer is told what became of each record; where it is not said, senders of `line` and `json` are.
    pub reply: Option<bool>,
    /// The key of an OSDP reader's secure channel, 32 hex digits.
    pub secure_channel_key: Option<String>,
    /// The file that holds it.
    pub secure_channel_key_file: Option<PathBuf>,
    /// Whether a number that is keyed at an OSDP reader, or at a Wiegand keypad of Tasmota's, is a badge; `false` where it is not said.
    pub keypad: Option<bool>,
    /// The key in the address that a controller posts to.
    pub push_key: Option<String>,
    /// The file that holds it.
    pub push_key_file: Option<PathBuf>,
    /// The addresses and networks that a controller may post from, or an `adms:` terminal call from; any where it is not said.
    pub peers: Option<Vec<String>>,
    /// What is a badge at a controller: `employee` (where it is not said) or `card`.
    pub badge: Option<String>,
    /// Directions of a controller's card readers, by number.
    pub card_readers: Option<BTreeMap<String, String>>,
    /// Directions of a controller's doors, by number.
    pub doors: Option<BTreeMap<String, String>>,
    /// Events of a controller that are swipes besides those that are known to be: `MAJOR/SUB`.
    pub also_swipes: Option<Vec<String>>,
    /// Whom a controller that we call takes us for.
    pub user: Option<String>,
    /// The password of that user.
    pub password: Option<String>,
    /// The file that holds it.
    pub password_file: Option<PathBuf>,
    /// The file of certificates, in PEM, one of which signed that of a controller; those of the system where neither is said.
    pub root_certificates_file: Option<PathBuf>,
    /// The SHA-256 of a controller's own certificate, in hex.
    pub certificate_sha256: Option<String>,
    /// The `[[mqtt_broker]]` of an `mqtt:` reader; not said where there is only one.
    pub broker: Option<String>,
    /// The topic on which an `mqtt:` reader, or its last will, says whether it is there; its firmware's own where it is not said,
    /// none where it is empty.
    pub availability: Option<String>,
    /// What Tasmota's serial bridge forwards, a name of [`Format`].
    pub serial_format: Option<String>,
}

/// A reader and how to hear it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderConfig {
    /// As in `readers.csv`.
    pub id: String,
    /// Where its bytes come from.
    pub link: Link,
    /// The same as it is written, for people to read; without a name and password that an address may hold.
    pub link_text: String,
    /// What they mean.
    pub decoding: Decoding,
    /// Bits per second of a serial port.
    pub baud: u32,
    /// No sign of life for longer means not covered; 0 takes the reader as covered while its link is up.
    pub silent_after_seconds: u32,
    /// Whether silence means something only once the reader has shown that it has a heartbeat: not all models have one, and nobody
    /// said how long this one may be silent.
    pub silence_needs_heartbeat: bool,
    /// Whether a TCP peer is told what became of each record.
    pub reply: bool,
    /// The key that is set at a ZKTeco terminal.
    pub comm_key: Option<CommKey>,
    /// What the state means that a ZKTeco terminal notes with a record.
    pub status: StatusRule,
    /// Whether the clock of a terminal that we call is set when it is wrong.
    pub set_clock: bool,
    /// The networks that a terminal may call from; none named: any.
    pub peers: Vec<IpNet>,
}

impl ReaderConfig {
    /// Whether a terminal may call from an address.
    pub fn is_peer(&self, address: IpAddr) -> bool {
        is_peer(&self.peers, address)
    }
}

/// Whether an address is in one of these networks; none named: any is.
pub(crate) fn is_peer(peers: &[IpNet], address: IpAddr) -> bool {
    peers.is_empty() || peers.iter().any(|peers| peers.contains(&address.to_canonical()))
}

/// A key that must not reach a log.
#[derive(Clone, PartialEq, Eq)]
pub struct CommKey(String);

impl CommKey {
    pub(crate) const fn new(key: String) -> Self {
        Self(key)
    }

    /// The key itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CommKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CommKey(…)")
    }
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
    /// A ZKTeco terminal with this serial number, which calls below `/iclock/`: there is nothing to open.
    Adms(String),
    /// A ZKTeco terminal that we call over TCP, `HOST:PORT`.
    Zk(String),
    /// The same over UDP.
    ZkUdp(String),
    /// A reader on an OSDP bus.
    Osdp(OsdpReader),
    /// A reader that the `rollcall-bridge` of this name hears; there is nothing to open here.
    Bridge(String),
    /// An access controller that reports events.
    Controller(Controller),
    /// A reader that publishes to a broker.
    Mqtt(MqttReader),
}

/// The port of ZKTeco terminals that are called.
const ZK_PORT: u16 = 4_370;

/// The longest silence of a link with a heartbeat that is still covered, where the configuration does not say.
const SILENT_AFTER_SECONDS: u32 = 900;

impl Link {
    /// Whether there is something to open or to call; else the reader calls the daemon over HTTP.
    pub const fn is_opened_here(&self) -> bool {
        match self {
            Self::Http | Self::Adms(_) | Self::Bridge(_) => false,
            Self::Controller(controller) => controller.called.is_some(),
            Self::Serial(_)
            | Self::TcpListen(_)
            | Self::Tcp(_)
            | Self::Zk(_)
            | Self::ZkUdp(_)
            | Self::Osdp(_)
            | Self::Mqtt(_) => true,
        }
    }

    /// Whether it is a ZKTeco terminal. It keeps what it could not deliver, and shows every few seconds that it is there.
    pub const fn is_terminal(&self) -> bool {
        matches!(self, Self::Adms(_) | Self::Zk(_) | Self::ZkUdp(_))
    }

    /// Whether the reader keeps what it cannot deliver, so that a reading of it may be an old one.
    pub const fn keeps_records(&self) -> bool {
        self.is_terminal() || matches!(self, Self::Controller(_))
    }
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

/// The format of OSDP readers: bits of a card, as Wiegand readers have them.
const OSDP_FORMAT: &str = "wiegand";

/// The schemes that there are, for messages.
const LINKS: &str = "serial:PATH, tcp-listen:ADDR, tcp:ADDR, http, adms:SERIAL, zk:ADDR, zk-udp:ADDR, osdp:BUS/ADDRESS, isapi, isapi:URL, \
                     dahua, dahua:URL, mqtt:TOPIC and bridge:NAME";

/// Speeds outside of this are typing errors, bits per second.
const BAUD: std::ops::RangeInclusive<u32> = 50..=4_000_000;

/// An address without what stands before its `@`.
fn without_credentials(link: &str) -> String {
    let Some((scheme, rest)) = link.split_once("//") else {
        return link.to_owned();
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}//{host}{path}")
}

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
        let format = self.format(&link)?;
        self.check_osdp_keys(&link, format)?;
        let serial_format = self.serial_format(format)?;
        let link = self.with_availability(link, format)?;
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
        self.check_terminal_keys(&link)?;
        self.check_controller_keys(&link)?;
        let heartbeat = match &link {
            // The link itself finds out when it is not there any more.
            Link::Controller(controller) if controller.called.is_some() => 0,
            link if link.keeps_records() => SILENT_AFTER_SECONDS,
            _ => 0,
        };
        Ok(ReaderConfig {
            id: id.to_owned(),
            decoding: Decoding {
                format,
                badge_key: self.badge_key(serial_format.unwrap_or(format).default_badge_key())?,
                wiegand_format: self.wiegand_format(serial_format.unwrap_or(format))?,
                suffix: self.suffix(serial_format.unwrap_or(format))?,
                serial_format,
                keypad: self.keypad.unwrap_or(false),
            },
            baud,
            silent_after_seconds: match link {
                // It answers twenty times a second, and its link is down as soon as it does not.
                Link::Osdp(_) => 0,
                _ => self.silent_after_seconds.unwrap_or(heartbeat),
            },
            silence_needs_heartbeat: !link.is_opened_here()
                && link.keeps_records()
                && !link.is_terminal()
                && self.silent_after_seconds.is_none(),
            reply: self.reply.unwrap_or(format.is_text()),
            comm_key: self.comm_key.clone().map(CommKey),
            status: match self.status_is_direction {
                Some(true) => StatusRule::Direction,
                Some(false) | None => StatusRule::Ignore,
            },
            set_clock: self.set_clock.unwrap_or(false),
            peers: match link {
                Link::Adms(_) => self.peers()?,
                _ => Vec::new(),
            },
            link_text: without_credentials(self.link.trim()),
            link,
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
            ("adms", serial) if is_serial(serial) => Ok(Link::Adms(serial.to_owned())),
            ("adms", _) => Err(self.error(
                "link",
                "write the terminal's serial number: `adms:0316144680030`; its menu shows it, and so does the log when it calls".into(),
            )),
            ("zk", address) => self.zk_address(address).map(Link::Zk),
            ("zk-udp", address) => self.zk_address(address).map(Link::ZkUdp),
            ("osdp", place) => self.osdp(place).map(Link::Osdp),
            ("bridge", "") => Err(self.error("link", "name the bridge: `bridge:east`; `rollcall bridge list` shows them".into())),
            ("bridge", name) => Ok(Link::Bridge(name.to_owned())),
            ("isapi", url) => self.controller(Dialect::Isapi, url).map(Link::Controller),
            ("dahua", url) => self.controller(Dialect::Dahua, url).map(Link::Controller),
            ("mqtt", topic) => Ok(Link::Mqtt(MqttReader {
                topic: topic.to_owned(),
                broker: self.broker.clone(),
                availability: None,
            })),
            _ => Err(self.error(
                "link",
                format!("`{}` is no link; this version has {LINKS}", self.link),
            )),
        }
    }

    fn osdp(&self, place: &str) -> Result<OsdpReader, ConfigError> {
        let (bus, address) = osdp::place(place).map_err(|problem| self.error("link", problem.into()))?;
        let key = match (&self.secure_channel_key, &self.secure_channel_key_file) {
            (Some(_), Some(_)) => {
                let problem = "secure_channel_key and secure_channel_key_file are both set: keep one of them";
                return Err(self.error("secure_channel_key", problem.into()));
            }
            (Some(key), None) => {
                let key = SecureChannelKey::parse(key);
                Some(key.map_err(|problem| self.error("secure_channel_key", problem.into()))?)
            }
            (None, Some(path)) => {
                let key = SecureChannelKey::read(path);
                Some(key.map_err(|problem| self.error("secure_channel_key_file", problem))?)
            }
            (None, None) => None,
        };
        Ok(OsdpReader {
            bus,
            address,
            key,
            keypad: self.keypad.unwrap_or(false),
        })
    }

    /// An `mqtt:` link with its topics checked; any other as it is, if it has no key of one.
    fn with_availability(&self, link: Link, format: Format) -> Result<Link, ConfigError> {
        if let Link::Mqtt(MqttReader { topic, broker, .. }) = &link {
            return MqttReader::new(topic, broker.clone(), self.availability.as_deref(), format)
                .map(Link::Mqtt)
                .map_err(|(key, problem)| self.error(key, problem.into()));
        }
        let only = [
            ("broker", self.broker.is_some()),
            ("availability", self.availability.is_some()),
        ];
        match only.into_iter().find(|(_, is_there)| *is_there) {
            Some((key, _)) => Err(self.error(key, "only `mqtt:` links have one; remove it".into())),
            None => Ok(link),
        }
    }

    /// Keys that only OSDP readers have.
    fn check_osdp_keys(&self, link: &Link, format: Format) -> Result<(), ConfigError> {
        let only = [
            ("secure_channel_key", self.secure_channel_key.is_some()),
            ("secure_channel_key_file", self.secure_channel_key_file.is_some()),
        ];
        let is_osdp = matches!(link, Link::Osdp(_));
        match only.into_iter().find(|(_, is_there)| *is_there) {
            Some((key, _)) if !is_osdp => Err(self.error(key, "only `osdp:` links have one; remove it".into())),
            _ if self.keypad.is_some() && !is_osdp && format != Format::Tasmota => Err(self.error(
                "keypad",
                "only `osdp:` links and readers of format `tasmota` have one; remove it".into(),
            )),
            _ => Ok(()),
        }
    }

    /// Keys that only terminals have, and only some of them.
    fn check_terminal_keys(&self, link: &Link) -> Result<(), ConfigError> {
        let called = matches!(link, Link::Zk(_) | Link::ZkUdp(_));
        if self.comm_key.is_some() && !link.is_terminal() {
            return Err(self.error(
                "comm_key",
                "only `adms:`, `zk:` and `zk-udp:` links have one; remove it".into(),
            ));
        }
        if called && self.comm_key.as_ref().is_some_and(|key| key.parse::<u32>().is_err()) {
            return Err(self.error(
                "comm_key",
                "a terminal that is called has a number, such as \"1234\"".into(),
            ));
        }
        if self.comm_key.as_ref().is_some_and(String::is_empty) {
            return Err(self.error(
                "comm_key",
                "it is empty; write the key that is set at the terminal, or remove it".into(),
            ));
        }
        if self.status_is_direction.is_some() && !link.keeps_records() {
            return Err(self.error(
                "status_is_direction",
                "only `adms:`, `zk:`, `zk-udp:`, `isapi` and `dahua` links have it; remove it".into(),
            ));
        }
        let is_called = called || matches!(link, Link::Controller(controller) if controller.called.is_some());
        if self.set_clock.is_some() && !is_called {
            return Err(self.error(
                "set_clock",
                "only links that we call have it: `zk:`, `zk-udp:`, `isapi:URL` and `dahua:URL`; an `adms:` terminal takes its time from our answers; remove it".into(),
            ));
        }
        Ok(())
    }

    /// The port may be left out.
    fn zk_address(&self, address: &str) -> Result<String, ConfigError> {
        let bare = !address.is_empty() && (!address.contains(':') || address.ends_with(']'));
        if bare {
            Ok(format!("{address}:{ZK_PORT}"))
        } else {
            self.address(address)
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
            (Some(_), link) if link.is_terminal() => {
                return Err(self.error(
                    "format",
                    "the link says what a ZKTeco terminal speaks; remove it".into(),
                ));
            }
            (None, link) if link.is_terminal() => return Ok(Format::Adms),
            (Some(_), Link::Controller(_)) => {
                return Err(self.error("format", "the link says what a controller speaks; remove it".into()));
            }
            (None, Link::Osdp(_)) => return Ok(Format::WiegandBits),
            (Some(name), Link::Osdp(_)) if name == OSDP_FORMAT => return Ok(Format::WiegandBits),
            (Some(_), Link::Osdp(_)) => {
                return Err(self.error("format", format!("OSDP readers speak `{OSDP_FORMAT}`; leave it out")));
            }
            (Some(name), _) if name == OSDP_FORMAT => {
                let problem = format!("`{name}` is for `osdp:` links; this one can have {}", formats_of(link));
                return Err(self.error("format", problem));
            }
            (Some(_), Link::Bridge(_)) => {
                return Err(self.error(
                    "format",
                    "the bridge decodes; say it in its configuration and remove it here".into(),
                ));
            }
            (Some(name), _) => name.as_str(),
            (None, Link::Http | Link::Controller(_) | Link::Bridge(_)) => Format::Json.name(),
            (None, link) => {
                return Err(self.error("format", format!("say what the reader speaks: {}", formats_of(link))));
            }
        };
        let format = name
            .parse::<Format>()
            .ok()
            .filter(|format| is_carried_by(*format, link));
        match (format, link) {
            (Some(format), Link::Http) if format != Format::Json => {
                Err(self.error("format", "readers that call over HTTP send json; leave it out".into()))
            }
            (Some(format), _) => Ok(format),
            (None, _) => {
                let problem = match name.parse::<Format>() {
                    Ok(format) if format.is_message() => "is for `mqtt:` links".to_owned(),
                    Ok(_) => "is for `rollcall-bridge decode` only".to_owned(),
                    Err(unknown) => unknown.to_string(),
                };
                Err(self.error(
                    "format",
                    format!("`{name}` {problem}; this version has {}", formats_of(link)),
                ))
            }
        }
    }

    fn serial_format(&self, format: Format) -> Result<Option<Format>, ConfigError> {
        let Some(name) = &self.serial_format else {
            return Ok(None);
        };
        if format != Format::Tasmota {
            return Err(self.error(
                "serial_format",
                "only readers of format `tasmota` have one; remove it".into(),
            ));
        }
        let serial = name.parse::<Format>().ok().filter(|format| format.is_for_links());
        serial.map(Some).ok_or_else(|| {
            let names = formats_of(&Link::Http);
            self.error(
                "serial_format",
                format!("`{name}` is nothing that a serial line carries; write one of {names}"),
            )
        })
    }

    pub(crate) fn badge_key(&self, default: BadgeKeyRule) -> Result<BadgeKeyRule, ConfigError> {
        let Some(name) = &self.badge_key else {
            return Ok(default);
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
        if !matches!(
            format,
            Format::WiegandHex | Format::WiegandDecimal | Format::WiegandBits | Format::Esphome
        ) {
            return Err(self.error(
                "wiegand_format",
                "only `wiegand-hex`, `wiegand-decimal`, `esphome` and `osdp:` readers have one; remove it".into(),
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

    pub(crate) fn error(&self, key: &'static str, problem: String) -> ConfigError {
        ConfigError {
            reader: self.id.clone(),
            key,
            problem,
        }
    }
}

/// Whether a reader on this link can speak it.
fn is_carried_by(format: Format, link: &Link) -> bool {
    format.is_for_links() || format.is_message() && matches!(link, Link::Mqtt(_))
}

/// The formats that a link can carry, for messages.
fn formats_of(link: &Link) -> String {
    let carried = Format::ALL.into_iter().filter(|format| is_carried_by(*format, link));
    carried.map(Format::name).collect::<Vec<_>>().join(", ")
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
    fn an_osdp_reader_has_a_bus_an_address_and_a_key_that_does_not_show() {
        let table = "id = 'r'\nlink = 'osdp:bus1/101'\nformat = 'wiegand'\nsilent_after_seconds = 900\n\
                     secure_channel_key = '00112233445566778899AABBCCDDEEFF'";
        let reader = check(table).expect("a good table");
        let Link::Osdp(osdp) = &reader.link else {
            panic!("{:?}", reader.link)
        };
        assert_eq!((osdp.bus.as_str(), osdp.address, osdp.keypad), ("bus1", 101, false));
        assert_eq!(osdp.key.map(|key| key.expose()[1]), Some(0x11));
        assert_eq!(reader.silent_after_seconds, 0, "it is polled");
        assert_eq!(reader.decoding.badge_key, BadgeKeyRule::FacilityCard);
        let shown = format!("{reader:?}");
        assert!(
            !shown.contains("17, 34") && !shown.contains("1122"),
            "a key must not show in a debug print"
        );
        assert!(check("id = 'r'\nlink = 'osdp:bus1/0'").is_ok());

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("r.key");
        let table = format!(
            "id = 'r'\nlink = 'osdp:bus1/1'\nsecure_channel_key_file = '{}'",
            path.display()
        );
        let error = check(&table).expect_err("no file");
        assert!(error.contains("`rollcall-bridge osdp provision` writes it"), "{error}");
        std::fs::write(&path, "00112233445566778899aabbccddeeff\n").expect("room");
        assert!(check(&table).is_ok());
    }

    #[test]
    fn a_reader_that_publishes_has_a_topic_and_the_last_will_of_its_firmware() {
        for (table, availability) in [
            (
                "link = 'mqtt:tele/gate/SENSOR'\nformat = 'tasmota'",
                Some("tele/gate/LWT"),
            ),
            ("link = 'mqtt:tele/gate/+'\nformat = 'tasmota'", Some("tele/gate/LWT")),
            ("link = 'mqtt:gate/tag'\nformat = 'esphome'", Some("gate/status")),
            ("link = 'mqtt:door/tag'\nformat = 'esp-rfid'", Some("door/avty")),
            ("link = 'mqtt:door/send'\nformat = 'esp-rfid'", None),
            ("link = 'mqtt:gate'\nformat = 'line'", None),
            (
                "link = 'mqtt:gate/badge'\nformat = 'line'\navailability = 'gate/state'",
                Some("gate/state"),
            ),
            ("link = 'mqtt:gate/tag'\nformat = 'esphome'\navailability = ''", None),
        ] {
            let reader = check(&format!("id = 'r'\n{table}")).expect(table);
            let Link::Mqtt(mqtt) = &reader.link else {
                panic!("{:?}", reader.link)
            };
            assert_eq!(mqtt.availability.as_deref(), availability, "{table}");
            assert_eq!((reader.silent_after_seconds, mqtt.broker.as_deref()), (0, None));
        }
        let bridge = "id = 'r'\nlink = 'mqtt:tele/gate/RESULT'\nbroker = 'house'\nformat = 'tasmota'\nkeypad = true\n\
                      serial_format = 'wiegand-decimal'\nwiegand_format = 'h10301'";
        let reader = check(bridge).expect("a good table");
        assert_eq!(
            reader.decoding.badge_key,
            BadgeKeyRule::FacilityCard,
            "that of the line"
        );
        assert_eq!(
            (reader.decoding.serial_format, reader.decoding.keypad),
            (Some(Format::WiegandDecimal), true)
        );
    }

    #[test]
    fn terminals_say_by_their_link_what_they_speak() {
        let pushed = check("id = 't'\nlink = 'adms:0316144680030'\ncomm_key = 'k'\nstatus_is_direction = true")
            .expect("a good table");
        assert_eq!(pushed.link, Link::Adms("0316144680030".into()));
        assert_eq!(
            (pushed.status, pushed.silent_after_seconds),
            (StatusRule::Direction, 900)
        );
        assert!(
            !format!("{pushed:?}").contains("\"k\""),
            "a key must not show in a debug print"
        );
        assert_eq!(pushed.comm_key.expect("a key").expose(), "k");
        let fenced =
            check("id = 't'\nlink = 'adms:A1'\npeers = ['192.168.1.20', '10.1.0.0/16']").expect("a good table");
        for (address, is_peer) in [
            ("192.168.1.20", true),
            ("::ffff:10.1.2.3", true),
            ("192.168.1.21", false),
        ] {
            assert_eq!(
                fenced.is_peer(address.parse().expect("an address")),
                is_peer,
                "{address}"
            );
        }
        for (written, link) in [
            ("zk:10.0.0.7", Link::Zk("10.0.0.7:4370".into())),
            ("zk:[fe80::1]", Link::Zk("[fe80::1]:4370".into())),
            ("zk-udp:gate.example:4371", Link::ZkUdp("gate.example:4371".into())),
        ] {
            let table = format!("id = 't'\nlink = '{written}'\nsilent_after_seconds = 60");
            let called = check(&table).expect("a good table");
            assert_eq!((called.link, called.silent_after_seconds), (link, 60));
        }
    }

    #[test]
    fn a_controller_that_calls_us_has_a_key_that_does_not_show() {
        let key = "0123456789abcdef";
        let table = format!("id = 'door'\nlink = 'isapi'\npush_key = '{key}'");
        let reader = check(&table).expect("a good table");
        let Link::Controller(controller) = &reader.link else {
            panic!("{:?}", reader.link)
        };
        assert_eq!(controller.rule, wire::controller::EventRule::DEFAULT);
        assert_eq!(
            (reader.silent_after_seconds, reader.silence_needs_heartbeat),
            (900, true)
        );
        assert!(
            !format!("{reader:?}").contains(key),
            "a key must not show in a debug print"
        );
        assert!(controller.is_peer([192, 0, 2, 1].into()), "from anywhere");

        let all = "badge = 'card'\nbadge_key = 'decimal32'\nstatus_is_direction = true\ncard_readers = { 1 = 'in', 2 = 'out' }\n\
                   doors = { 3 = 'both' }\nalso_swipes = ['5/181']\npeers = ['10.0.0.0/8', '2001:db8::7']\nsilent_after_seconds = 60";
        let reader = check(&format!("{table}\n{all}")).expect("a good table");
        let Link::Controller(controller) = &reader.link else {
            panic!("{:?}", reader.link)
        };
        assert_eq!(
            (reader.silent_after_seconds, reader.silence_needs_heartbeat),
            (60, false)
        );
        let rule = &controller.rule;
        assert_eq!(
            (rule.badge, rule.badge_key),
            (wire::controller::Badge::Card, BadgeKeyRule::Decimal32)
        );
        assert_eq!(
            (rule.status, rule.also_swipes.as_slice()),
            (StatusRule::Direction, [(5, 181)].as_slice())
        );
        assert_eq!(rule.card_readers, [(1, wire::Faces::In), (2, wire::Faces::Out)]);
        assert_eq!(rule.doors, [(3, wire::Faces::Both)]);
        for (address, is_peer) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("192.0.2.1", false),
            ("2001:db8::7", true),
        ] {
            assert_eq!(
                controller.is_peer(address.parse().expect("an address")),
                is_peer,
                "{address}"
            );
        }
    }

    #[test]
    fn a_controller_that_we_call_has_an_address_and_a_password_that_does_not_show() {
        for (written, is_tls, host, port) in [
            ("10.0.0.7", false, "10.0.0.7", 80),
            ("http://door.example:8000", false, "door.example", 8_000),
            ("https://[2001:db8::7]", true, "2001:db8::7", 443),
            ("https://10.0.0.7:8443/", true, "10.0.0.7", 8_443),
        ] {
            let table = format!(
                "id = 'door'\nlink = 'isapi:{written}'\nuser = 'rollcall'\npassword = 'p4ssw0rd'\nset_clock = true"
            );
            let reader = check(&table).expect("a good table");
            assert!(
                !format!("{reader:?}").contains("p4ssw0rd"),
                "a password must not show in a debug print"
            );
            assert!(reader.link.is_opened_here() && !reader.silence_needs_heartbeat);
            assert_eq!(reader.silent_after_seconds, 0, "its link finds out by itself");
            let Link::Controller(Controller {
                called: Some(called),
                push_key: None,
                ..
            }) = &reader.link
            else {
                panic!("{:?}", reader.link)
            };
            assert_eq!((called.is_tls, called.host.as_str(), called.port), (is_tls, host, port));
        }
    }

    const WRONG_CONTROLLERS: &[(&str, &str)] = &[
        (
            "id = 'r'\nlink = 'isapi'",
            "`push_key`: write push_key or push_key_file: the key in the address that the device is told to post to, /readers/r/isapi?key=…",
        ),
        (
            "id = 'r'\nlink = 'isapi'\npush_key = 'short'",
            "a key is 16 to 128 letters",
        ),
        (
            "id = 'r'\nlink = 'isapi'\npush_key = '0123456789&key=a'",
            "a key is 16 to 128 letters",
        ),
        (
            "id = 'r'\nlink = 'isapi'\npush_key_file = '/nowhere/key'",
            "cannot read /nowhere/key",
        ),
        (
            "id = 'r'\nlink = 'isapi'\npush_key = '0123456789abcdef'\npeers = ['gate']",
            "`gate` is no address and no network; write 192.0.2.7",
        ),
        (
            "id = 'r'\nlink = 'isapi'\npush_key = '0123456789abcdef'\nbadge = 'face'",
            "`face` is unknown; write employee",
        ),
        (
            "id = 'r'\nlink = 'isapi'\npush_key = '0123456789abcdef'\ndoors = { 1 = 'inside' }",
            "is no direction; write numbers as in { 1 = \"in\"",
        ),
        (
            "id = 'r'\nlink = 'isapi'\npush_key = '0123456789abcdef'\nalso_swipes = ['181']",
            "`181` is no event; write its major and sub type",
        ),
        (
            "id = 'r'\nlink = 'isapi'\npush_key = '0123456789abcdef'\nformat = 'json'",
            "the link says what a controller speaks",
        ),
        (
            "id = 'r'\nlink = 'http'\npeers = []",
            "only `isapi`, `dahua` and `adms:` links have them",
        ),
        (
            "id = 'r'\nlink = 'isapi:10.0.0.7'\nuser = 'admin'",
            "`password`: write password or password_file",
        ),
        (
            "id = 'r'\nlink = 'isapi:10.0.0.7'\npassword = 'x'",
            "`user`: write the user that the device has for us",
        ),
        (
            "id = 'r'\nlink = 'isapi:http://a:b@10.0.0.7'\nuser = 'admin'\npassword = 'x'",
            "is no address of a device; write isapi:http://HOST, isapi:https://HOST:PORT or isapi:HOST",
        ),
        (
            "id = 'r'\nlink = 'isapi:http://10.0.0.7'\nuser = 'admin'\npassword = 'x'\ncertificate_sha256 = '00'",
            "only https:// addresses have a certificate",
        ),
        (
            "id = 'r'\nlink = 'isapi:https://10.0.0.7'\nuser = 'admin'\npassword = 'x'\ncertificate_sha256 = '00'",
            "`certificate_sha256`: write the 64 hex digits",
        ),
        (
            "id = 'r'\nlink = 'isapi'\npush_key = '0123456789abcdef'\nuser = 'admin'",
            "only a controller that we call has it",
        ),
    ];

    const WRONG_LINKS: &[(&str, &str)] = &[
        (
            "id = 'r'\nlink = 'osdp:bus1/101'\nsecure_channel_key = '00'",
            "reader `r`: `secure_channel_key`: a key is 32 hex digits",
        ),
        ("id = 'r'\nlink = 'mqtt:a/b'", "say what the reader speaks: em4100"),
        (
            "id = 'r'\nlink = 'mqtt:a/#/b'\nformat = 'tasmota'",
            "write a topic, such as mqtt:tele/gate/SENSOR",
        ),
        ("id = 'r'\nlink = 'mqtt:'\nformat = 'tasmota'", "write a topic"),
        (
            "id = 'r'\nlink = 'mqtt:a'\nformat = 'tasmota'\navailability = '+a'",
            "`availability`: write a topic",
        ),
        ("id = 'r'\nlink = 'http'\nbroker = 'b'", "only `mqtt:` links have one"),
        (
            "id = 'r'\nlink = 'http'\navailability = 'b'",
            "only `mqtt:` links have one",
        ),
        (
            "id = 'r'\nlink = 'tcp:a:1'\nformat = 'tasmota'",
            "`tasmota` is for `mqtt:` links; this version has em4100",
        ),
        (
            "id = 'r'\nlink = 'mqtt:a'\nformat = 'esphome'\nserial_format = 'em18'",
            "only readers of format `tasmota` have one",
        ),
        (
            "id = 'r'\nlink = 'mqtt:a'\nformat = 'tasmota'\nserial_format = 'esphome'",
            "nothing that a serial line carries",
        ),
        (
            "id = 'r'\nlink = 'mqtt:a'\nformat = 'line'\nkeypad = true",
            "only `osdp:` links and readers of format `tasmota`",
        ),
        (
            "id = 'r'\nlink = 'usb'",
            "`usb` is no link; this version has serial:PATH",
        ),
        ("id = 'r'\nlink = 'serial:'", "name the port"),
        (
            "id = 'r'\nlink = 'tcp:somewhere'\nformat = 'line'",
            "`somewhere` is no address; write HOST:PORT",
        ),
        ("id = 'r'\nlink = 'tcp::1'\nformat = 'line'", "is no address"),
    ];

    const WRONG_TERMINALS: &[(&str, &str)] = &[
        ("id = 'r'\nlink = 'adms:'", "write the terminal's serial number"),
        (
            "id = 'r'\nlink = 'adms:A1'\nformat = 'line'",
            "the link says what a ZKTeco terminal speaks",
        ),
        ("id = 'r'\nlink = 'zk:10.0.0.7:x'", "is no address"),
        (
            "id = 'r'\nlink = 'zk:10.0.0.7'\ncomm_key = 'x'",
            "a terminal that is called has a number",
        ),
        (
            "id = 'r'\nlink = 'adms:A1'\nset_clock = true",
            "an `adms:` terminal takes its time from our answers",
        ),
        (
            "id = 'r'\nlink = 'http'\ncomm_key = 'x'",
            "only `adms:`, `zk:` and `zk-udp:` links have one",
        ),
        (
            "id = 'r'\nlink = 'http'\nstatus_is_direction = true",
            "only `adms:`, `zk:`, `zk-udp:`, `isapi` and `dahua` links have it",
        ),
    ];

    const WRONG_KEYS: &[(&str, &str)] = &[
        ("id = ''\nlink = 'http'", "reader ``: `id`: write the reader's id"),
        (
            "id = 'r'\nlink = 'serial:/dev/x'",
            "say what the reader speaks: em4100, rdm6300",
        ),
        (
            "id = 'r'\nlink = 'serial:/dev/x'\nformat = 'dahua'",
            "`dahua` is unknown; this version has",
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
            "only `wiegand-hex`, `wiegand-decimal`, `esphome` and `osdp:`",
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
    ];

    #[test]
    fn what_is_wrong_is_named_with_its_remedy() {
        for (table, expected) in [WRONG_LINKS, WRONG_TERMINALS, WRONG_CONTROLLERS, WRONG_KEYS].concat() {
            let error = check(table).expect_err(table);
            assert!(error.contains(expected), "{table}: {error}");
        }
    }
}
