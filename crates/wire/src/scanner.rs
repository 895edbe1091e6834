//! Barcode and QR scanners: a record is a badge, as it is.
//!
//! What a code says is chosen by whoever printed it, so a record is text without control characters and short, or it is refused. Some
//! scanners put an AIM identifier in front that names the symbology (`]Q1` a QR code, `]C0` Code 128; ISO/IEC 15424): it is no part of
//! the badge, so that the same badge printed as a barcode and as a QR code is one.

use alloc::vec::Vec;
use core::str::FromStr;

use crate::badge::BadgeKeyRule;
use crate::format::UnknownName;
use crate::line::key_of;
use crate::malformed::Reason;
use crate::reading::Reading;

/// What a scanner is set to send after each code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suffix {
    /// Any line end: CR, LF, CR LF or NUL. CR LF is one end, not two.
    Line,
    /// CR; a line feed inside of a code is then a control character of the code, and the code is refused whole.
    Cr,
    /// LF.
    Lf,
    /// CR and LF together; either alone belongs to the code.
    CrLf,
    /// TAB.
    Tab,
    /// Nothing: silence ends a code.
    None,
}

impl Suffix {
    /// Every suffix.
    pub const ALL: [Self; 6] = [Self::Line, Self::Cr, Self::Lf, Self::CrLf, Self::Tab, Self::None];

    /// The name in configuration files and on command lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Cr => "cr",
            Self::Lf => "lf",
            Self::CrLf => "crlf",
            Self::Tab => "tab",
            Self::None => "none",
        }
    }

    /// What a scanner so set sends after a code.
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::Line | Self::CrLf => b"\r\n",
            Self::Cr => b"\r",
            Self::Lf => b"\n",
            Self::Tab => b"\t",
            Self::None => b"",
        }
    }
}

impl FromStr for Suffix {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let known = Self::ALL.into_iter().find(|suffix| suffix.name() == name);
        known.ok_or(UnknownName::Unknown)
    }
}

/// What a scanner sent for one code, without its suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    symbology: Option<&'a str>,
    text: &'a str,
}

impl<'a> Record<'a> {
    /// Takes an AIM identifier off: `]`, a letter that names the symbology, and a digit or letter that modifies it.
    pub fn new(record: &'a str) -> Self {
        match record.as_bytes() {
            [b']', letter, modifier, ..] if letter.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric() => Self {
                symbology: Some(&record[1..3]),
                text: &record[3..],
            },
            _ => Self {
                symbology: None,
                text: record,
            },
        }
    }

    /// The symbology and its modifier, such as `Q1`, where the scanner says it.
    pub const fn symbology(&self) -> Option<&'a str> {
        self.symbology
    }

    /// What the code says.
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// The bytes that a scanner with this suffix sends.
    pub fn emit(&self, suffix: Suffix) -> Vec<u8> {
        let (bracket, symbology) = self.symbology.map_or(("", ""), |symbology| ("]", symbology));
        [
            bracket.as_bytes(),
            symbology.as_bytes(),
            self.text.as_bytes(),
            suffix.bytes(),
        ]
        .concat()
    }
}

impl Reading {
    /// The reading of a code.
    pub fn parse_scanned(record: &str, rule: BadgeKeyRule) -> Result<Self, Reason> {
        let key = key_of(Record::new(record).text.trim(), rule)?;
        Ok(Self::of_card(record.as_bytes().to_vec(), None, key))
    }
}
