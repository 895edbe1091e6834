//! What terminals are told, as text.

use alloc::format;
use alloc::string::String;

/// How often a terminal asks for commands, and so shows that it is there, in seconds.
pub const POLL_SECONDS: u32 = 10;

/// How long a terminal waits after an error before it tries again, in seconds.
const RETRY_SECONDS: u32 = 30;

/// What a terminal should know of us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options<'a> {
    /// Its serial number.
    pub serial: &'a str,
    /// How far its records had come by what it said itself; `None`: we do not know.
    pub stamp: Option<&'a str>,
    /// How far its local time is ahead of UTC, in minutes.
    pub offset_minutes: i32,
}

impl Options<'_> {
    /// The answer to [`super::Ask::Options`]. Only records and operations are asked for: templates and photos are personal, and
    /// nothing here needs them.
    pub fn text(&self) -> String {
        let stamp = self.stamp.unwrap_or("None");
        format!(
            "GET OPTION FROM: {serial}\nATTLOGStamp={stamp}\nOPERLOGStamp=None\nATTPHOTOStamp=None\nErrorDelay={RETRY_SECONDS}\n\
             Delay={POLL_SECONDS}\nTransTimes=00:00;14:05\nTransInterval=1\nTransFlag=TransData AttLog\tOpLog\n\
             TimeZone={zone}\nRealtime=1\nEncrypt=None\n",
            serial = self.serial,
            zone = time_zone(self.offset_minutes),
        )
    }
}

/// The time zone as terminals read it: whole hours as hours, anything else in minutes. A wrong unit puts the terminal's clock wrong,
/// for it sets its clock by this and by the `Date` header of our answers.
pub fn time_zone(offset_minutes: i32) -> i32 {
    if offset_minutes % 60 == 0 {
        offset_minutes / 60
    } else {
        offset_minutes
    }
}

/// The answer to a body of so many records: all of them, those that could not be read too, for a terminal that hears less sends the
/// same again for ever.
pub fn accepted(records: usize) -> String {
    format!("OK: {records}")
}

/// The answer to everything that needs none.
pub const OK: &str = "OK";
