//! The formats by name, and what a decoder needs to know about a reader.

use core::str::FromStr;

use crate::badge::BadgeKeyRule;
use crate::wiegand::WiegandFormat;

/// A format that readers speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// EM4100 over a UART, whichever of the three modules below it is.
    Em4100,
    /// RDM630, RDM6300, Seeed Grove: STX, ten hex digits, checksum, ETX.
    Rdm6300,
    /// ID-2LA, ID-12LA, ID-20LA: the same with CR LF before ETX.
    Id12la,
    /// EM-18: twelve hex digits and nothing around them.
    Em18,
    /// Wiegand converters that send a line of hex digits.
    WiegandHex,
    /// Wiegand converters that send a line of decimal digits.
    WiegandDecimal,
    /// Bare Wiegand bits, as `0` and `1` or packed in bytes: what an operator pastes, not what a line carries.
    WiegandBits,
    /// Lines of text: `BADGE`, `BADGE,INSTANT`, `BADGE,INSTANT,in|out`, or a JSON record.
    Line,
    /// Lines of JSON records.
    Json,
}

/// Names that belong to later versions, so that a refusal can say so.
const LATER: [&str; 8] = [
    "wiegand", "osdp", "track2", "scanner", "zk-4370", "adms", "isapi", "dahua",
];

impl Format {
    /// Every format, in the order in which help lists them.
    pub const ALL: [Self; 9] = [
        Self::Em4100,
        Self::Rdm6300,
        Self::Id12la,
        Self::Em18,
        Self::WiegandHex,
        Self::WiegandDecimal,
        Self::WiegandBits,
        Self::Line,
        Self::Json,
    ];

    /// The name in configuration files and on command lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Em4100 => "em4100",
            Self::Rdm6300 => "rdm6300",
            Self::Id12la => "id12la",
            Self::Em18 => "em18",
            Self::WiegandHex => "wiegand-hex",
            Self::WiegandDecimal => "wiegand-decimal",
            Self::WiegandBits => "wiegand-bits",
            Self::Line => "line",
            Self::Json => "json",
        }
    }

    /// Whether badges come as text of the sender's choosing, not as a card's bits.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Line | Self::Json)
    }

    /// Whether records are ended by CR, LF or NUL.
    pub const fn is_lines(self) -> bool {
        matches!(
            self,
            Self::WiegandHex | Self::WiegandDecimal | Self::WiegandBits | Self::Line | Self::Json
        )
    }

    /// The longest silence within one frame or line on a serial port, in milliseconds: after more, a link calls
    /// [`crate::Decoder::idle`].
    ///
    /// An EM-18 has no framing but its silence; its 12 characters take 12.5 ms at 9600 baud, and a busy host
    /// may see them in pieces.
    /// The other formats find their frames by their marks, so there this only decides how soon a torn one is reported, and that
    /// its half is never joined to the next.
    pub const fn longest_gap_ms(self) -> u64 {
        match self {
            Self::Em18 => 100,
            // It may be an EM-18, or a frame with marks that comes in pieces.
            Self::Em4100 => 500,
            _ => 3_000,
        }
    }

    /// The rule that holds where a reader names none.
    pub const fn default_badge_key(self) -> BadgeKeyRule {
        match self {
            Self::Em4100 | Self::Rdm6300 | Self::Id12la | Self::Em18 => BadgeKeyRule::Decimal32,
            Self::WiegandHex | Self::WiegandDecimal | Self::WiegandBits => BadgeKeyRule::FacilityCard,
            Self::Line | Self::Json => BadgeKeyRule::Text,
        }
    }
}

impl FromStr for Format {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let known = Self::ALL.into_iter().find(|format| format.name() == name);
        known.ok_or(if LATER.contains(&name) {
            UnknownName::Later
        } else {
            UnknownName::Unknown
        })
    }
}

/// Why a name of a format, badge key rule or Wiegand format is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownName {
    /// It is documented, and this version does not have it yet.
    #[error("comes with a later version")]
    Later,
    /// There is no such name.
    #[error("is unknown")]
    Unknown,
}

/// How a reader's bytes are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoding {
    /// What it speaks.
    pub format: Format,
    /// What makes a badge key of a card.
    pub badge_key: BadgeKeyRule,
    /// The layout of its Wiegand bits; `None` goes by their number, 37 bits being read as H10304.
    pub wiegand_format: Option<WiegandFormat>,
}

impl Decoding {
    /// A format with its defaults.
    pub const fn new(format: Format) -> Self {
        Self {
            format,
            badge_key: format.default_badge_key(),
            wiegand_format: None,
        }
    }
}
