//! `rollcall import punches`: what a reader's export holds, `attlog.dat` or CSV, into the ledger.
//!
//! A record that is here already, whichever way it came, is not stored again. A line that cannot be read is named, kept as it came,
//! and costs no other.

use std::collections::HashSet;
use std::path::Path;

use bridge::{Link, ReaderConfig};
use rules::facts::Quarantine;
use rules::model::{Facing, ReaderIndex, SwipeId};
use rules::time::{Instant, civil_instant};
use sha2::{Digest, Sha256};
use store::rows::{AuditRecord, RejectedInput};
use store::{Ledger, StoreError};
use wire::adms::{RecordRule, StatusRule, is_serial};
use wire::{BadgeKeyRule, Faces, HappenedAt, Malformed, Reading, Reason};

use super::report::{FileReport, ImportReport};
use super::stored::site_source;
use super::swipes;
use crate::engine::intake::swipe_id;
use crate::engine::links::{rejected, source_key};
use crate::folder::{self, Code, Compiled, FolderError, FolderSwipe, Problem};

/// A file larger than this is refused: a terminal holds a hundredth of it.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// How many lines that cannot be read are listed; all are counted and kept.
const LISTED_MAX: usize = 200;

/// The names under which exports hold a badge, lower case.
const BADGE_COLUMNS: [&str; 9] = [
    "badge", "pin", "user id", "userid", "user_id", "ac-no.", "card", "工号", "卡号",
];

/// The names under which they hold the time.
const TIME_COLUMNS: [&str; 7] = [
    "happened_at",
    "time",
    "datetime",
    "date/time",
    "timestamp",
    "时间",
    "刷卡时间",
];

/// How to import.
#[derive(Clone, Debug)]
pub struct PunchesOptions {
    /// The reader's id, as in `readers.csv`.
    pub reader: String,
    /// How the configuration describes it, where it does.
    pub config: Option<ReaderConfig>,
    /// Only say what would be done.
    pub dry_run: bool,
    /// Who imports, for the audit.
    pub actor: String,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum PunchesError {
    /// The file cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The path as given.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is none that is understood.
    #[error(
        "this is neither attlog.dat (PIN, time, device, status, verify and work code with tabs between) nor CSV with a header that names a badge and a happened_at column"
    )]
    UnknownFormat,
    /// The reader is not one of the bureau's.
    #[error("the reader \"{0}\" is not in readers.csv: add it there and import the folder, or name another one")]
    ReaderUnknown(String),
    /// The file is another terminal's.
    #[error(
        "the file is from the terminal {file}, and the reader is the terminal {reader}: name the reader that stands for {file}"
    )]
    OtherTerminal {
        /// The serial number in the file.
        file: String,
        /// The serial number in the configuration.
        reader: String,
    },
    /// The stored facts cannot be used.
    #[error(transparent)]
    Facts(#[from] FolderError),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Brings the records of a reader's export into the ledger.
pub async fn import_punches(
    ledger: &dyn Ledger,
    path: &Path,
    options: &PunchesOptions,
    now: Instant,
) -> Result<ImportReport, PunchesError> {
    let bytes = read_bounded(path).map_err(|source| PunchesError::Unreadable {
        path: path.display().to_string(),
        source,
    })?;
    let site = folder::compile(&site_source(ledger).await?)?;
    let readers = site.records.readers.iter().zip(0..);
    let reader = readers
        .into_iter()
        .find_map(|(reader, index)| (*reader.id == *options.reader).then_some(ReaderIndex(index)))
        .ok_or_else(|| PunchesError::ReaderUnknown(options.reader.clone()))?;
    let export = Export::read(&utf8(bytes), options)?;
    let swipes = export.swipes(options, &site, reader, now);
    let counts = swipes::add(ledger, &site.records, &swipes, !options.dry_run).await?;
    if !options.dry_run {
        note(ledger, &export, options, counts, now).await?;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(export.report(&name, counts, options.dry_run))
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let length = std::fs::metadata(path)?.len();
    if length > FILE_BYTES_MAX {
        return Err(std::io::Error::other(format!(
            "it is larger than {} MiB",
            FILE_BYTES_MAX >> 20
        )));
    }
    std::fs::read(path)
}

/// The file without a byte order mark, in UTF-8 where it was UTF-16, as Windows programs write it.
fn utf8(bytes: Vec<u8>) -> Vec<u8> {
    let units = |unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..]
            .chunks_exact(2)
            .map(|pair| unit([pair[0], pair[1]]))
            .collect();
        String::from_utf16_lossy(&units).into_bytes()
    };
    match bytes.as_slice() {
        [0xFF, 0xFE, ..] => units(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => units(u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] => rest.to_vec(),
        _ => bytes,
    }
}

/// What an export holds.
#[derive(Debug, Default)]
struct Export {
    punches: Vec<Punch>,
    /// Lines that cannot be read, with their numbers.
    wrong: Vec<(u64, Malformed)>,
    /// SHA-256 of the file, in hex.
    digest: String,
}

/// One record, with what makes it the same when it comes again.
#[derive(Debug)]
struct Punch {
    reading: Reading,
    source_key: Option<String>,
}

impl Export {
    fn read(bytes: &[u8], options: &PunchesOptions) -> Result<Self, PunchesError> {
        let rule = RecordRule {
            badge_key: options
                .config
                .as_ref()
                .map_or(BadgeKeyRule::Text, |config| config.decoding.badge_key),
            status: options
                .config
                .as_ref()
                .map_or(StatusRule::Ignore, |config| config.status),
        };
        let lines: Vec<(u64, &[u8])> = (1..)
            .zip(bytes.split(|byte| *byte == b'\n'))
            .map(|(number, line)| (number, line.strip_suffix(b"\r").unwrap_or(line)))
            .filter(|(_, line)| !line.trim_ascii().is_empty())
            .collect();
        let is_record = |line: &[u8]| Reading::parse_attlog_dat(line, rule).is_ok();
        let mut export = if lines.iter().any(|(_, line)| is_record(line)) {
            Self::of_attlog(&lines, options.config.as_ref(), rule)?
        } else {
            Self::of_csv(bytes, rule.badge_key)?
        };
        export.digest = hex::encode(Sha256::digest(bytes));
        Ok(export)
    }

    /// `attlog.dat`. Its extended variant has the terminal's serial number before and a checksum behind the records, whose algorithm
    /// is not published.
    fn of_attlog(
        mut lines: &[(u64, &[u8])],
        config: Option<&ReaderConfig>,
        rule: RecordRule,
    ) -> Result<Self, PunchesError> {
        let bare = |line: &[u8]| !line.contains(&b'\t');
        if let [(_, first), rest @ .., last] = lines
            && let Ok(serial) = str::from_utf8(first.trim_ascii())
            && bare(first)
            && is_serial(serial)
        {
            if let Some(Link::Adms(reader)) = config.map(|config| &config.link)
                && reader != serial
            {
                return Err(PunchesError::OtherTerminal {
                    file: serial.to_owned(),
                    reader: reader.clone(),
                });
            }
            lines = if bare(last.1) { rest } else { &lines[1..] };
        }
        let mut export = Self::default();
        for (number, line) in lines {
            match Reading::parse_attlog_dat(line, rule) {
                Ok(reading) => {
                    let record = reading.source_id.as_deref().unwrap_or_default();
                    let source_key =
                        Some(config.map_or_else(|| record.to_owned(), |config| source_key(&config.link, record)));
                    export.punches.push(Punch { reading, source_key });
                }
                Err(reason) => export.wrong.push((*number, Malformed::new(reason, line))),
            }
        }
        Ok(export)
    }

    /// CSV with a header; commas, semicolons or tabs between.
    fn of_csv(bytes: &[u8], rule: BadgeKeyRule) -> Result<Self, PunchesError> {
        let header = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let count = |delimiter: &u8| header.split(|byte| byte == delimiter).count();
        let delimiter = *b",;\t".iter().max_by_key(|delimiter| count(delimiter)).unwrap_or(&b',');
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(bytes);
        let columns = reader.byte_headers().map_err(|_| PunchesError::UnknownFormat)?;
        let columns = Columns::of(columns).ok_or(PunchesError::UnknownFormat)?;
        let mut export = Self::default();
        for record in reader.byte_records() {
            // Only a reader that fails gives an error here, and this one reads from memory.
            let Ok(record) = record else { continue };
            match columns.reading(&record, rule) {
                Ok(reading) => export.punches.push(Punch {
                    reading,
                    source_key: None,
                }),
                Err(reason) => {
                    let line = record.position().map_or(0, csv::Position::line);
                    let cells: Vec<&[u8]> = record.iter().collect();
                    export
                        .wrong
                        .push((line, Malformed::new(reason, &cells.join(&delimiter))));
                }
            }
        }
        Ok(export)
    }

    /// The records as swipes, each once, by when they happened.
    fn swipes(&self, options: &PunchesOptions, site: &Compiled, reader: ReaderIndex, now: Instant) -> Vec<FolderSwipe> {
        let mut seen = HashSet::new();
        let punches = self.punches.iter().map(|punch| punch.swipe(options, site, reader, now));
        let mut swipes: Vec<FolderSwipe> = punches.filter(|swipe| seen.insert(swipe.id)).collect();
        swipes.sort_by_key(|swipe| (swipe.happened_at, swipe.id));
        swipes
    }

    fn report(self, file: &str, counts: swipes::SwipeCounts, dry_run: bool) -> ImportReport {
        let refused = self.wrong.len() as u64;
        let problem = |(line, malformed): &(u64, Malformed)| {
            let problem = Problem::of_file(file, Code::PunchUnreadable).at_row(*line);
            problem.with("reason", malformed.reason.name())
        };
        let mut problems: Vec<Problem> = self.wrong.iter().take(LISTED_MAX).map(problem).collect();
        if self.wrong.len() > LISTED_MAX {
            let left_out = Problem::of_file(file, Code::ProblemsLeftOut);
            let left_out = left_out.with("count", self.wrong.len() - LISTED_MAX);
            problems.push(left_out.with("problem", Code::PunchUnreadable.name()));
        }
        ImportReport {
            problems,
            errors: refused,
            files: vec![FileReport {
                added: counts.added,
                unchanged: counts.unchanged,
                refused,
                ..FileReport::new(file)
            }],
            dry_run,
            applied: !dry_run,
            takes_good_rows: true,
        }
    }
}

impl Punch {
    fn swipe(&self, options: &PunchesOptions, site: &Compiled, reader: ReaderIndex, now: Instant) -> FolderSwipe {
        let Reading {
            key, faces, sequence, ..
        } = &self.reading;
        let happened_at = match self.reading.happened_at {
            None => now,
            Some(HappenedAt::Instant(ms)) => Instant::from_ms(ms),
            Some(HappenedAt::Civil(local)) => civil_instant(local, site.records.site.zone),
        };
        let number = sequence.map(|sequence| sequence.to_string()).unwrap_or_default();
        // The same as a row of `swipes.csv` has, where the source has no name of its own for a record.
        let by_content = || {
            let faces = faces.map_or("", Faces::name);
            format!("{key}|{}|{faces}|{number}", happened_at.as_ms())
        };
        let source_key = self.source_key.clone().unwrap_or_else(by_content);
        let dedup_key = format!("{}|{source_key}", options.reader);
        let mut id = [0; 16];
        id.copy_from_slice(&Sha256::digest(dedup_key.as_bytes())[..16]);
        let badge = site.badge_keys.find(key, happened_at, &site.records.badges);
        FolderSwipe {
            id: SwipeId(id),
            dedup_key,
            reader: options.reader.clone(),
            badge: key.clone(),
            raw: Some(self.reading.raw.clone()),
            happened_at,
            received_at: now,
            sequence: *sequence,
            faces: faces.map(facing),
            known: badge.map(|badge| (reader, badge)),
            quarantine: Quarantine::of(&site.records.site, happened_at, now),
        }
    }
}

const fn facing(faces: Faces) -> Facing {
    match faces {
        Faces::In => Facing::In,
        Faces::Out => Facing::Out,
        Faces::Both => Facing::Both,
    }
}

/// Where the header has what.
struct Columns {
    badge: usize,
    time: usize,
    faces: Option<usize>,
    sequence: Option<usize>,
}

impl Columns {
    fn of(header: &csv::ByteRecord) -> Option<Self> {
        let names: Vec<String> = header
            .iter()
            .map(|name| String::from_utf8_lossy(name).to_lowercase())
            .collect();
        let position = |wanted: &[&str]| names.iter().position(|name| wanted.contains(&name.as_str()));
        Some(Self {
            badge: position(&BADGE_COLUMNS)?,
            time: position(&TIME_COLUMNS)?,
            faces: position(&["faces"]),
            sequence: position(&["sequence"]),
        })
    }

    fn reading(&self, record: &csv::ByteRecord, rule: BadgeKeyRule) -> Result<Reading, Reason> {
        let cell = |column: usize| str::from_utf8(record.get(column).unwrap_or_default()).map_err(|_| Reason::NotUtf8);
        let optional = |column: Option<usize>| column.map(cell).transpose().map(Option::unwrap_or_default);
        let badge = cell(self.badge)?;
        if is_mangled(badge) {
            return Err(Reason::BadField);
        }
        let mut reading = Reading::parse_scanned(badge, rule)?;
        reading.happened_at = Some(HappenedAt::parse(&with_dashes(cell(self.time)?))?);
        reading.faces = match optional(self.faces)? {
            "" => None,
            name => Some(Faces::from_name(name).ok_or(Reason::BadDirection)?),
        };
        reading.sequence = match optional(self.sequence)? {
            "" => None,
            number => Some(number.parse().map_err(|_| Reason::BadField)?),
        };
        let cells: Vec<&[u8]> = record.iter().collect();
        reading.raw = cells.join(&b',');
        Ok(reading)
    }
}

/// `1.2E+09`: a spreadsheet made a number of a badge and threw digits away.
fn is_mangled(badge: &str) -> bool {
    let Some((number, exponent)) = badge.split_once("E+") else {
        return false;
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_number(number) && is_number(exponent)
}

/// `2026/1/5 8:00` as `2026-1-5 8:00`; a date that begins with a day or month stays as it is, and is refused.
fn with_dashes(time: &str) -> String {
    let year_first = time.split('/').next().is_some_and(|year| year.len() == 4);
    if year_first {
        time.replace('/', "-")
    } else {
        time.to_owned()
    }
}

/// Keeps what could not be read, and says in the audit what was done.
async fn note(
    ledger: &dyn Ledger,
    export: &Export,
    options: &PunchesOptions,
    counts: swipes::SwipeCounts,
    now: Instant,
) -> Result<(), StoreError> {
    let wrong: Vec<RejectedInput> = export
        .wrong
        .iter()
        .map(|(line, malformed)| RejectedInput {
            // The same line of the same file is kept once.
            id: swipe_id(&format!("punches|{}|{}|{line}", options.reader, export.digest)),
            ..rejected(&options.reader, malformed, now)
        })
        .collect();
    if counts.added == 0 && wrong.is_empty() {
        return Ok(());
    }
    let mut transaction = ledger.begin().await?;
    transaction.record_rejected(&wrong).await?;
    let body = serde_json::json!({
        "sha256": export.digest,
        "added": counts.added,
        "unchanged": counts.unchanged,
        "refused": wrong.len(),
    });
    let record = AuditRecord {
        at: now,
        actor: options.actor.clone(),
        act: "import".to_owned(),
        subject: format!("punches:{}", options.reader),
        body: body.to_string(),
    };
    transaction.append_audit(&record).await?;
    transaction.commit().await
}
