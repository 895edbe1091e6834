//! `rollcall-bridge`: what runs beside readers.

mod osdp_command;
mod run_command;
mod show;
mod show_events;
mod show_frames;
mod show_packets;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use wire::controller::Dialect;
use wire::{BadgeKeyRule, Decoding, Format, Suffix, UnknownName, WiegandRule};

/// Hears attendance readers.
#[derive(Parser)]
#[command(name = "rollcall-bridge", version, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show what the decoders make of a reader's bytes: one JSON object for each reading or malformed input.
    Decode(DecodeArguments),
    /// Finds OSDP readers and gives them keys. The daemon must not be using the line.
    #[command(subcommand)]
    Osdp(osdp_command::OsdpCommand),
    /// Hears the readers of this machine, keeps what they say, and sends it to the daemon.
    Run(run_command::RunArguments),
    /// Checks a configuration without starting.
    Check(run_command::RunArguments),
    /// Makes a key for this bridge with a code from `rollcall bridge enrol NAME`.
    Enrol(run_command::EnrolArguments),
}

/// What to decode, and how.
#[derive(clap::Args)]
struct DecodeArguments {
    /// What the reader speaks: em4100, rdm6300, id12la, em18, idteck, wiegand-hex, wiegand-decimal, wiegand-bits, track2,
    /// scanner, line, json, tasmota, esp-rfid, esphome (a payload a line, as `mosquitto_sub` prints them), adms (ATTLOG lines),
    /// attlog (attlog.dat), zk-4370 (a TCP capture of port 4370), osdp (what was said on an OSDP bus), isapi and dahua (what
    /// such a controller posts or streams).
    #[arg(long, value_parser = shown)]
    format: Shown,
    /// The input is bytes written in hex (blanks, line ends and colons between them do not matter); for wiegand-bits one card a line.
    #[arg(long)]
    hex: bool,
    /// What makes a badge key of a card: decimal32, decimal24, facility-card, hex, text [default: the format's own].
    #[arg(long, value_parser = badge_key)]
    badge_key: Option<BadgeKeyRule>,
    /// The layout of Wiegand bits: h10301, wiegand34, h10304, h10302, raw [default: by their number].
    #[arg(long, value_parser = wiegand_format)]
    wiegand_format: Option<WiegandRule>,
    /// What a scanner sends after each code: line (any line end), cr, lf, crlf, tab, none [default: line].
    #[arg(long, value_parser = suffix)]
    suffix: Option<Suffix>,
    /// What Tasmota's serial bridge forwards, such as rdm6300.
    #[arg(long, value_parser = serial_format)]
    serial_format: Option<Format>,
    /// A number that is keyed at a keypad of Tasmota's is a badge.
    #[arg(long)]
    keypad: bool,
    /// The capture; standard input if none is named, or `-`.
    file: Option<PathBuf>,
}

/// What can be shown: what a decoder reads, and what is more than readings.
#[derive(Clone, Copy, Debug)]
enum Shown {
    /// Readings.
    Format(Format),
    /// The packets of a terminal that is called, with the readings in them.
    Zk4370,
    /// The frames of an OSDP bus, with the readings in them.
    Osdp,
    /// The events of an access controller, with the readings in them.
    Events(Dialect),
}

/// The name of [`Shown::Zk4370`].
const ZK_4370: &str = "zk-4370";

/// The name of [`Shown::Osdp`].
const OSDP: &str = "osdp";

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Decode(arguments) => decode(arguments),
        Command::Osdp(command) => osdp_command::run(command),
        Command::Run(arguments) => return run_command::run(&arguments),
        Command::Check(arguments) => return run_command::check(&arguments),
        Command::Enrol(arguments) => run_command::enrol(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rollcall-bridge: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn decode(arguments: DecodeArguments) -> anyhow::Result<()> {
    let format = match arguments.format {
        Shown::Format(format) => format,
        Shown::Zk4370 => Format::Adms,
        Shown::Events(_) => Format::Json,
        Shown::Osdp => Format::WiegandBits,
    };
    let decoding = Decoding {
        format,
        badge_key: arguments
            .badge_key
            .unwrap_or(arguments.serial_format.unwrap_or(format).default_badge_key()),
        wiegand_format: arguments.wiegand_format.unwrap_or(WiegandRule::ByLength),
        suffix: arguments.suffix.unwrap_or(Suffix::Line),
        serial_format: arguments.serial_format,
        keypad: arguments.keypad,
    };
    let file = arguments.file.filter(|file| file.as_os_str() != "-");
    match arguments.format {
        Shown::Format(_) => show::decode(decoding, arguments.hex, file.as_deref()),
        Shown::Zk4370 => show_packets::decode(decoding.badge_key, arguments.hex, file.as_deref()),
        Shown::Osdp => show_frames::decode(decoding, arguments.hex, file.as_deref()),
        Shown::Events(dialect) => show_events::decode(dialect, decoding.badge_key, arguments.hex, file.as_deref()),
    }
}

fn shown(name: &str) -> Result<Shown, String> {
    match name {
        ZK_4370 => return Ok(Shown::Zk4370),
        OSDP => return Ok(Shown::Osdp),
        _ => {}
    }
    if let Some(dialect) = Dialect::ALL.into_iter().find(|dialect| dialect.name() == name) {
        return Ok(Shown::Events(dialect));
    }
    let others = [ZK_4370, OSDP].into_iter().chain(Dialect::ALL.map(Dialect::name));
    let names: Vec<&str> = Format::ALL.map(Format::name).into_iter().chain(others).collect();
    name.parse()
        .map(Shown::Format)
        .map_err(|unknown| refusal(unknown, &names))
}

fn serial_format(name: &str) -> Result<Format, String> {
    let on_lines = Format::ALL.into_iter().filter(|format| format.is_for_links());
    let names: Vec<&str> = on_lines.map(Format::name).collect();
    match name.parse::<Format>() {
        Ok(format) if format.is_for_links() => Ok(format),
        Ok(_) => Err(refusal(UnknownName::Unknown, &names)),
        Err(unknown) => Err(refusal(unknown, &names)),
    }
}

fn badge_key(name: &str) -> Result<BadgeKeyRule, String> {
    name.parse()
        .map_err(|unknown| refusal(unknown, &BadgeKeyRule::ALL.map(BadgeKeyRule::name)))
}

fn wiegand_format(name: &str) -> Result<WiegandRule, String> {
    name.parse().map_err(|unknown| refusal(unknown, &WiegandRule::NAMES))
}

fn suffix(name: &str) -> Result<Suffix, String> {
    name.parse()
        .map_err(|unknown| refusal(unknown, &Suffix::ALL.map(Suffix::name)))
}

/// The end of the sentence "invalid value 'x' for '--format': ".
fn refusal(unknown: UnknownName, names: &[&str]) -> String {
    format!("it {unknown}; this version has {}", names.join(", "))
}
