//! TCP: peers that connect to us, and peers that we connect to. Both carry the same bytes as a serial line.

use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use wire::{Decoder, Reason};

use crate::backoff::Backoff;
use crate::config::ReaderConfig;
use crate::delivery::{Delivery, Outcome};
use crate::link::{LinkContext, decode};

/// The most peers of one reader that are connected at once; further ones are told `err busy`.
pub const MOST_PEERS: usize = 256;

/// The most records of one peer that wait for their answers; while there are more, nothing is read from it.
const MOST_WAITING: usize = 64;

/// Bytes of one read.
const READ_BYTES: usize = 4_096;

/// What peers hear when the queue is full, or their record was not kept: send it again later.
const BUSY: &str = "err busy";

/// A silent peer is asked whether it is there after the first, and then every second; nine times without an answer ends the
/// connection (Linux).
const KEEPALIVE: (Duration, Duration) = (Duration::from_mins(1), Duration::from_secs(15));

/// Listens at an address until told to stop; where that is not possible it is tried again.
pub async fn listen(reader: &ReaderConfig, address: &str, context: &LinkContext) {
    let mut link = Redial::new(reader, context);
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return serve_listener(reader, listener, context).await,
            Err(error) => link.say_down(format!("cannot listen on {address}: {error}")).await,
        }
        if link.is_stopped_while_waiting().await {
            return;
        }
    }
}

/// Serves the peers of one reader on a listener that the caller has bound, until the context's `stop`. The reader is up while we
/// listen: a peer that connects for each record and leaves again is as good as one that stays.
pub async fn serve_listener(reader: &ReaderConfig, listener: TcpListener, context: &LinkContext) {
    let place = listener
        .local_addr()
        .map_or_else(|error| error.to_string(), |address| address.to_string());
    send(context, context.state(reader, true, format!("listening on {place}"))).await;
    let mut peers = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            () = context.stop.cancelled() => break,
            Some(_) = peers.join_next(), if !peers.is_empty() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) if peers.len() < MOST_PEERS => {
                let (reader, context) = (reader.clone(), context.clone());
                peers.spawn(async move { serve_peer(stream, &reader, &context).await });
            }
            Ok((stream, peer)) => {
                tracing::warn!(reader = reader.id, %peer, most = MOST_PEERS, "reader_peers_full");
                turn_away(&stream, reader);
            }
            Err(error) => {
                // Mostly no file handle is free: leave the peers that are there the time to go.
                tracing::warn!(reader = reader.id, %error, "reader_accept_failed");
                tokio::time::sleep(context.timing.first_backoff).await;
            }
        }
    }
    drop(listener);
    while peers.join_next().await.is_some() {}
}

/// Connects to an address, and again whenever the connection is lost, until told to stop.
pub async fn dial(reader: &ReaderConfig, address: &str, context: &LinkContext) {
    let mut link = Redial::new(reader, context);
    loop {
        let connected = tokio::select! {
            () = context.stop.cancelled() => return,
            connected = timeout(context.timing.peer_answers, TcpStream::connect(address)) => connected,
        };
        match connected {
            Ok(Ok(stream)) => {
                let since = Instant::now();
                link.down = None;
                send(context, context.state(reader, true, format!("connected to {address}"))).await;
                serve_peer(stream, reader, context).await;
                link.backoff.held_for(since.elapsed());
                link.say_down(format!("the connection to {address} ended; it is made again"))
                    .await;
            }
            Ok(Err(error)) => link.say_down(format!("cannot connect to {address}: {error}")).await,
            Err(_) => link.say_down(format!("{address} does not answer")).await,
        }
        if link.is_stopped_while_waiting().await {
            return;
        }
    }
}

/// What is to be remembered between two attempts.
struct Redial<'a> {
    reader: &'a ReaderConfig,
    context: &'a LinkContext,
    backoff: Backoff,
    /// What was last said of a link that is down: said once, not at every attempt.
    down: Option<String>,
}

impl<'a> Redial<'a> {
    fn new(reader: &'a ReaderConfig, context: &'a LinkContext) -> Self {
        Self {
            reader,
            context,
            backoff: Backoff::new(&context.timing),
            down: None,
        }
    }

    async fn say_down(&mut self, why: String) {
        if self.down.as_ref() != Some(&why) {
            send(self.context, self.context.state(self.reader, false, why.clone())).await;
            self.down = Some(why);
        }
    }

    async fn is_stopped_while_waiting(&mut self) -> bool {
        timeout(self.backoff.wait(), self.context.stop.cancelled())
            .await
            .is_ok()
    }
}

/// Hands over, and waits while the queue is full. A queue that is closed has nobody left to tell; the stop follows.
async fn send(context: &LinkContext, delivery: Delivery) {
    if context.sink.send(delivery).await.is_err() {
        tracing::debug!("reader_queue_closed");
    }
}

/// Says `busy` to a peer that there is no room for, without waiting for it: an empty send buffer takes so little at once.
fn turn_away(stream: &TcpStream, reader: &ReaderConfig) {
    if reader.reply
        && let Err(error) = stream.try_write(format!("{BUSY}\n").as_bytes())
    {
        tracing::debug!(reader = reader.id, %error, "reader_peer_left");
    }
}

/// An answer that a peer waits for, in the order of its records.
enum Answer {
    /// It is known.
    Known(String),
    /// What becomes of a reading.
    Reading(oneshot::Receiver<Outcome>),
    /// A malformed input is being kept.
    Malformed(oneshot::Receiver<Outcome>, Reason),
}

/// Serves one connection until it ends, either side.
async fn serve_peer(stream: TcpStream, reader: &ReaderConfig, context: &LinkContext) {
    let (first, then) = KEEPALIVE;
    let options = SockRef::from(&stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(first).with_interval(then));
    if let Err(error) = options.and_then(|()| stream.set_nodelay(true)) {
        tracing::debug!(reader = reader.id, %error, "reader_peer_options");
    }
    let (from_peer, to_peer) = stream.into_split();
    let (answers, waiting) = mpsc::channel(MOST_WAITING);
    let peer = Peer {
        reader,
        context,
        answers,
    };
    let ((), written) = tokio::join!(
        peer.read(from_peer),
        answer(to_peer, waiting, context.timing.peer_answers)
    );
    if let Err(error) = written {
        tracing::debug!(reader = reader.id, %error, "reader_peer_left");
    }
}

/// The reading half of a connection.
struct Peer<'a> {
    reader: &'a ReaderConfig,
    context: &'a LinkContext,
    answers: mpsc::Sender<Answer>,
}

/// The connection is of no more use: the peer does not take answers, or nobody takes deliveries.
struct Closed;

impl Peer<'_> {
    async fn read(self, mut from_peer: OwnedReadHalf) {
        let mut decoder = Decoder::new(self.reader.decoding);
        let mut bytes = vec![0; READ_BYTES];
        let mut rest = Ok(());
        while rest.is_ok() {
            let patience = self.patience(&decoder);
            let read = tokio::select! {
                () = self.context.stop.cancelled() => break,
                () = self.answers.closed() => return,
                read = timeout(patience, from_peer.read(&mut bytes)) => read,
            };
            rest = match read {
                Ok(Ok(length)) if length > 0 => self.decode(&mut decoder, &bytes[..length]).await,
                Err(_) if decoder.is_waiting() => self.decode_rest(&mut decoder).await,
                // The end, an error, or nothing for too long.
                Ok(_) | Err(_) => break,
            };
        }
        if rest.is_ok() {
            // That it can no longer be delivered is known to whoever closed the queue.
            let _: Result<(), Closed> = self.decode_rest(&mut decoder).await;
        }
    }

    /// How long the next byte may take.
    fn patience(&self, decoder: &Decoder) -> Duration {
        let (timing, decoding) = (&self.context.timing, self.reader.decoding);
        match decoder.is_waiting() {
            // TCP loses no bytes in between, so the rest of a line may come late; only its sender can have torn it.
            true if decoding.has_line_ends() => timing.unfinished_line,
            true => Duration::from_millis(decoding.longest_gap_ms().max(1_000)),
            false => timing.idle_peer,
        }
    }

    async fn decode(&self, decoder: &mut Decoder, bytes: &[u8]) -> Result<(), Closed> {
        let received_at_ms = self.context.now_ms();
        for decoded in decode(decoder, bytes) {
            let reason = decoded.as_ref().err().map(|malformed| malformed.reason);
            let event = self.context.event(self.reader, decoded, received_at_ms);
            if !self.reader.reply {
                self.context
                    .sink
                    .send(Delivery { event, reply: None })
                    .await
                    .map_err(|_| Closed)?;
                continue;
            }
            let (reply, outcome) = oneshot::channel();
            let answer = match (
                self.context.sink.try_send(Delivery {
                    event,
                    reply: Some(reply),
                }),
                reason,
            ) {
                (Ok(()), None) => Answer::Reading(outcome),
                (Ok(()), Some(reason)) => Answer::Malformed(outcome, reason),
                (Err(mpsc::error::TrySendError::Full(_)), _) => Answer::Known(BUSY.to_owned()),
                (Err(mpsc::error::TrySendError::Closed(_)), _) => return Err(Closed),
            };
            self.answers.send(answer).await.map_err(|_| Closed)?;
        }
        Ok(())
    }

    /// What silence or the end left incomplete.
    async fn decode_rest(&self, decoder: &mut Decoder) -> Result<(), Closed> {
        decoder.idle();
        self.decode(decoder, &[]).await
    }
}

/// The writing half of a connection: answers in the order of the records, each when it is known.
async fn answer(
    mut to_peer: OwnedWriteHalf,
    mut waiting: mpsc::Receiver<Answer>,
    patience: Duration,
) -> std::io::Result<()> {
    while let Some(answer) = waiting.recv().await {
        let line = match answer {
            Answer::Known(line) => line,
            Answer::Reading(outcome) => outcome.await.map_or_else(|_| BUSY.to_owned(), |outcome| outcome.line()),
            Answer::Malformed(outcome, reason) => {
                // Whatever became of it, sending the same bytes again would not help.
                let _: Option<Outcome> = outcome.await.ok();
                format!("err {reason}")
            }
        };
        timeout(patience, to_peer.write_all(format!("{line}\n").as_bytes())).await??;
    }
    Ok(())
}
