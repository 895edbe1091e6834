//! Having a calendar: from a file, a folder, or a server that is asked politely.
//!
//! A server is asked only at the address that the configuration names: redirects are not followed, and a name that suddenly means an
//! address inside the machine or the link is refused when it is resolved. Times and sizes are bounded.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, ETAG, HeaderMap, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED};
use reqwest::{StatusCode, redirect};

use super::event::FILE_BYTES_MAX;
use super::import_days::File;
use super::source::{Address, Place, file_name};

/// Most files of a folder, and most bytes of them together.
const FOLDER_FILES_MAX: usize = 2_000;
const FOLDER_BYTES_MAX: usize = 4 * FILE_BYTES_MAX;

/// How long a server may take to be reached, and to answer whole.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_mins(1);

/// Longest mark of a version that is sent back to a server.
const MARK_BYTES_MAX: usize = 1_024;

/// Why a calendar could not be had. The words are shown to operators; they hold no address beyond its host.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The file or folder cannot be read.
    #[error(transparent)]
    File(#[from] std::io::Error),
    /// It is larger than anybody's calendar.
    #[error("larger than {} MiB", FILE_BYTES_MAX >> 20)]
    TooLarge,
    /// The folder has more files than anybody's calendar.
    #[error("more than {FOLDER_FILES_MAX} files")]
    TooManyFiles,
    /// The server says something else than a calendar.
    #[error("HTTP {0}")]
    Status(u16),
    /// The server sends elsewhere, and is not followed there.
    #[error("HTTP {0}: the server sends to another address; write that address as url")]
    Redirect(u16),
    /// The server did not answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The server cannot be reached, or the connection broke.
    #[error("{0}")]
    Connection(String),
}

/// Which version of a calendar was seen last, as its server marks it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    etag: Option<String>,
    last_modified: Option<String>,
}

/// What came of asking.
#[derive(Debug)]
pub enum Fetched {
    /// The same as last time.
    Unchanged,
    /// The files, and their version.
    Files(Vec<File>, Version),
}

/// Has calendars.
#[derive(Clone, Debug)]
pub struct Fetcher {
    client: reqwest::Client,
}

impl Fetcher {
    /// Prepares; fails where the machine has no certificates to trust.
    pub fn new() -> anyhow::Result<Self> {
        Self::with_timeout(TIMEOUT)
    }

    fn with_timeout(timeout: Duration) -> anyhow::Result<Self> {
        // Another part of the program may have chosen the same provider already.
        let chosen = rustls::crypto::ring::default_provider().install_default();
        drop(chosen);
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT.min(timeout))
            .timeout(timeout)
            .pool_max_idle_per_host(0)
            .user_agent(concat!("rollcall/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(Guarded))
            .build()?;
        Ok(Self { client })
    }

    /// Has a calendar, unless it is the version that was seen last.
    pub async fn fetch(&self, place: &Place, seen: &Version) -> Result<Fetched, FetchError> {
        match place {
            Place::File(path) => {
                let path = path.clone();
                let read = move || Ok(vec![read_file(&path)?]);
                Ok(Fetched::Files(blocking(read).await?, Version::default()))
            }
            Place::Folder(path) => {
                let path = path.clone();
                Ok(Fetched::Files(
                    blocking(move || read_folder(&path)).await?,
                    Version::default(),
                ))
            }
            Place::Url(address) => self.ask(address, seen).await,
        }
    }

    async fn ask(&self, address: &Address, seen: &Version) -> Result<Fetched, FetchError> {
        let url = String::from_utf8_lossy(address.url.expose()).into_owned();
        let mut request = self.client.get(url).header(ACCEPT, "text/calendar, */*;q=0.1");
        if let Some((user, password)) = &address.login {
            request = request.basic_auth(user, Some(String::from_utf8_lossy(password.expose())));
        }
        if let Some(etag) = &seen.etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        if let Some(last_modified) = &seen.last_modified {
            request = request.header(IF_MODIFIED_SINCE, last_modified);
        }
        let mut response = request.send().await.map_err(|error| connection(&error))?;
        match response.status() {
            StatusCode::NOT_MODIFIED => return Ok(Fetched::Unchanged),
            status if status.is_redirection() => return Err(FetchError::Redirect(status.as_u16())),
            StatusCode::OK => {}
            status => return Err(FetchError::Status(status.as_u16())),
        }
        let version = Version::of(response.headers());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| connection(&error))? {
            if bytes.len() + chunk.len() > FILE_BYTES_MAX {
                return Err(FetchError::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        let name = address.shown.clone();
        Ok(Fetched::Files(vec![File { name, bytes }], version))
    }
}

impl Version {
    fn of(headers: &HeaderMap) -> Self {
        let mark = |name| {
            let value = headers.get(name)?.to_str().ok()?;
            (value.len() <= MARK_BYTES_MAX).then(|| value.to_owned())
        };
        Self {
            etag: mark(ETAG),
            last_modified: mark(LAST_MODIFIED),
        }
    }
}

/// What went wrong, without the address: it may be a secret.
fn connection(error: &reqwest::Error) -> FetchError {
    if error.is_timeout() {
        return FetchError::Timeout;
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = if std::ptr::addr_eq(cause, error) {
        "no connection".to_owned()
    } else {
        cause.to_string()
    };
    FetchError::Connection(text)
}

async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, FetchError> + Send + 'static,
) -> Result<T, FetchError> {
    let done = tokio::task::spawn_blocking(read).await;
    done.unwrap_or_else(|error| Err(FetchError::Connection(error.to_string())))
}

/// Reads a calendar file, as far as it is one that can be one.
pub fn read_file(path: &Path) -> Result<File, FetchError> {
    use std::io::Read;
    let limit = FILE_BYTES_MAX as u64 + 1;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > FILE_BYTES_MAX {
        return Err(FetchError::TooLarge);
    }
    Ok(File {
        name: file_name(path),
        bytes,
    })
}

/// The `.ics` files of a folder, by name; what else is there is nothing to us.
fn read_folder(path: &Path) -> Result<Vec<File>, FetchError> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        let is_calendar = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("ics"));
        if is_calendar && path.is_file() {
            paths.push(path);
        }
        if paths.len() > FOLDER_FILES_MAX {
            return Err(FetchError::TooManyFiles);
        }
    }
    paths.sort();
    let mut files = Vec::new();
    let mut bytes = 0;
    for path in paths {
        let file = read_file(&path)?;
        bytes += file.bytes.len();
        if bytes > FOLDER_BYTES_MAX {
            return Err(FetchError::TooLarge);
        }
        files.push(file);
    }
    Ok(files)
}

/// Resolves names, and refuses what they must not mean.
struct Guarded;

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let here = host.eq_ignore_ascii_case("localhost");
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found.filter(|address| !is_refused(address.ip(), here)).collect();
            if allowed.is_empty() {
                let refused = std::io::Error::other("the name means no address that may be asked");
                return Err(refused.into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}

/// Whether an address is none of a calendar server: of the link (where clouds keep their secrets), of many, of nobody; and of this
/// machine unless it is called so.
pub fn is_refused(address: IpAddr, is_called_so: bool) -> bool {
    /// Where a large provider answers questions about the machine itself.
    const METADATA: Ipv4Addr = Ipv4Addr::new(100, 100, 100, 200);
    /// The same of another, on IPv6.
    const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    let v4 = |address: Ipv4Addr| {
        address.is_unspecified()
            || address.is_multicast()
            || address.is_broadcast()
            || address.is_link_local()
            || address == METADATA
            || (address.is_loopback() && !is_called_so)
    };
    let v6 = |address: Ipv6Addr| {
        address.is_unspecified()
            || address.is_multicast()
            || (address.segments()[0] & 0xffc0) == 0xfe80
            || address == METADATA_V6
            || (address.is_loopback() && !is_called_so)
    };
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address) || embedded(address).is_some_and(v4),
    }
}

/// The IPv4 address that an IPv6 address stands for: mapped, or as a translator between the two writes it.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let translated = matches!(address.segments(), [0x64, 0xff9b, 0, 0, 0, 0, _, _]);
    let [.., a, b, c, d] = address.octets();
    let written = translated.then(|| Ipv4Addr::new(a, b, c, d));
    address.to_ipv4_mapped().or(written)
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::http::HeaderMap as RequestHeaders;
    use axum::response::IntoResponse;
    use axum::routing::get;

    use super::*;
    use crate::config::Secret;

    const CALENDAR: &str = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n";

    async fn calendar(headers: RequestHeaders) -> impl IntoResponse {
        let marks = [(ETAG, "\"v1\""), (LAST_MODIFIED, "Wed, 25 Nov 2026 08:00:00 GMT")];
        let known =
            headers.get(IF_NONE_MATCH).is_some_and(|etag| etag == "\"v1\"") && headers.contains_key(IF_MODIFIED_SINCE);
        if known {
            return (axum::http::StatusCode::NOT_MODIFIED, marks, String::new());
        }
        (axum::http::StatusCode::OK, marks, CALENDAR.to_owned())
    }

    async fn served() -> SocketAddr {
        let router = Router::new()
            .route("/a.ics", get(calendar))
            .route(
                "/elsewhere.ics",
                get(async || (axum::http::StatusCode::FOUND, [("location", "/a.ics")])),
            )
            .route("/gone.ics", get(async || axum::http::StatusCode::GONE))
            .route("/large.ics", get(async || vec![b'x'; FILE_BYTES_MAX + 1]))
            .route("/never.ics", get(std::future::pending::<String>));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    fn place(server: SocketAddr, path: &str) -> Place {
        Place::Url(Address {
            url: Secret::new(format!("http://{server}/{path}")),
            shown: "http://127.0.0.1".to_owned(),
            login: None,
        })
    }

    #[tokio::test]
    async fn an_unchanged_calendar_is_not_sent_again() {
        let server = served().await;
        let fetcher = Fetcher::new().expect("a client");
        let place = place(server, "a.ics");
        let Ok(Fetched::Files(files, version)) = fetcher.fetch(&place, &Version::default()).await else {
            panic!("no files");
        };
        assert_eq!(files[0].bytes, CALENDAR.as_bytes());
        assert!(matches!(fetcher.fetch(&place, &version).await, Ok(Fetched::Unchanged)));
    }

    #[tokio::test]
    async fn what_is_no_calendar_is_said() {
        let server = served().await;
        let fetcher = Fetcher::new().expect("a client");
        let said = async |path: &str| {
            let answer = fetcher.fetch(&place(server, path), &Version::default()).await;
            answer.expect_err(path).to_string()
        };
        assert!(said("elsewhere.ics").await.contains("write that address"));
        assert_eq!(said("gone.ics").await, "HTTP 410");
        assert_eq!(said("large.ics").await, "larger than 8 MiB");
        let hasty = Fetcher::with_timeout(Duration::from_millis(200)).expect("a client");
        let never = hasty.fetch(&place(server, "never.ics"), &Version::default()).await;
        assert_eq!(never.expect_err("never").to_string(), "no answer in time");
        let nobody: SocketAddr = "127.0.0.1:1".parse().expect("an address");
        let refused = fetcher.fetch(&place(nobody, "secret.ics"), &Version::default()).await;
        let refused = refused.expect_err("nobody listens").to_string();
        assert!(!refused.contains("secret"), "{refused}");
    }

    #[test]
    fn addresses_of_nobody_are_refused() {
        for refused in [
            "169.254.169.254",
            "0.0.0.0",
            "224.0.0.1",
            "::",
            "fe80::1",
            "ff02::1",
            "100.100.100.200",
            "::ffff:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "fd00:ec2::254",
            "127.0.0.1",
            "::1",
        ] {
            assert!(is_refused(refused.parse().expect("an address"), false), "{refused}");
        }
        for allowed in ["10.1.2.3", "192.168.0.7", "203.0.113.9", "2001:db8::1"] {
            assert!(!is_refused(allowed.parse().expect("an address"), false), "{allowed}");
        }
        assert!(!is_refused(IpAddr::V4(Ipv4Addr::LOCALHOST), true));
    }

    #[test]
    fn a_folder_is_its_calendar_files() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.ics", "a.ICS", "notes.txt"] {
            std::fs::write(folder.path().join(name), CALENDAR).expect("written");
        }
        let files = read_folder(folder.path()).expect("read");
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["a.ICS", "b.ics"]);
        assert!(read_folder(&folder.path().join("missing")).is_err());
    }
}
