//! What is asked of a Hikvision device: its clock, and the events that it keeps.

use chrono::{DateTime, SecondsFormat, TimeDelta};
use hyper::Method;
use wire::HappenedAt;
use wire::isapi::search::{
    CAPABILITIES, CLOCK, Capabilities, Condition, Page, Range, SEARCH, SearchError, clock, set_clock,
};

use super::Ended;
use super::http::{Client, Content, HttpError};
use super::link::{CLOCK_TOLERANCE_MS, Device, FIRST_DAYS, OVERLAP_MS};

/// How far into the future is asked, in milliseconds, for a clock may be ahead.
const AHEAD_MS: i64 = 24 * 3_600_000;

/// Pages of this size every device can give.
const SMALLEST_PAGE: i64 = 10;

/// More pages than any device has room for.
const MOST_PAGES: usize = 100_000;

/// The major type of what happens at doors.
const DOORS: i64 = 5;

/// Measures the clock, says so, and sets it where that is wanted and people set it.
pub async fn look_at_clock(device: &Device<'_>, client: &mut Client<'_>) -> Result<(), Ended> {
    let (status, body) = client.ask(Method::GET, CLOCK, None).await?;
    let offset_ms = i64::from((device.context.offset_minutes)()) * 60_000;
    let Some(shown) = clock(&body).filter(|_| status.is_success()) else {
        tracing::debug!(reader = device.reader.id, %status, "controller_clock_unknown");
        return Ok(());
    };
    let shows_ms = match HappenedAt::parse(&shown.shows) {
        Ok(HappenedAt::Instant(ms)) => ms,
        Ok(HappenedAt::Civil(local)) => local.and_utc().timestamp_millis() - offset_ms,
        Err(_) => return Ok(()),
    };
    let ahead_ms = shows_ms - device.context.now_ms();
    device.say_clock(ahead_ms).await;
    if !device.reader.set_clock || ahead_ms.abs() <= CLOCK_TOLERANCE_MS {
        return Ok(());
    }
    if !shown.is_manual {
        tracing::warn!(
            reader = device.reader.id,
            ahead_ms,
            remedy = "it takes its time from elsewhere (NTP): correct that at the device",
            "controller_clock_not_ours"
        );
        return Ok(());
    }
    let text = set_clock(&written(device, device.context.now_ms(), true), shown.zone.as_deref());
    let content = Content {
        kind: "application/xml",
        text,
    };
    let (status, _) = client.ask(Method::PUT, CLOCK, Some(content)).await?;
    tracing::warn!(reader = device.reader.id, ahead_ms, %status, "controller_clock_set");
    if status.is_success() {
        device.say_clock(0).await;
    }
    Ok(())
}

/// An instant as a device writes it, in the site's zone.
fn written(device: &Device<'_>, at_ms: i64, has_offset: bool) -> String {
    let minutes = (device.context.offset_minutes)();
    let local = DateTime::from_timestamp_millis(at_ms).unwrap_or_default() + TimeDelta::minutes(i64::from(minutes));
    let text = local.to_rfc3339_opts(SecondsFormat::Secs, true);
    let text = text.trim_end_matches('Z');
    if !has_offset {
        return text.to_owned();
    }
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{text}{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// Delivers what the device keeps and was not delivered yet. Returns how many events it gave; `None`: it gives none.
pub async fn compare(device: &mut Device<'_>, client: &mut Client<'_>) -> Result<Option<usize>, Ended> {
    let (status, body) = client.ask(Method::GET, CAPABILITIES, None).await?;
    let can = if status.is_success() {
        Capabilities::parse(&body)
    } else {
        Capabilities::parse(b"")
    };
    let reached = device.position.reached();
    let mut events = 0;
    let next = reached.serial.map(|serial| serial + 1);
    let next = next.into_iter().chain(device.missing_from.take()).min();
    if let (true, Some(serial)) = (can.by_serial, next) {
        // What is missing and what came after the last event, whatever the clock was made to show meanwhile.
        let pages = Pages::new(device, Range::Serials(serial), can.page)?;
        match pages.deliver(device, client).await? {
            Ok(found) => events += found,
            Err(error) => tracing::debug!(reader = device.reader.id, %error, "controller_no_search_by_number"),
        }
    }
    let now_ms = device.context.now_ms();
    let from_ms = reached
        .at_ms
        .map_or(now_ms - FIRST_DAYS * 24 * 3_600_000, |at_ms| at_ms - OVERLAP_MS);
    let mut last = None;
    for (has_offset, page) in [
        (true, can.page),
        (false, can.page),
        (true, SMALLEST_PAGE),
        (false, SMALLEST_PAGE),
    ] {
        let [from, until] = [from_ms, now_ms.max(from_ms) + AHEAD_MS].map(|at_ms| written(device, at_ms, has_offset));
        let pages = Pages::new(device, Range::Times(from, until), page)?;
        match pages.deliver(device, client).await? {
            Ok(found) => return Ok(Some(events + found)),
            Err(error @ SearchError::NotSupported(_)) => {
                tracing::warn!(reader = device.reader.id, %error, "controller_without_history");
                return Ok(None);
            }
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error @ SearchError::Unexpected(_)) => Err(HttpError::Unexpected(error.to_string()).into()),
        error => {
            let error = error.map(|error| error.to_string()).unwrap_or_default();
            tracing::warn!(reader = device.reader.id, error, "controller_without_history");
            Ok(None)
        }
    }
}

/// One search, over all of its pages.
struct Pages {
    condition: Condition,
}

impl Pages {
    fn new(device: &Device<'_>, range: Range, page: i64) -> Result<Self, Ended> {
        let mut id = [0; 8];
        getrandom::fill(&mut id).map_err(|error| HttpError::Unexpected(error.to_string()))?;
        let is_of_doors = device
            .controller
            .rule
            .also_swipes
            .iter()
            .all(|(major, _)| *major == DOORS);
        Ok(Self {
            condition: Condition {
                id: hex::encode(id),
                position: 0,
                page,
                major: if is_of_doors { DOORS } else { 0 },
                range,
            },
        })
    }

    /// Delivers page after page; the inner error says that the device cannot be asked so.
    async fn deliver(
        mut self,
        device: &mut Device<'_>,
        client: &mut Client<'_>,
    ) -> Result<Result<usize, SearchError>, Ended> {
        let (mut events, mut first) = (0, None);
        for _ in 0..MOST_PAGES {
            let content = Content {
                kind: "application/json",
                text: self.condition.body(),
            };
            let (status, body) = client.ask(Method::POST, SEARCH, Some(content)).await?;
            let page = match Page::parse(status.as_u16(), &body, &device.controller.rule) {
                Ok(page) => page,
                Err(error) if self.condition.position == 0 => return Ok(Err(error)),
                Err(error) => return Err(HttpError::Unexpected(error.to_string()).into()),
            };
            let begins = page.told.first().cloned();
            if begins.is_some() && begins == first {
                return Err(HttpError::Unexpected("the same page again".into()).into());
            }
            first = begins;
            events += page.told.len();
            device.deliver(page.told).await?;
            self.condition.position += page.matches;
            if !page.has_more {
                return Ok(Ok(events));
            }
        }
        Err(HttpError::Unexpected("more pages than it can have".into()).into())
    }
}
