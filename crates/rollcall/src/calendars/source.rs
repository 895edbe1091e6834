//! `[[meeting_calendar]]` of `rollcall.toml`: which calendars are followed, and how their entries become meetings.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::NaiveTime;
use serde::Deserialize;

use super::fetch;
use super::import_meetings::WindowOptions;
use super::meetings::{Declined, Settings};
use crate::config::{Secret, one_of};

/// How often a file or folder is looked at, and how often a server is asked, where nothing is written.
const FILE_SECONDS: u64 = 60;
const URL_SECONDS: u64 = 900;
/// How far ahead meetings are taken, where nothing is written.
pub const FUTURE_DAYS: i64 = 180;
/// Longest times that may be written.
const DAYS_MAX: i64 = 3_660;
const MINUTES_MAX: i64 = 2_880;
/// As many exits as `exits_allowed` of a meeting may say: a row that says more would be no meeting.
const EXITS_MAX: i64 = 1_000;
const SECONDS_MAX: u64 = 7 * 86_400;

/// A calendar that is followed.
#[derive(Clone, Debug)]
pub struct MeetingCalendar {
    /// Its name: what it brought is its own.
    pub id: String,
    /// Where it is.
    pub place: Place,
    /// How often it is looked at.
    pub every: Duration,
    /// How entries become meetings.
    pub settings: Settings,
    /// Which meetings.
    pub window: WindowOptions,
}

/// Where a calendar is.
#[derive(Clone, Debug)]
pub enum Place {
    /// One file.
    File(PathBuf),
    /// Every `.ics` file of a folder, together.
    Folder(PathBuf),
    /// A web address.
    Url(Address),
}

/// A web address, which may be a secret by itself, with who asks.
#[derive(Clone, Debug)]
pub struct Address {
    /// The address.
    pub url: Secret,
    /// What may be shown of it: the scheme and the host.
    pub shown: String,
    /// Name and password for HTTP Basic authentication.
    pub login: Option<(String, Secret)>,
}

/// The table as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    id: String,
    file: Option<PathBuf>,
    folder: Option<PathBuf>,
    url: Option<String>,
    url_file: Option<PathBuf>,
    user: Option<String>,
    password: Option<String>,
    password_file: Option<PathBuf>,
    place: Option<String>,
    every_seconds: Option<u64>,
    past_days: Option<i64>,
    future_days: Option<i64>,
    all_day: Option<String>,
    #[serde(default)]
    declined: Declined,
    sign_in_minutes: Option<i64>,
    late_grace_minutes: Option<i64>,
    absent_after_minutes: Option<i64>,
    late_absent_after_minutes: Option<i64>,
    exit_allowance_minutes: Option<i64>,
    exits_allowed: Option<i64>,
    early_grace_minutes: Option<i64>,
}

impl Written {
    /// Checks the table.
    pub fn check(self) -> anyhow::Result<MeetingCalendar> {
        let context = format!("[[meeting_calendar]] id = \"{}\"", self.id);
        self.checked().context(context)
    }

    fn checked(self) -> anyhow::Result<MeetingCalendar> {
        if self.id.trim().is_empty() || self.id.len() > 100 || self.id.chars().any(char::is_control) {
            bail!("id must be a short name");
        }
        let place = self.where_it_is()?;
        let default_seconds = if matches!(place, Place::Url(_)) {
            URL_SECONDS
        } else {
            FILE_SECONDS
        };
        let seconds = self.every_seconds.unwrap_or(default_seconds);
        if !(1..=SECONDS_MAX).contains(&seconds) {
            bail!("every_seconds is from 1 to {SECONDS_MAX}");
        }
        let days = |key: &str, days: Option<i64>| match days {
            Some(days) if !(0..=DAYS_MAX).contains(&days) => bail!("{key} is from 0 to {DAYS_MAX}"),
            other => Ok(other),
        };
        Ok(MeetingCalendar {
            window: WindowOptions {
                past_days: days("past_days", self.past_days)?,
                future_days: days("future_days", self.future_days)?.unwrap_or(FUTURE_DAYS),
                from: None,
                until: None,
            },
            settings: self.settings()?,
            id: self.id,
            place,
            every: Duration::from_secs(seconds),
        })
    }

    fn where_it_is(&self) -> anyhow::Result<Place> {
        let url = one_of("url", self.url.clone(), self.url_file.as_deref())?;
        match (&self.file, &self.folder, url) {
            (Some(file), None, None) => Ok(Place::File(file.clone())),
            (None, Some(folder), None) => Ok(Place::Folder(folder.clone())),
            (None, None, Some(url)) => {
                let password = one_of("password", self.password.clone(), self.password_file.as_deref())?;
                let login = match (&self.user, password) {
                    (Some(user), Some(password)) => Some((user.clone(), Secret::new(password))),
                    (None, None) => None,
                    (_, _) => bail!("user and password (or password_file) belong together"),
                };
                address(url.trim(), login).map(Place::Url)
            }
            (None, None, None) => bail!("write file, folder, url or url_file"),
            (_, _, _) => bail!("write only one of file, folder, url and url_file"),
        }
    }

    fn settings(&self) -> anyhow::Result<Settings> {
        let written = [
            ("late_grace_minutes", self.late_grace_minutes),
            ("absent_after_minutes", self.absent_after_minutes),
            ("late_absent_after_minutes", self.late_absent_after_minutes),
            ("exit_allowance_minutes", self.exit_allowance_minutes),
            ("exits_allowed", self.exits_allowed),
            ("early_grace_minutes", self.early_grace_minutes),
        ];
        let mut rules = BTreeMap::new();
        for (key, value) in written.into_iter().chain([("sign_in_minutes", self.sign_in_minutes)]) {
            let Some(value) = value else { continue };
            let most = if key == "exits_allowed" { EXITS_MAX } else { MINUTES_MAX };
            if !(0..=most).contains(&value) {
                bail!("{key} is from 0 to {most}");
            }
            rules.insert(key, value);
        }
        rules.remove("sign_in_minutes");
        Ok(Settings {
            place: self.place.clone(),
            all_day: self.all_day.as_deref().map(all_day).transpose()?,
            declined: self.declined,
            rules,
            sign_in_minutes: self.sign_in_minutes,
        })
    }
}

/// `09:00-17:00`.
pub fn all_day(text: &str) -> anyhow::Result<(NaiveTime, NaiveTime)> {
    let time = |text: &str| NaiveTime::parse_from_str(text.trim(), "%H:%M").ok();
    let times = text
        .split_once(['-', '–'])
        .and_then(|(from, until)| Some((time(from)?, time(until)?)));
    match times {
        Some((from, until)) if from < until => Ok((from, until)),
        _ => bail!("all_day = \"{text}\" must be like \"09:00-17:00\""),
    }
}

/// Only `http` and `https`, without a name or password inside, and not of a host to which nobody subscribes.
fn address(written: &str, login: Option<(String, Secret)>) -> anyhow::Result<Address> {
    let text = match written.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("webcal") => format!("https://{rest}"),
        _ => written.to_owned(),
    };
    let Ok(url) = reqwest::Url::parse(&text) else {
        bail!("the url is none: write https://…");
    };
    let host = url.host_str().unwrap_or_default();
    let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    if !matches!(url.scheme(), "http" | "https") || host.is_empty() {
        bail!("the url must start with https:// (or http://)");
    }
    if !url.username().is_empty() || url.password().is_some() {
        bail!("the url holds a name or password: write user and password_file instead");
    }
    if literal.is_some_and(|address| fetch::is_refused(address, true)) {
        bail!("the url's address {host} is refused: it is no address of a calendar server");
    }
    Ok(Address {
        shown: format!("{}://{host}", url.scheme()),
        url: Secret::new(url.to_string()),
        login,
    })
}

impl Place {
    /// What may be shown of it.
    pub fn shown(&self) -> String {
        match self {
            Self::File(path) | Self::Folder(path) => path.display().to_string(),
            Self::Url(address) => address.shown.clone(),
        }
    }
}

/// The name of a file, for problems.
pub fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<MeetingCalendar, String> {
        let written: Written = toml::from_str(text).map_err(|error| error.to_string())?;
        written.check().map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_calendar_is_in_one_place() {
        assert!(check("id = \"a\"").expect_err("nowhere").contains("file, folder"));
        assert!(
            check("id = \"a\"\nfile = \"x\"\nurl = \"https://x\"")
                .expect_err("twice")
                .contains("only one")
        );
        let calendar =
            check("id = \"a\"\nfolder = \"/var/spool/ics\"\nevery_seconds = 5\nlate_grace_minutes = 3").expect("fine");
        assert_eq!(calendar.every, Duration::from_secs(5));
        assert_eq!(calendar.settings.rules["late_grace_minutes"], 3);
    }

    #[test]
    fn an_address_is_one_of_a_calendar_server() {
        for bad in [
            "ftp://example.org/a.ics",
            "https://user:secret@example.org/a.ics",
            "http://169.254.169.254/latest/meta-data",
            "http://[fe80::1]/a.ics",
            "file:///etc/passwd",
            "http://0.0.0.0/a.ics",
        ] {
            let error = check(&format!("id = \"a\"\nurl = \"{bad}\"")).expect_err(bad);
            assert!(!error.contains("secret"), "{error}");
        }
        let calendar = check("id = \"a\"\nurl = \"webcal://example.org/secret/basic.ics\"").expect("fine");
        assert_eq!(calendar.place.shown(), "https://example.org");
        assert!(
            !format!("{calendar:?}").contains("basic.ics"),
            "an address may be a secret"
        );
    }

    #[test]
    fn settings_say_what_is_wrong_with_them() {
        assert!(
            check("id = \"a\"\nfile = \"x\"\nall_day = \"late\"")
                .expect_err("no times")
                .contains("09:00-17:00")
        );
        assert!(
            check("id = \"a\"\nfile = \"x\"\npast_days = -1")
                .expect_err("range")
                .contains("past_days")
        );
        assert!(
            check("id = \"a\"\nfile = \"x\"\nsign_in_minutes = 9999")
                .expect_err("range")
                .contains("sign_in_minutes")
        );
        assert!(
            check("id = \"a\"\nfile = \"x\"\nwhatever = 1")
                .expect_err("unknown")
                .contains("whatever")
        );
    }
}
