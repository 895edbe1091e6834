//! What `isapi` readers have besides other readers.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use ipnet::IpNet;
use wire::adms::StatusRule;
use wire::controller::{Badge, Dialect, EventRule};
use wire::{BadgeKeyRule, Faces};

use crate::config::{CommKey, ConfigError, Link, ReaderTable};

/// How many letters a push key may have; it is all that shows who posts.
const PUSH_KEY: std::ops::RangeInclusive<usize> = 16..=128;

/// An access controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// What it speaks.
    pub dialect: Dialect,
    /// The key in the address that it posts to; `None`: it may not.
    pub push_key: Option<CommKey>,
    /// The networks that it may post from; none named: any.
    pub peers: Vec<IpNet>,
    /// What its events mean.
    pub rule: EventRule,
}

impl Controller {
    /// Whether it may post from an address.
    pub fn is_peer(&self, address: IpAddr) -> bool {
        self.peers.is_empty() || self.peers.iter().any(|peers| peers.contains(&address.to_canonical()))
    }
}

impl ReaderTable {
    /// The controller of an `isapi` link.
    pub(crate) fn controller(&self, dialect: Dialect) -> Result<Controller, ConfigError> {
        let push_key = self.push_key(dialect)?;
        if push_key.is_none() {
            let problem = format!(
                "write push_key or push_key_file: the key in the address that the device is told to post to, {}",
                self.push_address(dialect)
            );
            return Err(self.error("push_key", problem));
        }
        Ok(Controller {
            dialect,
            push_key,
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

    fn peers(&self) -> Result<Vec<IpNet>, ConfigError> {
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
            ("peers", self.peers.is_some()),
            ("badge", self.badge.is_some()),
            ("card_readers", self.card_readers.is_some()),
            ("doors", self.doors.is_some()),
            ("also_swipes", self.also_swipes.is_some()),
        ];
        match only.into_iter().find(|(_, is_there)| *is_there) {
            Some((key, _)) if !matches!(link, Link::Controller(_)) => {
                Err(self.error(key, "only `isapi` links have one; remove it".into()))
            }
            _ => Ok(()),
        }
    }
}
