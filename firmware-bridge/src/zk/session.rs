//! One session with a terminal: requests and their replies, and what happens in between.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::timeout;
use wire::zk::time::{pack, unpack};
use wire::zk::{Packet, Sizes, command, key};

use super::transport::{Line, Transport};
use crate::config::CommKey;

/// How often a request is sent over UDP before the terminal counts as gone.
const DATAGRAM_ATTEMPTS: usize = 3;

/// The most bytes of one read from a buffer, by what they go over.
const CHUNK_TCP: usize = 0xFFC0;
const CHUNK_UDP: usize = 16 * 1024;

/// A terminal has room for some hundred thousand records of 40 bytes; more than this is none.
const LARGEST_BLOCK: usize = 64 * 1024 * 1024;

/// How many events may wait while a request is answered; the records themselves stay in the terminal.
const WAITING_EVENTS: usize = 1_024;

/// Why a session cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ZkError {
    /// The network failed.
    #[error("{0}")]
    Network(#[from] std::io::Error),
    /// No answer in time.
    #[error("it does not answer")]
    Silent,
    /// It ended the connection.
    #[error("it ended the connection; most terminals serve one client at a time")]
    Closed,
    /// It wants a key.
    #[error("it wants another key; write the terminal's communication key as comm_key")]
    WrongKey,
    /// It answered with something that makes no sense there.
    #[error("it answered {0}")]
    Unexpected(&'static str),
    /// It refused a request.
    #[error("it refused request {request} with {reply}")]
    Refused {
        /// What was asked.
        request: u16,
        /// What it said.
        reply: u16,
    },
    /// The daemon did not keep a record; it is read again.
    #[error("a record was not kept; it is read again")]
    NotKept,
}

/// Something that happened at the terminal.
#[derive(Clone, Debug)]
pub struct Event {
    /// What kind.
    pub kind: u16,
    /// What goes with it.
    pub data: Vec<u8>,
}

/// A reply.
struct Reply {
    command: u16,
    session: u16,
    data: Vec<u8>,
}

/// An open session.
pub struct Session {
    line: Line,
    id: u16,
    /// The number of the last request.
    number: u16,
    events: VecDeque<Event>,
    patience: Duration,
}

impl Session {
    /// Connects, and says the key if it is wanted.
    pub async fn open(
        transport: Transport,
        address: &str,
        comm_key: Option<&CommKey>,
        patience: Duration,
    ) -> Result<Self, ZkError> {
        let mut session = Self {
            line: Line::open(transport, address, patience).await?,
            id: 0,
            number: u16::MAX,
            events: VecDeque::new(),
            patience,
        };
        let reply = session.request(command::CONNECT, &[]).await?;
        session.id = reply.session;
        if reply.command == command::UNAUTHORIZED {
            let key = comm_key.and_then(|key| key.expose().parse().ok()).unwrap_or(0);
            let mixed = key::mixed(key, session.id, key::TICKS);
            let reply = session.request(command::AUTH, &mixed).await?;
            if reply.command != command::OK {
                return Err(ZkError::WrongKey);
            }
        }
        Ok(session)
    }

    /// Ends the session and leaves the terminal open to people.
    pub async fn close(&mut self) -> Result<(), ZkError> {
        self.enable().await?;
        self.request(command::EXIT, &[]).await.map(drop)
    }

    /// Lets people use the terminal.
    pub async fn enable(&mut self) -> Result<(), ZkError> {
        self.done(command::ENABLE, &[]).await.map(drop)
    }

    /// The serial number, where the terminal says it.
    pub async fn serial(&mut self) -> Result<Option<String>, ZkError> {
        let reply = self.request(command::OPTION, b"~SerialNumber\0").await?;
        let text = String::from_utf8_lossy(&reply.data);
        let serial = text
            .trim_end_matches('\0')
            .split_once('=')
            .map(|(_, serial)| serial.trim());
        let is_clean = |serial: &&str| wire::adms::is_serial(serial);
        Ok(serial.filter(is_clean).map(str::to_owned))
    }

    /// What its clock shows; `None` where that is no time.
    pub async fn time(&mut self) -> Result<Option<chrono::NaiveDateTime>, ZkError> {
        let reply = self.done(command::GET_TIME, &[]).await?;
        let packed = reply
            .data
            .first_chunk()
            .ok_or(ZkError::Unexpected("a time that is too short"))?;
        Ok(unpack(u32::from_le_bytes(*packed)))
    }

    /// Sets its clock to a local time, given as the milliseconds that it would be in UTC.
    pub async fn set_time(&mut self, local_ms: i64) -> Result<(), ZkError> {
        let time = chrono::DateTime::from_timestamp_millis(local_ms).and_then(|time| pack(time.naive_utc()));
        let packed = time.ok_or(ZkError::Unexpected("at a time that it cannot show"))?;
        self.done(command::SET_TIME, &packed.to_le_bytes()).await.map(drop)
    }

    /// How much it holds.
    pub async fn sizes(&mut self) -> Result<Sizes, ZkError> {
        let reply = self.done(command::SIZES, &[]).await?;
        Sizes::parse(&reply.data).ok_or(ZkError::Unexpected("sizes that are too short"))
    }

    /// Asks to hear of every record as it happens.
    pub async fn want_events(&mut self) -> Result<(), ZkError> {
        self.done(command::EVENT, &1_u32.to_le_bytes()).await.map(drop)
    }

    /// Says that an event was taken. There is no reply to it.
    pub async fn acknowledge(&mut self) -> Result<(), ZkError> {
        self.line.send(command::OK, self.id, 0, &[]).await
    }

    /// The next event. Dropped while it waits it loses nothing.
    pub async fn event(&mut self) -> Result<Event, ZkError> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let bytes = self.line.receive().await?;
            // Anything else is a late reply to a request that was sent twice.
            self.note_event(&bytes);
        }
    }

    /// All attendance records, as a block. People cannot use the terminal meanwhile, and can again whatever becomes of it.
    pub async fn attendance(&mut self) -> Result<Vec<u8>, ZkError> {
        self.done(command::DISABLE, &[]).await?;
        let block = self.buffered(command::ATTENDANCE).await;
        self.enable().await?;
        block
    }

    /// Data that may be larger than a packet: through a buffer of the terminal, or directly from old ones that have none.
    async fn buffered(&mut self, subject: u16) -> Result<Vec<u8>, ZkError> {
        let [low, high] = subject.to_le_bytes();
        let reply = self
            .request(command::PREPARE_BUFFER, &[1, low, high, 0, 0, 0, 0, 0, 0, 0, 0])
            .await?;
        match reply.command {
            command::DATA => Ok(reply.data),
            command::OK => {
                let size = reply.data.get(1..5).and_then(|size| size.first_chunk());
                let size = size.ok_or(ZkError::Unexpected("without a size"))?;
                self.buffer(size_of(*size)?).await
            }
            command::PREPARE_DATA => self.pieces(&reply.data).await,
            // Old firmware does not know buffers.
            _ => {
                let reply = self.request(subject, &[]).await?;
                match reply.command {
                    command::DATA => Ok(reply.data),
                    command::PREPARE_DATA => self.pieces(&reply.data).await,
                    reply => Err(ZkError::Refused {
                        request: subject,
                        reply,
                    }),
                }
            }
        }
    }

    /// Reads a buffer of that size to its end, and frees it.
    async fn buffer(&mut self, size: usize) -> Result<Vec<u8>, ZkError> {
        let chunk = match self.line.transport() {
            Transport::Tcp => CHUNK_TCP,
            Transport::Udp => CHUNK_UDP,
        };
        let mut block = Vec::new();
        while block.len() < size {
            let wanted = chunk.min(size - block.len());
            let numbers = [block.len(), wanted].map(|number| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
            let reply = self.request(command::READ_BUFFER, numbers.as_flattened()).await?;
            let piece = match reply.command {
                command::DATA => reply.data,
                command::PREPARE_DATA => self.pieces(&reply.data).await?,
                reply => {
                    let request = command::READ_BUFFER;
                    return Err(ZkError::Refused { request, reply });
                }
            };
            if piece.len() != wanted {
                return Err(ZkError::Unexpected(
                    "with another piece of the buffer than was asked for",
                ));
            }
            block.extend(piece);
        }
        self.done(command::FREE_DATA, &[]).await?;
        Ok(block)
    }

    /// The packets that [`command::PREPARE_DATA`] announces, up to the reply that ends them.
    async fn pieces(&mut self, announced: &[u8]) -> Result<Vec<u8>, ZkError> {
        let size = announced.first_chunk().ok_or(ZkError::Unexpected("without a size"))?;
        let size = size_of(*size)?;
        let mut data = Vec::new();
        while data.len() < size {
            let reply = self.next_reply(self.number).await?;
            if reply.command != command::DATA {
                return Err(ZkError::Unexpected("less data than it announced"));
            }
            data.extend(reply.data);
        }
        if data.len() > size {
            return Err(ZkError::Unexpected("more data than it announced"));
        }
        let end = self.next_reply(self.number).await?;
        match end.command {
            command::OK => Ok(data),
            _ => Err(ZkError::Unexpected("data without an end")),
        }
    }

    /// A request that must be done.
    async fn done(&mut self, request: u16, data: &[u8]) -> Result<Reply, ZkError> {
        let reply = self.request(request, data).await?;
        match reply.command {
            command::OK | command::DATA => Ok(reply),
            reply => Err(ZkError::Refused { request, reply }),
        }
    }

    async fn request(&mut self, request: u16, data: &[u8]) -> Result<Reply, ZkError> {
        self.number = self.number.wrapping_add(1);
        let attempts = match self.line.transport() {
            Transport::Tcp => 1,
            Transport::Udp => DATAGRAM_ATTEMPTS,
        };
        for _ in 0..attempts {
            self.line.send(request, self.id, self.number, data).await?;
            match self.next_reply(self.number).await {
                Err(ZkError::Silent) => {}
                reply => return reply,
            }
        }
        Err(ZkError::Silent)
    }

    /// The next packet that answers the request of this number; events in between are kept.
    async fn next_reply(&mut self, number: u16) -> Result<Reply, ZkError> {
        let patience = match self.line.transport() {
            Transport::Tcp => self.patience,
            Transport::Udp => self.patience / u32::try_from(DATAGRAM_ATTEMPTS).unwrap_or(1),
        };
        timeout(patience, self.reply(number))
            .await
            .map_err(|_| ZkError::Silent)?
    }

    async fn reply(&mut self, number: u16) -> Result<Reply, ZkError> {
        loop {
            let bytes = self.line.receive().await?;
            if self.note_event(&bytes) {
                continue;
            }
            // The checksum was looked at when it came.
            if let Ok(packet) = Packet::new_checked(&bytes)
                && packet.number() == number
            {
                return Ok(Reply {
                    command: packet.command(),
                    session: packet.session(),
                    data: packet.data().to_vec(),
                });
            }
        }
    }

    /// Keeps an event; whether it was one.
    fn note_event(&mut self, bytes: &[u8]) -> bool {
        let Ok(packet) = Packet::new_checked(bytes) else {
            return false;
        };
        if packet.command() != command::EVENT {
            return false;
        }
        if self.events.len() < WAITING_EVENTS {
            self.events.push_back(Event {
                kind: packet.session(),
                data: packet.data().to_vec(),
            });
        } else {
            // What it was about stays in the terminal, and is found when its records are compared.
            tracing::warn!("terminal_events_dropped");
        }
        true
    }
}

fn size_of(bytes: [u8; 4]) -> Result<usize, ZkError> {
    let size = usize::try_from(u32::from_le_bytes(bytes)).unwrap_or(usize::MAX);
    if size > LARGEST_BLOCK {
        return Err(ZkError::Unexpected("a size that no terminal has room for"));
    }
    Ok(size)
}
