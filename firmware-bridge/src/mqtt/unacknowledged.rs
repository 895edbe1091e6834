//! Messages of which the broker still keeps a copy, because the host has not answered for them yet.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use rumqttc::Publish;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::delivery::{Delivery, LinkEvent, Outcome};
use crate::link::LinkContext;

/// How many messages may wait for the host; while there are more, nothing is taken from the broker. Brokers send about twenty.
const MOST_WAITING: usize = 64;

/// How many messages that were acknowledged are known again if the acknowledgement did not arrive.
const MOST_REMEMBERED: usize = 256;

/// And only so long before the connection was lost: a dead one is noticed within one and a half of its keep-alive time.
const REMEMBERED_FOR: Duration = Duration::from_mins(2);

/// An event that the host did not keep is handed over again after so long.
const HAND_OVER_AGAIN: Duration = Duration::from_secs(1);

/// In the order in which they came, which is the order in which they must be acknowledged.
#[derive(Debug, Default)]
pub struct Unacknowledged {
    waiting: VecDeque<Waiting>,
    remembered: VecDeque<(Identity, Instant)>,
    hasher: RandomState,
}

/// What a message is when it comes again: its number in the session, and what it says.
type Identity = (u16, u64);

#[derive(Debug)]
struct Waiting {
    publish: Publish,
    identity: Identity,
    /// The connection on which it came last; on any other its number means nothing.
    connection: u64,
    events: Vec<Event>,
}

#[derive(Debug)]
struct Event {
    said: LinkEvent,
    answer: oneshot::Receiver<Outcome>,
    /// It was not kept; when to hand it over again.
    again_at: Option<Instant>,
}

impl Unacknowledged {
    /// Whether another message may be taken.
    pub fn has_room(&self) -> bool {
        self.waiting.len() < MOST_WAITING
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether a message that comes again waits already, or was answered for. It is acknowledged with the first one, or at once.
    pub fn is_known(&mut self, publish: &Publish, connection: u64) -> bool {
        let identity = self.identity(publish);
        if let Some(waiting) = self.waiting.iter_mut().find(|waiting| waiting.identity == identity) {
            waiting.connection = connection;
            return true;
        }
        if self.remembered.iter().any(|(known, _)| *known == identity) {
            self.push(publish.clone(), connection, Vec::new());
            return true;
        }
        false
    }

    /// Hands over what a message says; it is acknowledged once the host has answered for all of it. Waits while the queue is full.
    pub async fn hand_over(
        &mut self,
        publish: Publish,
        connection: u64,
        events: Vec<LinkEvent>,
        context: &LinkContext,
    ) {
        let mut waiting = Vec::new();
        for event in events {
            let (reply, answer) = oneshot::channel();
            waiting.push(Event {
                said: event.clone(),
                answer,
                again_at: None,
            });
            let reply = Some(reply);
            if context.sink.send(Delivery { event, reply }).await.is_err() {
                tracing::debug!("reader_queue_closed");
            }
        }
        self.push(publish, connection, waiting);
    }

    fn push(&mut self, publish: Publish, connection: u64, events: Vec<Event>) {
        let identity = self.identity(&publish);
        self.waiting.push_back(Waiting {
            publish,
            identity,
            connection,
            events,
        });
    }

    /// Waits until the host has answered for the oldest message, and gives it if it is to be acknowledged on this connection. May be
    /// dropped at any point and called again; where nothing waits it never returns.
    pub async fn answered(&mut self, connection: u64, context: &LinkContext) -> Option<Publish> {
        let Some(oldest) = self.waiting.front_mut() else {
            return std::future::pending().await;
        };
        while let Some(event) = oldest.events.last_mut() {
            event.answered(context).await;
            oldest.events.pop();
        }
        let oldest = self.waiting.pop_front()?;
        if self.remembered.len() == MOST_REMEMBERED {
            self.remembered.pop_front();
        }
        self.remembered.push_back((oldest.identity, Instant::now()));
        (oldest.connection == connection).then_some(oldest.publish)
    }

    /// The connection is lost, and with it perhaps the last acknowledgements.
    pub fn lose_connection(&mut self) {
        self.remembered.retain(|(_, at)| at.elapsed() < REMEMBERED_FOR);
    }

    /// A new session numbers its messages anew.
    pub fn begin_session(&mut self) {
        self.remembered.clear();
    }

    fn identity(&self, publish: &Publish) -> Identity {
        (publish.pkid, self.hasher.hash_one((&publish.topic, &publish.payload)))
    }
}

impl Event {
    async fn answered(&mut self, context: &LinkContext) {
        loop {
            if let Some(again_at) = self.again_at {
                tokio::time::sleep_until(again_at).await;
                let Ok(room) = context.sink.reserve().await else {
                    // Nobody is left to keep it; the broker keeps it.
                    return std::future::pending().await;
                };
                let (reply, answer) = oneshot::channel();
                room.send(Delivery {
                    event: self.said.clone(),
                    reply: Some(reply),
                });
                (self.answer, self.again_at) = (answer, None);
            }
            match (&mut self.answer).await {
                Ok(_) => return,
                Err(_) => self.again_at = Some(Instant::now() + HAND_OVER_AGAIN),
            }
        }
    }
}
