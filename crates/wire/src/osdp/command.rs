//! What a panel says.

use alloc::vec::Vec;

/// A command, with its code and data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// What happened?
    Poll,
    /// Who are you?
    Identify,
    /// What can you do?
    Capabilities,
    /// Is the case closed, is the power on?
    LocalStatus,
    /// What do your inputs say?
    InputStatus,
    /// Light of a reader, for a time.
    Light(Colour),
    /// Beeps of a reader.
    Beep {
        /// How many.
        times: u8,
        /// How long each sounds, in tenths of a second.
        tenths: u8,
    },
    /// A text of at most 32 characters of ASCII, for two seconds.
    Text(&'static str),
    /// A new key; only for within a secure channel.
    SetKey([u8; 16]),
}

/// A colour of a reader's light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Colour {
    /// Red.
    Red = 1,
    /// Green.
    Green = 2,
    /// Amber.
    Amber = 3,
}

/// What somebody in front of a reader is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// The swipe is kept.
    Recorded,
    /// The swipe is kept, and the badge is nobody's yet.
    UnknownBadge,
    /// The swipe is kept aside until somebody has looked at it, or was no badge.
    Quarantined,
}

/// How long a light shows, in tenths of a second.
const LIGHT_TENTHS: u16 = 15;
/// How long a text shows, in seconds.
const TEXT_SECONDS: u8 = 2;

impl Command {
    /// Its code.
    pub const fn code(&self) -> u8 {
        match self {
            Self::Poll => 0x60,
            Self::Identify => 0x61,
            Self::Capabilities => 0x62,
            Self::LocalStatus => 0x64,
            Self::InputStatus => 0x65,
            Self::Light(_) => 0x69,
            Self::Beep { .. } => 0x6A,
            Self::Text(_) => 0x6B,
            Self::SetKey(_) => 0x75,
        }
    }

    /// Its data, for the device's first reader and light.
    pub fn data(&self) -> Vec<u8> {
        match self {
            Self::Poll | Self::LocalStatus | Self::InputStatus => Vec::new(),
            Self::Identify | Self::Capabilities => [0].into(),
            Self::Light(colour) => light(*colour),
            Self::Beep { times, tenths } => [0, 2, *tenths, 1, *times].into(),
            Self::Text(text) => {
                let text = &text.as_bytes()[..text.len().min(32)];
                let length = u8::try_from(text.len()).unwrap_or(0);
                [&[0, 3, TEXT_SECONDS, 1, 1, length], text].concat()
            }
            Self::SetKey(key) => [&[0x01, 0x10], &key[..]].concat(),
        }
    }
}

/// For a while the colour, then whatever the reader showed before.
fn light(colour: Colour) -> Vec<u8> {
    let [low, high] = LIGHT_TENTHS.to_le_bytes();
    let temporary = [2, 1, 0, colour as u8, colour as u8, low, high];
    let permanent_unchanged = [0; 5];
    [&[0, 0][..], &temporary, &permanent_unchanged].concat()
}

impl Feedback {
    /// Light, beeps and text.
    pub const fn commands(self) -> [Command; 3] {
        let (colour, times, tenths, text) = match self {
            Self::Recorded => (Colour::Green, 1, 1, "RECORDED"),
            Self::UnknownBadge => (Colour::Amber, 2, 1, "UNKNOWN BADGE"),
            Self::Quarantined => (Colour::Red, 3, 3, "NOT ACCEPTED"),
        };
        [
            Command::Light(colour),
            Command::Beep { times, tenths },
            Command::Text(text),
        ]
    }
}
