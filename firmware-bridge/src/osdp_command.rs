//! `rollcall-bridge osdp`: what is done once with a new reader.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use bridge::osdp::{ALL_ADDRESSES, Line, OsdpBusTable, OsdpLine, discover, place, provision, shown};
use clap::Subcommand;
use serde::Deserialize;
use serde_json::json;

/// What there is to do.
#[derive(Subcommand)]
pub enum OsdpCommand {
    /// List the readers that answer on a line: asks each of the 127 addresses, which takes about a minute.
    Discover {
        /// serial:PATH or tcp:HOST:PORT.
        #[arg(long)]
        link: String,
        /// Bits per second.
        #[arg(long, default_value_t = 9_600)]
        baud: u32,
        /// One JSON object for each reader.
        #[arg(long)]
        json: bool,
    },
    /// Give a reader a new random key and write it to its `secure_channel_key_file`. Asks before it begins, and ends by itself.
    Provision {
        /// The reader's id in the configuration.
        reader: String,
        /// The configuration with its `[[reader]]` and `[[osdp_bus]]`.
        #[arg(long, default_value = "rollcall.toml")]
        config: PathBuf,
        /// How many seconds it may take, 5 to 600.
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(5..=600))]
        within: u64,
    },
}

/// Does it.
pub fn run(command: OsdpCommand) -> anyhow::Result<()> {
    match command {
        OsdpCommand::Discover { link, baud, json } => list(&link, baud, json),
        OsdpCommand::Provision { reader, config, within } => give_key(&reader, &config, Duration::from_secs(within)),
    }
}

fn list(link: &str, baud: u32, as_json: bool) -> anyhow::Result<()> {
    let bus = OsdpBusTable {
        id: "line".to_owned(),
        link: link.to_owned(),
        baud: Some(baud),
    };
    let bus = bus.check()?;
    let mut opened = open(&bus.line, bus.baud)?;
    let mut count = 0;
    discover(&mut opened, bus.baud, ALL_ADDRESSES, |found| {
        count += 1;
        let secure = match found.secure_channel {
            Some(true) => "secure channel possible",
            Some(false) => "no secure channel",
            None => "does not say what it can do",
        };
        if as_json {
            let identity = found.identity;
            println!(
                "{}",
                json!({
                    "address": found.address,
                    "vendor": hex::encode(identity.vendor),
                    "model": identity.model,
                    "version": identity.version,
                    "serial": format!("{:08X}", identity.serial),
                    "firmware": identity.firmware,
                    "secure_channel": found.secure_channel,
                })
            );
        } else {
            println!("address {}: {}, {secure}", found.address, shown(&found.identity));
        }
    })
    .context("the line is lost")?;
    if count == 0 {
        bail!(
            "nobody answers on {} at {baud} bits a second; check power, the two wires (A and B may be exchanged) and --baud",
            bus.line
        );
    }
    Ok(())
}

/// What is needed of the configuration; whatever else is in it does not matter here.
#[derive(Deserialize)]
struct BusFile {
    #[serde(default)]
    reader: Vec<ReaderEntry>,
    #[serde(default)]
    osdp_bus: Vec<OsdpBusTable>,
}

#[derive(Deserialize)]
struct ReaderEntry {
    id: String,
    link: String,
    secure_channel_key_file: Option<PathBuf>,
}

fn give_key(reader: &str, config: &Path, within: Duration) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(config).with_context(|| format!("cannot read {}", config.display()))?;
    let file: BusFile = toml::from_str(&text).with_context(|| format!("{} is not usable", config.display()))?;
    let entry = file.reader.iter().find(|entry| entry.id == reader);
    let entry = entry.with_context(|| format!("{} has no [[reader]] with id = \"{reader}\"", config.display()))?;
    let rest = entry.link.strip_prefix("osdp:").with_context(|| {
        format!(
            "reader `{reader}` has the link `{}`; only `osdp:` readers have keys",
            entry.link
        )
    })?;
    let (bus, address) = place(rest).map_err(|problem| anyhow!("reader `{reader}`: {problem}"))?;
    let key_file = entry.secure_channel_key_file.as_deref().with_context(|| {
        format!("reader `{reader}` has no secure_channel_key_file: write the path where its key is to be, then run this again")
    })?;
    let bus = file.osdp_bus.iter().find(|table| table.id == bus);
    let bus = bus
        .with_context(|| format!("there is no [[osdp_bus]] for the link `{}`", entry.link))?
        .check()?;
    confirm(reader, key_file)?;
    let mut line = open(&bus.line, bus.baud)?;
    let identity = provision(&mut line, bus.baud, address, key_file, within)?;
    let who = identity.map_or_else(String::new, |identity| format!(" ({})", shown(&identity)));
    println!(
        "{reader}{who} has proved its new key, which is in {}.",
        key_file.display()
    );
    println!(
        "Now end its install mode if it has a switch for it, keep a copy of the file in a safe place, and start the daemon."
    );
    Ok(())
}

/// Somebody who stands beside the reader says so.
fn confirm(reader: &str, key_file: &Path) -> anyhow::Result<()> {
    println!("This gives reader `{reader}` a new random key.");
    if key_file.exists() {
        println!("It is protected by the present one, in {}.", key_file.display());
    } else {
        println!(
            "It has none yet, so whoever records the cable in the next minute can read the new key: watch the cable."
        );
    }
    print!("Write the reader's id to go on: ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    if answer.trim() != reader {
        bail!("that was not `{reader}`; nothing was sent");
    }
    Ok(())
}

fn open(line: &OsdpLine, baud: u32) -> anyhow::Result<Line> {
    Line::open(line, baud).map_err(|why| anyhow!("{why}; the daemon must not be using it"))
}
