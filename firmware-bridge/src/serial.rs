//! Serial ports: one thread each, because a blocking read with a short time-out is the one way that tells a silent port from a port
//! that is gone.

use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
    let watch = Arc::new(Watch::default());
    let guard = guard(watch.clone(), reader.clone(), path.clone(), context.clone());
    let patience = context.timing.stuck_after;
    let port = Port {
        watch,
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
            // A thread that is stuck in its driver cannot be ended; it goes with the program.
            tokio::time::timeout(patience, has_ended).await.unwrap_or(Ok(()))
        }
        result = &mut has_ended => result,
        () = guard => Ok(()),
    }
    .map_err(|_| LinkError::ThreadEnded { reader: id })
}

/// What a port's thread is doing, seen from outside of it: a driver may keep it for ever, whatever time-out was asked for.
#[derive(Debug)]
struct Watch {
    started: Instant,
    /// Since when the thread is in a call of the driver, in milliseconds since `started` and one; 0: it is not.
    since_ms: AtomicU64,
    /// It was said that the thread does not come back.
    is_told: AtomicBool,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            since_ms: AtomicU64::new(0),
            is_told: AtomicBool::new(false),
        }
    }
}

impl Watch {
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    /// Makes a call of the driver, and says whether it was said meanwhile that it does not come back.
    fn call<T>(&self, call: impl FnOnce() -> T) -> (T, bool) {
        self.since_ms.store(self.now_ms(), Ordering::Relaxed);
        let answer = call();
        self.since_ms.store(0, Ordering::Relaxed);
        (answer, self.is_told.swap(false, Ordering::Relaxed))
    }

    /// Whether the thread has been in one call for longer than this, and that was not said yet.
    fn is_news(&self, patience: Duration) -> bool {
        let since_ms = self.since_ms.load(Ordering::Relaxed);
        let is_stuck = since_ms > 0 && u128::from(self.now_ms().saturating_sub(since_ms)) > patience.as_millis();
        is_stuck && !self.is_told.swap(true, Ordering::Relaxed)
    }
}

/// Says when the driver of a port does not come back; runs until it is dropped.
async fn guard(watch: Arc<Watch>, reader: ReaderConfig, path: PathBuf, context: LinkContext) {
    let patience = context.timing.stuck_after;
    loop {
        tokio::time::sleep(patience / 4).await;
        if watch.is_news(patience) {
            let detail = format!(
                "the driver of {} does not come back; unplug the adapter and plug it in again, and restart this program if that does \
                 not help",
                path.display()
            );
            if context.sink.send(context.state(&reader, false, detail)).await.is_err() {
                tracing::debug!("reader_queue_closed");
            }
        }
    }
}

/// One port and its thread.
struct Port {
    watch: Arc<Watch>,
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
            let patience = self.context.timing.serial_read.min(gap);
            let (opened, _) = self.watch.call(|| open(&self.path, self.reader.baud, patience));
            match opened {
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
            let (read, was_stuck) = self.watch.call(|| port.read(&mut bytes));
            if was_stuck && (is_silence(&read) || read.as_ref().is_ok_and(|length| *length > 0)) {
                let detail = format!("{} answers again", self.path.display());
                self.send(self.context.state(&self.reader, true, detail))?;
            }
            if heard_at.elapsed() > gap {
                self.decode_rest(&mut decoder)?;
            }
            match &read {
                // A port that is gone reads as an endless end of file.
                Ok(0) => {
                    break format!(
                        "{} hung up; it is opened again as soon as it is back",
                        self.path.display()
                    );
                }
                Ok(length) => {
                    heard_at = Instant::now();
                    self.decode(&mut decoder, &bytes[..*length])?;
                }
                Err(_) if is_silence(&read) => {}
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

/// Whether nothing came, and nothing is wrong.
fn is_silence(read: &std::io::Result<usize>) -> bool {
    let error = read.as_ref().err();
    error.is_some_and(|error| matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Interrupted))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::LinkEvent;

    #[tokio::test]
    async fn a_driver_that_does_not_come_back_is_said_once_and_heard_again() {
        let (sink, mut deliveries) = tokio::sync::mpsc::channel(4);
        let stop = tokio_util::sync::CancellationToken::new();
        let mut context = LinkContext::new("boot", sink, Arc::new(|| 7), stop);
        context.timing.stuck_after = Duration::from_millis(20);
        let table = "id = 'gate'\nlink = 'serial:/dev/ttyUSB0'\nformat = 'rdm6300'";
        let table: crate::ReaderTable = toml::from_str(table).expect("a table");
        let reader = table.check().expect("a good table");
        let watch = Arc::new(Watch::default());
        let guarded = tokio::spawn(guard(
            watch.clone(),
            reader,
            PathBuf::from("/dev/ttyUSB0"),
            context.clone(),
        ));

        let (back, kept) = channel::<()>();
        let stuck = watch.clone();
        let thread = std::thread::spawn(move || stuck.call(|| kept.recv().is_err()));
        let event = deliveries.recv().await.expect("it is said").event;
        let LinkEvent::State { up: false, detail, .. } = event else {
            panic!("{event:?}")
        };
        assert!(detail.contains("/dev/ttyUSB0 does not come back"), "{detail}");
        drop(back);
        assert_eq!(
            thread.join().expect("it ends"),
            (true, true),
            "and the thread knows that it was said"
        );
        assert_eq!(watch.call(|| 1), (1, false));
        assert!(!watch.is_news(Duration::ZERO), "it is not in a call");
        guarded.abort();
        assert!(deliveries.try_recv().is_err(), "it is said once");
    }
}
