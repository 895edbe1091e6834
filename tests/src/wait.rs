//! Waiting for a condition with a deadline. No story sleeps for a fixed time.

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long the poll of a condition pauses; short against every deadline that a story sets.
const POLL_PAUSE: Duration = Duration::from_millis(10);

/// Asks `condition` until it answers with a value, and gives that value; fails, naming `what`, once `deadline` has passed.
/// An error of the condition is not final: the last one is part of the failure's text.
pub async fn within<T, F, Fut>(deadline: Duration, what: &str, mut condition: F) -> Result<T>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<Option<T>>>,
{
    let started = Instant::now();
    let mut last = String::from("the condition never held");
    while started.elapsed() < deadline {
        match tokio::time::timeout(deadline.saturating_sub(started.elapsed()), condition()).await {
            Ok(Ok(Some(value))) => return Ok(value),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => last = format!("{error:#}"),
            Err(_) => "the question itself did not come back".clone_into(&mut last),
        }
        tokio::time::sleep(POLL_PAUSE).await;
    }
    bail!("not within {deadline:?}: {what} ({last})")
}
