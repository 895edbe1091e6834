//! A lobby screen without a browser: the websocket that `/screen` uses.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, client_async};

/// The server pings every five seconds, so a silence of this length is a lost connection.
const SILENCE: Duration = Duration::from_secs(12);

/// One connected screen.
#[derive(Debug)]
pub struct Screen {
    socket: WebSocketStream<TcpStream>,
}

impl Screen {
    /// Connects with a screen token (none: asks for the preview that `demo` gives to everybody) and says hello; nothing is
    /// read yet.
    pub async fn connect(authority: &str, token: Option<&str>) -> Result<Self> {
        let mut request = format!("ws://{authority}/screen/ws").into_client_request()?;
        let headers = request.headers_mut();
        headers.insert("Sec-WebSocket-Protocol", HeaderValue::from_static("rollcall.v1"));
        headers.insert("Origin", HeaderValue::from_str(&format!("http://{authority}"))?);
        if let Some(token) = token {
            headers.insert("Authorization", HeaderValue::from_str(&format!("Bearer {token}"))?);
        }
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        let (socket, _) = client_async(request, stream).await.context("the screen was refused")?;
        let mut screen = Self { socket };
        let preview = token.is_none().then_some("preview");
        screen
            .send(&json!({"t": "hello", "client": "acceptance", "build": "none", "lang": "en", "screen": preview}))
            .await?;
        Ok(screen)
    }

    async fn send(&mut self, message: &Value) -> Result<()> {
        self.socket
            .send(Message::text(message.to_string()))
            .await
            .context("the screen's socket does not take frames")
    }

    /// The next frame of the protocol; pings are answered on the way.
    pub async fn next(&mut self) -> Result<Value> {
        loop {
            let message = tokio::time::timeout(SILENCE, self.socket.next())
                .await
                .context("the server fell silent")?;
            match message.context("the server closed the socket")?? {
                Message::Text(text) => {
                    let frame: Value = serde_json::from_str(&text).with_context(|| format!("no JSON: {text}"))?;
                    if frame["t"] != "ping" {
                        return Ok(frame);
                    }
                    self.send(&json!({"t": "pong", "n": frame["d"]["n"], "drift_ms": 0}))
                        .await?;
                }
                Message::Close(close) => bail!("the server closed the socket: {close:?}"),
                _ => {}
            }
        }
    }

    /// Reads on until `meets` finds what it looks for in a frame.
    pub async fn next_with<T>(&mut self, mut meets: impl FnMut(&Value) -> Option<T>) -> Result<T> {
        loop {
            let frame = self.next().await?;
            if let Some(found) = meets(&frame) {
                return Ok(found);
            }
        }
    }
}
