//! What a device says.

use alloc::string::String;
use alloc::vec::Vec;

use crate::badge::BadgeKeyRule;
use crate::badge::Bits;
use crate::format::Decoding;
use crate::limits::LONGEST_BADGE;
use crate::malformed::Reason;
use crate::reading::Reading;

/// A reply whose data are in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nothing to say.
    Ack,
    /// The command was not done.
    Nak(Refusal),
    /// Who the device is: vendor (3), model, version, serial (4, little-endian), firmware (3).
    Identity([u8; 12]),
    /// What it can do.
    Capabilities(Vec<Capability>),
    /// Its case and its power.
    LocalStatus {
        /// The case is open or the device was moved.
        tamper: bool,
        /// The power fails.
        power: bool,
    },
    /// Its inputs, in order; `true` is active.
    Inputs(Vec<bool>),
    /// A card as bits, left-justified.
    Card {
        /// How many.
        bits: u16,
        /// The bytes that hold them.
        data: Vec<u8>,
    },
    /// A card as characters.
    Characters(Vec<u8>),
    /// Keys that were pressed, as characters.
    Keys(Vec<u8>),
    /// The answer to a challenge.
    Cryptogram(Vec<u8>),
    /// The end of a handshake.
    InitialMac(Vec<u8>),
    /// Not now; the command is to be sent again.
    Busy,
    /// Something else.
    Other(u8),
}

/// Why a command was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It came damaged.
    Damaged,
    /// The device does not know it.
    Unknown,
    /// Its sequence number was not the expected one.
    Sequence,
    /// The security block does not suit, or a secure channel is needed.
    Security,
    /// Another reason, by its number.
    Other(u8),
}

/// One of a device's abilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// 4 lights, 5 sounds, 6 texts, 8 CRC, 9 secure channel.
    pub function: u8,
    /// How far it goes; 0 not at all.
    pub level: u8,
    /// How many there are.
    pub count: u8,
}

impl Reply {
    /// The meaning of a reply's code and data.
    pub fn parse(code: u8, data: &[u8]) -> Result<Self, Reason> {
        Ok(match (code, data) {
            (0x40, _) => Self::Ack,
            (0x41, [reason, ..]) => Self::Nak(match reason {
                0x01 | 0x02 => Refusal::Damaged,
                0x03 => Refusal::Unknown,
                0x04 => Refusal::Sequence,
                0x05 | 0x06 => Refusal::Security,
                other => Refusal::Other(*other),
            }),
            (0x45, data) => Self::Identity(data.try_into().map_err(|_| Reason::Length)?),
            (0x46, data) => Self::Capabilities(capabilities(data)?),
            (0x48, [tamper, power]) => Self::LocalStatus {
                tamper: *tamper != 0,
                power: *power != 0,
            },
            (0x49, inputs) => Self::Inputs(inputs.iter().map(|input| *input != 0).collect()),
            (0x50, [_reader, _format, low, high, data @ ..]) => card(u16::from_le_bytes([*low, *high]), data)?,
            (0x51, [_reader, _direction, count, data @ ..]) => Self::Characters(counted(*count, data)?),
            (0x53, [_reader, count, keys @ ..]) => Self::Keys(counted(*count, keys)?),
            (0x76, data) => Self::Cryptogram(data.to_vec()),
            (0x78, data) => Self::InitialMac(data.to_vec()),
            (0x79, _) => Self::Busy,
            (0x41 | 0x48 | 0x50 | 0x51 | 0x53, _) => return Err(Reason::Length),
            (other, _) => Self::Other(other),
        })
    }

    /// The bytes of a card; empty for replies that are none.
    pub fn card_bytes(&self) -> &[u8] {
        match self {
            Self::Card { data, .. } | Self::Characters(data) => data,
            _ => &[],
        }
    }

    /// The reading that a card is; `None` for replies that are none. Keys are none before they are a whole number.
    pub fn reading(&self, decoding: Decoding) -> Option<Result<Reading, Reason>> {
        match self {
            Self::Card { bits, data } => Some(card_reading(*bits, data, decoding)),
            Self::Characters(text) => Some(text_reading(text, decoding.badge_key)),
            _ => None,
        }
    }
}

fn capabilities(data: &[u8]) -> Result<Vec<Capability>, Reason> {
    let (triples, rest) = data.as_chunks::<3>();
    if !rest.is_empty() {
        return Err(Reason::Length);
    }
    let capability = |&[function, level, count]: &[u8; 3]| Capability { function, level, count };
    Ok(triples.iter().map(capability).collect())
}

fn card(bits: u16, data: &[u8]) -> Result<Reply, Reason> {
    if bits == 0 || data.len() != usize::from(bits.div_ceil(8)) {
        return Err(Reason::Length);
    }
    Ok(Reply::Card {
        bits,
        data: data.to_vec(),
    })
}

fn counted(count: u8, data: &[u8]) -> Result<Vec<u8>, Reason> {
    if count == 0 || data.len() != usize::from(count) {
        return Err(Reason::Length);
    }
    Ok(data.to_vec())
}

/// Bits of any number are a badge by the `hex` rule; by every other rule they need a layout, and so at most 64 bits.
fn card_reading(bits: u16, data: &[u8], decoding: Decoding) -> Result<Reading, Reason> {
    if bits > 64 && decoding.badge_key == BadgeKeyRule::Hex && data.len() <= LONGEST_BADGE / 2 {
        return Ok(Reading::of_card(
            data.to_vec(),
            Some(bits),
            crate::badge::lower_hex(data),
        ));
    }
    let text: String = (0..usize::from(bits))
        .map(|bit| char::from(b'0' + (data[bit / 8] >> (7 - bit % 8) & 1)))
        .collect();
    let reading = Reading::parse_wiegand_bits(&text, decoding.wiegand_format, decoding.badge_key);
    match reading {
        Err(Reason::Length) if decoding.badge_key == BadgeKeyRule::Hex => {
            let value = u64::from_str_radix(&text, 2).map_err(|_| Reason::Length)?;
            let bits = u8::try_from(bits).ok().and_then(|length| Bits::new(value, length));
            let raw = bits.ok_or(Reason::Length)?.left_justified();
            let key = crate::badge::lower_hex(&raw);
            Ok(Reading::of_card(raw, u16::try_from(text.len()).ok(), key))
        }
        reading => reading,
    }
}

/// The reading of a number that was keyed: its digits are the badge.
pub fn number_reading(digits: &[u8]) -> Result<Reading, Reason> {
    text_reading(digits, BadgeKeyRule::Text)
}

/// A badge of characters.
fn text_reading(text: &[u8], rule: BadgeKeyRule) -> Result<Reading, Reason> {
    if text.len() > LONGEST_BADGE {
        return Err(Reason::TooLong);
    }
    let characters = core::str::from_utf8(text).map_err(|_| Reason::NotUtf8)?;
    if characters.chars().any(char::is_control) {
        return Err(Reason::ControlByte);
    }
    if characters.is_empty() {
        return Err(Reason::EmptyBadge);
    }
    Ok(Reading::of_card(text.to_vec(), None, rule.key_of_text(characters)?))
}

/// The name that the standard gives to a command or reply; empty for those that it does not have.
pub const fn name(code: u8, is_reply: bool) -> &'static str {
    match (code, is_reply) {
        (0x60, false) => "POLL",
        (0x61, false) => "ID",
        (0x62, false) => "CAP",
        (0x64, false) => "LSTAT",
        (0x65, false) => "ISTAT",
        (0x66, false) => "OSTAT",
        (0x67, false) => "RSTAT",
        (0x68, false) => "OUT",
        (0x69, false) => "LED",
        (0x6A, false) => "BUZ",
        (0x6B, false) => "TEXT",
        (0x6E, false) => "COMSET",
        (0x75, false) => "KEYSET",
        (0x76, false) => "CHLNG",
        (0x77, false) => "SCRYPT",
        (0x7B, false) => "ACURXSIZE",
        (0x7C, false) => "FILETRANSFER",
        (0x80, false) => "MFG",
        (0xA7, false) => "KEEPACTIVE",
        (0x40, true) => "ACK",
        (0x41, true) => "NAK",
        (0x45, true) => "PDID",
        (0x46, true) => "PDCAP",
        (0x48, true) => "LSTATR",
        (0x49, true) => "ISTATR",
        (0x4A, true) => "OSTATR",
        (0x4B, true) => "RSTATR",
        (0x50, true) => "RAW",
        (0x51, true) => "FMT",
        (0x53, true) => "KEYPAD",
        (0x54, true) => "COM",
        (0x76, true) => "CCRYPT",
        (0x78, true) => "RMAC_I",
        (0x79, true) => "BUSY",
        (0x7A, true) => "FTSTAT",
        (0x90, true) => "MFGREP",
        _ => "",
    }
}
