//! Wiegand cards, as bits and as the lines that converters make of them.
//!
//! Bits are numbered as they are sent, 1 first; the first bit is even parity over the first half, the last one odd parity over the
//! second half. In the 37-bit formats bit 19 is in both halves.
//!
//! | name | bits | layout | source |
//! |---|---|---|---|
//! | `h10301` | 26 | P, 8 facility, 16 card, P | HID Tech Tip 5 |
//! | `wiegand34` | 34 | P, 16 facility, 16 card, P | IDTECK SR10 manual |
//! | `h10304` | 37 | P, 16 facility, 19 card, P | HID; parity as in ESPHome's decoder |
//! | `h10302` | 37 | P, 35 card, P | HID; the same parity |
//!
//! The two 37-bit formats cannot be told apart by their bits, so a reader's configuration names its format.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::str::FromStr;

use crate::badge::{BadgeKeyRule, Bits, Card, decimal};
use crate::format::UnknownName;
use crate::malformed::Reason;
use crate::reading::Reading;

/// A layout of Wiegand bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WiegandFormat {
    /// 26 bits: facility of 8, card of 16.
    H10301,
    /// 34 bits: facility of 16, card of 16.
    Wiegand34,
    /// 37 bits: facility of 16, card of 19.
    H10304,
    /// 37 bits: card of 35, no facility.
    H10302,
}

impl WiegandFormat {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::H10301, Self::Wiegand34, Self::H10304, Self::H10302];

    /// The name in configuration files and on command lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::H10301 => "h10301",
            Self::Wiegand34 => "wiegand34",
            Self::H10304 => "h10304",
            Self::H10302 => "h10302",
        }
    }

    /// Bits on the wire, with the two parity bits.
    pub const fn bits(self) -> u8 {
        self.data_bits() + 2
    }

    /// Bits without parity.
    pub const fn data_bits(self) -> u8 {
        match self {
            Self::H10301 => 24,
            Self::Wiegand34 => 32,
            Self::H10304 | Self::H10302 => 35,
        }
    }

    /// Bits of the card number; what is above them is the facility.
    const fn card_bits(self) -> u8 {
        match self {
            Self::H10301 | Self::Wiegand34 => 16,
            Self::H10304 => 19,
            Self::H10302 => 35,
        }
    }

    /// The halves that the first and the last bit cover, those bits included: until here, and from here.
    const fn parity_halves(self) -> (u8, u8) {
        match self {
            Self::H10301 => (13, 14),
            Self::Wiegand34 => (17, 18),
            Self::H10304 | Self::H10302 => (19, 19),
        }
    }

    /// Takes the parity bits off, if they are right.
    pub const fn check_parity(self, frame: Bits) -> Result<Bits, Reason> {
        if frame.length() != self.bits() {
            return Err(Reason::Length);
        }
        let (first_until, second_from) = self.parity_halves();
        let even = frame.ones(1, first_until).is_multiple_of(2);
        let odd = !frame.ones(second_from, frame.length()).is_multiple_of(2);
        match Bits::new(frame.field(2, frame.length() - 1), self.data_bits()) {
            Some(data) if even && odd => Ok(data),
            _ => Err(Reason::Parity),
        }
    }

    /// The data bits of a card, or `None` if a number is too large for its field.
    pub const fn data_of(self, facility: u64, number: u64) -> Option<Bits> {
        let card_bits = self.card_bits();
        let facility_fits = facility >> (self.data_bits() - card_bits) == 0;
        if facility_fits && number >> card_bits == 0 {
            Bits::new(facility << card_bits | number, self.data_bits())
        } else {
            None
        }
    }

    /// The bits on the wire of a card, parity included, or `None` if a number is too large for its field.
    pub fn emit(self, facility: u64, number: u64) -> Option<Bits> {
        let bare = Bits::new(self.data_of(facility, number)?.value() << 1, self.bits())?;
        let (first_until, second_from) = self.parity_halves();
        let even = u64::from(bare.ones(2, first_until) % 2);
        let odd = u64::from(bare.ones(second_from, self.bits() - 1) % 2 == 0);
        Bits::new(bare.value() | even << (self.bits() - 1) | odd, self.bits())
    }

    /// The card of these data bits, which came as `bits` and `text`.
    pub(crate) fn card(self, data: Bits, bits: Bits, text: &str) -> Result<Card<'_>, Reason> {
        let number = data.value() & ((1 << self.card_bits()) - 1);
        let facility = (self.card_bits() < self.data_bits()).then_some(data.value() >> self.card_bits());
        if data.value() == 0 {
            Err(Reason::Collision)
        } else {
            Ok(Card {
                bits,
                data: data.value(),
                facility,
                number,
                text,
            })
        }
    }
}

/// How a reader's Wiegand bits are to be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WiegandRule {
    /// By their number: 24 and 26 as H10301, 32 and 34 as [`WiegandFormat::Wiegand34`], 37 as H10304. Others are refused.
    ByLength,
    /// This layout and no other.
    Named(WiegandFormat),
    /// No layout: all bits are the card's number, whatever their number, and no parity is looked for. For cards whose layout is
    /// the site's own, such as 35 bits of Corporate 1000.
    Raw,
}

impl WiegandRule {
    /// The names in configuration files and on command lines; what is not said is [`Self::ByLength`].
    pub const NAMES: [&str; 5] = ["h10301", "wiegand34", "h10304", "h10302", "raw"];

    const fn named(self) -> Option<WiegandFormat> {
        match self {
            Self::Named(format) => Some(format),
            Self::ByLength | Self::Raw => None,
        }
    }
}

impl FromStr for WiegandRule {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        if name == "raw" {
            return Ok(Self::Raw);
        }
        let named = WiegandFormat::ALL.into_iter().find(|format| format.name() == name);
        named.map(Self::Named).ok_or(UnknownName::Unknown)
    }
}

/// The line of hex digits of some bits, right-justified, in the fewest digits that hold them, with CR: what a WIE232 sends for the
/// 24 data bits of a card.
pub fn emit_hex_line(bits: Bits) -> Vec<u8> {
    let digits = usize::from(bits.length().div_ceil(4));
    format!("{:0digits$X}\r", bits.value()).into_bytes()
}

/// The card that bits without a layout are.
pub(crate) fn raw_card(bits: Bits, text: &str) -> Result<Card<'_>, Reason> {
    let (data, number) = (bits.value(), bits.value());
    match number {
        0 => Err(Reason::Collision),
        _ => Ok(Card {
            bits,
            data,
            facility: None,
            number,
            text,
        }),
    }
}

/// The line of ten decimal digits of some data bits, with CR LF: what an S4A converter sends.
pub fn emit_decimal_line(data: Bits) -> Vec<u8> {
    format!("{:010}\r\n", data.value()).into_bytes()
}

impl Reading {
    /// The reading of a line of hex digits, right-justified as converters print numbers.
    ///
    /// How many digits there are says what they hold: 6 the data of 26 bits, 7 all 26, 8 the data of 34 bits, 9 all 34, 10 all 37.
    /// A reader whose format is named may also pad: 8 digits beginning with `00` for `h10301`, 10 for `wiegand34`; and its 9
    /// digits are the data of 37 bits. Raw, they are four bits each, at most 16 of them.
    pub fn parse_wiegand_hex(text: &str, wiegand: WiegandRule, rule: BadgeKeyRule) -> Result<Self, Reason> {
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Reason::BadCharacter);
        }
        if wiegand == WiegandRule::Raw {
            let length = u8::try_from(text.len() * 4).map_err(|_| Reason::Length)?;
            let value = u64::from_str_radix(text, 16).map_err(|_| Reason::Length)?;
            let bits = Bits::new(value, length).ok_or(Reason::Length)?;
            return Ok(Self::of_bits(&raw_card(bits, text)?, rule));
        }
        let (format, with_parity) = hex_layout(text.len(), wiegand.named())?;
        let value = u64::from_str_radix(text, 16).map_err(|_| Reason::OutOfRange)?;
        let length = if with_parity { format.bits() } else { format.data_bits() };
        let bits = Bits::new(value, length).ok_or(Reason::OutOfRange)?;
        let data = if with_parity { format.check_parity(bits)? } else { bits };
        Ok(Self::of_bits(&format.card(data, bits, text)?, rule))
    }

    /// The reading of a line of decimal digits, which write the data bits: of 26 bits up to 8 digits and 16777215, of 34 bits up to
    /// 10 digits and 4294967295. For 37 bits the reader's format must be named. Raw, they write 64 bits.
    pub fn parse_wiegand_decimal(text: &str, wiegand: WiegandRule, rule: BadgeKeyRule) -> Result<Self, Reason> {
        let value = decimal(text)?;
        if wiegand == WiegandRule::Raw {
            let bits = Bits::new(value, 64).ok_or(Reason::OutOfRange)?;
            return Ok(Self::of_bits(&raw_card(bits, text)?, rule));
        }
        let format = wiegand.named().unwrap_or(if text.len() <= 8 && value < 1 << 24 {
            WiegandFormat::H10301
        } else {
            WiegandFormat::Wiegand34
        });
        if text.len() > 11 {
            return Err(Reason::Length);
        }
        let data = Bits::new(value, format.data_bits()).ok_or(Reason::OutOfRange)?;
        Ok(Self::of_bits(&format.card(data, data, text)?, rule))
    }

    /// The reading of bits written as `0` and `1`.
    pub fn parse_wiegand_bits(text: &str, wiegand: WiegandRule, rule: BadgeKeyRule) -> Result<Self, Reason> {
        if !text.bytes().all(|byte| matches!(byte, b'0' | b'1')) {
            return Err(Reason::BadCharacter);
        }
        let bits = u64::from_str_radix(text, 2).ok().zip(u8::try_from(text.len()).ok());
        let bits = bits
            .and_then(|(value, length)| Bits::new(value, length))
            .ok_or(Reason::Length)?;
        Self::parse_bits(bits, wiegand, rule, text)
    }

    /// The reading of bits packed into bytes, left-justified, the bits that are left over being zero. Where the format is not named
    /// it is the one whose parity is right; bytes that cannot be a frame with parity are data bits without. Raw, all bits count,
    /// for how many of the last byte do is not known.
    pub fn parse_wiegand_packed(bytes: &[u8], wiegand: WiegandRule, rule: BadgeKeyRule) -> Result<Self, Reason> {
        let room = u8::try_from(bytes.len() * 8)
            .ok()
            .filter(|room| (8..=64).contains(room))
            .ok_or(Reason::Length)?;
        let value = bytes.iter().fold(0, |value, &byte| value << 8 | u64::from(byte));
        let lengths: &[u8] = match wiegand {
            WiegandRule::ByLength => &[26, 34, 37],
            WiegandRule::Named(WiegandFormat::H10301) => &[26],
            WiegandRule::Named(WiegandFormat::Wiegand34) => &[34],
            WiegandRule::Named(WiegandFormat::H10304 | WiegandFormat::H10302) => &[37],
            WiegandRule::Raw => &[],
        };
        let fits =
            |length: &&u8| length.div_ceil(8) * 8 == room && value.trailing_zeros() >= u32::from(room - **length);
        let mut readings = Err(Reason::Length);
        for &length in lengths
            .iter()
            .filter(fits)
            .chain(lengths.iter().all(|length| !fits(&length)).then_some(&room))
        {
            let text = format!("{:0width$b}", value >> (room - length), width = usize::from(length));
            let reading = Self::parse_wiegand_bits(&text, wiegand, rule);
            if readings.is_ok() && reading.is_ok() {
                return Err(Reason::Ambiguous);
            }
            readings = readings.or(reading);
        }
        readings
    }

    /// The reading of exactly these bits.
    fn parse_bits(bits: Bits, wiegand: WiegandRule, rule: BadgeKeyRule, text: &str) -> Result<Self, Reason> {
        if wiegand == WiegandRule::Raw {
            return Ok(Self::of_bits(&raw_card(bits, text)?, rule));
        }
        let format = wiegand.named();
        let by_length = match bits.length() {
            4 | 8 => return Self::parse_key(bits),
            24 | 26 => WiegandFormat::H10301,
            32 | 34 => WiegandFormat::Wiegand34,
            // 35 bits may as well be a Corporate 1000 card, of another layout.
            37 => WiegandFormat::H10304,
            _ => format.ok_or(Reason::Length)?,
        };
        let format = format.unwrap_or(by_length);
        let data = if bits.length() == format.data_bits() {
            bits
        } else {
            format.check_parity(bits)?
        };
        Ok(Self::of_bits(&format.card(data, bits, text)?, rule))
    }

    /// A key of a keypad: 4 bits, or 8 bits of which the high four are the low four inverted. Keys have no badge rule.
    fn parse_key(bits: Bits) -> Result<Self, Reason> {
        let key = bits.value() & 0x0F;
        if bits.length() == 8 && bits.value() >> 4 != !key & 0x0F {
            return Err(Reason::Parity);
        }
        let name = b"0123456789*#"
            .get(usize::try_from(key).map_err(|_| Reason::OutOfRange)?)
            .ok_or(Reason::OutOfRange)?;
        Ok(Self::of_card(
            bits.left_justified(),
            Some(u16::from(bits.length())),
            String::from(char::from(*name)),
        ))
    }

    fn of_bits(card: &Card<'_>, rule: BadgeKeyRule) -> Self {
        Self::of_card(
            card.bits.left_justified(),
            Some(u16::from(card.bits.length())),
            rule.key_of_card(card),
        )
    }
}

/// What that many hex digits hold, and whether it has parity bits.
fn hex_layout(digits: usize, format: Option<WiegandFormat>) -> Result<(WiegandFormat, bool), Reason> {
    use WiegandFormat::{H10301, H10302, H10304, Wiegand34};
    match (digits, format) {
        (6, None | Some(H10301)) | (8, Some(H10301)) => Ok((H10301, false)),
        (7, None | Some(H10301)) => Ok((H10301, true)),
        (8, None | Some(Wiegand34)) => Ok((Wiegand34, false)),
        (9, None | Some(Wiegand34)) | (10, Some(Wiegand34)) => Ok((Wiegand34, true)),
        (9, Some(named @ (H10304 | H10302))) => Ok((named, false)),
        (10, named @ (None | Some(H10304 | H10302))) => Ok((named.unwrap_or(H10304), true)),
        _ => Err(Reason::Length),
    }
}
