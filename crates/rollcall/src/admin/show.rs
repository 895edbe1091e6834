//! Dates, times and findings as people read them.

use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use rules::finding::{FindingKind, FindingState};
use rules::model::Facing;
use rules::time::{Instant, Interval, Span};
use store::rows::FindingRow;

use crate::words::{self, Language, Value};

/// `9月9日` or `9 Sep`.
pub fn day(language: Language, date: NaiveDate) -> String {
    words::text(
        language,
        "admin-day",
        &[("month", Value::from(date.month())), ("day", Value::from(date.day()))],
    )
}

/// `周三` or `Wed`.
pub fn weekday(language: Language, date: NaiveDate) -> String {
    words::text(
        language,
        "admin-weekday",
        &[("number", Value::from(date.weekday().number_from_monday()))],
    )
}

/// `9月9日 周三` or `Wed 9 Sep`.
pub fn day_and_weekday(language: Language, date: NaiveDate) -> String {
    let arguments = [
        ("day", Value::from(day(language, date))),
        ("weekday", Value::from(weekday(language, date))),
    ];
    words::text(language, "admin-day-and-weekday", &arguments)
}

/// `08:47`
pub fn time(at: Instant, zone: Tz) -> String {
    at.to_utc().with_timezone(&zone).format("%H:%M").to_string()
}

/// `08:47:12`
pub fn exact_time(at: Instant, zone: Tz) -> String {
    at.to_utc().with_timezone(&zone).format("%H:%M:%S").to_string()
}

/// `08:30–12:00`
pub fn times(interval: Interval, zone: Tz) -> String {
    format!("{}–{}", time(interval.from, zone), time(interval.until, zone))
}

/// `9月9日 12:05` or `9 Sep 12:05`.
pub fn moment(language: Language, at: Instant, zone: Tz) -> String {
    let date = rules::time::local_date(at, zone);
    format!("{} {}", day(language, date), time(at, zone))
}

/// `迟到 17 分` or `late 17 min`; what is still going on says since when.
pub fn verdict(language: Language, kind: &str, length: Option<Span>, since: Option<Instant>, zone: Tz) -> String {
    let kind = kind_name(language, kind);
    match (length, since) {
        (Some(length), _) => {
            let arguments = [
                ("kind", Value::from(kind)),
                ("minutes", Value::from(length.shown_minutes())),
            ];
            words::text(language, "admin-verdict", &arguments)
        }
        (None, Some(since)) => {
            let arguments = [("kind", Value::from(kind)), ("time", Value::from(time(since, zone)))];
            words::text(language, "admin-verdict-since", &arguments)
        }
        (None, None) => kind,
    }
}

/// What people call a stored kind; a kind that this version does not know is shown as it is stored.
pub fn kind_name(language: Language, kind: &str) -> String {
    known_kind(kind).map_or_else(|| kind.to_owned(), |kind| words::kind(language, kind))
}

/// The kind of that name.
pub fn known_kind(name: &str) -> Option<FindingKind> {
    FindingKind::ALL.into_iter().find(|kind| kind.name() == name)
}

/// The shape that accompanies the words, so that colour never says something alone; also a class of the style sheet.
pub const fn shape(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Late | FindingKind::SeriouslyLate | FindingKind::MeetingLate | FindingKind::DutyLate => "late",
        FindingKind::EarlyLeave | FindingKind::MeetingEarlyLeave => "early",
        FindingKind::NotArrived
        | FindingKind::Absent
        | FindingKind::OverstayedLeave
        | FindingKind::MeetingAbsent
        | FindingKind::DutyAbsent
        | FindingKind::UnitAbsent => "absent",
        FindingKind::MissingArrival
        | FindingKind::MissingDeparture
        | FindingKind::HandoverMissing
        | FindingKind::UnitShort
        | FindingKind::UnitRank => "missing",
        FindingKind::StepOut
        | FindingKind::WalkOut
        | FindingKind::WalkingAbout
        | FindingKind::DutyLeft
        | FindingKind::Seating
        | FindingKind::Conduct => "walk",
        FindingKind::Escalation => "repeated",
    }
}

/// The shape of a stored finding: what is withheld has one of its own, whatever it would be.
pub fn shape_of(row: &FindingRow) -> &'static str {
    if row.state == FindingState::Withheld.name() {
        return "withheld";
    }
    known_kind(&row.kind).map_or("fine", shape)
}

/// Which way, in a word: 进, 出, 刷卡.
pub fn facing(language: Language, faces: Facing) -> String {
    let key = match faces {
        Facing::In => "admin-in",
        Facing::Out => "admin-out",
        Facing::Both => "admin-undetermined",
    };
    words::text(language, key, &[])
}

/// What an absence is called: the usual kinds in words, others as the bureau writes them.
pub fn absence_kind(language: Language, kind: &str) -> String {
    let key = match kind {
        "leave" => "admin-absence-leave",
        "trip" => "admin-absence-trip",
        "errand" => "admin-absence-errand",
        _ => return kind.to_owned(),
    };
    words::text(language, key, &[])
}

/// Text from outside for a page: without control and direction characters, which could make it read as something else.
pub fn plain(text: &str) -> String {
    let is_direction =
        |letter| matches!(letter, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .filter(|letter| !letter.is_control() && !is_direction(*letter))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_read_well_in_both_languages() {
        let zone = chrono_tz::Asia::Shanghai;
        let length = Some(Span::from_ms(16 * 60_000 + 1));
        assert_eq!(verdict(Language::Chinese, "late", length, None, zone), "迟到 17 分");
        assert_eq!(verdict(Language::English, "late", length, None, zone), "late 17 min");
        assert_eq!(
            verdict(
                Language::Chinese,
                "walk_out",
                None,
                Some(Instant::from_ms(1_788_919_320_000)),
                zone
            ),
            "中途离场 10:02 起"
        );
        assert_eq!(
            verdict(Language::English, "from_the_future", None, None, zone),
            "from_the_future"
        );
    }

    #[test]
    fn dates_read_well_in_both_languages() {
        let date = NaiveDate::from_ymd_opt(2026, 9, 9).expect("a date");
        assert_eq!(day_and_weekday(Language::Chinese, date), "9月9日 周三");
        assert_eq!(day_and_weekday(Language::English, date), "Wed 9 Sep");
    }

    #[test]
    fn names_cannot_turn_the_reading_direction() {
        assert_eq!(plain("赵\u{202E}一宁\u{0000}\n<b>"), "赵一宁<b>");
    }
}
