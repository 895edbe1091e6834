//! Packets over TCP or UDP.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use wire::zk::{Frames, LONGEST_PACKET, Packet, emit, emit_tcp};

use super::session::ZkError;

/// What packets go over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One connection.
    Tcp,
    /// Datagrams; those that are lost are sent again.
    Udp,
}

/// How much is read at once.
const READ_BYTES: usize = 16 * 1024;

/// A way to a terminal.
pub enum Line {
    Tcp {
        stream: TcpStream,
        frames: Frames,
        bytes: Vec<u8>,
    },
    Udp {
        socket: UdpSocket,
        bytes: Vec<u8>,
    },
}

impl Line {
    pub async fn open(transport: Transport, address: &str, patience: Duration) -> Result<Self, ZkError> {
        match transport {
            Transport::Tcp => {
                let stream = timeout(patience, TcpStream::connect(address))
                    .await
                    .map_err(|_| ZkError::Silent)??;
                stream.set_nodelay(true)?;
                Ok(Self::Tcp {
                    stream,
                    frames: Frames::default(),
                    bytes: vec![0; READ_BYTES],
                })
            }
            Transport::Udp => {
                let local = if address.starts_with('[') {
                    "[::]:0"
                } else {
                    "0.0.0.0:0"
                };
                let socket = UdpSocket::bind(local).await?;
                socket.connect(address).await?;
                Ok(Self::Udp {
                    socket,
                    bytes: vec![0; LONGEST_PACKET],
                })
            }
        }
    }

    pub const fn transport(&self) -> Transport {
        match self {
            Self::Tcp { .. } => Transport::Tcp,
            Self::Udp { .. } => Transport::Udp,
        }
    }

    pub async fn send(&mut self, command: u16, session: u16, number: u16, data: &[u8]) -> Result<(), ZkError> {
        match self {
            Self::Tcp { stream, .. } => stream.write_all(&emit_tcp(command, session, number, data)).await?,
            Self::Udp { socket, .. } => {
                socket.send(&emit(command, session, number, data)).await?;
            }
        }
        Ok(())
    }

    /// The next packet whose checksum is right. Dropped while it waits it loses nothing.
    pub async fn receive(&mut self) -> Result<Vec<u8>, ZkError> {
        loop {
            match self {
                Self::Tcp { stream, frames, bytes } => {
                    match frames.next() {
                        Some(Ok(packet)) => return Ok(packet),
                        Some(Err(malformed)) => {
                            tracing::warn!(reason = malformed.reason.name(), "terminal_packet_malformed");
                            continue;
                        }
                        None => {}
                    }
                    let length = stream.read(bytes).await?;
                    if length == 0 {
                        return Err(ZkError::Closed);
                    }
                    let taken = frames.push(&bytes[..length]);
                    if taken < length {
                        return Err(ZkError::Unexpected("more than a packet without its end"));
                    }
                }
                Self::Udp { socket, bytes } => {
                    let length = socket.recv(bytes).await?;
                    match Packet::new_checked(&bytes[..length]) {
                        Ok(_) => return Ok(bytes[..length].to_vec()),
                        Err(reason) => tracing::warn!(reason = reason.name(), "terminal_packet_malformed"),
                    }
                }
            }
        }
    }
}
