//! The demo's ends of the lines: what a reader at the gate would do, done to the same ports and sockets that the daemon opens.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, anyhow};
use chrono::SecondsFormat;
use serialport::{SerialPort, TTYPort};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::random::Random;
use super::script::{Direction, Gate, ScriptedSwipe};
use super::signal;
use super::site::{badge_key, local, reader};

/// How many cards may wait at a gate. When a line is held up, people wait at the gate, and so does the script.
const QUEUE: usize = 64;

/// How long a serial line may be full before the gate counts as broken: nobody reads it any more.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the hall door waits before it sends a record again that the daemon had no room for.
const BUSY_WAIT: Duration = Duration::from_millis(200);

/// The gates with their lines open, before anybody stands at them.
pub struct Gates {
    east_in: SerialLine,
    east_out: SerialLine,
    west: SerialLine,
    hall: TcpListener,
    hall_address: SocketAddr,
}

/// Where cards are shown while the daemon runs.
pub struct OpenGates {
    east_in: mpsc::Sender<Vec<u8>>,
    east_out: mpsc::Sender<Vec<u8>>,
    west: mpsc::Sender<Vec<u8>>,
    hall: mpsc::Sender<String>,
    random: Random,
}

/// One serial line: the reader's end, and the path of the end that the daemon opens.
struct SerialLine {
    reader_end: TTYPort,
    /// Kept open so that the line stays raw and silent until the daemon opens it.
    daemon_end: TTYPort,
    path: String,
}

impl Gates {
    /// Opens a pseudo-terminal for each serial reader and a socket for the hall door.
    pub async fn open() -> anyhow::Result<Self> {
        let hall = TcpListener::bind(("127.0.0.1", 0))
            .await
            .context("no port for the hall door")?;
        let hall_address = hall.local_addr()?;
        let line = |name: &str| SerialLine::open().with_context(|| format!("no serial line for {name}"));
        Ok(Self {
            east_in: line(reader::EAST_IN)?,
            east_out: line(reader::EAST_OUT)?,
            west: line(reader::WEST)?,
            hall,
            hall_address,
        })
    }

    /// The readers as `rollcall.toml` names them.
    pub fn configuration(&self) -> String {
        let serial = |id: &str, line: &SerialLine, format: &str| {
            format!(
                "[[reader]]\nid = \"{id}\"\nlink = \"serial:{}\"\nformat = \"{format}\"\nbaud = 9600\nbadge_key = \"facility-card\"\n\n",
                line.path
            )
        };
        let hall = format!(
            "[[reader]]\nid = \"{}\"\nlink = \"tcp:{}\"\nformat = \"line\"\n",
            reader::HALL,
            self.hall_address
        );
        [
            serial(reader::EAST_IN, &self.east_in, "rdm6300"),
            serial(reader::EAST_OUT, &self.east_out, "rdm6300"),
            serial(reader::WEST, &self.west, "wiegand-hex"),
            hall,
        ]
        .concat()
    }

    /// Starts the gates. They end with the [`OpenGates`]; until then the lines stay open, whatever the daemon does.
    pub fn start(self, random: Random) -> OpenGates {
        let (hall, records) = mpsc::channel(QUEUE);
        let listener = self.hall;
        tokio::spawn(async move { serve_hall_door(&listener, records).await });
        OpenGates {
            east_in: self.east_in.start(reader::EAST_IN),
            east_out: self.east_out.start(reader::EAST_OUT),
            west: self.west.start(reader::WEST),
            hall,
            random,
        }
    }
}

impl OpenGates {
    /// Shows a card; waits where the gate is busy.
    pub async fn show(&mut self, swipe: &ScriptedSwipe) -> anyhow::Result<()> {
        let shown = match (swipe.gate, swipe.direction) {
            (Gate::East, Direction::In) => self
                .east_in
                .send(signal::rdm6300(swipe.card, &mut self.random))
                .await
                .is_ok(),
            (Gate::East, Direction::Out) => self
                .east_out
                .send(signal::rdm6300(swipe.card, &mut self.random))
                .await
                .is_ok(),
            (Gate::West, _) => self
                .west
                .send(signal::wiegand26(swipe.card, &mut self.random))
                .await
                .is_ok(),
            (Gate::Hall, _) => self.hall.send(hall_record(swipe)).await.is_ok(),
        };
        if shown {
            Ok(())
        } else {
            Err(anyhow!("the {:?} gate does not take cards any more", swipe.gate))
        }
    }
}

impl SerialLine {
    fn open() -> anyhow::Result<Self> {
        let (mut reader_end, daemon_end) = TTYPort::pair()?;
        reader_end.set_timeout(WRITE_TIMEOUT)?;
        let path = daemon_end.name().context("the pseudo-terminal has no name")?;
        Ok(Self {
            reader_end,
            daemon_end,
            path,
        })
    }

    /// Writes what it is sent on a thread of its own, because a serial port blocks.
    fn start(self, name: &'static str) -> mpsc::Sender<Vec<u8>> {
        let (sender, mut cards) = mpsc::channel::<Vec<u8>>(QUEUE);
        let Self {
            mut reader_end,
            daemon_end,
            ..
        } = self;
        tokio::task::spawn_blocking(move || {
            while let Some(bytes) = cards.blocking_recv() {
                if let Err(error) = reader_end.write_all(&bytes) {
                    tracing::error!(event = "demo.gate_broken", reader = name, %error);
                    break;
                }
            }
            drop(daemon_end);
        });
        sender
    }
}

/// A record of the hall door: the card, the instant, and the direction.
fn hall_record(swipe: &ScriptedSwipe) -> String {
    let at = local(swipe.at).to_rfc3339_opts(SecondsFormat::Secs, false);
    format!("{},{at},{}\n", badge_key(swipe.card), swipe.direction.name())
}

/// The hall door's controller: the daemon dials in, and each record is kept until the daemon has answered `ok`.
async fn serve_hall_door(listener: &TcpListener, mut records: mpsc::Receiver<String>) {
    let mut unanswered: Option<String> = None;
    loop {
        let ended = match listener.accept().await {
            Ok((stream, _)) => send_records(stream, &mut records, &mut unanswered).await,
            Err(error) => Err(error),
        };
        match ended {
            Ok(()) => return,
            Err(error) => tracing::warn!(event = "demo.hall_door_lost", %error),
        }
    }
}

/// Sends records until there are no more, or the connection ends; the one without an answer then stays in `unanswered`.
async fn send_records(
    stream: TcpStream,
    records: &mut mpsc::Receiver<String>,
    unanswered: &mut Option<String>,
) -> std::io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut answers = BufReader::new(reading).lines();
    loop {
        let record = match unanswered.take() {
            Some(record) => record,
            None => match records.recv().await {
                Some(record) => record,
                None => return Ok(()),
            },
        };
        let record = unanswered.insert(record);
        writing.write_all(record.as_bytes()).await?;
        match answers.next_line().await? {
            Some(answer) if answer.starts_with("err busy") => tokio::time::sleep(BUSY_WAIT).await,
            Some(answer) => {
                if !answer.starts_with("ok ") {
                    tracing::error!(event = "demo.hall_door_refused", record = record.trim_end(), answer);
                }
                *unanswered = None;
            }
            None => return Err(std::io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::demo::bureau::{Bureau, instant_on, seconds_at};

    const CARD: u32 = (118 << 16) | 0x3AE8;

    fn swipe(gate: Gate, direction: Direction) -> ScriptedSwipe {
        let at = instant_on(Bureau::invent(1).date, seconds_at(9, 0));
        ScriptedSwipe {
            at,
            card: CARD,
            gate,
            direction,
        }
    }

    #[tokio::test]
    async fn a_card_at_the_east_gate_comes_out_of_the_serial_port() {
        let gates = Gates::open().await.unwrap();
        let mut port = serialport::new(&gates.east_in.path, 9_600)
            .timeout(Duration::from_secs(5))
            .open()
            .unwrap();
        let mut open = gates.start(Random::new(1));
        open.show(&swipe(Gate::East, Direction::In)).await.unwrap();
        let frame = tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            while !bytes.ends_with(&[0x03]) {
                let mut byte = [0];
                port.read_exact(&mut byte).expect("a frame within the time-out");
                bytes.extend(byte);
            }
            bytes
        });
        let bytes = frame.await.unwrap();
        assert!(
            bytes.windows(10).any(|digits| digits == b"2A00763AE8"),
            "{}",
            String::from_utf8_lossy(&bytes)
        );
    }

    #[tokio::test]
    async fn the_hall_door_sends_a_record_again_until_it_hears_ok() {
        let gates = Gates::open().await.unwrap();
        let address = gates.hall_address;
        let mut open = gates.start(Random::new(1));
        open.show(&swipe(Gate::Hall, Direction::Out)).await.unwrap();
        let expected = "118-15080,2026-09-16T09:00:00+08:00,out";
        // The first connection ends without an answer, the second has no room at first.
        for answers in [&[][..], &["err busy\n", "ok 1\n"][..]] {
            let (reading, mut writing) = TcpStream::connect(address).await.unwrap().into_split();
            let mut lines = BufReader::new(reading).lines();
            assert_eq!(lines.next_line().await.unwrap().as_deref(), Some(expected));
            for (position, answer) in answers.iter().enumerate() {
                writing.write_all(answer.as_bytes()).await.unwrap();
                if position + 1 < answers.len() {
                    assert_eq!(lines.next_line().await.unwrap().as_deref(), Some(expected));
                }
            }
        }
    }

    #[tokio::test]
    async fn the_configuration_names_every_reader() {
        let gates = Gates::open().await.unwrap();
        let text = gates.configuration();
        for reader in [reader::EAST_IN, reader::EAST_OUT, reader::WEST, reader::HALL] {
            assert!(text.contains(&format!("id = \"{reader}\"")), "{text}");
        }
    }
}
