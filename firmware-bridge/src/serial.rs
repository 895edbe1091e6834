//! Serial ports: one thread each, because a blocking read with a short time-out is the one way that tells a silent port from a port
//! that is gone.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serialport::TTYPort;
use tokio::sync::oneshot;
use wire::Decoder;

use crate::backoff::Backoff;
use crate::config::ReaderConfig;
use crate::delivery::Delivery;
use crate::link::{LinkContext, LinkError, decode};

/// Bytes of one read: more than a second of a port at 9600 baud would be 960.
const READ_BYTES: usize = 512;

/// Runs the thread of a port until the context's `stop`; dropping the future ends it too.
pub async fn run(reader: ReaderConfig, path: PathBuf, context: LinkContext) -> Result<(), LinkError> {
    let (host, host_gone) = channel::<()>();
    let (ended, mut has_ended) = oneshot::channel();
    let (id, stop) = (reader.id.clone(), context.stop.clone());
    let port = Port {
        backoff: Backoff::new(&context.timing),
        down: None,
        reader,
        path,
        context,
        host_gone,
    };
    std::thread::Builder::new()
        .name(format!("serial {id}"))
        .spawn(move || {
            port.run();
            // Nobody waits where the link's future was dropped.
            let _: Result<(), ()> = ended.send(());
        })
        .map_err(|source| LinkError::Thread {
            reader: id.clone(),
            source,
        })?;
    tokio::select! {
        () = stop.cancelled() => {
            drop(host);
            has_ended.await
        }
        result = &mut has_ended => result,
    }
    .map_err(|_| LinkError::ThreadEnded { reader: id })
}

/// One port and its thread.
struct Port {
    reader: ReaderConfig,
    path: PathBuf,
    context: LinkContext,
    backoff: Backoff,
    /// What was last said of a port that is down: said once, not at every attempt.
    down: Option<String>,
    /// Says nothing, and is cut off when the link is to end; waiting on it is how this thread waits.
    host_gone: Receiver<()>,
}

/// The receiver of deliveries has gone: there is nobody left to read for.
struct SinkClosed;

impl Port {
    fn run(mut self) {
        // Whoever closed the queue knows it; the thread just ends.
        let _: Result<(), SinkClosed> = self.keep_open();
    }

    fn keep_open(&mut self) -> Result<(), SinkClosed> {
        while !self.is_stopped_within(Duration::ZERO) {
            let gap = Duration::from_millis(self.reader.decoding.longest_gap_ms());
            match open(&self.path, self.reader.baud, self.context.timing.serial_read.min(gap)) {
                Ok(port) => {
                    let opened_at = Instant::now();
                    self.down = None;
                    self.send(
                        self.context
                            .state(&self.reader, true, format!("{} is open", self.path.display())),
                    )?;
                    let why = self.read(port)?;
                    self.backoff.held_for(opened_at.elapsed());
                    self.say_down(why)?;
                }
                Err(why) => self.say_down(why)?,
            }
            let wait = self.backoff.wait();
            if self.is_stopped_within(wait) {
                break;
            }
        }
        Ok(())
    }

    /// Reads until the port is gone, or the link is to end, and says why.
    fn read(&self, mut port: TTYPort) -> Result<String, SinkClosed> {
        let mut decoder = Decoder::new(self.reader.decoding);
        let gap = Duration::from_millis(self.reader.decoding.longest_gap_ms());
        let mut bytes = [0; READ_BYTES];
        let mut heard_at = Instant::now();
        let why = loop {
            if self.is_stopped_within(Duration::ZERO) {
                break "told to stop".to_owned();
            }
            let read = port.read(&mut bytes);
            if heard_at.elapsed() > gap {
                self.decode_rest(&mut decoder)?;
            }
            match read {
                // A port that is gone reads as an endless end of file.
                Ok(0) => {
                    break format!(
                        "{} hung up; it is opened again as soon as it is back",
                        self.path.display()
                    );
                }
                Ok(length) => {
                    heard_at = Instant::now();
                    self.decode(&mut decoder, &bytes[..length])?;
                }
                Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
                Err(error) => {
                    break format!(
                        "{} is gone ({error}); it is opened again as soon as it is back",
                        self.path.display()
                    );
                }
            }
        };
        self.decode_rest(&mut decoder)?;
        Ok(why)
    }

    fn decode(&self, decoder: &mut Decoder, bytes: &[u8]) -> Result<(), SinkClosed> {
        let received_at_ms = self.context.now_ms();
        for decoded in decode(decoder, bytes) {
            let event = self.context.event(&self.reader, decoded, received_at_ms);
            self.send(Delivery { event, reply: None })?;
        }
        Ok(())
    }

    /// What silence or the end left incomplete.
    fn decode_rest(&self, decoder: &mut Decoder) -> Result<(), SinkClosed> {
        decoder.idle();
        self.decode(decoder, &[])
    }

    /// Hands over, and waits while the queue is full: the port's own buffer holds what comes meanwhile.
    fn send(&self, delivery: Delivery) -> Result<(), SinkClosed> {
        self.context.sink.blocking_send(delivery).map_err(|_| SinkClosed)
    }

    fn say_down(&mut self, why: String) -> Result<(), SinkClosed> {
        if self.down.as_ref() == Some(&why) {
            return Ok(());
        }
        self.send(self.context.state(&self.reader, false, why.clone()))?;
        self.down = Some(why);
        Ok(())
    }

    fn is_stopped_within(&self, time: Duration) -> bool {
        self.host_gone.recv_timeout(time) != Err(RecvTimeoutError::Timeout)
    }
}

/// Opens a port for this program alone. The path is resolved anew each time: a `/dev/serial/by-id` name finds its adapter wherever it
/// was plugged in again.
pub fn open(path: &Path, baud: u32, read_timeout: Duration) -> Result<TTYPort, String> {
    let shown = path.display();
    let Some(name) = path.to_str() else {
        return Err(format!(
            "{shown} is not UTF-8; use a link to the port with another name"
        ));
    };
    serialport::new(name, baud).timeout(read_timeout).exclusive(true).open_native().map_err(|error| match error.kind {
        serialport::ErrorKind::Io(ErrorKind::NotFound) => {
            format!("{shown} does not exist; is the reader plugged in? `ls -l /dev/serial/by-id` shows what is")
        }
        serialport::ErrorKind::Io(ErrorKind::PermissionDenied) => {
            format!("not allowed to open {shown}; the user of this program must be in the port's group, mostly `dialout`")
        }
        serialport::ErrorKind::NoDevice if path.exists() => {
            format!("{shown} is in use by another program ({error}); end that program or give this reader its own port")
        }
        _ => format!("cannot open {shown}: {error}"),
    })
}
