//! Frames of `rollcall.v1`: JSON text, one envelope each. `docs/display-protocol.md` is the reference.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use serde::{Deserialize, Serialize};

use super::view::{Event, View};

/// The websocket subprotocol; its number is the protocol's version.
pub const SUBPROTOCOL: &str = "rollcall.v1";

/// Why the server closes. 4000 to 4499: try again by yourself. 4500 to 4999: stop and ask a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// The daemon ends.
    Shutdown,
    /// The screen fell behind twice within a minute.
    Slow,
    /// Nothing was heard from the screen for too long.
    Silent,
    /// What the screen sent is no frame of this protocol, or came out of turn or too often.
    Malformed,
    /// The screen has no token, or it was revoked.
    NotPaired,
    /// Another connection has taken this screen over.
    TakenOver,
    /// No `hello` in time.
    NoHello,
}

impl Closing {
    /// The close code.
    pub const fn code(self) -> u16 {
        match self {
            Self::Shutdown => 4001,
            Self::Slow => 4008,
            Self::Silent => 4012,
            Self::Malformed => 4400,
            Self::NotPaired => 4501,
            Self::TakenOver => 4502,
            Self::NoHello => 4508,
        }
    }

    /// The close reason: a stable word.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Shutdown => "shutdown",
            Self::Slow => "slow",
            Self::Silent => "silent",
            Self::Malformed => "malformed",
            Self::NotPaired => "not paired",
            Self::TakenOver => "taken over",
            Self::NoHello => "no hello",
        }
    }

    /// The websocket close frame.
    pub fn message(self) -> Message {
        Message::Close(Some(CloseFrame {
            code: self.code(),
            reason: Utf8Bytes::from_static(self.reason()),
        }))
    }
}

/// What a screen says. Fields that are not listed are ignored.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum ClientFrame {
    /// The first frame, exactly once.
    Hello {
        /// `preview` asks for the masked board without a screen token.
        #[serde(default)]
        screen: Option<String>,
    },
    /// The answer to a `ping`.
    Pong {},
    /// A gap was seen: send a snapshot.
    Resync {},
    /// Anything that this version does not know.
    #[serde(other)]
    Unknown,
}

impl ClientFrame {
    /// Reads a text frame; `None` for what is no object with a `t`.
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// What every screen is told about itself.
#[derive(Clone, Debug, Serialize)]
pub struct ScreenConfig {
    /// The bureau's name.
    pub site: String,
    /// The screen's name.
    pub screen: Option<String>,
    /// The name mode.
    pub names: &'static str,
    /// Whether the people are invented.
    pub demo: bool,
    /// The daemon's version.
    pub version: String,
}

/// The `d` of a `welcome`.
#[derive(Debug, Serialize)]
pub struct Welcome<'a> {
    /// Judging time now, RFC 3339 with milliseconds.
    pub server_time: String,
    /// Judging seconds per real second.
    pub clock_rate: f64,
    /// The process run.
    pub epoch: &'a str,
    /// The number of the snapshot that follows.
    pub seq: u64,
    /// Whether missed events follow instead of a snapshot; in this version never.
    pub resumed: bool,
    /// The page's build; a page of another build reloads itself.
    pub build: &'a str,
    /// About this screen.
    pub config: ScreenConfig,
    /// How often a `ping` comes, in seconds.
    pub ping_s: f64,
}

/// The `d` of a `ping`.
#[derive(Debug, Serialize)]
pub struct Ping {
    /// Its number on this connection.
    pub n: u64,
    /// Judging time now, RFC 3339 with milliseconds.
    pub server_time: String,
    /// Judging seconds per real second.
    pub clock_rate: f64,
}

/// The `d` of a `bye`.
#[derive(Debug, Serialize)]
pub struct Bye {
    /// The close code that follows.
    pub code: u16,
    /// The close reason.
    pub reason: &'static str,
    /// After how many seconds to try again, at the earliest.
    pub retry_after: u32,
}

/// The `d` of a `snapshot`.
#[derive(Debug, Serialize)]
pub struct Snapshot<'a> {
    /// Judging seconds per real second.
    pub clock_rate: f64,
    /// The view.
    #[serde(flatten)]
    pub view: &'a View,
}

/// What the server says.
#[derive(Debug, Serialize)]
#[serde(tag = "t", content = "d", rename_all = "snake_case")]
pub enum ServerFrame<'a> {
    /// The answer to `hello`.
    Welcome(Welcome<'a>),
    /// The whole state.
    Snapshot(Snapshot<'a>),
    /// A change.
    Event(&'a Event),
    /// A sign of life.
    Ping(Ping),
    /// The server closes.
    Bye(Bye),
}

#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(flatten)]
    frame: &'a ServerFrame<'a>,
    epoch: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    at: &'a str,
}

/// The text of a frame of the run `epoch`, said at `at` (judging time, RFC 3339 with milliseconds). Snapshots and events have
/// a number, `seq`; other frames have none.
pub fn text(frame: &ServerFrame<'_>, epoch: &str, seq: Option<u64>, at: &str) -> Utf8Bytes {
    let envelope = Envelope { frame, epoch, seq, at };
    Utf8Bytes::from(
        serde_json::to_string(&envelope).expect("strings, numbers and lists with string keys always serialise"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_screens_are_read_and_unknown_ones_are_told_from_broken_ones() {
        assert_eq!(
            ClientFrame::read(r#"{"t":"hello","screen":"preview","dpr":2}"#),
            Some(ClientFrame::Hello {
                screen: Some("preview".into())
            })
        );
        assert_eq!(
            ClientFrame::read(r#"{"t":"hello"}"#),
            Some(ClientFrame::Hello { screen: None })
        );
        assert_eq!(
            ClientFrame::read(r#"{"t":"pong","n":3,"drift_ms":-4}"#),
            Some(ClientFrame::Pong {})
        );
        assert_eq!(
            ClientFrame::read(r#"{"t":"resync","have":7}"#),
            Some(ClientFrame::Resync {})
        );
        assert_eq!(ClientFrame::read(r#"{"t":"dance","n":3}"#), Some(ClientFrame::Unknown));
        assert_eq!(ClientFrame::read("[]"), None);
        assert_eq!(ClientFrame::read("{"), None);
    }

    #[test]
    fn an_envelope_is_flat_and_its_matter_is_in_d() {
        let bye = Bye {
            code: 4001,
            reason: "shutdown",
            retry_after: 2,
        };
        let text = text(&ServerFrame::Bye(bye), "e1", None, "2026-09-16T09:52:08.120+08:00");
        assert_eq!(
            text.as_str(),
            r#"{"t":"bye","d":{"code":4001,"reason":"shutdown","retry_after":2},"epoch":"e1","at":"2026-09-16T09:52:08.120+08:00"}"#
        );
    }
}
