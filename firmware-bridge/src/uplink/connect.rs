//! The socket to a daemon: TCP, TLS where the address says so, and the websocket over it.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use tokio_tungstenite::tungstenite::http::{HeaderValue, Uri};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::key::BridgeKey;
use super::message::{FromBridge, LONGEST_FRAME, SUBPROTOCOL};
use crate::tls::{Trust, TrustError};

/// How long each step towards a connection may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the daemon may take to accept a frame.
const SEND_PATIENCE: Duration = Duration::from_secs(20);

/// Bytes read or gathered at once: a bridge is a small box.
const BUFFER: usize = 4 * 1024;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The address.
    #[error("`{0}` is no address of a daemon; write wss://HOST/bridge/ws")]
    Address(String),
    /// The network.
    #[error("{0}")]
    Network(#[from] std::io::Error),
    /// Nothing came in time.
    #[error("no answer within {} s", PATIENCE.as_secs())]
    Silent,
    /// The certificate, or TLS itself.
    #[error(
        "{0}; if the daemon has a certificate of its own making, write root_certificates_file or certificate_sha256"
    )]
    Certificate(std::io::Error),
    /// TLS cannot be used at all.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The answer is no websocket of a daemon.
    #[error("{0}")]
    Refused(String),
    /// The websocket broke.
    #[error("{0}")]
    Broken(#[from] Box<tungstenite::Error>),
}

impl From<tungstenite::Error> for DialError {
    fn from(error: tungstenite::Error) -> Self {
        Self::Broken(Box::new(error))
    }
}

/// Where to, and with what.
#[derive(Clone, Copy, Debug)]
pub struct Dial<'a> {
    /// `ws://` or `wss://`.
    pub url: &'a str,
    /// Which certificates are believed.
    pub trust: &'a Trust,
    /// What is shown; `None` to get one.
    pub key: Option<&'a BridgeKey>,
}

/// Bytes over TCP or TLS.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// An open websocket.
pub struct Socket(WebSocketStream<Box<dyn Stream>>);

impl Dial<'_> {
    /// Connects.
    pub async fn open(self) -> Result<Socket, DialError> {
        let address = || DialError::Address(self.url.to_owned());
        let uri: Uri = self.url.parse().map_err(|_| address())?;
        let (scheme, host) = uri.scheme_str().zip(uri.host()).ok_or_else(address)?;
        let is_tls = match scheme {
            "ws" => false,
            "wss" => true,
            _ => return Err(address()),
        };
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let host = host.trim_matches(['[', ']']);
        let stream = timeout(PATIENCE, TcpStream::connect((host, port)))
            .await
            .map_err(|_| DialError::Silent)??;
        stream.set_nodelay(true)?;
        let keepalive = TcpKeepalive::new().with_time(PATIENCE).with_interval(PATIENCE);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        let stream: Box<dyn Stream> = if is_tls {
            let name = ServerName::try_from(host.to_owned()).map_err(|_| address())?;
            let connector = TlsConnector::from(self.trust.client()?);
            let secured = timeout(PATIENCE, connector.connect(name, stream)).await;
            Box::new(
                secured
                    .map_err(|_| DialError::Silent)?
                    .map_err(DialError::Certificate)?,
            )
        } else {
            Box::new(stream)
        };
        self.upgrade(stream).await
    }

    async fn upgrade(self, stream: Box<dyn Stream>) -> Result<Socket, DialError> {
        let mut request = self.url.into_client_request()?;
        request
            .headers_mut()
            .insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        if let Some(key) = self.key {
            let bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose()));
            let mut bearer = bearer.map_err(|_| DialError::Refused("the key is not one".to_owned()))?;
            bearer.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, bearer);
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER)
            .write_buffer_size(BUFFER)
            .max_message_size(Some(LONGEST_FRAME))
            .max_frame_size(Some(LONGEST_FRAME));
        let upgraded = timeout(PATIENCE, client_async_with_config(request, stream, Some(config))).await;
        match upgraded.map_err(|_| DialError::Silent)? {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(tungstenite::Error::Http(answer)) => Err(DialError::Refused(refusal(answer.status().as_u16()))),
            Err(error) => Err(error.into()),
        }
    }
}

/// What an HTTP status means at the daemon's address.
fn refusal(status: u16) -> String {
    let what = match status {
        401 | 403 => {
            "it does not take this bridge's key: it was revoked, or is another daemon's; `rollcall bridge enrol NAME` there, and `rollcall-bridge enrol` here"
        }
        404 => {
            "there is no /bridge/ws; is this a daemon of this version, and does the proxy before it pass /bridge/ on?"
        }
        400 | 426 => "it takes no websocket; does the proxy before it pass websockets on?",
        502..=504 => "the proxy before the daemon does not reach it",
        _ => "it answered something else than a daemon would",
    };
    format!("HTTP {status}: {what}")
}

impl Socket {
    /// Says something.
    pub async fn say(&mut self, frame: &FromBridge) -> Result<(), DialError> {
        let text = serde_json::to_string(frame).map_err(std::io::Error::from)?;
        self.say_text(text).await
    }

    /// Says a frame that is written already.
    pub async fn say_text(&mut self, text: String) -> Result<(), DialError> {
        timeout(SEND_PATIENCE, self.0.send(Message::text(text)))
            .await
            .map_err(|_| DialError::Silent)??;
        Ok(())
    }

    /// The next text; `None` where the daemon has closed. Dropped while it waits it loses nothing.
    pub async fn hear(&mut self) -> Result<Option<String>, DialError> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(Some(text.as_str().to_owned())),
                Some(Ok(Message::Close(_))) | None => return Ok(None),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
            }
        }
    }

    /// Closes; a daemon that is gone cannot be told.
    pub async fn close(mut self) {
        let _: Result<_, _> = timeout(Duration::from_secs(1), self.0.close(None)).await;
    }
}
