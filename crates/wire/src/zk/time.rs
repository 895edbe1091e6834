//! The times of ZKTeco terminals: local, without a zone, one second fine.
//!
//! The packed form counts seconds in years of twelve months of 31 days each, since 2000 (`terminal.md` of adrobinoga's protocol notes
//! writes it so, but reads it with years of 365 days, which is a year too many from the end of June 2026 on).

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};

/// Seconds of a day.
const DAY: u32 = 86_400;

/// The packed time, `None` outside of 2000 to 2099.
pub fn pack(time: NaiveDateTime) -> Option<u32> {
    let years = u32::try_from(time.year())
        .ok()?
        .checked_sub(2_000)
        .filter(|years| *years < 100)?;
    let days = (years * 12 + time.month0()) * 31 + time.day0();
    days.checked_mul(DAY)?.checked_add(time.num_seconds_from_midnight())
}

/// The time of a packed one, `None` where there is no such day.
pub fn unpack(packed: u32) -> Option<NaiveDateTime> {
    let (days, second) = (packed / DAY, packed % DAY);
    let (months, day) = (days / 31, days % 31);
    let year = i32::try_from(2_000 + months / 12).ok()?;
    let date = NaiveDate::from_ymd_opt(year, months % 12 + 1, day + 1)?;
    date.and_hms_opt(second / 3_600, second / 60 % 60, second % 60)
}

/// The six bytes of a realtime event: year since 2000, month, day, hour, minute, second, in binary.
pub fn of_six_bytes(bytes: [u8; 6]) -> Option<NaiveDateTime> {
    let [year, month, day, hour, minute, second] = bytes;
    let date = NaiveDate::from_ymd_opt(2_000 + i32::from(year), month.into(), day.into())?;
    date.and_hms_opt(hour.into(), minute.into(), second.into())
}

/// What [`of_six_bytes`] reads, `None` outside of 2000 to 2255.
pub fn six_bytes(time: NaiveDateTime) -> Option<[u8; 6]> {
    let year = u8::try_from(time.year() - 2_000).ok()?;
    let rest = [time.month(), time.day(), time.hour(), time.minute(), time.second()];
    let [month, day, hour, minute, second] = rest.map(|part| u8::try_from(part).unwrap_or(u8::MAX));
    Some([year, month, day, hour, minute, second])
}
