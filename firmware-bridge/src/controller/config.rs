//! What `isapi` and `dahua` readers have besides other readers.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;
use wire::adms::StatusRule;
use wire::controller::{Badge, Dialect, EventRule};
use wire::{BadgeKeyRule, Faces};

use crate::config::{CommKey, ConfigError, Link, ReaderTable, is_peer};
use crate::tls::Trust;

/// How many letters a push key may have; it is all that shows who posts.
const PUSH_KEY: std::ops::RangeInclusive<usize> = 16..=128;

/// An access controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// What it speaks.
    pub dialect: Dialect,
    /// The key in the address that it posts to; `None`: it may not.
    pub push_key: Option<CommKey>,
    /// Where and as whom we call it; `None`: it only calls us.
    pub called: Option<Called>,
    /// The networks that it may post from; none named: any.
    pub peers: Vec<IpNet>,
    /// What its events mean.
    pub rule: EventRule,
}

/// A controller that we call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Called {
    /// Whether it is called with TLS.
    pub is_tls: bool,
    /// Its name or address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whom it takes us for.
    pub user: String,
    /// That user's password.
    pub password: CommKey,
    /// Which certificates are believed.
    pub trust: Trust,
}

impl Called {
    /// Host and port, as a request names them.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for Called {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(formatter, "{scheme}://{}", self.authority())
    }
}

impl Controller {
    /// Whether it may post from an address.
    pub fn is_peer(&self, address: IpAddr) -> bool {
        is_peer(&self.peers, address)
    }
}

impl ReaderTable {
    /// The controller of an `isapi` or `dahua` link.
    pub(crate) fn controller(&self, dialect: Dialect, url: &str) -> Result<Controller, ConfigError> {
        let push_key = self.push_key(dialect)?;
        let called = if url.is_empty() {
            self.check_called_keys()?;
            None
        } else {
            Some(self.called(dialect, url)?)
        };
        if push_key.is_none() && called.is_none() {
            let problem = format!(
                "write push_key or push_key_file: the key in the address that the device is told to post to, {}",
                self.push_address(dialect)
            );
            return Err(self.error("push_key", problem));
        }
        Ok(Controller {
            dialect,
            push_key,
            called,
            peers: self.peers()?,
            rule: EventRule {
                badge: self.badge()?,
                badge_key: self.badge_key(BadgeKeyRule::Text)?,
                status: match self.status_is_direction {
                    Some(true) => StatusRule::Direction,
                    Some(false) | None => StatusRule::Ignore,
                },
                card_readers: self.directions("card_readers", self.card_readers.as_ref())?,
                doors: self.directions("doors", self.doors.as_ref())?,
                also_swipes: self.also_swipes()?,
            },
        })
    }

    fn called(&self, dialect: Dialect, url: &str) -> Result<Called, ConfigError> {
        let (is_tls, host, port) = parse_url(url).ok_or_else(|| {
            let name = dialect.name();
            let problem = format!(
                "`{url}` is no address of a device; write {name}:http://HOST, {name}:https://HOST:PORT or {name}:HOST"
            );
            self.error("link", problem)
        })?;
        let user = self.user.clone().filter(|user| !user.is_empty());
        let user = user.ok_or_else(|| {
            let problem = "write the user that the device has for us; one that may read events is enough";
            self.error("user", problem.into())
        })?;
        let password = match (&self.password, &self.password_file) {
            (Some(_), Some(_)) => {
                let problem = "password and password_file are both set: keep one of them";
                return Err(self.error("password", problem.into()));
            }
            (None, None) => return Err(self.error("password", "write password or password_file".into())),
            (Some(password), None) => password.clone(),
            (None, Some(path)) => self.secret("password_file", path)?,
        };
        Ok(Called {
            is_tls,
            host,
            port,
            user,
            password: CommKey::new(password),
            trust: self.trust(is_tls)?,
        })
    }

    fn trust(&self, is_tls: bool) -> Result<Trust, ConfigError> {
        let only_tls = "only https:// addresses have a certificate; remove it";
        match (&self.root_certificates_file, &self.certificate_sha256) {
            (None, None) => Ok(Trust::System),
            (Some(_), _) if !is_tls => Err(self.error("root_certificates_file", only_tls.into())),
            (_, Some(_)) if !is_tls => Err(self.error("certificate_sha256", only_tls.into())),
            (Some(_), Some(_)) => {
                let problem = "root_certificates_file and certificate_sha256 are both set: keep one of them";
                Err(self.error("certificate_sha256", problem.into()))
            }
            (Some(path), None) => Ok(Trust::Roots(path.clone())),
            (None, Some(text)) => Trust::fingerprint(text).map_err(|problem| self.error("certificate_sha256", problem)),
        }
    }

    /// Keys that only controllers have that we call.
    fn check_called_keys(&self) -> Result<(), ConfigError> {
        let only = [
            ("user", self.user.is_some()),
            ("password", self.password.is_some()),
            ("password_file", self.password_file.is_some()),
            ("root_certificates_file", self.root_certificates_file.is_some()),
            ("certificate_sha256", self.certificate_sha256.is_some()),
        ];
        match only.into_iter().find(|(_, is_there)| *is_there) {
            Some((key, _)) => {
                let problem = "only a controller that we call has it; write its address into the link, or remove it";
                Err(self.error(key, problem.into()))
            }
            None => Ok(()),
        }
    }

    /// Where a device is told to post to.
    fn push_address(&self, dialect: Dialect) -> String {
        format!("/readers/{}/{}?key=…", self.id.trim(), dialect.name())
    }

    fn push_key(&self, dialect: Dialect) -> Result<Option<CommKey>, ConfigError> {
        let (key, name) = match (&self.push_key, &self.push_key_file) {
            (Some(_), Some(_)) => {
                let problem = "push_key and push_key_file are both set: keep one of them";
                return Err(self.error("push_key", problem.into()));
            }
            (None, None) => return Ok(None),
            (Some(key), None) => (key.clone(), "push_key"),
            (None, Some(path)) => (self.secret("push_key_file", path)?, "push_key_file"),
        };
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !PUSH_KEY.contains(&key.len()) || !key.bytes().all(is_good) {
            let problem = format!(
                "a key is {} to {} letters, digits, `-` and `_`, for it stands in {}; `openssl rand -hex 16` makes one",
                PUSH_KEY.start(),
                PUSH_KEY.end(),
                self.push_address(dialect)
            );
            return Err(self.error(name, problem));
        }
        Ok(Some(CommKey::new(key)))
    }

    /// A secret from its file, without the line end that editors put there.
    pub(crate) fn secret(&self, key: &'static str, path: &Path) -> Result<String, ConfigError> {
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| self.error(key, format!("cannot read {} ({error})", path.display())))?;
        Ok(text.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// The networks of `peers`.
    pub(crate) fn peers(&self) -> Result<Vec<IpNet>, ConfigError> {
        let peers = self.peers.iter().flatten().map(|text| {
            let network = text.parse::<IpNet>().ok();
            network
                .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
                .ok_or_else(|| {
                    let problem = format!("`{text}` is no address and no network; write 192.0.2.7 or 10.0.0.0/8");
                    self.error("peers", problem)
                })
        });
        peers.collect()
    }

    fn badge(&self) -> Result<Badge, ConfigError> {
        let Some(name) = &self.badge else {
            return Ok(Badge::Employee);
        };
        let known = Badge::ALL.into_iter().find(|badge| badge.name() == name);
        known.ok_or_else(|| {
            let problem = format!("`{name}` is unknown; write employee (its number at the device) or card");
            self.error("badge", problem)
        })
    }

    fn directions(
        &self,
        key: &'static str,
        written: Option<&BTreeMap<String, String>>,
    ) -> Result<Vec<(i64, Faces)>, ConfigError> {
        let pairs = written.into_iter().flatten().map(|(number, faces)| {
            let pair = number.parse().ok().zip(Faces::from_name(faces));
            pair.ok_or_else(|| {
                let problem = format!(
                    "`{number} = \"{faces}\"` is no direction; write numbers as in {{ 1 = \"in\", 2 = \"out\" }}"
                );
                self.error(key, problem)
            })
        });
        pairs.collect()
    }

    fn also_swipes(&self) -> Result<Vec<(i64, i64)>, ConfigError> {
        let pairs = self.also_swipes.iter().flatten().map(|text| {
            let pair = text.split_once('/');
            pair.and_then(|(major, sub)| major.trim().parse().ok().zip(sub.trim().parse().ok()))
                .ok_or_else(|| {
                    let problem = format!(
                        "`{text}` is no event; write its major and sub type as the log shows them: [\"5/181\"]"
                    );
                    self.error("also_swipes", problem)
                })
        });
        pairs.collect()
    }

    /// Keys that only controllers have.
    pub(crate) fn check_controller_keys(&self, link: &Link) -> Result<(), ConfigError> {
        let only = [
            ("push_key", self.push_key.is_some()),
            ("push_key_file", self.push_key_file.is_some()),
            ("badge", self.badge.is_some()),
            ("card_readers", self.card_readers.is_some()),
            ("doors", self.doors.is_some()),
            ("also_swipes", self.also_swipes.is_some()),
        ];
        if matches!(link, Link::Controller(_)) {
            return Ok(());
        }
        if self.peers.is_some() && !matches!(link, Link::Adms(_)) {
            let problem = "only `isapi`, `dahua` and `adms:` links have them; remove it";
            return Err(self.error("peers", problem.into()));
        }
        match only.into_iter().find(|(_, is_there)| *is_there) {
            Some((key, _)) => Err(self.error(key, "only `isapi` and `dahua` links have one; remove it".into())),
            None => self.check_called_keys(),
        }
    }
}

/// Whether with TLS, host, and port of an address without a path, a query or a name in it.
fn parse_url(url: &str) -> Option<(bool, String, u16)> {
    let (is_tls, rest) = match url.split_once("://") {
        None => (false, url),
        Some(("http", rest)) => (false, rest),
        Some(("https", rest)) => (true, rest),
        Some(_) => return None,
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let default = if is_tls { 443 } else { 80 };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (rest, default),
    };
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let is_good = |letter: char| letter.is_ascii_alphanumeric() || "-._:%".contains(letter);
    (!host.is_empty() && host.chars().all(is_good)).then(|| (is_tls, host.to_owned(), port))
}
