//! An HTTP client for devices: digest authentication, one connection that is kept, and bounds on whatever comes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use digest_auth::{Algorithm, AlgorithmType, AuthContext, Charset, HttpMethod, Qop, WwwAuthenticateHeader};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;

use super::config::Called;
use crate::tls::TrustError;

/// The largest answer that is read whole: a page of records.
const LARGEST_ANSWER: usize = 2 * 1024 * 1024;

/// Bytes that a connection reads ahead.
const BUFFER: usize = 32 * 1024;

/// How often the same request is sent with a fresh challenge.
const ATTEMPTS: usize = 3;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The network.
    #[error("{0}")]
    Network(#[from] std::io::Error),
    /// The certificate, or TLS itself.
    #[error("{0}; for a certificate of the device's own making write certificate_sha256 or root_certificates_file")]
    Certificate(std::io::Error),
    /// TLS cannot be used at all.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// Nothing came in time.
    #[error("it does not answer")]
    Silent,
    /// What came is no HTTP.
    #[error("{0}")]
    Http(#[from] hyper::Error),
    /// It wants another name or password.
    #[error("it refuses the user `{0}`: correct user and password")]
    Unauthorized(String),
    /// It wants a way to log in that we do not speak.
    #[error("it asks for `{0}`, not for digest authentication: switch that on at the device")]
    NoDigest(String),
    /// It answered something that does not fit.
    #[error("it answered {0}")]
    Unexpected(String),
}

/// What is sent along with a request.
#[derive(Clone, Debug)]
pub struct Content {
    /// Its media type.
    pub kind: &'static str,
    /// It.
    pub text: String,
}

/// Bytes over TCP or TLS.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// An open connection.
struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
    /// Moves the bytes as long as it is kept.
    _driver: AbortOnDropHandle<()>,
}

/// A client of one device.
pub struct Client<'a> {
    called: &'a Called,
    patience: Duration,
    tls: Option<Arc<ClientConfig>>,
    connection: Option<Connection>,
    challenge: Option<WwwAuthenticateHeader>,
}

/// A body that goes on.
pub struct Body {
    incoming: Incoming,
    _connection: Option<Connection>,
}

impl fmt::Debug for Client<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").finish_non_exhaustive()
    }
}

impl<'a> Client<'a> {
    /// A client that has not connected yet.
    pub fn new(called: &'a Called, patience: Duration) -> Result<Self, HttpError> {
        Ok(Self {
            tls: called.is_tls.then(|| called.trust.client()).transpose()?,
            called,
            patience,
            connection: None,
            challenge: None,
        })
    }

    /// Asks and reads the answer whole; the connection is kept.
    pub async fn ask(
        &mut self,
        method: Method,
        target: &str,
        content: Option<Content>,
    ) -> Result<(StatusCode, Bytes), HttpError> {
        let response = self.authorized(&method, target, content.as_ref()).await?;
        let status = response.status();
        let body = timeout(self.patience, read(response.into_body()))
            .await
            .map_err(|_| HttpError::Silent)??;
        Ok((status, body))
    }

    /// Asks for something that does not end, on a connection of its own.
    pub async fn open(&mut self, target: &str) -> Result<(StatusCode, Body), HttpError> {
        let kept = self.connection.take();
        let response = self.authorized(&Method::GET, target, None).await;
        let own = std::mem::replace(&mut self.connection, kept);
        let response = response?;
        let status = response.status();
        let body = Body {
            incoming: response.into_body(),
            _connection: own,
        };
        Ok((status, body))
    }

    /// Sends a request, and again with what the device wants to know of us.
    async fn authorized(
        &mut self,
        method: &Method,
        target: &str,
        content: Option<&Content>,
    ) -> Result<Response<Incoming>, HttpError> {
        // A challenge from an earlier request may have grown old; many devices do not say so.
        let mut is_fresh = false;
        for _ in 0..ATTEMPTS {
            let authorization = self.respond(method, target)?;
            let was_told = authorization.is_some();
            let response = self.send(method, target, content, authorization).await?;
            if response.status() != StatusCode::UNAUTHORIZED {
                return Ok(response);
            }
            let challenge = challenge_of(response.headers())?;
            if was_told && is_fresh && !challenge.stale {
                break;
            }
            self.challenge = Some(challenge);
            is_fresh = true;
            timeout(self.patience, read(response.into_body()))
                .await
                .map_err(|_| HttpError::Silent)??;
        }
        self.challenge = None;
        Err(HttpError::Unauthorized(self.called.user.clone()))
    }

    fn respond(&mut self, method: &Method, target: &str) -> Result<Option<HeaderValue>, HttpError> {
        let Some(challenge) = &mut self.challenge else {
            return Ok(None);
        };
        let no_digest = |error: &dyn fmt::Display| HttpError::NoDigest(error.to_string());
        let context = AuthContext::new_with_method::<_, _, _, &[u8]>(
            &self.called.user,
            self.called.password.expose(),
            target,
            None,
            HttpMethod::from(method.as_str()),
        );
        let header = challenge.respond(&context).map_err(|error| no_digest(&error))?;
        let mut value = HeaderValue::from_str(&header.to_header_string()).map_err(|error| no_digest(&error))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }

    async fn send(
        &mut self,
        method: &Method,
        target: &str,
        content: Option<&Content>,
        authorization: Option<HeaderValue>,
    ) -> Result<Response<Incoming>, HttpError> {
        let was_open = self.connection.as_ref().is_some_and(|open| !open.sender.is_closed());
        match self.send_once(method, target, content, authorization.clone()).await {
            // The device had closed the connection that was kept.
            Err(HttpError::Http(_)) if was_open => {
                self.connection = None;
                self.send_once(method, target, content, authorization).await
            }
            result => result,
        }
    }

    async fn send_once(
        &mut self,
        method: &Method,
        target: &str,
        content: Option<&Content>,
        authorization: Option<HeaderValue>,
    ) -> Result<Response<Incoming>, HttpError> {
        let patience = self.patience;
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(HOST, self.called.authority())
            .header(ACCEPT, "*/*");
        if let Some(content) = content {
            request = request.header(CONTENT_TYPE, content.kind);
        }
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let text = content.map(|content| content.text.clone()).unwrap_or_default();
        let request = request
            .body(Full::new(Bytes::from(text)))
            .map_err(|error| HttpError::Unexpected(error.to_string()))?;
        let connection = match self.connection.take().filter(|open| !open.sender.is_closed()) {
            Some(open) => open,
            None => self.connect().await?,
        };
        let connection = self.connection.insert(connection);
        let answered = async {
            connection.sender.ready().await?;
            connection.sender.send_request(request).await
        };
        let answered = timeout(patience, answered).await;
        if !matches!(answered, Ok(Ok(_))) {
            self.connection = None;
        }
        Ok(answered.map_err(|_| HttpError::Silent)??)
    }

    async fn connect(&self) -> Result<Connection, HttpError> {
        let (host, port) = (self.called.host.as_str(), self.called.port);
        let stream = timeout(self.patience, TcpStream::connect((host, port)))
            .await
            .map_err(|_| HttpError::Silent)??;
        stream.set_nodelay(true)?;
        let keepalive = TcpKeepalive::new()
            .with_time(self.patience)
            .with_interval(self.patience);
        SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
        let stream: Box<dyn Wire> = match &self.tls {
            None => Box::new(stream),
            Some(tls) => {
                let name = ServerName::try_from(host.to_owned())
                    .map_err(|error| HttpError::Certificate(std::io::Error::other(error)))?;
                let secured = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
                let secured = timeout(self.patience, secured).await;
                Box::new(
                    secured
                        .map_err(|_| HttpError::Silent)?
                        .map_err(HttpError::Certificate)?,
                )
            }
        };
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(BUFFER)
            // Devices write headers as they like.
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .ignore_invalid_headers_in_responses(true)
            .handshake(TokioIo::new(stream))
            .await?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "device_connection_ended");
            }
        });
        Ok(Connection {
            sender,
            _driver: AbortOnDropHandle::new(driver),
        })
    }
}

impl Body {
    /// The next bytes; `None` where the device ended them. Dropped while it waits it loses nothing.
    pub async fn next(&mut self) -> Result<Option<Bytes>, HttpError> {
        loop {
            match self.incoming.frame().await {
                None => return Ok(None),
                Some(frame) => {
                    if let Ok(data) = frame?.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }
}

async fn read(mut body: Incoming) -> Result<Bytes, HttpError> {
    let mut answer = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            if answer.len() + data.len() > LARGEST_ANSWER {
                return Err(HttpError::Unexpected(format!("more than {LARGEST_ANSWER} bytes")));
            }
            answer.extend_from_slice(&data);
        }
    }
    Ok(answer.into())
}

/// What a device wants to know, by the strongest of its ways.
fn challenge_of(headers: &HeaderMap) -> Result<WwwAuthenticateHeader, HttpError> {
    let said: Vec<&str> = headers
        .get_all(WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let challenges = said.iter().flat_map(|text| split_challenges(text));
    let parsed = challenges.filter_map(parse_challenge);
    let strength = |challenge: &WwwAuthenticateHeader| match challenge.algorithm {
        Algorithm {
            algo: AlgorithmType::MD5,
            ..
        } => 0,
        _ => 1,
    };
    parsed.max_by_key(strength).ok_or_else(|| {
        let asked = said.join(", ");
        HttpError::NoDigest(asked.chars().filter(|letter| !letter.is_control()).take(80).collect())
    })
}

/// The digest challenges of a header, which may hold several.
fn split_challenges(text: &str) -> Vec<&str> {
    let lower = text.to_ascii_lowercase();
    let mut starts: Vec<usize> = lower
        .match_indices("digest ")
        .map(|(at, _)| at)
        .filter(|at| *at == 0 || matches!(lower.as_bytes()[at - 1], b' ' | b','))
        .collect();
    starts.push(text.len());
    let pieces = starts.windows(2).map(|pair| &text[pair[0]..pair[1]]);
    pieces.map(|piece| piece.trim_end_matches([',', ' '])).collect()
}

/// A challenge, read without minding what it says besides; `None` where it is none that we can answer.
fn parse_challenge(text: &str) -> Option<WwwAuthenticateHeader> {
    let fields = fields_of(text.get("digest ".len()..)?);
    let field = |name: &str| {
        let found = fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    };
    let says = |name: &str, word: &str| field(name).is_some_and(|value| value.eq_ignore_ascii_case(word));
    let named = field("algorithm").unwrap_or("MD5").to_ascii_uppercase();
    let algo = match named.trim_end_matches("-SESS") {
        "MD5" => AlgorithmType::MD5,
        "SHA-256" => AlgorithmType::SHA2_256,
        "SHA-512-256" => AlgorithmType::SHA2_512_256,
        _ => return None,
    };
    let qop = field("qop").map(|ways| ways.split(',').any(|way| way.trim().eq_ignore_ascii_case("auth")));
    Some(WwwAuthenticateHeader {
        domain: None,
        realm: field("realm").unwrap_or_default().to_owned(),
        nonce: field("nonce")?.to_owned(),
        opaque: field("opaque").map(str::to_owned),
        stale: says("stale", "true"),
        algorithm: Algorithm {
            algo,
            sess: named.ends_with("-SESS"),
        },
        // A device that wants the body proved too gets no answer.
        qop: match qop {
            Some(true) => Some(vec![Qop::AUTH]),
            Some(false) => return None,
            None => None,
        },
        userhash: says("userhash", "true"),
        charset: if says("charset", "utf-8") {
            Charset::UTF8
        } else {
            Charset::ASCII
        },
        nc: 0,
    })
}

/// `key=value` and `key="value"`, with commas between.
fn fields_of(text: &str) -> Vec<(String, String)> {
    let (mut fields, mut rest) = (Vec::new(), text);
    while let Some((key, behind)) = rest.split_once('=') {
        let behind = behind.trim_start();
        let (value, after) = match behind.strip_prefix('"') {
            Some(quoted) => {
                let end = quoted.find('"').unwrap_or(quoted.len());
                (&quoted[..end], quoted.get(end + 1..).unwrap_or_default())
            }
            None => behind.split_at(behind.find(',').unwrap_or(behind.len())),
        };
        fields.push((key.trim().to_owned(), value.trim().to_owned()));
        rest = after.trim_start_matches([',', ' ', '\t']);
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(values: &[&'static str]) -> Result<WwwAuthenticateHeader, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(value));
        }
        challenge_of(&headers).map_err(|error| error.to_string())
    }

    #[test]
    fn the_strongest_digest_is_chosen_and_anything_else_is_named() {
        let md5 = r#"Digest qop="auth", realm="DS-1", nonce="a,b", stale="FALSE""#;
        let sha = r#"Digest realm="DS-1", nonce="n", algorithm=SHA-256, qop="auth""#;
        assert_eq!(chosen(&[md5]).expect("a challenge").algorithm.algo, AlgorithmType::MD5);
        for both in [&[md5, sha][..], &[sha, md5], &["Basic realm=\"x\"", sha]] {
            assert_eq!(
                chosen(both).expect("a challenge").algorithm.algo,
                AlgorithmType::SHA2_256
            );
        }
        let joined = r#"Basic realm="x", Digest realm="r", nonce="m", qop="auth", Digest realm="r", nonce="n", algorithm=SHA-256, qop="auth""#;
        assert_eq!(chosen(&[joined]).expect("a challenge").nonce, "n");
        let odd = chosen(&[
            r#"digest nonce = "a=b" ,REALM=x,charset=ASCII, stale="TRUE", algorithm="md5", qop="auth-int,AUTH", odd"#,
        ])
        .expect("a challenge");
        assert_eq!((odd.nonce.as_str(), odd.realm.as_str(), odd.stale), ("a=b", "x", true));
        assert_eq!(odd.qop, Some(vec![Qop::AUTH]));
        let error = chosen(&["Basic realm=\"x\""]).expect_err("no digest");
        assert!(
            error.contains("`Basic realm=\"x\"`") && error.contains("digest"),
            "{error}"
        );
    }
}
