//! The line of a bus: bytes in, bytes out, and never a wait without an end.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::Duration;

use serialport::{SerialPort, TTYPort};

use super::config::OsdpLine;

/// How long a peer may take to be connected, and to take a frame.
const PEER_ANSWERS: Duration = Duration::from_secs(3);

/// An open line.
pub enum Line {
    /// A serial port.
    Serial(TTYPort),
    /// A connection.
    Tcp(TcpStream),
}

impl Line {
    /// Opens it for this program alone; says what is wrong and what to do.
    pub fn open(line: &OsdpLine, baud: u32) -> Result<Self, String> {
        match line {
            OsdpLine::Serial(path) => serial(path, baud),
            OsdpLine::Tcp(address) => connect(address).map_err(|error| format!("cannot connect to {address}: {error}")),
        }
    }

    /// Sends all of the bytes; an error is the end of the line.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match self {
            Self::Serial(port) => port.write_all(bytes),
            Self::Tcp(stream) => stream.write_all(bytes),
        }
    }

    /// Waits for bytes, at most so long, and says how many came; an error is the end of the line.
    pub fn read(&mut self, bytes: &mut [u8], wait: Duration) -> Result<usize, Error> {
        let wait = wait.max(Duration::from_millis(1));
        let read = match self {
            Self::Serial(port) => {
                port.set_timeout(wait)?;
                port.read(bytes)
            }
            Self::Tcp(stream) => {
                stream.set_read_timeout(Some(wait))?;
                stream.read(bytes)
            }
        };
        match read {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted
                ) =>
            {
                Ok(0)
            }
            read => read,
        }
    }
}

fn serial(path: &Path, baud: u32) -> Result<Line, String> {
    crate::serial::open(path, baud, PEER_ANSWERS).map(Line::Serial)
}

fn connect(address: &str) -> Result<Line, Error> {
    let mut last = Error::from(ErrorKind::NotFound);
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PEER_ANSWERS) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                stream.set_write_timeout(Some(PEER_ANSWERS))?;
                return Ok(Line::Tcp(stream));
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
