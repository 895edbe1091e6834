//! The `[[mqtt_broker]]` tables of `rollcall.toml`, and what `mqtt:` readers have besides other readers.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use wire::Format;

use super::{tls, topic};
use crate::config::{Link, ReaderConfig};

/// The port of a broker where none is said, without and with TLS.
const PORTS: (u16, u16) = (1_883, 8_883);

/// How often the connection shows that it is there, in seconds, where it is not said; a broker lets us go after one and a half of it.
const KEEP_ALIVE_SECONDS: u16 = 30;

/// A shorter time would be mostly pings, a longer one leaves a dead connection unnoticed.
const KEEP_ALIVE: std::ops::RangeInclusive<u16> = 5..=600;

/// What every broker must accept of a client's name.
const LONGEST_CLIENT_ID: usize = 64;

/// A `[[mqtt_broker]]` table as it is written; [`MqttBrokerTable::check`] makes an [`MqttBroker`] of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MqttBrokerTable {
    /// What a reader's `broker` calls it.
    pub id: String,
    /// `HOST` or `HOST:PORT`.
    pub address: String,
    /// Whether the connection is encrypted; where it is not said, it is if there is a `ca_file`.
    pub tls: Option<bool>,
    /// The only authorities that may have signed the broker's certificate, as PEM; the system's where it is not said.
    pub ca_file: Option<PathBuf>,
    /// As whom we come.
    pub user: Option<String>,
    /// With which password.
    pub password: Option<Password>,
    /// The file that holds it.
    pub password_file: Option<PathBuf>,
    /// By which name the broker knows our session; one of our own where it is not said.
    pub client_id: Option<String>,
    /// How often the connection shows that it is there; 30 where it is not said.
    pub keep_alive_seconds: Option<u16>,
}

/// A broker and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttBroker {
    /// What its readers call it.
    pub id: String,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether and how the connection is encrypted.
    pub security: Security,
    /// As whom we come.
    pub credentials: Option<(String, Password)>,
    /// By which name the broker knows our session.
    pub client_id: Option<String>,
    /// How often the connection shows that it is there.
    pub keep_alive_seconds: u16,
}

/// Whether and how a connection is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Security {
    /// It is not: whoever is on the way reads badges and passwords.
    Plain,
    /// With a certificate of an authority that this machine trusts.
    SystemRoots,
    /// With a certificate of an authority of this file.
    Authority(PathBuf),
}

/// A password that must not reach a log.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// The password itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

/// What is wrong in an `[[mqtt_broker]]` table, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mqtt_broker `{broker}`: `{key}`: {problem}")]
pub struct BrokerError {
    /// The broker's id as written.
    pub broker: String,
    /// The key in its table.
    pub key: &'static str,
    /// What is wrong and what to write instead.
    pub problem: String,
}

/// A reader that publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MqttReader {
    /// Where it publishes its readings; with wildcards, where several devices do that are one reader.
    pub topic: String,
    /// The broker's id; `None`: there is only one.
    pub broker: Option<String>,
    /// Where it says, or its last will says, whether it is there; `None`: nowhere.
    pub availability: Option<String>,
}

impl MqttReader {
    /// A reader on a topic, with the topic of its last will: the one that is written, or the one of its firmware. An empty one is
    /// none.
    pub fn new(
        topic: &str,
        broker: Option<String>,
        availability: Option<&str>,
        format: Format,
    ) -> Result<Self, (&'static str, &'static str)> {
        if !topic::is_filter(topic) {
            return Err(("link", TOPIC));
        }
        let availability = match availability {
            Some("") => None,
            Some(written) if !topic::is_filter(written) => return Err(("availability", TOPIC)),
            Some(written) => Some(written.to_owned()),
            None => usual_availability(topic, format),
        };
        Ok(Self {
            topic: topic.to_owned(),
            broker,
            availability,
        })
    }

    /// The broker's id, where there are these.
    fn broker<'a>(&'a self, brokers: &'a [MqttBroker]) -> Option<&'a str> {
        match (&self.broker, brokers) {
            (Some(named), _) => Some(named),
            (None, [only]) => Some(&only.id),
            (None, _) => None,
        }
    }
}

/// What to write for a topic.
const TOPIC: &str = "write a topic, such as mqtt:tele/gate/SENSOR; `+` stands for one level, `#` at the end for all that follow, and `$` begins none";

/// Where a firmware says whether it is there.
fn usual_availability(topic: &str, format: Format) -> Option<String> {
    match format {
        Format::Tasmota => topic::beside(topic, "LWT"),
        Format::Esphome => topic::beside(topic, "status"),
        // It says so only where it publishes for Home Assistant.
        Format::EspRfid if topic.ends_with("/tag") => topic::beside(topic, "avty"),
        _ => None,
    }
}

impl MqttBrokerTable {
    /// Checks the values and fills in what is not said.
    pub fn check(&self) -> Result<MqttBroker, BrokerError> {
        if self.id.is_empty() || self.id.contains('|') || self.id.chars().any(char::is_control) {
            return Err(self.error("id", "write a name, such as house"));
        }
        let security = self.security()?;
        let (host, port) = self.place(&security)?;
        let keep_alive_seconds = self.keep_alive_seconds.unwrap_or(KEEP_ALIVE_SECONDS);
        if !KEEP_ALIVE.contains(&keep_alive_seconds) {
            return Err(self.error("keep_alive_seconds", "write 5 to 600; 30 is usual"));
        }
        let client_id = self.client_id.clone();
        if client_id.as_ref().is_some_and(|id| {
            id.is_empty() || id.len() > LONGEST_CLIENT_ID || !id.bytes().all(|byte| byte.is_ascii_graphic())
        }) {
            return Err(self.error(
                "client_id",
                "write 1 to 64 letters and digits, or leave it out; no two programs at a broker may have the same",
            ));
        }
        Ok(MqttBroker {
            id: self.id.clone(),
            host,
            port,
            security,
            credentials: self.credentials()?,
            client_id,
            keep_alive_seconds,
        })
    }

    fn security(&self) -> Result<Security, BrokerError> {
        match (&self.ca_file, self.tls) {
            (Some(_), Some(false)) => {
                Err(self.error("tls", "a ca_file is for TLS: write tls = true, or remove the ca_file"))
            }
            (Some(path), _) => {
                tls::roots_of(path).map_err(|problem| self.error("ca_file", &problem))?;
                Ok(Security::Authority(path.clone()))
            }
            (None, Some(true)) => Ok(Security::SystemRoots),
            (None, Some(false) | None) => Ok(Security::Plain),
        }
    }

    /// The port may be left out, and an IPv6 address is in brackets.
    fn place(&self, security: &Security) -> Result<(String, u16), BrokerError> {
        let wrong = || {
            self.error(
                "address",
                "write HOST or HOST:PORT, such as broker.example:8883 or [fe80::1]:1883",
            )
        };
        let usual = if *security == Security::Plain { PORTS.0 } else { PORTS.1 };
        let (host, port) = match self.address.rsplit_once(':') {
            Some((host, port)) if !self.address.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (self.address.as_str(), usual),
        };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_host = !host.is_empty() && !host.contains([' ', '/']) && (bare.is_some() || !host.contains(':'));
        if is_host {
            Ok((bare.unwrap_or(host).to_owned(), port))
        } else {
            Err(wrong())
        }
    }

    fn credentials(&self) -> Result<Option<(String, Password)>, BrokerError> {
        let password = match (&self.password, &self.password_file) {
            (Some(_), Some(_)) => {
                return Err(self.error("password", "password and password_file are both set: keep one of them"));
            }
            (Some(password), None) => Some(password.clone()),
            (None, Some(path)) => {
                let text = std::fs::read_to_string(path).map_err(|error| {
                    self.error("password_file", &format!("cannot read {}: {error}", path.display()))
                })?;
                Some(Password(text.trim_end_matches(['\r', '\n']).to_owned()))
            }
            (None, None) => None,
        };
        match (&self.user, password) {
            (Some(user), Some(password)) => Ok(Some((user.clone(), password))),
            (None, None) => Ok(None),
            (Some(_), None) => Err(self.error("user", "it has no password: write password_file")),
            (None, Some(_)) => Err(self.error("password", "it has no user: write user")),
        }
    }

    fn error(&self, key: &'static str, problem: &str) -> BrokerError {
        BrokerError {
            broker: self.id.clone(),
            key,
            problem: problem.to_owned(),
        }
    }
}

/// The readers that a broker has.
pub fn readers_of(broker: &MqttBroker, brokers: &[MqttBroker], readers: &[ReaderConfig]) -> Vec<ReaderConfig> {
    let is_on =
        |reader: &&ReaderConfig| matches!(&reader.link, Link::Mqtt(mqtt) if mqtt.broker(brokers) == Some(&broker.id));
    readers.iter().filter(is_on).cloned().collect()
}

/// What one table alone cannot show: brokers that do not exist or are there twice, and messages that would be of two readers.
pub fn check_brokers(brokers: &[MqttBroker], readers: &[ReaderConfig]) -> Result<(), BrokerError> {
    let error = |broker: &str, key, problem| {
        Err(BrokerError {
            broker: broker.to_owned(),
            key,
            problem,
        })
    };
    for (place, broker) in brokers.iter().enumerate() {
        if brokers[..place].iter().any(|other| other.id == broker.id) {
            return error(
                &broker.id,
                "id",
                "it is there twice; give each broker its own".to_owned(),
            );
        }
    }
    let mut seen: Vec<(&str, &MqttReader, &str)> = Vec::new();
    for reader in readers {
        let Link::Mqtt(mqtt) = &reader.link else { continue };
        let id = &reader.id;
        let Some(broker) = mqtt.broker(brokers) else {
            let problem = if brokers.is_empty() {
                format!("reader `{id}` publishes to a broker, and there is none; write an [[mqtt_broker]]")
            } else {
                format!("reader `{id}` does not say to which broker it publishes; write broker = \"…\" in its table")
            };
            return error("", "id", problem);
        };
        if !brokers.iter().any(|known| known.id == broker) {
            let problem =
                format!("reader `{id}` publishes to it, and there is no [[mqtt_broker]] with this id; write one");
            return error(broker, "id", problem);
        }
        let other = seen
            .iter()
            .find(|(other_broker, other, _)| *other_broker == broker && topic::overlap(&other.topic, &mqtt.topic));
        if let Some((_, other, other_id)) = other {
            let problem = format!(
                "a message could be of reader `{other_id}` ({}) and of reader `{id}` ({}); give them topics that do not overlap",
                other.topic, mqtt.topic
            );
            return error(broker, "link", problem);
        }
        seen.push((broker, mqtt, id));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(table: &str) -> Result<MqttBroker, String> {
        let table: MqttBrokerTable = toml::from_str(table).map_err(|error| error.message().to_owned())?;
        table.check().map_err(|error| error.to_string())
    }

    #[test]
    fn a_broker_needs_two_lines_and_its_password_does_not_show() {
        let broker = check("id = 'house'\naddress = 'broker.example'").expect("a good table");
        assert_eq!(
            (broker.host.as_str(), broker.port, broker.keep_alive_seconds),
            ("broker.example", 1_883, 30)
        );
        let table = "id = 'house'\naddress = '[::1]'\ntls = true\nuser = 'rollcall'\npassword = 'sesame'";
        let broker = check(table).expect("a good table");
        assert_eq!((broker.host.as_str(), broker.port), ("::1", 8_883));
        assert_eq!(broker.security, Security::SystemRoots);
        assert!(
            !format!("{broker:?}").contains("sesame"),
            "a password must not show in a debug print"
        );
        let parsed: MqttBrokerTable = toml::from_str(table).expect("a table");
        assert!(
            !format!("{parsed:?}").contains("sesame"),
            "a password must not show in a debug print"
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_remedy() {
        for (rest, expected) in [
            ("address = ''", "mqtt_broker `b`: `address`: write HOST or HOST:PORT"),
            ("address = 'a:b:1'", "write HOST or HOST:PORT"),
            ("address = 'mqtt://a'", "write HOST or HOST:PORT"),
            (
                "address = 'a'\nca_file = '/nowhere'",
                "cannot read certificates from /nowhere",
            ),
            (
                "address = 'a'\ntls = false\nca_file = '/nowhere'",
                "a ca_file is for TLS",
            ),
            ("address = 'a'\nuser = 'u'", "it has no password: write password_file"),
            ("address = 'a'\npassword = 'p'", "it has no user: write user"),
            (
                "address = 'a'\nuser = 'u'\npassword_file = '/nowhere'",
                "cannot read /nowhere",
            ),
            (
                "address = 'a'\nuser = 'u'\npassword = 'p'\npassword_file = 'f'",
                "are both set",
            ),
            ("address = 'a'\nclient_id = 'a b'", "write 1 to 64 letters and digits"),
            ("address = 'a'\nkeep_alive_seconds = 1", "write 5 to 600"),
            ("address = 'a'\nport = 1", "unknown field `port`"),
        ] {
            let error = check(&format!("id = 'b'\n{rest}")).expect_err(rest);
            assert!(error.contains(expected), "{rest}: {error}");
        }
        assert!(check("id = ''\naddress = 'a'").is_err_and(|error| error.contains("write a name")));
    }

    fn reader(id: &str, topic: &str, broker: Option<&str>) -> ReaderConfig {
        let broker = broker.map(|broker| format!("broker = '{broker}'")).unwrap_or_default();
        let table = format!("id = '{id}'\nlink = 'mqtt:{topic}'\nformat = 'tasmota'\n{broker}");
        let table: crate::ReaderTable = toml::from_str(&table).expect("a table");
        table.check().expect("a good table")
    }

    fn broker(id: &str) -> MqttBroker {
        check(&format!("id = '{id}'\naddress = 'a'")).expect("a good table")
    }

    #[test]
    fn a_message_is_of_one_reader() {
        let (house, annexe) = (broker("house"), broker("annexe"));
        let gates = [
            reader("east", "tele/east/SENSOR", None),
            reader("west", "tele/west/SENSOR", None),
        ];
        assert_eq!(check_brokers(std::slice::from_ref(&house), &gates), Ok(()));
        let error = |brokers: &[MqttBroker], readers: &[ReaderConfig]| {
            check_brokers(brokers, readers)
                .expect_err("something is wrong")
                .to_string()
        };
        assert!(error(&[], &gates).contains("write an [[mqtt_broker]]"));
        assert!(error(&[house.clone(), annexe.clone()], &gates).contains("does not say to which broker"));
        assert!(error(&[house.clone(), house.clone()], &[]).contains("it is there twice"));
        let wide = [gates[0].clone(), reader("all", "tele/+/SENSOR", None)];
        let text = error(std::slice::from_ref(&house), &wide);
        assert!(
            text.contains("of reader `east` (tele/east/SENSOR) and of reader `all` (tele/+/SENSOR)"),
            "{text}"
        );
        let apart = [
            reader("east", "tele/east/SENSOR", Some("house")),
            reader("all", "tele/+/SENSOR", Some("annexe")),
        ];
        let brokers = [house.clone(), annexe];
        assert_eq!(check_brokers(&brokers, &apart), Ok(()));
        assert!(
            error(std::slice::from_ref(&house), &apart)
                .contains("mqtt_broker `annexe`: `id`: reader `all` publishes to it")
        );
        let ids = |broker| {
            readers_of(broker, &brokers, &apart)
                .iter()
                .map(|reader| reader.id.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (ids(&brokers[0]), ids(&brokers[1])),
            (vec!["east".to_owned()], vec!["all".to_owned()])
        );
    }
}
