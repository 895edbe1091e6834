//! Reading the body of a request with a bound in size and time.

use std::time::Duration;

use axum::body::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::{Instant, timeout_at};

/// How long a body may take to arrive.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How much of a body that is too large is read and thrown away, as a multiple of what is taken, so that its sender has finished
/// and hears the answer.
const DISCARDED: usize = 64;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is larger than what is taken.
    TooLarge,
    /// It did not arrive in time, or not whole.
    Unfinished,
}

/// Reads a body of at most `limit` bytes to its end.
pub async fn read(body: impl Body<Data = Bytes> + Unpin, limit: usize) -> Result<Vec<u8>, BodyError> {
    tokio::time::timeout(TIMEOUT, read_to_end(body, limit))
        .await
        .map_err(|_| BodyError::Unfinished)?
}

/// Hands on the pieces of a body as they come, at most `limit` bytes of them. Waits for the first at most `patience`, and for each next
/// one as long as `take` says then; for all of them twice `patience`.
pub async fn each(
    mut body: impl Body<Data = Bytes> + Unpin,
    limit: usize,
    patience: Duration,
    mut take: impl FnMut(&[u8]) -> Duration,
) -> Result<(), BodyError> {
    let deadline = Instant::now() + patience * 2;
    let (mut length, mut wait) = (0, patience);
    loop {
        let until = deadline.min(Instant::now() + wait);
        let frame = timeout_at(until, body.frame())
            .await
            .map_err(|_| BodyError::Unfinished)?;
        let Some(frame) = frame else { return Ok(()) };
        let Ok(data) = frame.map_err(|_| BodyError::Unfinished)?.into_data() else {
            continue;
        };
        length += data.len();
        if length > limit {
            return Err(BodyError::TooLarge);
        }
        wait = take(&data);
    }
}

async fn read_to_end(mut body: impl Body<Data = Bytes> + Unpin, limit: usize) -> Result<Vec<u8>, BodyError> {
    let (mut kept, mut length) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Unfinished)?.into_data() else {
            continue;
        };
        length += data.len();
        if length <= limit {
            kept.extend_from_slice(&data);
        } else if length > limit.saturating_mul(DISCARDED) {
            break;
        }
    }
    if length > limit {
        Err(BodyError::TooLarge)
    } else {
        Ok(kept)
    }
}
