//! A small HTTP/1.1 client with keep-alive, enough for stories and load.

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::HOST;
use hyper::{HeaderMap, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// One connection that is kept alive.
#[derive(Debug)]
pub struct Http {
    authority: String,
    sender: SendRequest<Full<Bytes>>,
}

/// What came back, read to its end.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("{} is no JSON: {}", self.status, self.text()))
    }
}

/// A request's parts that stories vary.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// Path and query.
    pub path: &'a str,
    /// Headers besides `Host`.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: Bytes,
}

impl Http {
    /// Connects to `authority`, such as `127.0.0.1:8080`.
    pub async fn connect(authority: &str) -> Result<Self> {
        let stream = TcpStream::connect(authority)
            .await
            .with_context(|| format!("nobody listens on {authority}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // It ends with the connection, whose errors the sender reports.
        tokio::spawn(connection);
        Ok(Self {
            authority: authority.to_owned(),
            sender,
        })
    }

    /// Asks and reads the answer to its end.
    pub async fn ask(&mut self, ask: Ask<'_>) -> Result<Answer> {
        let mut request = Request::builder()
            .method(ask.method)
            .uri(ask.path)
            .header(HOST, &self.authority);
        for (name, value) in ask.headers {
            request = request.header(*name, *value);
        }
        self.sender.ready().await.context("the daemon closed the connection")?;
        let response = self
            .sender
            .send_request(request.body(Full::new(ask.body))?)
            .await
            .context("no answer")?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.context("the answer broke off")?.to_bytes();
        Ok(Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    }
}

/// One `GET` on a connection of its own.
pub async fn get(authority: &str, path: &str) -> Result<Answer> {
    get_with(authority, path, &[]).await
}

/// One `GET` with headers on a connection of its own.
pub async fn get_with(authority: &str, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    Http::connect(authority)
        .await?
        .ask(Ask {
            method: "GET",
            path,
            headers,
            body: Bytes::new(),
        })
        .await
}

/// One `POST` of JSON on a connection of its own.
pub async fn post(authority: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Result<Answer> {
    Http::connect(authority)
        .await?
        .ask(Ask {
            method: "POST",
            path,
            headers,
            body: body.into(),
        })
        .await
}
