//! What is wrong in a site folder, where, and what to do about it.

use crate::words::{self, Bilingual, Language, Value};

/// Problems of one code in one file beyond this many are counted, not listed: a file of a million bad rows is one mistake.
const LISTED_MAX: usize = 1_000;

/// One thing that is wrong in a site folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, such as `swipes.csv`.
    pub file: String,
    /// The line as an editor counts it, from 1; a CSV header is line 1. `None` where the whole file is meant.
    pub row: Option<u64>,
    /// The key of a TOML document, such as `schedule[0].period[1].starts`.
    pub key: Option<String>,
    /// What it is.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// Arguments of the message.
    details: Vec<(&'static str, String)>,
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Something to look at; everything that was written counts.
    Warning,
    /// What was written there does not count.
    Error,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal,)*) => {
        /// What a problem is; the names are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $code,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The name in JSON and scripts.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => $name,)*
                }
            }
        }
    };
}

codes! {
    /// A file that cannot be read or is too large.
    FileUnreadable = "file_unreadable",
    /// A CSV file whose name means nothing here.
    FileUnknown = "file_unknown",
    /// Bytes that are not UTF-8.
    NotUtf8 = "not_utf8",
    /// A column that means nothing here.
    ColumnUnknown = "column_unknown",
    /// A required column that the header lacks.
    ColumnMissing = "column_missing",
    /// A column that the header names twice.
    ColumnDuplicate = "column_duplicate",
    /// A row with more cells than the header.
    RowTooLong = "row_too_long",
    /// A quotation mark that is not closed on its line.
    QuoteUnclosed = "quote_unclosed",
    /// TOML that does not parse.
    TomlMalformed = "toml_malformed",
    /// A key that means nothing here.
    KeyUnknown = "key_unknown",
    /// A required cell or key that is empty or absent.
    ValueMissing = "value_missing",
    /// A cell or key that is none of the words that may stand there.
    ValueInvalid = "value_invalid",
    /// A number that is none, or out of range.
    NumberInvalid = "number_invalid",
    /// An instant that is none.
    InstantInvalid = "instant_invalid",
    /// A date that is none.
    DateInvalid = "date_invalid",
    /// A time of day that is none.
    TimeInvalid = "time_invalid",
    /// An interval that ends before it starts, or when it starts.
    IntervalEmpty = "interval_empty",
    /// Something written twice.
    Duplicate = "duplicate",
    /// A unit that `units.csv` does not have.
    UnitUnknown = "unit_unknown",
    /// Units that are above each other in a circle.
    UnitCycle = "unit_cycle",
    /// A person that `people.csv` does not have.
    PersonUnknown = "person_unknown",
    /// A place that `places.csv` does not have.
    PlaceUnknown = "place_unknown",
    /// A reader that `readers.csv` does not have.
    ReaderUnknown = "reader_unknown",
    /// A reader that stands nowhere at that time.
    ReaderUnplaced = "reader_unplaced",
    /// A badge that `badges.csv` does not have.
    BadgeUnknown = "badge_unknown",
    /// A badge that belongs to nobody at that time.
    BadgeUnowned = "badge_unowned",
    /// A schedule that `schedules.toml` does not have.
    ScheduleUnknown = "schedule_unknown",
    /// A meeting that `meetings.toml` does not have.
    MeetingUnknown = "meeting_unknown",
    /// Somebody who is not on the roster of the meeting.
    NotOnRoster = "not_on_roster",
    /// A substitute whom the meeting does not allow.
    SubstituteNotAllowed = "substitute_not_allowed",
    /// A duty that `duties.csv` does not have.
    DutyUnknown = "duty_unknown",
    /// A decision on something that is not found, or not final.
    DecisionUnmatched = "decision_unmatched",
    /// Rows that are looked at and not brought into the database.
    NotImported = "not_imported",
    /// A duty that goes on for longer than anybody stands one.
    DutyTooLong = "duty_too_long",
    /// A check at a time at which nobody is on that duty.
    CheckOutsideDuty = "check_outside_duty",
    /// A swipe whose time cannot be believed.
    SwipeQuarantined = "swipe_quarantined",
    /// A line of a reader's export that is no record.
    PunchUnreadable = "punch_unreadable",
    /// A file that is no calendar.
    CalendarMalformed = "calendar_malformed",
    /// Somebody's answer to an invitation, which does not say who is asked.
    CalendarAnswer = "calendar_answer",
    /// A calendar that ends in the middle.
    CalendarCut = "calendar_cut",
    /// A calendar that has no entry at all.
    CalendarEmpty = "calendar_empty",
    /// A calendar with something that cannot be read and does not say which meeting it is.
    CalendarIncomplete = "calendar_incomplete",
    /// A calendar that cannot be had.
    CalendarUnreachable = "calendar_unreachable",
    /// An entry of a calendar without a start that can be read.
    EventWithoutStart = "event_without_start",
    /// An entry that does not end after it starts.
    EventWithoutEnd = "event_without_end",
    /// An entry in a zone that nobody knows.
    EventZoneUnknown = "event_zone_unknown",
    /// An entry that comes again by a rule that cannot be followed.
    EventRuleUnusable = "event_rule_unusable",
    /// A calendar with more in it than anybody meets.
    EventTooMany = "event_too_many",
    /// An entry at no place that is known.
    EventPlaceUnknown = "event_place_unknown",
    /// An entry that lasts whole days and says no time.
    EventAllDay = "event_all_day",
    /// An entry that another calendar has brought already.
    EventElsewhere = "event_elsewhere",
    /// A mail address that nobody has.
    AttendeeUnknown = "attendee_unknown",
    /// A mail address that several people have.
    AttendeeAmbiguous = "attendee_ambiguous",
    /// Somebody who is asked and has declined.
    AttendeeDeclined = "attendee_declined",
    /// A holiday file without a single day.
    DayNone = "day_none",
    /// A date that was written by hand, which an imported calendar leaves as it is.
    DayByHand = "day_by_hand",
    /// An entry of a holiday calendar that is neither whole days nor a half.
    DayPartly = "day_partly",
    /// Entries of a holiday calendar that say nothing of work.
    DayUnmarked = "day_unmarked",
    /// More of the same, counted and not listed.
    ProblemsLeftOut = "problems_left_out",
}

impl Problem {
    /// A problem of a whole file.
    pub(crate) fn of_file(file: &str, code: Code) -> Self {
        let severity = Severity::Error;
        Self {
            file: file.to_owned(),
            row: None,
            key: None,
            code,
            severity,
            details: Vec::new(),
        }
    }

    /// The same at a line.
    pub(crate) fn at_row(mut self, row: u64) -> Self {
        self.row = Some(row);
        self
    }

    /// The same at a key of a document.
    pub(crate) fn at_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// The same as a warning.
    pub(crate) fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// The same with an argument for its message.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "most callers have a value to give away, the others a reference"
    )]
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.details.push((name, value.to_string()));
        self
    }

    /// What it says: the place, what is wrong there, and the remedy.
    pub fn text(&self) -> Bilingual {
        Bilingual {
            chinese: self.text_in(Language::Chinese),
            english: self.text_in(Language::English),
        }
    }

    /// What it says in one language.
    pub fn text_in(&self, language: Language) -> String {
        let details: Vec<(&'static str, Value<'_>)> = self
            .details
            .iter()
            .map(|(name, value)| (*name, Value::from(value.as_str())))
            .collect();
        let what = words::text(language, &format!("problem-{}", self.code.name()), &details);
        let mut place = vec![("file", Value::from(self.file.as_str())), ("what", Value::from(what))];
        let row = self.row.map(|row| row.to_string());
        place.extend(row.iter().map(|row| ("row", Value::from(row.as_str()))));
        place.extend(self.key.iter().map(|key| ("key", Value::from(key.as_str()))));
        let key = match (&self.row, &self.key) {
            (Some(_), Some(_)) => "place-key",
            (Some(_), None) => "place-row",
            (None, _) => "place-file",
        };
        words::text(language, key, &place)
    }
}

/// A bounded list of problems.
#[derive(Debug, Default)]
pub(super) struct Problems {
    listed: Vec<Problem>,
    counted: std::collections::BTreeMap<(String, Code, Severity), usize>,
}

impl Problems {
    /// Adds one.
    pub(crate) fn add(&mut self, problem: Problem) {
        let count = self
            .counted
            .entry((problem.file.clone(), problem.code, problem.severity))
            .or_default();
        *count += 1;
        if *count <= LISTED_MAX {
            self.listed.push(problem);
        }
    }

    /// Adds several.
    pub(super) fn extend(&mut self, problems: impl IntoIterator<Item = Problem>) {
        for problem in problems {
            self.add(problem);
        }
    }

    /// Adds what a row or key has to complain about and hands over what is good.
    pub(super) fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        result.map_err(|problem| self.add(problem)).ok()
    }

    /// The problems, by file and row; those beyond the bound as one line each.
    pub(super) fn into_sorted(mut self) -> Vec<Problem> {
        for ((file, code, severity), count) in self.counted {
            if count > LISTED_MAX {
                let left_out = Problem::of_file(&file, Code::ProblemsLeftOut);
                let left_out = left_out.with("count", count - LISTED_MAX).with("problem", code.name());
                self.listed.push(Problem { severity, ..left_out });
            }
        }
        self.listed
            .sort_by(|a, b| (&a.file, a.row.unwrap_or(0)).cmp(&(&b.file, b.row.unwrap_or(0))));
        self.listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_the_place_and_the_remedy() {
        let problem = Problem::of_file("swipes.csv", Code::BadgeUnknown)
            .at_row(14)
            .with("value", "4711");
        let text = problem.text();
        assert!(
            text.chinese.starts_with("swipes.csv 第 14 行") && text.chinese.contains("4711"),
            "{}",
            text.chinese
        );
        assert!(
            text.english.starts_with("swipes.csv, row 14") && text.english.contains("badges.csv"),
            "{}",
            text.english
        );
    }

    #[test]
    fn every_problem_has_words_in_both_languages() {
        let names = [
            "reason", "column", "known", "cells", "columns", "value", "allowed", "least", "most", "from", "until",
            "first", "parent", "at", "count", "problem", "duty",
        ];
        for &code in Code::ALL {
            let problem = names.iter().fold(Problem::of_file("site.toml", code), |problem, name| {
                problem.with(name, "x")
            });
            for problem in [
                problem.clone(),
                problem.clone().at_row(3),
                problem.at_row(3).at_key("since"),
            ] {
                assert!(problem.text_in(Language::Chinese).ends_with('。'), "{code:?}");
                assert!(problem.text_in(Language::English).ends_with('.'), "{code:?}");
            }
        }
    }

    #[test]
    fn a_flood_is_counted() {
        let mut problems = Problems::default();
        for row in 1..=2_500 {
            problems.add(
                Problem::of_file("swipes.csv", Code::BadgeUnknown)
                    .at_row(row)
                    .with("value", row),
            );
        }
        let listed = problems.into_sorted();
        assert_eq!(listed.len(), LISTED_MAX + 1);
        assert_eq!(
            listed[0].code,
            Code::ProblemsLeftOut,
            "the line for the whole file comes first"
        );
        assert!(listed[0].text().english.contains("1500"));
    }
}
