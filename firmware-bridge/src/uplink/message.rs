//! The frames of `rollcall.bridge.v1`: JSON texts, one object each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::record::Stamp;

/// The subprotocol of the websocket.
pub const SUBPROTOCOL: &str = "rollcall.bridge.v1";

/// Where the daemon takes bridges.
pub const PATH: &str = "/bridge/ws";

/// The version of the protocol that is spoken here.
pub const PROTOCOL: u32 = 1;

/// The longest frame either side may send, bytes.
pub const LONGEST_FRAME: usize = 1024 * 1024;

/// How often the daemon asks whether the bridge is there, milliseconds.
pub const PING_MS: u64 = 10_000;

/// Whoever has heard nothing for so long gives the connection up, milliseconds.
pub const SILENCE_MS: u64 = 25_000;

/// What a bridge says.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromBridge {
    /// The first frame of a bridge that has a key.
    Hello(Hello),
    /// The only frame of a bridge that wants one.
    Enrol {
        /// The one-time code.
        code: String,
        /// SHA-256 of the key that the bridge has made for itself, hex. The key itself is never sent before it is used.
        key_hash: String,
        /// The bridge's version.
        software: String,
    },
    /// Answers [`FromDaemon::Ping`] and [`FromDaemon::Welcome`].
    Pong {
        /// Of the ping; 0 for the welcome.
        n: u64,
        /// The bridge's clocks now.
        now: Stamp,
    },
    /// Records, in order.
    Batch {
        /// The number of the newest record that the bridge has: once it was sent, nothing is held back.
        last: u64,
        /// Number and record; the record as it was written, so that one that cannot be read does not take the others with it.
        records: Vec<(u64, serde_json::Value)>,
    },
    /// How the bridge is, now and then.
    Report(Report),
    /// What became of a [`FromDaemon::Configuration`].
    Configured {
        /// Its edition.
        edition: String,
        /// Why it is not used; what was used before goes on.
        error: Option<String>,
    },
}

/// Who calls, and what it has.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Hello {
    /// See [`PROTOCOL`].
    pub protocol: u32,
    /// The bridge's version.
    pub software: String,
    /// Names the queue: numbers of another one say nothing about this one.
    pub queue: String,
    /// The number of the oldest record that can still be sent.
    pub first: u64,
    /// The number of the newest record; 0 where there never was one.
    pub last: u64,
    /// The bridge's clocks now.
    pub now: Stamp,
    /// The pushed configuration that is in use.
    pub edition: Option<String>,
    /// How it is.
    pub report: Report,
}

/// How a bridge is.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Report {
    /// Its readers.
    pub readers: Vec<ReaderReport>,
    /// Records that the daemon does not have.
    pub waiting: u64,
    /// Bytes of the queue.
    pub queue_bytes: u64,
    /// The most bytes of the queue.
    pub queue_bound_bytes: u64,
    /// Whether readers are told to wait because the queue, or the disk, is full.
    pub is_full: bool,
    /// What was found damaged at the start, for people.
    pub losses: Vec<String>,
}

/// How a reader is.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct ReaderReport {
    /// Its id.
    pub reader: String,
    /// Whether it can be heard.
    pub up: bool,
    /// What its link says.
    pub detail: String,
    /// How long ago it last said anything, milliseconds.
    pub heard_ms_ago: Option<i64>,
    /// Readings since the bridge started.
    pub readings: u64,
    /// Inputs that could not be read, since the bridge started.
    pub malformed: u64,
    /// The last of them: why, and what came, in hex.
    pub last_malformed: Option<(String, String)>,
    /// Whether it was opened or moved, and whether its power fails; `None` where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarms: Option<(bool, bool)>,
    /// How many records it keeps that the bridge does not have; `None` where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backlog: Option<u64>,
    /// Facts about it, such as its serial number, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub facts: BTreeMap<String, String>,
}

/// What the daemon says.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FromDaemon {
    /// Answers [`FromBridge::Hello`].
    Welcome(Welcome),
    /// Answers [`FromBridge::Enrol`]: the key may be used from now on.
    Enrolled {
        /// What the bridge is called.
        name: String,
    },
    /// Is it there, and what do its clocks say?
    Ping {
        /// A number of its own.
        n: u64,
        /// How far the bridge's wall clock is ahead of the daemon's, as last measured.
        ahead_ms: Option<i64>,
    },
    /// Everything up to a number is committed.
    Ack {
        /// That number.
        through: u64,
        /// What became of those that were not simply recorded.
        outcomes: Vec<Told>,
    },
    /// The readers that this bridge should have.
    Configuration {
        /// Names it.
        edition: String,
        /// `[[reader]]` and `[[osdp_bus]]` tables.
        toml: String,
    },
    /// The connection is ended.
    Bye {
        /// Why.
        reason: Goodbye,
        /// Not to come back sooner.
        retry_after_ms: u64,
    },
}

/// Why the daemon ends a connection.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Goodbye {
    /// The daemon stops.
    Shutdown,
    /// The bridge has connected again.
    TakenOver,
    /// The key is good no more, or never was.
    NotEnrolled,
    /// The code is not good, or no more.
    WrongCode,
    /// The other side speaks another protocol.
    Protocol,
    /// Something was said that makes no sense.
    Malformed,
}

/// What the bridge may know of the daemon.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Welcome {
    /// See [`PROTOCOL`].
    pub protocol: u32,
    /// The daemon's version.
    pub software: String,
    /// What the bridge is called.
    pub name: String,
    /// The daemon has everything of this queue up to here; `None` where it does not know the queue.
    pub acknowledged: Option<u64>,
    /// How far the site's local time is ahead of UTC, minutes.
    pub offset_minutes: i32,
    /// The edition of the readers that this bridge should have; `None` where the daemon names none.
    pub edition: Option<String>,
}

/// What became of a record.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Told {
    /// Its number.
    pub number: u64,
    /// What became of it.
    pub status: Status,
    /// Why, where that needs saying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of a record that was not simply recorded.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Recorded; nobody has the badge.
    Unassigned,
    /// It was there before.
    Duplicate,
    /// Kept, and not judged until somebody has looked at it.
    Quarantined,
    /// Not kept as a swipe.
    Refused,
}
