//! The formats by name, and what a decoder needs to know about a reader.

use core::str::FromStr;

use crate::badge::BadgeKeyRule;
use crate::scanner::Suffix;
use crate::wiegand::WiegandRule;

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
    /// IDTECK over RS-232: STX, eight or ten decimal digits, ETX, and a checksum byte after it.
    Idteck,
    /// Wiegand converters that send a line of hex digits.
    WiegandHex,
    /// Wiegand converters that send a line of decimal digits.
    WiegandDecimal,
    /// Bare Wiegand bits, as `0` and `1` or packed in bytes: what an operator pastes, not what a line carries.
    WiegandBits,
    /// Magnetic stripes, track 2: `;` digits `?`, and a line end.
    Track2,
    /// Barcode and QR scanners: a record is a badge.
    Scanner,
    /// Lines of text: `BADGE`, `BADGE,INSTANT`, `BADGE,INSTANT,in|out`, or a JSON record.
    Line,
    /// Lines of JSON records.
    Json,
    /// Messages of Tasmota's modules.
    Tasmota,
    /// Messages of esp-rfid.
    EspRfid,
    /// Messages of ESPHome's `on_tag`.
    Esphome,
    /// The `ATTLOG` lines that ZKTeco terminals push: what an operator pastes, not what a line carries.
    Adms,
    /// The lines of a ZKTeco terminal's USB export.
    Attlog,
}

/// Names that belong to later versions, so that a refusal can say so.
const LATER: [&str; 1] = ["dahua"];

impl Format {
    /// Every format, in the order in which help lists them.
    pub const ALL: [Self; 17] = [
        Self::Em4100,
        Self::Rdm6300,
        Self::Id12la,
        Self::Em18,
        Self::Idteck,
        Self::WiegandHex,
        Self::WiegandDecimal,
        Self::WiegandBits,
        Self::Track2,
        Self::Scanner,
        Self::Line,
        Self::Json,
        Self::Tasmota,
        Self::EspRfid,
        Self::Esphome,
        Self::Adms,
        Self::Attlog,
    ];

    /// The name in configuration files and on command lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Em4100 => "em4100",
            Self::Rdm6300 => "rdm6300",
            Self::Id12la => "id12la",
            Self::Em18 => "em18",
            Self::Idteck => "idteck",
            Self::WiegandHex => "wiegand-hex",
            Self::WiegandDecimal => "wiegand-decimal",
            Self::WiegandBits => "wiegand-bits",
            Self::Track2 => "track2",
            Self::Scanner => "scanner",
            Self::Line => "line",
            Self::Json => "json",
            Self::Tasmota => "tasmota",
            Self::EspRfid => "esp-rfid",
            Self::Esphome => "esphome",
            Self::Adms => "adms",
            Self::Attlog => "attlog",
        }
    }

    /// Whether a serial line or a connection can carry it; the others are published, or for what an operator pastes.
    pub const fn is_for_links(self) -> bool {
        !matches!(self, Self::WiegandBits | Self::Adms | Self::Attlog) && !self.is_message()
    }

    /// Whether it is what a reader publishes, a message at a time, most of which are no badges.
    pub const fn is_message(self) -> bool {
        matches!(self, Self::Tasmota | Self::EspRfid | Self::Esphome)
    }

    /// Whether badges come as text of the sender's choosing, not as a card's bits.
    pub const fn is_text(self) -> bool {
        matches!(self, Self::Line | Self::Json)
    }

    /// The rule that holds where a reader names none.
    pub const fn default_badge_key(self) -> BadgeKeyRule {
        match self {
            Self::Em4100 | Self::Rdm6300 | Self::Id12la | Self::Em18 | Self::Idteck | Self::Tasmota | Self::Esphome => {
                BadgeKeyRule::Decimal32
            }
            Self::WiegandHex | Self::WiegandDecimal | Self::WiegandBits => BadgeKeyRule::FacilityCard,
            Self::Track2 | Self::Scanner | Self::Line | Self::Json | Self::EspRfid | Self::Adms | Self::Attlog => {
                BadgeKeyRule::Text
            }
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
    /// What its Wiegand bits mean.
    pub wiegand_format: WiegandRule,
    /// What ends a scanner's records.
    pub suffix: Suffix,
    /// What Tasmota's serial bridge forwards.
    pub serial_format: Option<Format>,
    /// Whether a number that is keyed at a keypad of Tasmota's is a badge.
    pub keypad: bool,
}

impl Decoding {
    /// A format with its defaults.
    pub const fn new(format: Format) -> Self {
        Self {
            format,
            badge_key: format.default_badge_key(),
            wiegand_format: WiegandRule::ByLength,
            suffix: Suffix::Line,
            serial_format: None,
            keypad: false,
        }
    }

    /// Whether records are ended by a byte such as CR, so that one may be waited for as long as its link is there.
    pub const fn has_line_ends(self) -> bool {
        match self.format {
            Format::Em4100 | Format::Rdm6300 | Format::Id12la | Format::Em18 | Format::Idteck => false,
            Format::Scanner => !matches!(self.suffix, Suffix::None),
            Format::WiegandHex
            | Format::WiegandDecimal
            | Format::WiegandBits
            | Format::Track2
            | Format::Line
            | Format::Json
            | Format::Tasmota
            | Format::EspRfid
            | Format::Esphome
            | Format::Adms
            | Format::Attlog => true,
        }
    }

    /// The longest silence within one frame or line on a serial port, in milliseconds: after more, a link calls
    /// [`crate::Decoder::idle`].
    ///
    /// An EM-18 has no framing but its silence; its 12 characters take 12.5 ms at 9600 baud, and a busy host
    /// may see them in pieces. The same holds of a scanner that is set to send no suffix.
    /// The other formats find their frames by their marks, so there this only decides how soon a torn one is reported, and that
    /// its half is never joined to the next.
    pub const fn longest_gap_ms(self) -> u64 {
        match (self.format, self.suffix) {
            (Format::Em18, _) | (Format::Scanner, Suffix::None) => 100,
            // An EM4100 module may be an EM-18. A keypad at a converter sends single bytes without a line end, which must not
            // become the first digit of the next card.
            (Format::Em4100 | Format::WiegandHex | Format::WiegandDecimal, _) => 500,
            _ => 3_000,
        }
    }
}
