//! What is asked of a Dahua device: its clock, and the records that it keeps.

use chrono::{DateTime, TimeDelta};
use hyper::Method;
use wire::dahua::{CLOCK, PAGE, Records, clock, records, records_target, set_clock_target};

use super::Ended;
use super::http::Client;
use super::link::{CLOCK_TOLERANCE_MS, Device, FIRST_DAYS, OVERLAP_MS};

/// How far into the future is asked, in seconds, for a clock may be ahead.
const AHEAD_SECONDS: i64 = 24 * 3_600;

/// More pages than any device has room for.
const MOST_PAGES: usize = 10_000;

/// Measures the clock, says so, and sets it where that is wanted.
pub async fn look_at_clock(device: &Device<'_>, client: &mut Client<'_>) -> Result<(), Ended> {
    let (status, body) = client.ask(Method::GET, CLOCK, None).await?;
    let Some(shows) = clock(&body).filter(|_| status.is_success()) else {
        tracing::debug!(reader = device.reader.id, %status, "controller_clock_unknown");
        return Ok(());
    };
    let offset = TimeDelta::minutes(i64::from((device.context.offset_minutes)()));
    let now_ms = device.context.now_ms();
    let ahead_ms = shows.and_utc().timestamp_millis() - offset.num_milliseconds() - now_ms;
    device.say_clock(ahead_ms).await;
    if device.reader.set_clock && ahead_ms.abs() > CLOCK_TOLERANCE_MS {
        let local = DateTime::from_timestamp_millis(now_ms).unwrap_or_default() + offset;
        let (status, _) = client
            .ask(Method::GET, &set_clock_target(local.naive_utc()), None)
            .await?;
        tracing::warn!(reader = device.reader.id, ahead_ms, %status, "controller_clock_set");
        if status.is_success() {
            device.say_clock(0).await;
        }
    }
    Ok(())
}

/// Delivers what the device keeps and was not delivered yet. Returns how many records it gave; `None`: it gives none.
pub async fn compare(device: &mut Device<'_>, client: &mut Client<'_>) -> Result<Option<usize>, Ended> {
    let now_seconds = device.context.now_ms().div_euclid(1_000);
    let reached = device.position.reached().at_ms;
    let mut from = reached.map_or(now_seconds - FIRST_DAYS * 24 * 3_600, |at_ms| {
        (at_ms - OVERLAP_MS).div_euclid(1_000)
    });
    let until = now_seconds.max(from) + AHEAD_SECONDS;
    let mut events = 0;
    for _ in 0..MOST_PAGES {
        let (status, body) = client.ask(Method::GET, &records_target(from, until), None).await?;
        let page = records(&body, &device.controller.rule).filter(|_| status.is_success());
        let Some(Records { found, told }) = page else {
            tracing::warn!(reader = device.reader.id, %status, "controller_without_history");
            return Ok(None);
        };
        let times = told.iter().filter_map(|told| device.instant_ms(told.as_ref().ok()?));
        let last = times.max().map(|at_ms| at_ms.div_euclid(1_000));
        events += told.len();
        device.deliver(told).await?;
        // The last second of a full page may go on in the next; what comes twice is not delivered twice.
        match last.filter(|last| found >= PAGE && *last > from) {
            Some(last) => from = last,
            None => break,
        }
    }
    Ok(Some(events))
}
