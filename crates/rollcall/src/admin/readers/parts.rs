//! What of a reader both pages say, in the words of their reader.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use rules::time::{Instant, Span};

use crate::admin::show;
use crate::admin::visitor::Reviewer;
use crate::sources::{Condition, Counts, SourceState, mask_badge};
use crate::words::{self, Language, Value};

/// A reader as a row of the list, and the head of its own page.
pub struct ReaderRow {
    /// Where its own page is.
    pub path: String,
    pub name: String,
    /// Place and direction.
    pub place: String,
    /// The stable name of its condition, a class of the style sheet.
    pub condition: &'static str,
    pub condition_text: String,
    /// Since when.
    pub since: String,
    /// What to do, where something is to be done.
    pub advice: Option<String>,
    /// The link as configured.
    pub link: String,
    /// What the link says.
    pub link_text: String,
    pub last_time: String,
    pub last_badge: String,
    /// How its clock was found.
    pub drift: String,
    pub is_drift_off: bool,
    pub backlog: String,
    pub readings: u64,
    pub duplicates: u64,
    pub held: u64,
    pub malformed: u64,
}

/// Writes about readers.
pub struct Writer<'a> {
    pub reviewer: &'a Reviewer,
}

impl Writer<'_> {
    pub fn language(&self) -> Language {
        self.reviewer.language
    }

    pub fn zone(&self) -> Tz {
        self.reviewer.site.facts.records().site.zone
    }

    pub fn text(&self, key: &str) -> String {
        words::text(self.language(), key, &[])
    }

    pub fn row(&self, state: &SourceState) -> ReaderRow {
        let site = &self.reviewer.site.facts;
        let condition = Condition::of(state, site.reader_index(&state.reader).is_some());
        let configured = state.configured.as_ref();
        let last = state.recent.front();
        let drift = state.drift.as_ref();
        ReaderRow {
            path: super::path_of(&state.reader),
            name: show::plain(&state.reader),
            place: self.place(&state.reader),
            condition: condition.name(),
            condition_text: self.text(condition.words()),
            since: self.since(state, condition),
            advice: condition.advice().map(|key| self.text(key)),
            link: configured.map_or_else(
                || self.text("admin-reader-no-link"),
                |configured| show::plain(&configured.link),
            ),
            link_text: state
                .link
                .as_ref()
                .map_or_else(String::new, |link| show::plain(&link.text)),
            last_time: last.map_or_else(String::new, |seen| self.when(seen.received_at_ms)),
            last_badge: last.map_or_else(String::new, |seen| show::plain(&mask_badge(&seen.badge))),
            drift: drift.map_or_else(String::new, |drift| self.ahead(drift.ahead_ms)),
            is_drift_off: drift.is_some_and(|drift| drift.is_off),
            backlog: state.backlog.filter(|left| *left > 0).map_or_else(String::new, |left| {
                words::text(
                    self.language(),
                    "admin-reader-backlog",
                    &[("records", Value::from(left))],
                )
            }),
            readings: state.today.readings,
            duplicates: state.today.duplicates,
            held: state.today.held_in_all(),
            malformed: state.today.malformed_in_all(),
        }
    }

    fn since(&self, state: &SourceState, condition: Condition) -> String {
        let since_ms = match condition {
            Condition::Down | Condition::Silent | Condition::CatchingUp => state
                .down_since_ms
                .or_else(|| state.link.as_ref().map(|link| link.since_ms)),
            Condition::Alarm => state.alarms.as_ref().map(|alarms| alarms.since_ms),
            Condition::ClockOff => state.drift.as_ref().map(|drift| drift.measured_at_ms),
            Condition::Up => state
                .covered_since_ms
                .or_else(|| state.link.as_ref().map(|link| link.since_ms)),
            Condition::Unregistered | Condition::Unconfigured | Condition::Waiting => None,
        };
        let since = since_ms.map(|since| {
            words::text(
                self.language(),
                "admin-since",
                &[("time", Value::from(self.when(since)))],
            )
        });
        since.unwrap_or_default()
    }

    /// Where a reader stands now, and which way it faces.
    pub fn place(&self, reader: &str) -> String {
        let site = &self.reviewer.site.facts;
        let Some(index) = site.reader_index(reader) else {
            return self.text("admin-source-unknown");
        };
        site.stand_at(index, self.reviewer.now)
            .map_or_else(String::new, |stand| {
                let place = show::plain(&site.records().places[stand.place.at()].name);
                let faces = show::facing(self.language(), stand.faces);
                format!("{place} · {faces}")
            })
    }

    /// A time of today as `08:47:12`, of another day as `9月9日 08:47`.
    pub fn when(&self, ms: i64) -> String {
        let (at, zone) = (Instant::from_ms(ms), self.zone());
        let is_today = rules::time::local_date(at, zone) == rules::time::local_date(self.reviewer.now, zone);
        if is_today {
            show::exact_time(at, zone)
        } else {
            show::moment(self.language(), at, zone)
        }
    }

    /// How long ago something was.
    pub fn ago(&self, ms: i64) -> String {
        let age = (self.reviewer.now - Instant::from_ms(ms)).as_ms();
        if age < 2_000 {
            return self.text("admin-just-now");
        }
        words::text(
            self.language(),
            "admin-ago",
            &[("length", Value::from(self.length(age)))],
        )
    }

    /// `快 0.4 秒`, `慢 3 分 20 秒`.
    pub fn ahead(&self, ms: i64) -> String {
        let key = match ms {
            -49..=49 => return self.text("admin-clock-right"),
            50.. => "admin-clock-ahead",
            _ => "admin-clock-behind",
        };
        words::text(
            self.language(),
            key,
            &[("length", Value::from(self.length(ms.saturating_abs())))],
        )
    }

    /// A length in its two largest measures; below a minute seconds with a tenth where that says something.
    pub fn length(&self, ms: i64) -> String {
        let seconds = ms.max(0) / 1_000;
        let (key, large, small) = match seconds {
            0..10 => {
                let tenths = ms.max(0) / 100;
                let text = format!("{}.{}", tenths / 10, tenths % 10);
                return words::text(
                    self.language(),
                    "admin-length-seconds",
                    &[("seconds", Value::from(text))],
                );
            }
            10..60 => {
                let text = seconds.to_string();
                return words::text(
                    self.language(),
                    "admin-length-seconds",
                    &[("seconds", Value::from(text))],
                );
            }
            60..3_600 => ("admin-length-minutes", seconds / 60, seconds % 60),
            3_600..86_400 => ("admin-length-hours", seconds / 3_600, seconds % 3_600 / 60),
            _ => ("admin-length-days", seconds / 86_400, seconds % 86_400 / 3_600),
        };
        let number = |number: i64| Value::from(number.to_string());
        words::text(
            self.language(),
            key,
            &[("large", number(large)), ("small", number(small))],
        )
    }

    /// Why swipes of a reader are held, in words.
    pub fn held_reason(&self, reason: &str) -> String {
        let key = match reason {
            "clock_set" => "admin-held-clock-set",
            "clock_off" => "admin-held-clock-off",
            "before_since" => "admin-held-before-since",
            "ahead_of_receipt" => "admin-held-ahead",
            "reader_unknown" => "admin-held-reader-unknown",
            _ => return show::plain(reason),
        };
        self.text(key)
    }

    /// The counts of a day or a run: what, how many, and why.
    pub fn counts(&self, counts: &Counts) -> Vec<CountRow> {
        let language = self.language();
        let row = |key: &str, count, why: String| CountRow {
            what: self.text(key),
            count,
            why,
        };
        vec![
            row("admin-count-readings", counts.readings, String::new()),
            row("admin-count-duplicates", counts.duplicates, String::new()),
            row(
                "admin-count-held",
                counts.held_in_all(),
                reasons(&counts.held, |reason| self.held_reason(reason)),
            ),
            row(
                "admin-count-malformed",
                counts.malformed_in_all(),
                reasons(&counts.malformed, |reason| {
                    crate::admin::today::reason(language, reason)
                }),
            ),
        ]
    }

    /// The person who has a badge at an instant: identifier and name.
    pub fn holder(&self, badge: &str, at: Instant) -> Option<(String, String)> {
        let site = &self.reviewer.site;
        let person = site.facts.holder(site.badge(badge, at)?, at)?;
        let records = site.facts.records();
        let person_id = records.people[person.at()].id.to_string();
        let name = site.facts.stint_at(person, at).map(|stint| show::plain(&stint.name));
        Some((person_id.clone(), name.unwrap_or(person_id)))
    }

    /// Whose a badge is, in words; says so where it is nobody's.
    pub fn holder_text(&self, badge: &str, at: Instant) -> String {
        self.holder(badge, at)
            .map_or_else(|| self.text("admin-nobodys-badge"), |(_, name)| name)
    }

    /// The difference between two instants of a reading, where it says something.
    pub fn lag(&self, happened_at_ms: i64, received_at_ms: i64) -> String {
        let lag = Span::from_ms(received_at_ms - happened_at_ms).as_ms();
        if lag.abs() < 1_000 {
            String::new()
        } else {
            self.ahead(-lag)
        }
    }
}

/// Counts by reason, most first, as `校验和不符 3 · 不完整 1`.
fn reasons(counts: &BTreeMap<String, u64>, in_words: impl Fn(&str) -> String) -> String {
    let mut counts: Vec<(&String, &u64)> = counts.iter().collect();
    counts.sort_by_key(|(reason, count)| (std::cmp::Reverse(**count), reason.as_str()));
    let said = counts
        .into_iter()
        .map(|(reason, count)| format!("{} {count}", in_words(reason)));
    said.collect::<Vec<_>>().join(" · ")
}

/// How often something came.
pub struct CountRow {
    pub what: String,
    pub count: u64,
    pub why: String,
}
