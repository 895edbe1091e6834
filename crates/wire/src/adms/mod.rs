//! ADMS, also called PUSH: ZKTeco terminals that call us over HTTP below `/iclock/` (vendor's "Attendance PUSH protocol", V5.8).
//!
//! Nothing here does I/O: whoever serves HTTP hands over method, path, query and body, and sends what [`answer`] writes.
//!
//! | call | means |
//! |---|---|
//! | `GET cdata?options=all` | the terminal asks how it should behave ([`Ask::Options`]) |
//! | `POST cdata?table=ATTLOG` | records; it keeps them until it is told `OK` |
//! | `POST cdata?table=OPERLOG` | what was done at the terminal, among it changes of its clock |
//! | `POST cdata?table=…` | settings, people, templates, photos: only settings are looked at |
//! | `GET getrequest` | it asks for commands, every few seconds: its sign of life |
//! | `POST devicecmd` | what became of commands |
//!
//! Some firmware calls `cdata.aspx` and `getrequest.aspx`. The serial number in the query is all that says who calls.

pub mod answer;
mod attendance;
mod command;
mod operation;
mod terminal;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub use attendance::{RecordRule, Records, StatusRule, count};
pub use command::{Command, CommandResult, LONGEST_COMMAND_ID, results};
pub use operation::{ClockChange, Operations, operations};
pub use terminal::{Measured, Memory, Terminal, Trust};

/// The largest body that a terminal may send: days off line are some megabytes of records.
pub const LARGEST_BODY: usize = 10 * 1024 * 1024;

/// The longest serial number, in bytes.
pub const LONGEST_SERIAL: usize = 64;

/// The longest value of the query that is looked at.
const LONGEST_VALUE: usize = 512;

/// How many settings of a terminal are kept.
const MOST_SETTINGS: usize = 64;

/// What a terminal wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its serial number, as it says.
    pub serial: String,
    /// What for.
    pub ask: Ask,
}

/// The kinds of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// How it should behave; every terminal begins with this, and says its key where it has one.
    Options {
        /// The key that was set at the terminal.
        comm_key: Option<String>,
        /// The version of its protocol.
        version: Option<String>,
    },
    /// Attendance records are in the body: read them with [`Records`].
    Attendance {
        /// How far its records have come, in its own counting.
        stamp: Option<String>,
    },
    /// What was done at the terminal is in the body: read it with [`operations`].
    Operations,
    /// Its settings are in the body: read them with [`settings`].
    Settings,
    /// A table that attendance needs nothing of: people, templates, photos. The body is to be thrown away.
    Unneeded {
        /// Its name.
        table: String,
    },
    /// A table whose records may be attendance in a dialect that is not spoken here. The body is not to be thrown away in silence.
    Foreign {
        /// Its name.
        table: String,
    },
    /// It asks for commands.
    Commands {
        /// What it says of itself: firmware, how many people and records it holds, its address.
        info: Option<String>,
    },
    /// What became of commands is in the body: read it with [`results`].
    Results,
    /// It asks whether we are there.
    Ping,
}

/// Why a call is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such path, or not with this method.
    #[error("no such call")]
    UnknownCall,
    /// It says no serial number, or one that cannot be one.
    #[error("the call has no serial number (SN)")]
    NoSerial,
    /// It wants to speak an encryption that is not published.
    #[error("encrypted PUSH is not spoken here: switch encryption off at the terminal, or put a TLS proxy in front")]
    Encrypted,
}

/// Tables of which attendance needs nothing. What they hold is mostly personal.
const UNNEEDED: [&str; 19] = [
    "userinfo",
    "user",
    "fingertmp",
    "fp",
    "face",
    "biodata",
    "biophoto",
    "templatev10",
    "userpic",
    "attphoto",
    "idcard",
    "errorlog",
    "workcode",
    "sms",
    "usersms",
    "rtstate",
    "tabledata",
    "fvein",
    "bioinfo",
];

/// Tables of the access control dialect that may hold what people did.
const FOREIGN: [&str; 2] = ["rtlog", "transaction"];

/// Understands the first line of a call; `path` is what follows `/iclock/`.
pub fn understand(method: &str, path: &str, query: &str) -> Result<Call, Refusal> {
    let name = path.trim_end_matches('/').to_ascii_lowercase();
    let name = name.strip_suffix(".aspx").unwrap_or(&name);
    let value = |key| value_of(query, key);
    let ask = match (method, name) {
        ("GET" | "HEAD", "cdata") => Ask::Options {
            comm_key: value("pushcommkey"),
            version: value("pushver"),
        },
        ("POST", "cdata" | "querydata" | "fdata") => table_of(name, value("table"), value("stamp")),
        ("GET", "getrequest") => Ask::Commands { info: value("info") },
        ("POST", "devicecmd") => Ask::Results,
        ("GET" | "POST", "ping") => Ask::Ping,
        (_, "exchange") => return Err(Refusal::Encrypted),
        _ => return Err(Refusal::UnknownCall),
    };
    let serial = value("sn")
        .filter(|serial| is_serial(serial))
        .ok_or(Refusal::NoSerial)?;
    Ok(Call { serial, ask })
}

fn table_of(path: &str, table: Option<String>, stamp: Option<String>) -> Ask {
    // `fdata` carries photos and nothing else, `querydata` what access control terminals were asked for.
    let table = table.unwrap_or_else(|| path.to_string());
    match table.to_ascii_lowercase().as_str() {
        "attlog" => Ask::Attendance { stamp },
        "operlog" => Ask::Operations,
        "options" => Ask::Settings,
        name if FOREIGN.contains(&name) => Ask::Foreign { table },
        _ => Ask::Unneeded { table },
    }
}

/// Whether it is known that nothing of a table is needed; of an unknown one the operator should hear.
pub fn is_known_unneeded(table: &str) -> bool {
    UNNEEDED.contains(&table.to_ascii_lowercase().as_str())
}

/// Whether a text can be a terminal's serial number.
pub fn is_serial(text: &str) -> bool {
    (1..=LONGEST_SERIAL).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'|')
}

/// The settings of a body: `key=value` with commas or line ends between, as far as they are clean text.
pub fn settings(body: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    let clean = |part: &str| !part.chars().any(char::is_control) && part.len() <= LONGEST_VALUE;
    text.split([',', '\n', '\r'])
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.trim().trim_start_matches('~'), value.trim()))
        .filter(|(key, value)| !key.is_empty() && clean(key) && clean(value))
        .map(|(key, value)| (key.to_string(), value.to_string()))
        .take(MOST_SETTINGS)
        .collect()
}

/// The first value of a key in a query, whatever the case of the key; `None` too where it is empty, too long, or not clean text.
fn value_of(query: &str, key: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
    if value.is_empty() || value.len() > LONGEST_VALUE {
        return None;
    }
    let decoded = String::from_utf8(percent_decoded(value)).ok()?;
    (!decoded.chars().any(char::is_control)).then_some(decoded)
}

/// `%41` and `+` decoded; a stray `%` stays as it is.
fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        let escaped = match (first, behind) {
            (b'%', [high, low, ..]) => char::from(*high).to_digit(16).zip(char::from(*low).to_digit(16)),
            _ => None,
        };
        match escaped.and_then(|(high, low)| u8::try_from(high << 4 | low).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[2..];
            }
            None if *first == b'+' => bytes.push(b' '),
            None => bytes.push(*first),
        }
    }
    bytes
}
