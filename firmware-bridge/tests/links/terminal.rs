//! A ZKTeco terminal that is called, in software: TCP and UDP on one port, as the clients of other people accept it.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{NaiveDateTime, TimeDelta};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep};
use wire::zk::time::{pack, six_bytes, unpack};
use wire::zk::{EVENT_ATTENDANCE, Frames, Packet, Sizes, command, emit, emit_tcp, key};

/// Data up to this size goes out directly, without a buffer.
const DIRECT_BYTES: usize = 1_024;

/// Data of one packet of a buffer over UDP. Over TCP it is all that was asked for.
const PIECE_BYTES: usize = 1_024;

/// How long a terminal takes from one packet of an answer to the next. zkteco-js and node-zklib look for one packet in what they read at
/// once, and throw away what comes behind it.
const PACE: Duration = Duration::from_millis(60);

/// People of whom the terminal knows more than a PIN: place in its memory, PIN, name.
const PEOPLE: [(u16, &str, &str); 3] = [(1, "1001", "Zhang San"), (2, "0042", "Li Si"), (3, "emp-7", "Wang Wu")];

/// A terminal that is switched on; dropped, it is switched off.
pub struct Terminal {
    /// Where it is called, over TCP and over UDP.
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    events: broadcast::Sender<Vec<u8>>,
    /// Counts how often all connections were cut; -1 where the terminal is off.
    cuts: watch::Sender<i64>,
}

struct State {
    records: Vec<[u8; 40]>,
    key: u32,
    clock: NaiveDateTime,
    clock_set_at: Instant,
    enabled: bool,
    /// Every request, in order.
    asked: Vec<u16>,
    next_session: u16,
    /// How many replies over UDP are lost from now on.
    lost_replies: usize,
    /// Old firmware: no buffers.
    has_buffers: bool,
}

/// What a client has open.
#[derive(Default)]
struct Client {
    session: u16,
    admitted: bool,
    wants_events: bool,
    buffer: Vec<u8>,
    /// The most data of one packet.
    piece_bytes: usize,
}

impl Client {
    fn of(piece_bytes: usize) -> Self {
        Self {
            piece_bytes,
            ..Self::default()
        }
    }
}

/// A reply: command, session, number, data.
type Reply = (u16, u16, u16, Vec<u8>);

impl Terminal {
    /// Switches one on, with this key (0: none) and this time on its clock, on a free port or the one named.
    pub async fn start(key: u32, clock: NaiveDateTime, port: u16) -> std::io::Result<Self> {
        let (listener, socket) = bind(port).await?;
        let address = listener.local_addr()?;
        let state = State {
            records: Vec::new(),
            key,
            clock,
            clock_set_at: Instant::now(),
            enabled: true,
            asked: Vec::new(),
            next_session: 0x1F2E,
            lost_replies: 0,
            has_buffers: true,
        };
        let shared = Arc::new(Shared {
            state: Mutex::new(state),
            events: broadcast::channel(64).0,
            cuts: watch::channel(0).0,
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        tokio::spawn(datagrams(socket, Arc::clone(&shared)));
        Ok(Self { address, shared })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody punches at the terminal's own time.
    pub fn punch(&self, pin: &str, verify: u8, status: u8) {
        let now = self.state().now();
        self.record(pin, now, verify, status);
        let mut data = padded(pin, 24);
        data.extend([verify, status]);
        data.extend(six_bytes(now).expect("a time of this century"));
        // Nobody may listen.
        let _: Result<usize, _> = self.shared.events.send(data);
    }

    /// A record is in the terminal that nobody hears of.
    pub fn record(&self, pin: &str, at: NaiveDateTime, verify: u8, status: u8) {
        let mut record = [0; 40];
        record[0] = 7;
        record[2..26].copy_from_slice(&padded(pin, 24));
        record[26] = verify;
        record[27..31].copy_from_slice(&pack(at).expect("a time of this century").to_le_bytes());
        record[31] = status;
        self.state().records.push(record);
    }

    /// All requests since the beginning.
    pub fn asked(&self) -> Vec<u16> {
        self.state().asked.clone()
    }

    /// Whether people can use it.
    pub fn is_enabled(&self) -> bool {
        self.state().enabled
    }

    /// What its clock shows.
    pub fn clock(&self) -> NaiveDateTime {
        self.state().now()
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Loses the next replies over UDP.
    pub fn lose_replies(&self, count: usize) {
        self.state().lost_replies = count;
    }

    /// Behaves like old firmware, which knows no buffers.
    pub fn forget_buffers(&self) {
        self.state().has_buffers = false;
    }

    /// Forgets its records.
    pub fn empty(&self) {
        self.state().records.clear();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.shared.cuts.send_replace(-1);
    }
}

/// A port that is free for both.
async fn bind(port: u16) -> std::io::Result<(TcpListener, UdpSocket)> {
    loop {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        match UdpSocket::bind(listener.local_addr()?).await {
            Ok(socket) => return Ok((listener, socket)),
            Err(error) if port != 0 => return Err(error),
            Err(_) => {}
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut cuts = shared.cuts.subscribe();
    loop {
        tokio::select! {
            off = cuts.wait_for(|cuts| *cuts < 0) => {
                drop(off);
                return;
            }
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                tokio::spawn(connection(stream, Arc::clone(&shared)));
            }
        }
    }
}

async fn connection(mut stream: TcpStream, shared: Arc<Shared>) {
    let (mut events, mut cuts) = (shared.events.subscribe(), shared.cuts.subscribe());
    let (mut client, mut frames, mut bytes) = (Client::of(usize::MAX), Frames::default(), vec![0; 4_096]);
    loop {
        let replies = tokio::select! {
            changed = cuts.changed() => return drop(changed),
            event = events.recv() => match event {
                Ok(data) if client.wants_events => vec![(command::EVENT, EVENT_ATTENDANCE, 0, data)],
                Ok(_) | Err(_) => continue,
            },
            read = stream.read(&mut bytes) => match read {
                Ok(length) if length > 0 => take(&mut frames, &bytes[..length], &mut client, &shared),
                Ok(_) | Err(_) => return,
            },
        };
        for (index, (command, session, number, data)) in replies.into_iter().enumerate() {
            if index > 0 {
                sleep(PACE).await;
            }
            if stream
                .write_all(&emit_tcp(command, session, number, &data))
                .await
                .is_err()
            {
                return;
            }
        }
    }
}

fn take(frames: &mut Frames, bytes: &[u8], client: &mut Client, shared: &Shared) -> Vec<Reply> {
    assert_eq!(frames.push(bytes), bytes.len(), "requests are small");
    let mut replies = Vec::new();
    while let Some(packet) = frames.next() {
        let packet = packet.expect("clients send good packets");
        let packet = Packet::new_checked(&packet).expect("checked before");
        let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        replies.extend(answer(&mut state, client, packet));
    }
    replies
}

async fn datagrams(socket: UdpSocket, shared: Arc<Shared>) {
    let (mut events, mut cuts) = (shared.events.subscribe(), shared.cuts.subscribe());
    let mut clients: HashMap<SocketAddr, Client> = HashMap::new();
    let mut bytes = vec![0; 4_096];
    // It may have been switched off before this task began.
    while *cuts.borrow() >= 0 {
        let outgoing: Vec<(SocketAddr, Reply)> = tokio::select! {
            changed = cuts.changed() => {
                if changed.is_err() {
                    return;
                }
                clients.clear();
                continue;
            }
            event = events.recv() => {
                let Ok(data) = event else { continue };
                let listening = clients.iter().filter(|(_, client)| client.wants_events);
                listening.map(|(peer, _)| (*peer, (command::EVENT, EVENT_ATTENDANCE, 0, data.clone()))).collect()
            }
            received = socket.recv_from(&mut bytes) => {
                let Ok((length, peer)) = received else { continue };
                let Ok(packet) = Packet::new_checked(&bytes[..length]) else { continue };
                let mut state = shared.state.lock().unwrap_or_else(PoisonError::into_inner);
                let replies = answer(&mut state, clients.entry(peer).or_insert_with(|| Client::of(PIECE_BYTES)), packet);
                let lost = state.lost_replies.min(replies.len());
                state.lost_replies -= lost;
                replies.into_iter().skip(lost).map(|reply| (peer, reply)).collect()
            }
        };
        for (peer, (command, session, number, data)) in outgoing {
            // A peer that has gone hears nothing.
            let _: std::io::Result<usize> = socket.send_to(&emit(command, session, number, &data), peer).await;
        }
    }
}

/// What a terminal says to a request.
fn answer(state: &mut State, client: &mut Client, packet: Packet<'_>) -> Vec<Reply> {
    let (request, number, data) = (packet.command(), packet.number(), packet.data());
    if request == command::OK {
        // The acknowledgement of an event.
        return Vec::new();
    }
    state.asked.push(request);
    let reply = |command, data: Vec<u8>| vec![(command, client.session, number, data)];
    match request {
        command::CONNECT => {
            *client = Client {
                session: state.next_session,
                admitted: state.key == 0,
                piece_bytes: client.piece_bytes,
                ..Client::default()
            };
            state.next_session += 1;
            let said = if client.admitted {
                command::OK
            } else {
                command::UNAUTHORIZED
            };
            vec![(said, client.session, number, Vec::new())]
        }
        command::AUTH => {
            let expected = data.get(2).map(|ticks| key::mixed(state.key, client.session, *ticks));
            client.admitted = expected.is_some_and(|expected| expected == data);
            let said = if client.admitted {
                command::OK
            } else {
                command::UNAUTHORIZED
            };
            vec![(said, client.session, number, Vec::new())]
        }
        _ if !client.admitted => reply(command::UNAUTHORIZED, Vec::new()),
        command::ENABLE | command::DISABLE => {
            state.enabled = request == command::ENABLE;
            reply(command::OK, Vec::new())
        }
        command::VERSION => reply(command::OK, b"Ver 6.60 Jan  1 2026\0".to_vec()),
        command::OPTION => reply(command::OK, option(data)),
        command::GET_TIME => reply(command::OK, pack(state.now()).expect("a time").to_le_bytes().to_vec()),
        command::SET_TIME => {
            let wanted = data.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
            if let Some(time) = wanted.and_then(unpack) {
                (state.clock, state.clock_set_at) = (time, Instant::now());
            }
            reply(command::OK, Vec::new())
        }
        command::SIZES => {
            let sizes = Sizes {
                users: 3,
                records: u32::try_from(state.records.len()).expect("few"),
                capacity: 100_000,
            };
            reply(command::OK, sizes.emit())
        }
        command::EVENT => {
            client.wants_events = data
                .first_chunk()
                .is_some_and(|mask| u32::from_le_bytes(*mask) & 1 == 1);
            reply(command::OK, Vec::new())
        }
        command::PREPARE_BUFFER | command::READ_BUFFER | command::FREE_DATA | command::ATTENDANCE => {
            read(state, client, packet)
        }
        command::EXIT => {
            client.wants_events = false;
            reply(command::OK, Vec::new())
        }
        // Start and end of a verification, the screen, the sound: done, as far as a client can see.
        _ => reply(command::OK, Vec::new()),
    }
}

/// Requests for much data.
fn read(state: &State, client: &mut Client, packet: Packet<'_>) -> Vec<Reply> {
    let (session, number, data) = (client.session, packet.number(), packet.data());
    let reply = |command, data: Vec<u8>| vec![(command, session, number, data)];
    match packet.command() {
        command::PREPARE_BUFFER if !state.has_buffers => reply(command::ERROR, Vec::new()),
        command::PREPARE_BUFFER => {
            let subject = data
                .get(1..3)
                .map(|subject| u16::from_le_bytes([subject[0], subject[1]]));
            let block = match subject {
                Some(command::ATTENDANCE) => state.attendance(),
                _ => people(),
            };
            if block.len() <= DIRECT_BYTES {
                return reply(command::DATA, block);
            }
            let size = u32::try_from(block.len()).expect("not that large").to_le_bytes();
            client.buffer = block;
            reply(command::OK, [[0].as_slice(), &size, &[0; 8]].concat())
        }
        command::READ_BUFFER => {
            let numbers: Vec<usize> = data
                .chunks_exact(4)
                .map(|number| u32::from_le_bytes(number.try_into().expect("four bytes")) as usize)
                .collect();
            let piece = client
                .buffer
                .get(numbers[0]..numbers[0] + numbers[1])
                .unwrap_or_default()
                .to_vec();
            announced(client, number, &piece)
        }
        command::ATTENDANCE => announced(client, number, &state.attendance()),
        _ => {
            client.buffer.clear();
            reply(command::OK, Vec::new())
        }
    }
}

/// Data in packets, with their size before and an end behind them.
fn announced(client: &Client, number: u16, data: &[u8]) -> Vec<Reply> {
    let session = client.session;
    let size = u32::try_from(data.len()).expect("not that large").to_le_bytes();
    let mut replies = vec![(
        command::PREPARE_DATA,
        session,
        number,
        [size.as_slice(), &[0; 4]].concat(),
    )];
    replies.extend(
        data.chunks(client.piece_bytes)
            .map(|piece| (command::DATA, session, number, piece.to_vec())),
    );
    replies.push((command::OK, session, number, Vec::new()));
    replies
}

fn option(data: &[u8]) -> Vec<u8> {
    let known = BTreeMap::from([
        ("~SerialNumber", "0316144680030"),
        ("~DeviceName", "Emulator"),
        ("~Platform", "ZMM220_TFT"),
        ("~ZKFPVersion", "10"),
        ("~OS", "1"),
        ("~PIN2Width", "9"),
        ("~ExtendFmt", "0"),
        ("~UserExtFmt", "0"),
        ("MAC", "00:17:61:00:00:01"),
    ]);
    let name = String::from_utf8_lossy(data).trim_end_matches('\0').to_owned();
    format!("{name}={}\0", known.get(name.as_str()).unwrap_or(&"")).into_bytes()
}

/// The people, 72 bytes each.
fn people() -> Vec<u8> {
    let mut block = u32::to_le_bytes(u32::try_from(72 * PEOPLE.len()).expect("few")).to_vec();
    for (place, pin, name) in PEOPLE {
        block.extend(place.to_le_bytes());
        block.push(0);
        block.extend([0; 8]);
        block.extend(padded(name, 24));
        block.extend([0; 4]);
        block.push(1);
        block.extend([0; 8]);
        block.extend(padded(pin, 24));
    }
    block
}

fn padded(text: &str, length: usize) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    bytes.resize(length, 0);
    bytes
}

impl State {
    fn now(&self) -> NaiveDateTime {
        let since = self.clock_set_at.elapsed();
        self.clock + TimeDelta::from_std(since).unwrap_or_default()
    }

    fn attendance(&self) -> Vec<u8> {
        let length = u32::try_from(40 * self.records.len())
            .expect("not that many")
            .to_le_bytes();
        [length.as_slice(), self.records.as_flattened()].concat()
    }
}
