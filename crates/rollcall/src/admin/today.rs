//! 今日: how the day stands, and whether the sources can be trusted.

use std::collections::{BTreeMap, HashMap};

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{Days, NaiveDate};
use chrono_tz::Tz;
use rules::time::{CivilTime, Instant, Interval, Span, instant_of, local_date};
use store::rows::{FindingQuery, FindingRow, OutageRow, RejectedInput, SwipeRecord};

use super::directory::Directory;
use super::error::AdminError;
use super::feeds::{self, FeedView};
use super::on_duty::{self, OnDuty};
use super::page::{Page, Section, respond};
use super::review::state_name;
use super::show;
use super::visitor::Reviewer;
use crate::week::Week;
use crate::words::{self, Language, Value};

/// How many of the newest inputs that could not be read are counted.
pub const REJECTED_LOOKED_AT: i64 = 200;
/// How many of them are shown with their bytes.
const REJECTED_SHOWN: usize = 8;
/// How many bytes of one are shown.
const BYTES_SHOWN: usize = 48;
/// How many of the day's swipes are looked at; beyond it counts say "at least".
const SWIPES_LOOKED_AT: i64 = 50_000;
/// How many unknown badges are listed.
const UNKNOWN_SHOWN: usize = 12;

#[derive(Template)]
#[template(path = "admin/today.html")]
struct TodayPage {
    page: Page,
    title: String,
    /// The review of this week.
    review: String,
    counts: Vec<Count>,
    /// The meetings of the day: where their pages are, and what they are called.
    meetings: Vec<(String, String)>,
    units: Vec<UnitView>,
    findings_count: usize,
    duties: Vec<OnDuty>,
    sources: Vec<Source>,
    feeds: Vec<FeedView>,
    rejected: Vec<Rejected>,
    rejected_count: String,
    unknown: Vec<Unknown>,
    unknown_more: Option<String>,
}

struct Count {
    label: String,
    value: String,
    /// What is counted: findings, of which a person can have several, or swipes.
    measure: String,
    shape: &'static str,
}

struct UnitView {
    name: String,
    count: usize,
    lines: Vec<Line>,
}

struct Line {
    href: String,
    shape: &'static str,
    name: String,
    verdict: String,
    place: String,
    tag: Option<String>,
}

/// A reader and whether it can be heard.
struct Source {
    name: String,
    place: String,
    state: String,
    is_down: bool,
    swipes: usize,
    last: String,
}

struct Rejected {
    when: String,
    reader: String,
    reason: String,
    bytes: String,
}

struct Unknown {
    badge: String,
    reader: String,
    last: String,
    times: usize,
}

/// `GET /`
pub async fn redirect(_: Reviewer) -> Redirect {
    Redirect::to("/today")
}

/// `GET /today`
pub async fn show(reviewer: Reviewer) -> Result<Response, AdminError> {
    let zone = reviewer.site.facts.records().site.zone;
    let date = local_date(reviewer.now, zone);
    let tomorrow = date.checked_add_days(Days::new(1)).unwrap_or(date);
    let ledger = &reviewer.app.shared.ledger;
    let query = FindingQuery {
        from: Some(date.to_string()),
        until: Some(tomorrow.to_string()),
        ..FindingQuery::default()
    };
    let findings = ledger.findings(&query).await?;
    let today = Interval::new(midnight(date, zone), midnight(tomorrow, zone));
    let swipes = ledger.swipes_received(today, SWIPES_LOOKED_AT).await?;
    let rejected = ledger.rejected_inputs(REJECTED_LOOKED_AT).await?;
    let outages = ledger.outages().await?;
    let feeds = ledger.setting(crate::calendars::watch::SETTING).await?;
    let directory = Directory::of(&reviewer.site.facts);
    let (site, language) = (&reviewer.site, reviewer.language);
    let duties = on_duty::list(&**ledger, site, &directory, language, reviewer.now).await?;
    let desk = Desk {
        reviewer: &reviewer,
        directory: &directory,
        zone,
        date,
    };
    let rejected_today = rejected
        .iter()
        .filter(|input| today.contains(input.received_at))
        .count();
    let (unknown, unknown_more) = desk.unknown(&swipes);
    let page = TodayPage {
        page: Page::of(&reviewer, Section::Today),
        title: show::day_and_weekday(reviewer.language, date),
        review: format!("/review/{}", Week::of(date)),
        counts: desk.counts(&findings, &swipes),
        meetings: desk.meetings(),
        units: desk.units(&findings),
        findings_count: findings.len(),
        duties,
        sources: desk.sources(&swipes, &outages),
        feeds: feeds::views(feeds.as_deref(), reviewer.language, zone),
        rejected: rejected
            .iter()
            .take(REJECTED_SHOWN)
            .map(|input| desk.rejected(input))
            .collect(),
        rejected_count: at_least(rejected_today, REJECTED_LOOKED_AT),
        unknown,
        unknown_more,
    };
    Ok(respond(StatusCode::OK, &page)?.into_response())
}

fn midnight(date: NaiveDate, zone: Tz) -> Instant {
    instant_of(
        date,
        CivilTime::from_minutes(0).expect("midnight is a time of day"),
        zone,
    )
}

/// A count, with a `+` where no more were looked at.
fn at_least(count: usize, limit: i64) -> String {
    let is_full = i64::try_from(count).is_ok_and(|count| count >= limit);
    if is_full {
        format!("{count}+")
    } else {
        count.to_string()
    }
}

/// What the page is put together from.
struct Desk<'a> {
    reviewer: &'a Reviewer,
    directory: &'a Directory<'a>,
    zone: Tz,
    date: NaiveDate,
}

impl Desk<'_> {
    fn language(&self) -> Language {
        self.reviewer.language
    }

    fn text(&self, key: &str) -> String {
        words::text(self.language(), key, &[])
    }

    /// Swipes, and findings by shape; what is withheld counts as nothing else.
    fn counts(&self, findings: &[FindingRow], swipes: &[SwipeRecord]) -> Vec<Count> {
        let is_withheld = |row: &&FindingRow| row.state == "withheld";
        let of_shape = |shape: &'static str, key: &str| Count {
            label: self.text(key),
            measure: self.text("admin-count-measure-findings"),
            value: findings
                .iter()
                .filter(|row| !is_withheld(row) && show::shape_of(row) == shape)
                .count()
                .to_string(),
            shape,
        };
        let mut counts = vec![
            of_shape("late", "admin-count-late"),
            of_shape("early", "admin-count-early"),
            of_shape("absent", "admin-count-absent"),
            of_shape("missing", "admin-count-missing"),
            of_shape("walk", "admin-count-walk"),
        ];
        let withheld = findings.iter().filter(is_withheld).count();
        counts.push(Count {
            label: self.text("admin-count-withheld"),
            measure: self.text("admin-count-measure-findings"),
            value: withheld.to_string(),
            shape: "withheld",
        });
        let swipes = at_least(swipes.len(), SWIPES_LOOKED_AT);
        counts.push(Count {
            label: self.text("admin-count-swipes"),
            measure: self.text("admin-count-measure-swipes"),
            value: swipes,
            shape: "swipes",
        });
        counts
    }

    /// The meetings of the day, by their start.
    fn meetings(&self) -> Vec<(String, String)> {
        let facts = &self.reviewer.site.facts;
        let mut of_day: Vec<_> = facts
            .records()
            .meetings
            .iter()
            .filter(|meeting| local_date(meeting.starts, self.zone) == self.date)
            .collect();
        of_day.sort_by_key(|meeting| meeting.starts);
        let link = |meeting: &rules::model::Meeting| {
            let title = format!(
                "{} {}",
                show::time(meeting.starts, self.zone),
                show::plain(&meeting.title)
            );
            (super::meeting::path_of(&meeting.id), title)
        };
        of_day.into_iter().map(link).collect()
    }

    /// Findings by unit, in the order of the site's units.
    fn units(&self, findings: &[FindingRow]) -> Vec<UnitView> {
        let mut by_unit: BTreeMap<&str, Vec<&FindingRow>> = BTreeMap::new();
        for row in findings {
            by_unit
                .entry(row.unit.as_deref().unwrap_or_default())
                .or_default()
                .push(row);
        }
        let order: HashMap<String, usize> = self.directory.units().map(|(id, _)| id).zip(0..).collect();
        let mut by_unit: Vec<_> = by_unit.into_iter().collect();
        by_unit.sort_by_key(|(unit, _)| order.get(*unit).copied().unwrap_or(usize::MAX));
        let view = |(unit, rows): (&str, Vec<&FindingRow>)| UnitView {
            name: if unit.is_empty() {
                self.text("admin-no-unit")
            } else {
                self.directory.unit_name(unit)
            },
            count: rows.len(),
            lines: rows.iter().map(|row| self.line(row)).collect(),
        };
        by_unit.into_iter().map(view).collect()
    }

    fn line(&self, row: &FindingRow) -> Line {
        let place = self.directory.place_of(self.language(), row).unwrap_or_default();
        let tab = super::filter::Filter::default()
            .under(super::filter::Tab::of(row))
            .query();
        Line {
            href: format!("/review/{}/f/{}{tab}", Week::of(self.date), row.id),
            shape: show::shape_of(row),
            name: self.directory.subject_of(row, self.date),
            verdict: show::verdict(
                self.language(),
                &row.kind,
                row.length_ms.map(Span::from_ms),
                row.since,
                self.zone,
            ),
            place,
            tag: (row.state != "final").then(|| state_name(self.language(), &row.state)),
        }
    }

    /// Every reader of the site, and any other that sent something today.
    fn sources(&self, swipes: &[SwipeRecord], outages: &[OutageRow]) -> Vec<Source> {
        let mut seen: HashMap<&str, (usize, Instant)> = HashMap::new();
        for swipe in swipes {
            let (count, last) = seen.entry(&swipe.reader).or_insert((0, swipe.received_at));
            (*count, *last) = (*count + 1, swipe.received_at.max(*last));
        }
        let records = self.reviewer.site.facts.records();
        let known: Vec<&str> = records.readers.iter().map(|reader| &*reader.id).collect();
        let mut others: Vec<&str> = seen.keys().copied().filter(|reader| !known.contains(reader)).collect();
        others.sort_unstable();
        let down: HashMap<&str, Instant> = outages
            .iter()
            .filter(|outage| outage.down_until.is_none())
            .map(|outage| (outage.reader.as_str(), outage.down_from))
            .collect();
        known
            .iter()
            .chain(&others)
            .map(|reader| self.source(reader, down.get(reader).copied(), seen.get(reader).copied()))
            .collect()
    }

    fn source(&self, reader: &str, down: Option<Instant>, seen: Option<(usize, Instant)>) -> Source {
        let state = match down {
            Some(since) => {
                let since = show::moment(self.language(), since, self.zone);
                words::text(self.language(), "admin-source-down", &[("since", Value::from(since))])
            }
            None => self.text("admin-source-up"),
        };
        Source {
            name: show::plain(reader),
            place: self.place_of(reader),
            state,
            is_down: down.is_some(),
            swipes: seen.map_or(0, |(count, _)| count),
            last: seen.map_or_else(String::new, |(_, last)| show::exact_time(last, self.zone)),
        }
    }

    /// Where a reader stands now; says so where the site does not know it.
    fn place_of(&self, reader: &str) -> String {
        let site = &self.reviewer.site.facts;
        let Some(reader) = site.reader_index(reader) else {
            return self.text("admin-source-unknown");
        };
        let place = site.place_of(reader, self.reviewer.now);
        place.map_or_else(String::new, |place| {
            show::plain(&site.records().places[place.at()].name)
        })
    }

    fn rejected(&self, input: &RejectedInput) -> Rejected {
        Rejected {
            when: show::moment(self.language(), input.received_at, self.zone),
            reader: show::plain(&input.reader),
            reason: reason(self.language(), &input.reason),
            bytes: in_pairs(&input.raw_hex),
        }
    }

    /// Badges that were seen today and belong to nobody, those seen last first.
    fn unknown(&self, swipes: &[SwipeRecord]) -> (Vec<Unknown>, Option<String>) {
        let site = &self.reviewer.site;
        let mut seen: HashMap<&str, (&SwipeRecord, usize)> = HashMap::new();
        for swipe in swipes
            .iter()
            .filter(|swipe| site.badge(&swipe.badge, swipe.happened_at).is_none())
        {
            let (last, times) = seen.entry(&swipe.badge).or_insert((swipe, 0));
            (*last, *times) = (swipe, *times + 1);
        }
        let mut seen: Vec<_> = seen.into_values().collect();
        seen.sort_by_key(|(last, _)| (std::cmp::Reverse(last.received_at), last.badge.clone()));
        let more = seen.len().checked_sub(UNKNOWN_SHOWN).filter(|more| *more > 0);
        let view = |(last, times): &(&SwipeRecord, usize)| Unknown {
            badge: show::plain(&last.badge),
            reader: show::plain(&last.reader),
            last: show::exact_time(last.happened_at, self.zone),
            times: *times,
        };
        let more = more.map(|more| words::text(self.language(), "admin-unknown-more", &[("count", Value::from(more))]));
        (seen.iter().take(UNKNOWN_SHOWN).map(view).collect(), more)
    }
}

/// Why an input could not be read, in words; a word of a decoder that we have no words for as it is.
pub(super) fn reason(language: Language, reason: &str) -> String {
    let key = match reason {
        "noise" => "admin-rejected-noise",
        "truncated" => "admin-rejected-truncated",
        "too_long" => "admin-rejected-too-long",
        "length" => "admin-rejected-length",
        "bad_character" => "admin-rejected-bad-character",
        "checksum" => "admin-rejected-checksum",
        "parity" => "admin-rejected-parity",
        "ambiguous" => "admin-rejected-ambiguous",
        "collision" => "admin-rejected-collision",
        "payment_card" => "admin-rejected-payment-card",
        "out_of_range" => "admin-rejected-out-of-range",
        "not_utf8" => "admin-rejected-not-utf8",
        "control_byte" => "admin-rejected-control-byte",
        "empty_badge" => "admin-rejected-empty-badge",
        "too_many_fields" => "admin-rejected-too-many-fields",
        "bad_instant" => "admin-rejected-bad-instant",
        "bad_direction" => "admin-rejected-bad-direction",
        "not_json" => "admin-rejected-not-json",
        "not_xml" => "admin-rejected-not-xml",
        "too_deep" => "admin-rejected-too-deep",
        "foreign_table" => "admin-rejected-foreign-table",
        "not_authenticated" => "admin-rejected-not-authenticated",
        "unknown_event" => "admin-rejected-unknown-event",
        "unknown_controller" => "admin-rejected-unknown-controller",
        "wrong_push_key" => "admin-rejected-wrong-push-key",
        "wrong_address" => "admin-rejected-wrong-address",
        "unknown_terminal" => "admin-rejected-unknown-terminal",
        "wrong_comm_key" => "admin-rejected-wrong-comm-key",
        "bad_field" => "admin-rejected-bad-field",
        "serial_format" => "admin-rejected-serial-format",
        "undated" => "admin-rejected-undated",
        _ => return show::plain(reason),
    };
    words::text(language, key, &[])
}

/// `02 0A 1B …`
pub(super) fn in_pairs(hex: &str) -> String {
    let shown = hex.as_bytes().chunks(2).take(BYTES_SHOWN);
    let pairs: Vec<_> = shown
        .map(|pair| String::from_utf8_lossy(pair).to_ascii_uppercase())
        .collect();
    let more = if hex.len() > 2 * BYTES_SHOWN { " …" } else { "" };
    pairs.join(" ") + more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_bytes_are_shown_in_pairs_and_bounded() {
        assert_eq!(in_pairs("020a1b"), "02 0A 1B");
        assert_eq!(in_pairs(&"ff".repeat(500)).len(), 3 * BYTES_SHOWN - 1 + 4);
    }

    #[test]
    fn counts_say_when_there_may_be_more() {
        assert_eq!(
            (at_least(3, 200), at_least(200, 200)),
            ("3".to_owned(), "200+".to_owned())
        );
    }
}
