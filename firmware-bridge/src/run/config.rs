//! `bridge.toml`.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::config::{ReaderConfig, ReaderTable};
use crate::mqtt::{MqttBroker, MqttBrokerTable, check_brokers};
use crate::osdp::{OsdpBus, OsdpBusTable, check_buses};
use crate::queue::{SMALLEST_BOUND, replace_durably};
use crate::uplink::{BridgeKey, Trust};

/// The bound of the queue where nothing is said: some 200,000 badges, megabytes.
const QUEUE_MEGABYTES: u64 = 64;

/// Where the state is when nobody says.
const STATE_DIRECTORY: &str = "rollcall-bridge-data";

/// What a bridge runs with.
#[derive(Clone, Debug)]
pub struct BridgeConfig {
    /// What it is called here, for the log; the daemon knows it by its key.
    pub name: Option<String>,
    /// The daemon's addresses, in the order in which they are tried.
    pub daemons: Vec<String>,
    /// Where queue, key and memory are.
    pub state_directory: PathBuf,
    /// The most bytes of the queue.
    pub queue_bytes: u64,
    /// What terminals' clocks should show; `None`: what the daemon says.
    pub time_zone: Option<Tz>,
    /// What is shown to the daemon.
    pub key: Result<BridgeKey, String>,
    /// Whom to believe.
    pub trust: Trust,
    /// Readers that this file names.
    pub tables: Tables,
}

/// `[[reader]]`, `[[osdp_bus]]` and `[[mqtt_broker]]` tables, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// Readers.
    pub readers: Vec<ReaderConfig>,
    /// Buses of OSDP readers.
    pub buses: Vec<OsdpBus>,
    /// Brokers to which readers publish.
    pub brokers: Vec<MqttBroker>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BridgeFile {
    name: Option<String>,
    #[serde(default)]
    daemons: Vec<String>,
    state_directory: Option<PathBuf>,
    queue_megabytes: Option<u64>,
    time_zone: Option<String>,
    key: Option<String>,
    key_file: Option<PathBuf>,
    root_certificates_file: Option<PathBuf>,
    certificate_sha256: Option<String>,
    #[serde(default)]
    reader: Vec<ReaderTable>,
    #[serde(default)]
    osdp_bus: Vec<OsdpBusTable>,
    #[serde(default)]
    mqtt_broker: Vec<MqttBrokerTable>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TablesFile {
    #[serde(default)]
    reader: Vec<ReaderTable>,
    #[serde(default)]
    osdp_bus: Vec<OsdpBusTable>,
    #[serde(default)]
    mqtt_broker: Vec<MqttBrokerTable>,
}

impl BridgeConfig {
    /// Reads a file.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is not usable", path.display()))
    }

    fn parse(text: &str) -> anyhow::Result<Self> {
        // The TOML reader's message already shows the line, the key and what it would have accepted.
        let file: BridgeFile = toml::from_str(text)?;
        if file.daemons.is_empty() {
            bail!("daemons: write where the daemon is: daemons = [\"wss://rollcall.example/bridge/ws\"]");
        }
        for url in &file.daemons {
            check_url(url)?;
        }
        let queue_megabytes = file.queue_megabytes.unwrap_or(QUEUE_MEGABYTES);
        let queue_bytes = queue_megabytes.saturating_mul(1024 * 1024);
        if queue_bytes < SMALLEST_BOUND {
            bail!("queue_megabytes: 0 holds nothing; write 1 or more, {QUEUE_MEGABYTES} holds some 200,000 badges");
        }
        let state_directory = state_directory(file.state_directory);
        let key_file = file.key_file.clone().unwrap_or_else(|| state_directory.join("key"));
        let key = match (&file.key, file.key_file.is_some()) {
            (Some(_), true) => bail!("key and key_file are both set: keep one of them"),
            (Some(key), false) => BridgeKey::parse(key).map_err(|problem| format!("key: {problem}")),
            (None, _) => BridgeKey::read(&key_file),
        };
        Ok(Self {
            name: file.name,
            daemons: file.daemons,
            queue_bytes,
            time_zone: file.time_zone.as_deref().map(time_zone).transpose()?,
            key,
            trust: trust(file.root_certificates_file, file.certificate_sha256.as_deref())?,
            tables: Tables::check(&file.reader, &file.osdp_bus, &file.mqtt_broker)?,
            state_directory,
        })
    }
}

/// Where the state is: as said, else where systemd says, else beside us.
pub fn state_directory(said: Option<PathBuf>) -> PathBuf {
    let said = said.or_else(|| std::env::var_os("STATE_DIRECTORY").map(PathBuf::from));
    said.unwrap_or_else(|| PathBuf::from(STATE_DIRECTORY))
}

/// Whom to believe, from what may be written of it.
pub fn trust(roots: Option<PathBuf>, fingerprint: Option<&str>) -> anyhow::Result<Trust> {
    match (roots, fingerprint) {
        (Some(_), Some(_)) => bail!("root_certificates_file and certificate_sha256 are both set: keep one of them"),
        (Some(path), None) => Ok(Trust::Roots(path)),
        (None, Some(text)) => {
            Trust::fingerprint(text).map_err(|problem| anyhow::anyhow!("certificate_sha256: {problem}"))
        }
        (None, None) => Ok(Trust::System),
    }
}

fn time_zone(name: &str) -> anyhow::Result<Tz> {
    name.parse()
        .map_err(|_| anyhow::anyhow!("time_zone: \"{name}\" is unknown; write a name such as Asia/Shanghai"))
}

/// Refuses what is no address of a daemon.
pub fn check_url(url: &str) -> anyhow::Result<()> {
    let rest = url.strip_prefix("wss://").or_else(|| url.strip_prefix("ws://"));
    if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/')) {
        bail!("daemons: \"{url}\" is no address of a daemon; write wss://HOST/bridge/ws (ws:// is not encrypted)");
    }
    Ok(())
}

impl Tables {
    /// Checks tables, each alone and all together.
    fn check(readers: &[ReaderTable], buses: &[OsdpBusTable], brokers: &[MqttBrokerTable]) -> anyhow::Result<Self> {
        let tables = Self {
            readers: readers.iter().map(ReaderTable::check).collect::<Result<_, _>>()?,
            buses: buses.iter().map(OsdpBusTable::check).collect::<Result<_, _>>()?,
            brokers: brokers.iter().map(MqttBrokerTable::check).collect::<Result<_, _>>()?,
        };
        tables.check_together()?;
        Ok(tables)
    }

    fn check_together(&self) -> anyhow::Result<()> {
        check_buses(&self.buses, &self.readers)?;
        check_brokers(&self.brokers, &self.readers)?;
        let mut ids = std::collections::BTreeSet::new();
        for reader in &self.readers {
            if !ids.insert(reader.id.as_str()) {
                bail!("[[reader]] id = \"{}\" is there twice: give each its own id", reader.id);
            }
            if !reader.link.is_opened_here() {
                bail!(
                    "reader `{}`: `link`: this one calls the daemon itself; write its table in the daemon's configuration",
                    reader.id
                );
            }
        }
        Ok(())
    }

    /// Reads tables that the daemon pushed.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let file: TablesFile = toml::from_str(text)?;
        Self::check(&file.reader, &file.osdp_bus, &file.mqtt_broker)
    }

    /// These and others; ids and lines must not meet.
    pub fn with(&self, others: &Self) -> anyhow::Result<Self> {
        let both = Self {
            readers: self.readers.iter().chain(&others.readers).cloned().collect(),
            buses: self.buses.iter().chain(&others.buses).cloned().collect(),
            brokers: self.brokers.iter().chain(&others.brokers).cloned().collect(),
        };
        both.check_together()?;
        Ok(both)
    }
}

/// Tables that the daemon pushed, as they are remembered.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Pushed {
    /// Names them.
    pub edition: String,
    /// The tables.
    pub toml: String,
}

const PUSHED: &str = "pushed.json";

impl Pushed {
    /// The last that were good; `None` where there are none, or the file cannot be read, which the daemon then mends.
    pub fn read(directory: &Path) -> Option<Self> {
        let text = std::fs::read_to_string(directory.join(PUSHED)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Remembers them. They may hold keys, so the directory must be its owner's alone.
    pub fn write(&self, directory: &Path) -> std::io::Result<()> {
        replace_durably(&directory.join(PUSHED), &serde_json::to_string(self)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "daemons = ['wss://rollcall.example/bridge/ws']\n";

    fn parse(text: &str) -> Result<BridgeConfig, String> {
        BridgeConfig::parse(text).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn one_line_is_enough() {
        let config = parse(LEAST).expect("usable");
        assert_eq!(config.queue_bytes, 64 * 1024 * 1024);
        assert_eq!((config.trust, config.tables), (Trust::System, Tables::default()));
        assert!(config.key.expect_err("no key yet").contains("rollcall-bridge enrol"));
    }

    #[test]
    fn readers_are_written_as_for_the_daemon() {
        let key = "ab".repeat(32);
        let text = format!(
            "{LEAST}key = '{key}'\ntime_zone = 'Asia/Shanghai'\nqueue_megabytes = 1\n\
             [[osdp_bus]]\nid = 'b'\nlink = 'serial:/dev/ttyUSB1'\n[[reader]]\nid = 'hall'\nlink = 'osdp:b/1'\n\
             [[reader]]\nid = 'gate'\nlink = 'tcp-listen:127.0.0.1:7001'\nformat = 'line'\n"
        );
        let config = parse(&text).expect("usable");
        assert_eq!((config.tables.readers.len(), config.tables.buses.len()), (2, 1));
        assert!(config.key.is_ok());
        assert!(
            !format!("{config:?}").contains("abab"),
            "a key must not show in a debug print"
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_remedy() {
        let cases = [
            ("", "write where the daemon is"),
            (
                "daemons = ['https://a/bridge/ws']",
                "is no address of a daemon; write wss://",
            ),
            (&format!("{LEAST}queue_megabytes = 0"), "write 1 or more"),
            (
                &format!("{LEAST}time_zone = 'Peking'"),
                "write a name such as Asia/Shanghai",
            ),
            (&format!("{LEAST}certificate_sha256 = '00'"), "openssl x509"),
            (&format!("{LEAST}port = 1"), "unknown field `port`"),
            (
                &format!("{LEAST}certificate_sha256 = '00'\nroot_certificates_file = 'x'"),
                "are both set",
            ),
            (
                &format!("{LEAST}[[reader]]\nid = 't'\nlink = 'adms:A1'"),
                "reader `t`: `link`: this one calls the daemon itself",
            ),
            (
                &format!(
                    "{LEAST}[[reader]]\nid = 'x'\nlink = 'tcp:a:1'\nformat = 'line'\n[[reader]]\nid = 'x'\nlink = 'tcp:a:2'\nformat = 'line'"
                ),
                "is there twice",
            ),
        ];
        for (text, expected) in cases {
            let error = parse(text).expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn pushed_tables_stand_beside_those_of_the_file() {
        let own = Tables::parse("[[reader]]\nid = 'a'\nlink = 'tcp:a:1'\nformat = 'line'").expect("usable");
        let pushed = Tables::parse("[[reader]]\nid = 'b'\nlink = 'tcp:a:2'\nformat = 'line'").expect("usable");
        assert_eq!(own.with(&pushed).expect("both").readers.len(), 2);
        assert!(own.with(&own).is_err(), "the same id twice");
        let directory = tempfile::tempdir().expect("a folder");
        assert_eq!(Pushed::read(directory.path()), None);
        let kept = Pushed {
            edition: "1".to_owned(),
            toml: "# nothing".to_owned(),
        };
        kept.write(directory.path()).expect("room");
        assert_eq!(Pushed::read(directory.path()), Some(kept));
    }
}
