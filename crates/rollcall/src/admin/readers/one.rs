//! `GET /readers/{reader}`: what is known of one reader; `POST /readers/{reader}/test` waits for a card there.

use askama::Template;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use rules::time::{Instant, Span};
use serde::Deserialize;
use store::rows::{OutageRow, RejectedInput};

use super::parts::{CountRow, ReaderRow, Writer};
use crate::admin::error::AdminError;
use crate::admin::page::{Page, Section, respond};
use crate::admin::visitor::{Reviewer, Signed};
use crate::admin::{show, today};
use crate::sources::{Presented, Seen, SourceState, TEST_SECONDS, mask_badge};
use crate::words::{self, Value};

/// How many of the newest inputs that could not be read are shown.
const BAD_SHOWN: i64 = 12;

/// How many of the newest times without signal are shown.
const OUTAGES_SHOWN: usize = 20;

/// What a line needs to open when the daemon starts is no time without signal to speak of.
const SHORTEST_OUTAGE: Span = Span::from_seconds(1);

/// How many bytes of an input are shown as text.
const LETTERS_SHOWN: usize = 96;

#[derive(Template)]
#[template(path = "admin/reader.html")]
struct ReaderPage {
    page: Page,
    reader: ReaderRow,
    test: Option<TestView>,
    facts: Vec<(String, String)>,
    today: Vec<CountRow>,
    run: Vec<CountRow>,
    recent: Vec<SeenView>,
    bad: Vec<BadView>,
    outages: Vec<OutageView>,
}

/// A test as it stands.
struct TestView {
    /// `waiting`, `read` or `over`: a class of the style sheet.
    state: &'static str,
    title: String,
    /// What was read: what it is called, and what it says.
    facts: Vec<(String, String)>,
    /// Where an unknown badge is given to somebody.
    assign: Option<String>,
    bad: Option<BadView>,
}

struct SeenView {
    when: String,
    badge: String,
    holder: String,
    lag: String,
    held: String,
}

struct BadView {
    when: String,
    reason: String,
    bytes: String,
    letters: String,
}

struct OutageView {
    from: String,
    until: String,
    length: String,
}

/// A form without fields of its own.
#[derive(Deserialize)]
pub struct Nothing {}

type ReaderPath = Result<Path<String>, PathRejection>;

/// `GET /readers/{reader}`
pub async fn show(reviewer: Reviewer, path: ReaderPath) -> Result<Response, AdminError> {
    let Path(id) = path?;
    let state = super::states(&reviewer).into_iter().find(|state| state.reader == id);
    let state = state.ok_or(AdminError::NotFound)?;
    let ledger = &reviewer.app.shared.ledger;
    let bad = ledger.rejected_of(&id, BAD_SHOWN).await?;
    let outages = ledger.outages().await?;
    let writer = Writer { reviewer: &reviewer };
    let presented = reviewer.app.shared.sources.presented(&id);
    let page = ReaderPage {
        page: Page::of(&reviewer, Section::Readers),
        reader: writer.row(&state),
        test: presented.map(|presented| writer.test(&state, &presented)),
        facts: writer.facts(&state),
        today: writer.counts(&state.today),
        run: writer.counts(&state.run),
        recent: state.recent.iter().map(|seen| writer.seen(seen)).collect(),
        bad: bad.iter().map(|input| writer.bad(input)).collect(),
        outages: writer.outages(&id, outages),
    };
    respond(StatusCode::OK, &page)
}

/// `POST /readers/{reader}/test`
pub async fn test(path: ReaderPath, signed: Signed<Nothing>) -> Result<Response, AdminError> {
    let (Path(id), Signed { reviewer, .. }) = (path?, signed);
    let is_known = super::states(&reviewer).iter().any(|state| state.reader == id);
    if !is_known || !reviewer.app.shared.sources.present(&id) {
        return Err(AdminError::NotFound);
    }
    tracing::info!(event = "reader.test", reader = id, by = reviewer.account);
    Ok(Redirect::to(&super::path_of(&id)).into_response())
}

impl Writer<'_> {
    fn test(&self, state: &SourceState, presented: &Presented) -> TestView {
        let left = presented.seconds_left();
        let bad = presented
            .bad
            .as_ref()
            .map(|bad| self.bad_view(bad.at_ms, &bad.reason, &bad.raw_hex));
        let Some(card) = &presented.card else {
            let (state, key) = if left > 0 {
                ("waiting", "admin-test-waiting")
            } else {
                ("over", "admin-test-over")
            };
            let arguments = [("seconds", Value::from(if left > 0 { left } else { TEST_SECONDS }))];
            return TestView {
                state,
                title: words::text(self.language(), key, &arguments),
                facts: Vec::new(),
                assign: None,
                bad,
            };
        };
        let seen = &card.seen;
        let happened_at = Instant::from_ms(seen.happened_at_ms);
        let mut facts = vec![
            (self.text("admin-unknown-badge"), show::plain(&seen.badge)),
            (
                self.text("admin-test-holder"),
                self.holder_text(&seen.badge, happened_at),
            ),
            (self.text("admin-test-raw"), raw(seen)),
            (self.text("admin-test-decoder"), format_of(state)),
            (self.text("admin-test-happened"), self.when(seen.happened_at_ms)),
            (self.text("admin-test-latency"), self.length(card.latency_ms)),
            (self.text("admin-test-drift"), self.drift_of(state, seen)),
        ];
        let outcome = match &seen.held {
            Some(reason) => self.held_reason(reason),
            None if card.is_new => self.text("admin-test-recorded"),
            None => self.text("admin-test-duplicate"),
        };
        facts.push((self.text("admin-test-outcome"), outcome));
        TestView {
            state: "read",
            title: self.text("admin-test-read"),
            facts,
            assign: self
                .holder(&seen.badge, happened_at)
                .is_none()
                .then(|| crate::admin::badges::assign_path(&seen.badge)),
            bad,
        }
    }

    /// What the reading says of the clock: what was measured, else how far its own time is from its receipt.
    fn drift_of(&self, state: &SourceState, seen: &Seen) -> String {
        match &state.drift {
            Some(drift) => self.ahead(drift.ahead_ms),
            None if seen.happened_at_ms == seen.received_at_ms => self.text("admin-clock-ours"),
            None => self.ahead(seen.happened_at_ms - seen.received_at_ms),
        }
    }

    /// What is known of the reader, as names and values.
    fn facts(&self, state: &SourceState) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        let mut add = |key: &str, value: Option<String>| facts.extend(value.map(|value| (self.text(key), value)));
        let configured = state.configured.as_ref();
        add(
            "admin-fact-link",
            configured.map(|configured| show::plain(&configured.link)),
        );
        add(
            "admin-fact-format",
            configured.map(|configured| configured.format.clone()),
        );
        add(
            "admin-fact-link-state",
            state.link.as_ref().map(|link| {
                let key = if link.up { "admin-link-up" } else { "admin-link-down" };
                let arguments = [
                    ("text", Value::from(show::plain(&link.text))),
                    ("since", Value::from(self.when(link.since_ms))),
                ];
                words::text(self.language(), key, &arguments)
            }),
        );
        add(
            "admin-fact-heard",
            state
                .heard_at_ms
                .map(|heard| format!("{} ({})", self.when(heard), self.ago(heard))),
        );
        add(
            "admin-fact-silent-after",
            configured
                .filter(|configured| configured.silent_after_seconds > 0)
                .map(|configured| self.length(i64::from(configured.silent_after_seconds) * 1_000)),
        );
        add("admin-fact-clock", Some(self.clock_fact(state)));
        add("admin-fact-backlog", state.backlog.map(|records| records.to_string()));
        add(
            "admin-fact-alarms",
            state.alarms.as_ref().map(|alarms| self.alarms(alarms)),
        );
        facts.extend(
            state
                .details
                .iter()
                .map(|(name, text)| (show::plain(name), show::plain(text))),
        );
        facts
    }

    fn clock_fact(&self, state: &SourceState) -> String {
        let Some(drift) = &state.drift else {
            return self.text("admin-clock-unmeasured");
        };
        let key = if drift.is_off {
            "admin-clock-held"
        } else {
            "admin-clock-measured"
        };
        let arguments = [
            ("ahead", Value::from(self.ahead(drift.ahead_ms))),
            ("time", Value::from(self.when(drift.measured_at_ms))),
        ];
        words::text(self.language(), key, &arguments)
    }

    fn alarms(&self, alarms: &crate::sources::Alarms) -> String {
        let key = match (alarms.tamper, alarms.power) {
            (false, false) => return self.text("admin-alarm-none"),
            (true, false) => "admin-alarm-tamper",
            (false, true) => "admin-alarm-power",
            (true, true) => "admin-alarm-both",
        };
        words::text(
            self.language(),
            key,
            &[("since", Value::from(self.when(alarms.since_ms)))],
        )
    }

    fn seen(&self, seen: &Seen) -> SeenView {
        let happened_at = Instant::from_ms(seen.happened_at_ms);
        SeenView {
            when: self.when(seen.happened_at_ms),
            badge: show::plain(&mask_badge(&seen.badge)),
            holder: self.holder_text(&seen.badge, happened_at),
            lag: self.lag(seen.happened_at_ms, seen.received_at_ms),
            held: seen
                .held
                .as_ref()
                .map_or_else(String::new, |reason| self.held_reason(reason)),
        }
    }

    fn bad(&self, input: &RejectedInput) -> BadView {
        self.bad_view(input.received_at.as_ms(), &input.reason, &input.raw_hex)
    }

    fn bad_view(&self, at_ms: i64, reason: &str, raw_hex: &str) -> BadView {
        BadView {
            when: self.when(at_ms),
            reason: today::reason(self.language(), reason),
            bytes: today::in_pairs(raw_hex),
            letters: letters(raw_hex),
        }
    }

    /// The times of a reader without signal, newest first.
    fn outages(&self, reader: &str, outages: Vec<OutageRow>) -> Vec<OutageView> {
        let lasted = |outage: &OutageRow| {
            let until = outage.down_until.unwrap_or(self.reviewer.now);
            outage.reader == reader && until - outage.down_from >= SHORTEST_OUTAGE
        };
        let mut of_reader: Vec<OutageRow> = outages.into_iter().filter(lasted).collect();
        of_reader.reverse();
        let view = |outage: &OutageRow| {
            let until = outage.down_until.unwrap_or(self.reviewer.now);
            OutageView {
                from: self.when(outage.down_from.as_ms()),
                until: match outage.down_until {
                    Some(until) => self.when(until.as_ms()),
                    None => self.text("admin-outage-open"),
                },
                length: self.length((until - outage.down_from).as_ms()),
            }
        };
        of_reader.iter().take(OUTAGES_SHOWN).map(view).collect()
    }
}

/// The name of a reader's format.
fn format_of(state: &SourceState) -> String {
    let configured = state.configured.as_ref();
    configured.map_or_else(|| "–".to_owned(), |configured| configured.format.clone())
}

/// `26 bits: BB 1D 74 40`
fn raw(seen: &Seen) -> String {
    match (&seen.raw_hex, seen.bits) {
        (Some(hex), Some(bits)) => format!("{bits} bit: {}", today::in_pairs(hex)),
        (Some(hex), None) => today::in_pairs(hex),
        (None, _) => "–".to_owned(),
    }
}

/// Bytes as text, with a dot for what cannot be printed.
fn letters(raw_hex: &str) -> String {
    let bytes = hex::decode(raw_hex).unwrap_or_default();
    let letter = |byte: &u8| {
        if byte.is_ascii_graphic() || *byte == b' ' {
            char::from(*byte)
        } else {
            '·'
        }
    };
    bytes.iter().take(LETTERS_SHOWN).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_as_text_too() {
        assert_eq!(letters("023041ff0d"), "·0A··");
        assert_eq!(letters("zz"), "");
    }
}
