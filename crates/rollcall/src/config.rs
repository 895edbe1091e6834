//! `rollcall.toml`. Flags beat environment beat the file; secrets may come from files.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use bridge::{Link, MqttBroker, MqttBrokerTable, OsdpBus, OsdpBusTable, ReaderConfig, ReaderTable};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::calendars::source::{self, MeetingCalendar};

/// Where the daemon listens when nobody says.
const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

/// What the daemon runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where HTTP is served.
    pub listen: SocketAddr,
    /// What people type into a browser; decides cookie names, Origin checks and links. `None`: `http://` and the address listened on.
    pub public_url: Option<String>,
    /// `sqlite:PATH` or `postgres://…`; `None`: SQLite in the data directory.
    pub database: Option<String>,
    /// Readers.
    pub readers: Vec<ReaderConfig>,
    /// Buses of OSDP readers.
    pub osdp_buses: Vec<OsdpBus>,
    /// Bridges, with the readers that they hear.
    pub bridges: Vec<BridgeConfig>,
    /// Brokers to which readers publish.
    pub mqtt_brokers: Vec<MqttBroker>,
    /// Who may post swipes.
    pub sources: Vec<SourceConfig>,
    /// Calendars whose meetings are followed.
    pub meeting_calendars: Vec<MeetingCalendar>,
}

/// A `rollcall-bridge` and its readers. Those readers are also among [`Config::readers`], with a [`Link::Bridge`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeConfig {
    /// What it was enrolled as.
    pub name: String,
    /// Those whose swipes and states are taken from it.
    pub readers: Vec<ReaderConfig>,
    /// What it is told to use; `None` where only its own file says that.
    pub pushed: Option<PushedTables>,
}

impl BridgeConfig {
    /// Whether a reader is one of this bridge.
    pub fn has(&self, reader: &str) -> bool {
        self.readers.iter().any(|own| own.id == reader)
    }
}

/// `[[reader]]` and `[[osdp_bus]]` tables for a bridge.
#[derive(Clone, PartialEq, Eq)]
pub struct PushedTables {
    /// Names them by what they say.
    pub edition: String,
    /// The tables; they may hold keys.
    pub toml: String,
}

impl fmt::Debug for PushedTables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PushedTables({})", self.edition)
    }
}

/// Somebody who may send swipes to `POST /api/v1/swipes`.
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// Its name, in the log.
    pub id: String,
    /// What it sends as `Authorization: Bearer`.
    pub token: Option<Secret>,
    /// What it signs its bodies with.
    pub hmac_secret: Option<Secret>,
    /// The only readers that it may speak for; `None` is any.
    pub readers: Option<Vec<String>>,
}

/// Something that must not reach a log.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text from being shown.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself.
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// What the command line and the environment say over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--listen`, `ROLLCALL_LISTEN`.
    pub listen: Option<SocketAddr>,
    /// `ROLLCALL_PUBLIC_URL`.
    pub public_url: Option<String>,
    /// `ROLLCALL_DATABASE`.
    pub database: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    listen: Option<SocketAddr>,
    public_url: Option<String>,
    database: Option<String>,
    database_file: Option<PathBuf>,
    #[serde(default)]
    reader: Vec<ReaderTable>,
    #[serde(default)]
    osdp_bus: Vec<OsdpBusTable>,
    #[serde(default)]
    bridge: Vec<BridgeFile>,
    #[serde(default)]
    mqtt_broker: Vec<MqttBrokerTable>,
    #[serde(default)]
    source: Vec<SourceFile>,
    #[serde(default)]
    meeting_calendar: Vec<source::Written>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BridgeFile {
    name: String,
    #[serde(default)]
    reader: Vec<toml::Table>,
    #[serde(default)]
    osdp_bus: Vec<toml::Table>,
    #[serde(default)]
    mqtt_broker: Vec<toml::Table>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceFile {
    id: String,
    token: Option<String>,
    token_file: Option<PathBuf>,
    hmac_secret: Option<String>,
    hmac_secret_file: Option<PathBuf>,
    readers: Option<Vec<String>>,
}

impl Config {
    /// Reads `file` (nothing where there is none) and lays the overrides over it.
    pub fn load(file: Option<&Path>, overrides: Overrides) -> anyhow::Result<Self> {
        let text = match file {
            Some(path) => std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
            None => String::new(),
        };
        let name = file.map_or_else(|| "configuration".to_owned(), |path| path.display().to_string());
        Self::parse(&text, overrides).with_context(|| format!("{name} is not usable"))
    }

    fn parse(text: &str, overrides: Overrides) -> anyhow::Result<Self> {
        // The TOML reader's message already shows the line, the key and what it would have accepted.
        let file: ConfigFile = toml::from_str(text)?;
        let default_listen = DEFAULT_LISTEN.parse().context("the built-in address")?;
        let database = one_of("database", file.database, file.database_file.as_deref())?;
        let sources = file
            .source
            .into_iter()
            .map(swipe_source)
            .collect::<anyhow::Result<Vec<_>>>()?;
        let mut readers = file
            .reader
            .iter()
            .map(ReaderTable::check)
            .collect::<Result<Vec<_>, _>>()?;
        let bridges = bridges(&file.bridge, &mut readers)?;
        let config = Self {
            listen: overrides.listen.or(file.listen).unwrap_or(default_listen),
            public_url: overrides
                .public_url
                .or(file.public_url)
                .map(|url| url.trim_end_matches('/').to_owned()),
            database: overrides.database.or(database),
            readers,
            bridges,
            osdp_buses: file
                .osdp_bus
                .iter()
                .map(OsdpBusTable::check)
                .collect::<Result<Vec<_>, _>>()?,
            mqtt_brokers: file
                .mqtt_broker
                .iter()
                .map(MqttBrokerTable::check)
                .collect::<Result<Vec<_>, _>>()?,
            sources,
            meeting_calendars: file
                .meeting_calendar
                .into_iter()
                .map(source::Written::check)
                .collect::<anyhow::Result<Vec<_>>>()?,
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        if let Some(url) = &self.public_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            bail!("public_url = \"{url}\" must start with https:// (or http://, with a warning at start)");
        }
        bridge::osdp::check_buses(&self.osdp_buses, &self.readers)?;
        bridge::mqtt::check_brokers(&self.mqtt_brokers, &self.readers)?;
        refuse_repeats("[[reader]] id", self.readers.iter().map(|reader| reader.id.as_str()))?;
        refuse_repeats(
            "[[reader]] link",
            self.readers.iter().filter_map(|reader| match &reader.link {
                Link::Adms(serial) => Some(serial.as_str()),
                _ => None,
            }),
        )?;
        refuse_repeats(
            "[[bridge]] name",
            self.bridges.iter().map(|bridge| bridge.name.as_str()),
        )?;
        refuse_repeats("[[source]] id", self.sources.iter().map(|source| source.id.as_str()))?;
        let calendars = self.meeting_calendars.iter();
        refuse_repeats(
            "[[meeting_calendar]] id",
            calendars.map(|calendar| calendar.id.as_str()),
        )
    }
}

/// The bridges that are named by a `[[bridge]]` or by the link of a reader; what is pushed is added to the readers.
fn bridges(files: &[BridgeFile], readers: &mut Vec<ReaderConfig>) -> anyhow::Result<Vec<BridgeConfig>> {
    let mut bridges = Vec::with_capacity(files.len());
    for file in files {
        let context = || format!("[[bridge]] name = \"{}\"", file.name);
        let pushed = pushed_tables(file, readers).with_context(context)?;
        bridges.push(BridgeConfig {
            name: file.name.clone(),
            readers: Vec::new(),
            pushed,
        });
    }
    for reader in readers {
        let Link::Bridge(name) = &reader.link else { continue };
        let place = bridges.iter().position(|bridge| bridge.name == *name);
        let place = place.unwrap_or_else(|| {
            bridges.push(BridgeConfig {
                name: name.clone(),
                readers: Vec::new(),
                pushed: None,
            });
            bridges.len() - 1
        });
        bridges[place].readers.push(reader.clone());
    }
    Ok(bridges)
}

fn pushed_tables(file: &BridgeFile, readers: &mut Vec<ReaderConfig>) -> anyhow::Result<Option<PushedTables>> {
    if file.name.is_empty() || file.name.chars().any(char::is_control) {
        bail!("write the name with which it was enrolled");
    }
    if file.reader.is_empty() && file.osdp_bus.is_empty() && file.mqtt_broker.is_empty() {
        return Ok(None);
    }
    for table in &file.osdp_bus {
        let bus: OsdpBusTable = table.clone().try_into()?;
        bus.check()?;
    }
    let is_here = |table: &toml::Table| !table.keys().any(|key| key.ends_with("_file"));
    for table in &file.mqtt_broker {
        let broker: MqttBrokerTable = table.clone().try_into()?;
        if is_here(table) {
            broker.check()?;
        }
    }
    for table in &file.reader {
        let reader: ReaderTable = table.clone().try_into()?;
        // Files are the bridge's, which looks at them itself and says what is wrong.
        if is_here(table) {
            reader.check()?;
        }
        let mut here = toml::Table::new();
        here.insert("id".to_owned(), reader.id.clone().into());
        here.insert("link".to_owned(), format!("bridge:{}", file.name).into());
        let is_polled = reader.link.starts_with("osdp:");
        if let Some(seconds) = reader.silent_after_seconds.filter(|_| !is_polled) {
            here.insert("silent_after_seconds".to_owned(), i64::from(seconds).into());
        }
        let here: ReaderTable = here.try_into()?;
        readers.push(here.check()?);
    }
    let mut tables = toml::Table::new();
    let array = |tables: &[toml::Table]| tables.iter().cloned().map(toml::Value::Table).collect::<Vec<_>>();
    tables.insert("reader".to_owned(), array(&file.reader).into());
    tables.insert("osdp_bus".to_owned(), array(&file.osdp_bus).into());
    tables.insert("mqtt_broker".to_owned(), array(&file.mqtt_broker).into());
    let toml = toml::to_string(&tables)?;
    let edition = hex::encode(&Sha256::digest(toml.as_bytes())[..8]);
    Ok(Some(PushedTables { edition, toml }))
}

fn swipe_source(file: SourceFile) -> anyhow::Result<SourceConfig> {
    let context = || format!("[[source]] id = \"{}\"", file.id);
    let token = one_of("token", file.token.clone(), file.token_file.as_deref())
        .with_context(context)?
        .map(Secret);
    let hmac_secret = one_of(
        "hmac_secret",
        file.hmac_secret.clone(),
        file.hmac_secret_file.as_deref(),
    )
    .with_context(context)?
    .map(Secret);
    if token.is_none() && hmac_secret.is_none() {
        bail!(
            "{} has no credential: write token, token_file, hmac_secret or hmac_secret_file",
            context()
        );
    }
    if [&token, &hmac_secret]
        .into_iter()
        .flatten()
        .any(|secret| secret.expose().len() < 16)
    {
        bail!(
            "{} has a secret shorter than 16 characters: write a longer one, for example from `openssl rand -hex 32`",
            context()
        );
    }
    Ok(SourceConfig {
        id: file.id,
        token,
        hmac_secret,
        readers: file.readers,
    })
}

/// A value written down, or read from a file, but not both.
pub fn one_of(key: &str, value: Option<String>, file: Option<&Path>) -> anyhow::Result<Option<String>> {
    match (value, file) {
        (Some(_), Some(_)) => bail!("{key} and {key}_file are both set: keep one of them"),
        (Some(value), None) => Ok(Some(value)),
        (None, Some(path)) => {
            let text =
                std::fs::read_to_string(path).with_context(|| format!("{key}_file: cannot read {}", path.display()))?;
            Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
        }
        (None, None) => Ok(None),
    }
}

fn refuse_repeats<'a>(key: &str, names: impl Iterator<Item = &'a str>) -> anyhow::Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            bail!("{key} = \"{name}\" is there twice: give each its own id");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text, Overrides::default()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn nothing_is_a_usable_configuration() {
        let config = parse("").expect("defaults");
        assert_eq!(config.listen.to_string(), DEFAULT_LISTEN);
        assert!(config.database.is_none() && config.readers.is_empty());
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = parse("listen = \"127.0.0.1:1\"\nlisten_on = 3\n").expect_err("unknown key");
        assert!(error.contains("listen_on") && error.contains("line 2"), "{error}");
    }

    #[test]
    fn a_source_needs_a_long_secret() {
        assert!(
            parse("[[source]]\nid = \"gate\"\n")
                .expect_err("no credential")
                .contains("token_file")
        );
        assert!(
            parse("[[source]]\nid = \"gate\"\ntoken = \"short\"\n")
                .expect_err("too short")
                .contains("16 characters")
        );
        let config = parse("[[source]]\nid = \"gate\"\ntoken = \"0123456789abcdef\"\n").expect("fine");
        assert!(
            !format!("{config:?}").contains("0123456789abcdef"),
            "a secret must not show in a debug print"
        );
    }

    #[test]
    fn a_bridge_has_the_readers_that_name_it_and_those_that_it_is_told() {
        let config = parse(
            "[[reader]]\nid = \"gate\"\nlink = \"bridge:east\"\n[[bridge]]\nname = \"west\"\n[[bridge.reader]]\n\
             id = \"hall\"\nlink = \"tcp-listen:0.0.0.0:7001\"\nformat = \"line\"\nsilent_after_seconds = 60\n",
        )
        .expect("fine");
        let links: Vec<_> = config
            .readers
            .iter()
            .map(|reader| (reader.id.as_str(), reader.link.clone()))
            .collect();
        let bridge = |name: &str| Link::Bridge(name.to_owned());
        assert_eq!(links, [("gate", bridge("east")), ("hall", bridge("west"))]);
        let [west, east] = config.bridges.as_slice() else {
            panic!("{:?}", config.bridges)
        };
        assert_eq!(
            (east.name.as_str(), &east.pushed, east.readers.len()),
            ("east", &None, 1)
        );
        assert_eq!(west.readers[0].silent_after_seconds, 60);
        let pushed = west.pushed.as_ref().expect("tables");
        assert!(pushed.toml.contains("tcp-listen:0.0.0.0:7001"), "{}", pushed.toml);
        let wrong = parse("[[bridge]]\nname = \"west\"\n[[bridge.reader]]\nid = \"hall\"\nlink = \"usb\"\n");
        let wrong = wrong.expect_err("no link");
        assert!(
            wrong.contains("[[bridge]] name = \"west\"") && wrong.contains("`usb` is no link"),
            "{wrong}"
        );
    }

    #[test]
    fn flags_beat_the_file() {
        let overrides = Overrides {
            database: Some("sqlite:other.db".to_owned()),
            ..Overrides::default()
        };
        let config = Config::parse("database = \"sqlite:one.db\"", overrides).expect("fine");
        assert_eq!(config.database.as_deref(), Some("sqlite:other.db"));
    }
}
