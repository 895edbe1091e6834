//! Load: many senders, each with one connection and one request under way. What they send is made beforehand and answers are read
//! no further than needed, because senders share the processors with what they measure, whichever that is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Longer than any answer to one record.
const ANSWER_BYTES: usize = 1_024;

/// How one of the measured services is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Rollcall: HTTP/1.1 with keep-alive.
    Http,
    /// Redis: its own protocol.
    Redis,
}

/// Requests in the order in which they are sent, whichever sender is free taking the next one.
#[derive(Debug)]
pub struct Requests {
    /// Whose they are.
    pub speech: Speech,
    /// Their bytes.
    pub whole: Vec<Vec<u8>>,
}

/// What came of a burst.
#[derive(Clone, Copy, Debug, Default)]
pub struct Burst {
    /// Requests that were sent and answered as they should be.
    pub answered: usize,
    /// From the first send to the last answer.
    pub span: Duration,
}

/// Senders with their connections, which last as long as they do.
#[derive(Debug)]
pub struct Senders(Vec<Sender>);

#[derive(Debug)]
struct Sender {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Senders {
    /// Connects so many to `address`.
    pub async fn connect(address: &str, count: usize) -> Result<Self> {
        let mut senders = Vec::with_capacity(count);
        for _ in 0..count {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            senders.push(Sender {
                stream,
                answer: Vec::with_capacity(ANSWER_BYTES),
            });
        }
        Ok(Self(senders))
    }

    /// Sends until there is nothing left or `limit` is over, and reads every answer.
    pub async fn burst(&mut self, requests: Requests, limit: Duration) -> Result<Burst> {
        let (requests, next) = (Arc::new(requests), Arc::new(AtomicUsize::new(0)));
        let began = Instant::now();
        let mut tasks = JoinSet::new();
        for mut sender in self.0.drain(..) {
            let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
            tasks.spawn(async move {
                let answered = sender.work(&requests, &next, began + limit).await?;
                anyhow::Ok((sender, answered))
            });
        }
        let mut burst = Burst::default();
        while let Some(task) = tasks.join_next().await {
            let (sender, answered) = task??;
            self.0.push(sender);
            burst.answered += answered;
        }
        burst.span = began.elapsed();
        Ok(burst)
    }
}

impl Sender {
    async fn work(&mut self, requests: &Requests, next: &AtomicUsize, until: Instant) -> Result<usize> {
        let mut answered = 0;
        while Instant::now() < until
            && let Some(request) = requests.whole.get(next.fetch_add(1, Ordering::Relaxed))
        {
            self.ask(request, requests.speech).await?;
            ensure!(
                requests.speech.is_good(&self.answer),
                "{:?} answers {}",
                requests.speech,
                String::from_utf8_lossy(&self.answer)
            );
            answered += 1;
        }
        Ok(answered)
    }

    async fn ask(&mut self, request: &[u8], speech: Speech) -> Result<()> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        while !speech.is_whole(&self.answer) {
            ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "{speech:?} hung up");
        }
        Ok(())
    }
}

impl Speech {
    fn is_whole(self, answer: &[u8]) -> bool {
        match self {
            Self::Http => http_length(answer).is_some_and(|length| answer.len() >= length),
            // The id of what was appended: its length in a line, then itself.
            Self::Redis => {
                answer.ends_with(b"\r\n") && (answer[0] != b'$' || answer.split(|byte| *byte == b'\n').count() > 2)
            }
        }
    }

    fn is_good(self, answer: &[u8]) -> bool {
        match self {
            Self::Http => answer.starts_with(b"HTTP/1.1 200 ") && holds(answer, br#""status":"recorded""#),
            Self::Redis => answer.starts_with(b"$"),
        }
    }
}

/// How long an HTTP answer is, once its head is there.
fn http_length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let lines = answer[..head].split(|byte| *byte == b'\n');
    let mut lengths = lines.filter_map(|line| {
        let (name, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head + 4 + lengths.next()?)
}

fn holds(answer: &[u8], words: &[u8]) -> bool {
    answer.windows(words.len()).any(|window| window == words)
}

/// The request for one record in JSON, with a bearer token.
pub fn http_request(authority: &str, token: &str, json: &str) -> Vec<u8> {
    format!(
        "POST /api/v1/swipes HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
        json.len()
    )
    .into_bytes()
}

/// The request that appends one entry to a stream.
pub fn redis_request(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut words = vec!["XADD", "swipes", "*"];
    words.extend(fields.iter().flat_map(|(name, value)| [*name, *value]));
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.extend(["$", &word.len().to_string(), "\r\n", word, "\r\n"]);
    }
    request.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_last_byte_is_there() {
        let http = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        let redis = b"$3\r\n1-0\r\n";
        for (speech, whole) in [(Speech::Http, &http[..]), (Speech::Redis, &redis[..])] {
            for length in 1..whole.len() {
                assert!(!speech.is_whole(&whole[..length]), "{speech:?} {length}");
            }
            assert!(speech.is_whole(whole));
        }
        assert!(Speech::Redis.is_whole(b"-ERR no\r\n") && !Speech::Redis.is_good(b"-ERR no\r\n"));
        assert!(!Speech::Http.is_good(http), "nothing was recorded");
    }

    #[test]
    fn requests_name_their_lengths() {
        assert_eq!(
            redis_request(&[("badge", "7")]),
            b"*5\r\n$4\r\nXADD\r\n$6\r\nswipes\r\n$1\r\n*\r\n$5\r\nbadge\r\n$1\r\n7\r\n"
        );
        let http = String::from_utf8(http_request("h", "t", "{}")).expect("text");
        assert!(http.ends_with("Content-Length: 2\r\n\r\n{}"), "{http}");
    }
}
