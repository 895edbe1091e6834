//! One screen's websocket, from `hello` to close.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use axum::http::HeaderMap;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use store::rows::ScreenRow;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::access::Access;
use super::feed::{Base, Feed, Next, Subscription};
use super::frame::{Bye, ClientFrame, Closing, Ping, ScreenConfig, ServerFrame, Welcome, text};
use super::names::NameMode;
use super::page::BUILD;
use super::{Held, Lobby, lock};

/// How many frames a screen may send between two pings; it needs one.
const INBOUND_FRAMES: u32 = 60;

/// How often a screen may ask for a snapshot.
const RESYNC_PAUSE: Duration = Duration::from_secs(1);

/// How often it is noted that a screen is alive.
const SEEN_EVERY: Duration = Duration::from_mins(1);

/// How long a closing frame may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// How soon screens may come back after a shutdown, in seconds.
const RETRY_AFTER_SECONDS: u32 = 1;

/// Who is at the other end, as far as the upgrade request said.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The paired screen whose token came along.
    pub screen: Option<ScreenRow>,
    /// Whether the masked preview is open to them.
    pub may_preview: bool,
    /// What the request said, to ask again later.
    pub headers: HeaderMap,
}

/// What a connection shows, once it is let in.
enum Role {
    Screen(ScreenRow),
    Preview,
}

/// How a connection ends.
enum End {
    /// With a close frame.
    Close(Closing),
    /// The other end is gone, or takes nothing any more.
    Gone,
}

/// Serves one screen until it goes, is closed, or `stop` is cancelled.
pub async fn serve(
    socket: WebSocket,
    visitor: Visitor,
    lobby: Lobby,
    access: Arc<dyn Access>,
    stop: CancellationToken,
) {
    let (sink, stream) = socket.split();
    let mut connection = Connection {
        sink,
        stream,
        lobby,
        access,
        stop,
        heard_at: Instant::now(),
        inbound: 0,
    };
    if let Err(End::Close(closing)) = connection.run(visitor).await {
        connection.close(closing).await;
    }
}

struct Connection {
    sink: SplitSink<WebSocket, Message>,
    stream: SplitStream<WebSocket>,
    lobby: Lobby,
    access: Arc<dyn Access>,
    stop: CancellationToken,
    heard_at: Instant,
    /// Frames heard since the last ping.
    inbound: u32,
}

impl Connection {
    async fn run(&mut self, visitor: Visitor) -> Result<(), End> {
        let role = self.admit(&visitor).await?;
        let hold = match &role {
            Role::Screen(screen) => Hold::take(&self.lobby, Some(&screen.id)),
            Role::Preview => Hold::take(&self.lobby, None),
        };
        self.note_seen(&role).await;
        let lobby = self.lobby.clone();
        let feed = lobby.feed(if matches!(role, Role::Screen(_)) {
            lobby.0.settings.names
        } else {
            NameMode::Masked
        });
        let (base, subscription) = feed.subscribe(lobby.0.clock.speed());
        self.welcome(&role, feed, &base).await?;
        self.watch(Watch {
            feed,
            subscription,
            visitor,
            role,
            hold,
        })
        .await
    }

    /// Waits for `hello` and decides what the connection may see.
    async fn admit(&mut self, visitor: &Visitor) -> Result<Role, End> {
        let stop = self.stop.clone();
        let hello = timeout(self.lobby.0.settings.limits.hello, self.hello());
        let asked = tokio::select! {
            () = stop.cancelled() => return Err(End::Close(Closing::Shutdown)),
            hello = hello => hello.unwrap_or(Err(End::Close(Closing::NoHello)))?,
        };
        match (asked.as_deref(), &visitor.screen) {
            (Some("preview"), _) if visitor.may_preview => Ok(Role::Preview),
            (Some("preview"), _) | (_, None) => {
                self.lobby.0.counters.refused.fetch_add(1, Ordering::Relaxed);
                Err(End::Close(Closing::NotPaired))
            }
            (_, Some(screen)) => Ok(Role::Screen(screen.clone())),
        }
    }

    async fn hello(&mut self) -> Result<Option<String>, End> {
        loop {
            if let Some(ClientFrame::Hello { screen }) = self.heard().await? {
                return Ok(screen);
            }
        }
    }

    /// The next text frame; `None` for control frames and unknown ones.
    async fn heard(&mut self) -> Result<Option<ClientFrame>, End> {
        let message = self.stream.next().await.and_then(Result::ok).ok_or(End::Gone)?;
        self.heard_at = Instant::now();
        self.inbound += 1;
        if self.inbound > INBOUND_FRAMES {
            return Err(End::Close(Closing::Malformed));
        }
        match message {
            Message::Text(text) => ClientFrame::read(&text).map(Some).ok_or(End::Close(Closing::Malformed)),
            Message::Binary(_) => Err(End::Close(Closing::Malformed)),
            Message::Ping(_) | Message::Pong(_) => Ok(None),
            Message::Close(_) => Err(End::Gone),
        }
    }

    async fn welcome(&mut self, role: &Role, feed: &Feed, base: &Base) -> Result<(), End> {
        let inner = Arc::clone(&self.lobby.0);
        let server_time = self.lobby.stamp(inner.clock.now());
        let config = ScreenConfig {
            site: lock(&inner.said).site.clone(),
            screen: match role {
                Role::Screen(screen) => Some(screen.name.clone()),
                Role::Preview => None,
            },
            names: feed.names().name(),
            demo: inner.settings.demo,
            version: inner.settings.version.clone(),
        };
        let welcome = ServerFrame::Welcome(Welcome {
            server_time: server_time.clone(),
            clock_rate: inner.clock.speed(),
            epoch: &inner.epoch,
            seq: base.seq,
            resumed: false,
            build: &BUILD,
            config,
            ping_s: inner.settings.limits.ping.as_secs_f64(),
        });
        let welcome = text(&welcome, &inner.epoch, None, &server_time);
        inner.counters.admitted.fetch_add(1, Ordering::Relaxed);
        inner.counters.snapshots.fetch_add(1, Ordering::Relaxed);
        self.send([welcome, base.snapshot.clone()]).await
    }

    async fn watch(&mut self, mut watch: Watch<'_>) -> Result<(), End> {
        let limits = self.lobby.0.settings.limits;
        let stop = self.stop.clone();
        let started = Instant::now();
        let mut ping = interval_at(started + limits.ping, limits.ping);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut recheck = interval_at(started + limits.recheck, limits.recheck);
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut times = Times {
            pings: 0,
            behind_at: None,
            resynced_at: None,
            seen_at: started,
        };
        loop {
            tokio::select! {
                () = stop.cancelled() => return Err(End::Close(Closing::Shutdown)),
                () = watch.hold.taken_over.cancelled() => return Err(End::Close(Closing::TakenOver)),
                next = watch.subscription.next() => self.tell(next, &mut watch, &mut times).await?,
                frame = self.heard() => self.answer(frame?, &mut watch, &mut times).await?,
                _ = ping.tick() => self.ping(&mut times).await?,
                _ = recheck.tick() => self.recheck(&watch, &mut times).await?,
            }
        }
    }

    async fn tell(&mut self, next: Next, watch: &mut Watch<'_>, times: &mut Times) -> Result<(), End> {
        match next {
            Next::Events(frames) => self.send(frames).await,
            Next::Over => Err(End::Close(Closing::Shutdown)),
            Next::Behind => {
                let limits = self.lobby.0.settings.limits;
                self.lobby.0.counters.fell_behind.fetch_add(1, Ordering::Relaxed);
                if times
                    .behind_at
                    .replace(Instant::now())
                    .is_some_and(|before| before.elapsed() < limits.behind_again)
                {
                    return Err(End::Close(Closing::Slow));
                }
                self.resend(watch).await
            }
        }
    }

    /// Sends a snapshot and continues from it.
    async fn resend(&mut self, watch: &mut Watch<'_>) -> Result<(), End> {
        let (base, subscription) = watch.feed.subscribe(self.lobby.0.clock.speed());
        watch.subscription = subscription;
        self.lobby.0.counters.snapshots.fetch_add(1, Ordering::Relaxed);
        self.send([base.snapshot]).await
    }

    async fn answer(
        &mut self,
        frame: Option<ClientFrame>,
        watch: &mut Watch<'_>,
        times: &mut Times,
    ) -> Result<(), End> {
        match frame {
            Some(ClientFrame::Hello { .. }) => Err(End::Close(Closing::Malformed)),
            Some(ClientFrame::Resync {}) if times.resynced_at.is_none_or(|at| at.elapsed() >= RESYNC_PAUSE) => {
                times.resynced_at = Some(Instant::now());
                self.resend(watch).await
            }
            Some(ClientFrame::Resync {} | ClientFrame::Pong {} | ClientFrame::Unknown) | None => Ok(()),
        }
    }

    async fn ping(&mut self, times: &mut Times) -> Result<(), End> {
        if self.heard_at.elapsed() > self.lobby.0.settings.limits.silence {
            return Err(End::Close(Closing::Silent));
        }
        self.inbound = 0;
        times.pings += 1;
        let inner = Arc::clone(&self.lobby.0);
        let server_time = self.lobby.stamp(inner.clock.now());
        let ping = Ping {
            n: times.pings,
            server_time: server_time.clone(),
            clock_rate: inner.clock.speed(),
        };
        self.send([text(&ServerFrame::Ping(ping), &inner.epoch, None, &server_time)])
            .await
    }

    /// Closes a connection whose screen was revoked or whose login has ended. A database that does not answer revokes nobody.
    async fn recheck(&mut self, watch: &Watch<'_>, times: &mut Times) -> Result<(), End> {
        let still = match &watch.role {
            Role::Screen(screen) => match self.access.screen(&screen.token_hash).await {
                Ok(found) => found.is_some(),
                Err(error) => {
                    tracing::warn!(%error, screen = screen.name, "the screen's token could not be checked; it stays connected");
                    true
                }
            },
            Role::Preview => self.lobby.0.settings.demo || self.access.is_admin(&watch.visitor.headers).await,
        };
        if !still {
            return Err(End::Close(Closing::NotPaired));
        }
        if times.seen_at.elapsed() >= SEEN_EVERY && self.heard_at > times.seen_at {
            times.seen_at = Instant::now();
            self.note_seen(&watch.role).await;
        }
        Ok(())
    }

    async fn note_seen(&self, role: &Role) {
        if let Role::Screen(screen) = role
            && let Err(error) = self.access.screen_seen(&screen.id).await
        {
            tracing::warn!(%error, screen = screen.name, "could not note that the screen was seen");
        }
    }

    /// Writes frames together. A screen that does not take them in time is given up: its buffers are full, so that no close
    /// frame would reach it either.
    async fn send(&mut self, frames: impl IntoIterator<Item = Utf8Bytes>) -> Result<(), End> {
        let sink = &mut self.sink;
        let write = async {
            for frame in frames {
                sink.feed(Message::Text(frame)).await?;
            }
            sink.flush().await
        };
        tokio::select! {
            () = self.stop.cancelled() => Err(End::Close(Closing::Shutdown)),
            written = timeout(self.lobby.0.settings.limits.silence, write) => match written {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(End::Gone),
                Err(_) => {
                    self.lobby.0.counters.slow_closes.fetch_add(1, Ordering::Relaxed);
                    Err(End::Gone)
                }
            },
        }
    }

    async fn close(&mut self, closing: Closing) {
        if matches!(closing, Closing::Slow | Closing::Silent) {
            self.lobby.0.counters.slow_closes.fetch_add(1, Ordering::Relaxed);
        }
        let at = self.lobby.stamp(self.lobby.0.clock.now());
        let bye = Bye {
            code: closing.code(),
            reason: closing.reason(),
            retry_after: RETRY_AFTER_SECONDS,
        };
        let bye = Message::Text(text(&ServerFrame::Bye(bye), &self.lobby.0.epoch, None, &at));
        let goodbye = async {
            self.sink.feed(bye).await?;
            self.sink.send(closing.message()).await?;
            // Until the other end has closed too, so that the close frame is not overtaken by a reset.
            while let Some(Ok(_)) = self.stream.next().await {}
            Ok::<(), axum::Error>(())
        };
        // It is a courtesy: whoever does not take it sees the connection end.
        let _: Result<_, _> = timeout(GOODBYE, goodbye).await;
    }
}

/// What a connection that was let in watches.
struct Watch<'a> {
    feed: &'a Feed,
    subscription: Subscription,
    visitor: Visitor,
    role: Role,
    hold: Hold,
}

/// What a connection remembers of its own past.
struct Times {
    pings: u64,
    behind_at: Option<Instant>,
    resynced_at: Option<Instant>,
    seen_at: Instant,
}

/// A connection's entry in the lobby's books; it leaves when dropped. A paired screen has one connection: the newest, because
/// the one before is usually a line that died unnoticed.
struct Hold {
    lobby: Lobby,
    screen: Option<String>,
    connection: u64,
    taken_over: CancellationToken,
}

impl Hold {
    fn take(lobby: &Lobby, screen: Option<&str>) -> Self {
        static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
        let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        let taken_over = CancellationToken::new();
        if let Some(screen) = screen {
            let held = Held {
                connection,
                taken_over: taken_over.clone(),
            };
            if let Some(before) = lock(&lobby.0.held).insert(screen.to_owned(), held) {
                before.taken_over.cancel();
            }
        }
        lobby.0.counters.connected.fetch_add(1, Ordering::Relaxed);
        lobby.0.came.notify_one();
        Self {
            lobby: lobby.clone(),
            screen: screen.map(str::to_owned),
            connection,
            taken_over,
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.lobby.0.counters.connected.fetch_sub(1, Ordering::Relaxed);
        let Some(screen) = &self.screen else { return };
        let mut held = lock(&self.lobby.0.held);
        if held.get(screen).is_some_and(|held| held.connection == self.connection) {
            held.remove(screen);
        }
    }
}
