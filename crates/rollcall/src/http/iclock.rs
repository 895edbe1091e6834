//! `/iclock/*`: ZKTeco terminals that call us. What they mean is said by `wire::adms`; here it is committed before they are answered.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use bridge::{Link, ReaderConfig};
use chrono::NaiveDateTime;
use rules::time::{Instant, Span, civil_instant};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::rows::{ReaderCommandRow, RejectedInput};
use store::{Ledger, StoreError};
use subtle::ConstantTimeEq;
use tokio::sync::watch;
use wire::adms::{self, Ask, Call, Command, Memory, RecordRule, Records, Refusal, Terminal, Trust, answer};
use wire::{HappenedAt, Malformed, Reading};

use crate::clock::Clock;
use crate::engine::intake::{
    CLOCK_OFF, CLOCK_SET, IntakeError, NewSwipe, Outcome, READINGS_PER_BATCH, ReaderChange, swipe_id,
};
use crate::engine::links::{offset_minutes, rejected, source_key};
use crate::engine::{Heartbeats, Intake};
use crate::http::body::{self, BodyError};
use crate::http::strangers::{self, Strangers};
use crate::shared::SiteSnapshot;
use crate::sources::Sources;

/// How long a commit may take before a terminal hears that it should send the same again. That is harmless: a record counts once.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(20);

/// How many pieces of one upload are with the engine at once, so that one terminal's backlog leaves room for other readers.
const PIECES_AT_ONCE: usize = 4;

/// How many commands a terminal is given at once.
const COMMANDS_AT_ONCE: i64 = 8;

/// A command that was fetched so long ago without a result is given once more.
const RESULT_PATIENCE: Span = Span::from_minutes(2);

/// How often a command is given before it is given up.
const MOST_SENDS: i64 = 3;

/// How civil times are stored.
const CIVIL: &str = "%Y-%m-%d %H:%M:%S";

#[derive(Debug, thiserror::Error)]
enum IclockError {
    #[error(transparent)]
    NotUnderstood(#[from] Refusal),
    #[error("this terminal is not configured here: add a [[reader]] with link = \"adms:{serial}\"")]
    Stranger { serial: String },
    #[error("the communication key of this terminal is not the one that is configured here")]
    WrongKey,
    #[error("this terminal may not call from this address: add it to the reader's peers")]
    WrongAddress,
    #[error("too many calls that are refused: wait")]
    TooMany,
    #[error("a body is at most {} bytes", adms::LARGEST_BODY)]
    TooLarge,
    #[error("the body did not arrive in time, or not whole")]
    Unfinished,
    #[error("busy: send the same again later")]
    Busy,
    #[error("the database failed")]
    Store(#[from] StoreError),
}

impl From<BodyError> for IclockError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => Self::TooLarge,
            BodyError::Unfinished => Self::Unfinished,
        }
    }
}

impl From<IntakeError> for IclockError {
    fn from(_: IntakeError) -> Self {
        Self::Busy
    }
}

impl IntoResponse for IclockError {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::NotUnderstood(Refusal::UnknownCall) => StatusCode::NOT_FOUND,
            Self::NotUnderstood(Refusal::NoSerial | Refusal::Encrypted) => StatusCode::BAD_REQUEST,
            Self::Stranger { .. } | Self::WrongKey | Self::WrongAddress => StatusCode::FORBIDDEN,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unfinished => StatusCode::REQUEST_TIMEOUT,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(error) => {
                tracing::error!(event = "terminal.store_failed", error = %error);
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        let mut response = plain(status, format!("{self}\n"));
        let seconds = match status {
            StatusCode::SERVICE_UNAVAILABLE => 10,
            StatusCode::TOO_MANY_REQUESTS => strangers::WINDOW.as_secs(),
            _ => return response,
        };
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        response
    }
}

fn plain(status: StatusCode, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain")], text).into_response()
}

async fn call(
    State(state): State<Arc<IclockState>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(path): Path<String>,
    RawQuery(query): RawQuery,
    method: Method,
    body: Body,
) -> Result<Response, IclockError> {
    let Call { serial, ask } = match adms::understand(method.as_str(), &path, &query.unwrap_or_default()) {
        Ok(call) => call,
        Err(refusal) => {
            state.note_misfit(peer.ip(), &refusal)?;
            return Err(refusal.into());
        }
    };
    let Some(known) = state.terminals.get(&serial) else {
        state.note_stranger(&serial, peer.ip(), "unknown_terminal").await?;
        return Err(IclockError::Stranger { serial });
    };
    if !known.config.is_peer(peer.ip()) {
        state.note_stranger(&serial, peer.ip(), "wrong_address").await?;
        return Err(IclockError::WrongAddress);
    }
    if !state.is_admitted(known, &ask, peer.ip()).await? {
        state.note_stranger(&serial, peer.ip(), "wrong_comm_key").await?;
        return Err(IclockError::WrongKey);
    }
    let now = state.clock.now();
    state.sources.detail(&known.reader, "address", &peer.ip().to_string());
    let told = match ask {
        Ask::Options { version, .. } => state.options(known, version.as_deref(), now).await?,
        Ask::Commands { info } => state.commands(known, info.as_deref(), now).await?,
        Ask::Ping => state.heard(known, now, false).await.map(|()| answer::OK.to_owned())?,
        Ask::Attendance { stamp } => {
            let body = body::read(body, adms::LARGEST_BODY).await?;
            state.attendance(known, &body, stamp, now).await?
        }
        Ask::Operations => {
            state
                .operations(known, &body::read(body, adms::LARGEST_BODY).await?, now)
                .await?
        }
        Ask::Settings => {
            state
                .settings(known, &body::read(body, adms::LARGEST_BODY).await?, now)
                .await?
        }
        Ask::Results => {
            state
                .results(known, &body::read(body, adms::LARGEST_BODY).await?, now)
                .await?
        }
        Ask::Foreign { table } => {
            let body = body::read(body, adms::LARGEST_BODY).await?;
            state.foreign(known, &table, &body, now).await?
        }
        Ask::Unneeded { table } => {
            let body = body::read(body, adms::LARGEST_BODY).await?;
            state.unneeded(known, &table, &body, now).await?
        }
    };
    Ok(plain(StatusCode::OK, told))
}

/// What the endpoint needs.
pub struct IclockState {
    intake: Intake,
    clock: Clock,
    site: watch::Receiver<SiteSnapshot>,
    ledger: Arc<dyn Ledger>,
    heartbeats: Heartbeats,
    sources: Sources,
    /// By serial number.
    terminals: BTreeMap<String, Known>,
    strangers: Strangers,
}

/// A terminal that the configuration names.
struct Known {
    reader: Arc<str>,
    config: ReaderConfig,
    contact: Mutex<Contact>,
}

/// What was heard of it.
#[derive(Default)]
struct Contact {
    terminal: Terminal,
    /// Whether the engine was told that it can be heard.
    up: bool,
    /// Where it said its key.
    admitted_from: Option<IpAddr>,
}

/// What of a terminal outlives the daemon, in a setting of its own.
#[derive(Debug, Default, Deserialize, PartialEq, Serialize)]
struct Remembered {
    doubt_since_ms: Option<i64>,
    /// `YYYY-MM-DD HH:MM:SS` by the terminal's clock.
    last_clock_change: Option<String>,
    admitted_from: Option<IpAddr>,
}

/// The route. Without a configured terminal it is there all the same: whoever calls is shown to the operator.
pub fn router(state: IclockState) -> Router {
    Router::new()
        .route("/iclock/{*path}", any(call))
        .with_state(Arc::new(state))
}

impl IclockState {
    /// Reads what an earlier run remembered of the terminals.
    pub async fn new(
        readers: &[ReaderConfig],
        intake: Intake,
        clock: Clock,
        site: watch::Receiver<SiteSnapshot>,
        ledger: Arc<dyn Ledger>,
        heartbeats: Heartbeats,
        sources: Sources,
    ) -> Result<Self, StoreError> {
        let mut terminals = BTreeMap::new();
        for config in readers {
            let Link::Adms(serial) = &config.link else { continue };
            let contact = remembered(&*ledger, &config.id).await?;
            let known = Known {
                reader: config.id.as_str().into(),
                config: config.clone(),
                contact: Mutex::new(contact),
            };
            terminals.insert(serial.clone(), known);
        }
        Ok(Self {
            intake,
            clock,
            site,
            ledger,
            heartbeats,
            sources,
            terminals,
            strangers: Strangers::default(),
        })
    }

    /// Whether a call may be answered: where a key is configured, the terminal must have said it from this address.
    async fn is_admitted(&self, known: &Known, ask: &Ask, from: IpAddr) -> Result<bool, IclockError> {
        let Some(key) = &known.config.comm_key else {
            return Ok(true);
        };
        let Ask::Options { comm_key, .. } = ask else {
            return Ok(known.contact().admitted_from == Some(from));
        };
        let said = comm_key.as_deref().unwrap_or_default();
        let right: bool = Sha256::digest(said)
            .as_slice()
            .ct_eq(Sha256::digest(key.expose()).as_slice())
            .into();
        if right && known.contact().admitted_from.replace(from) != Some(from) {
            self.remember(known).await?;
        }
        Ok(right)
    }

    async fn options(&self, known: &Known, version: Option<&str>, now: Instant) -> Result<String, IclockError> {
        self.heard(known, now, false).await?;
        tracing::info!(event = "terminal.options", reader = %known.reader, version);
        if let Some(version) = version {
            self.sources.detail(&known.reader, "push version", version);
        }
        let Link::Adms(serial) = &known.config.link else {
            return Ok(answer::OK.to_owned());
        };
        let zone = self.site.borrow().facts.records().site.zone;
        let offset_minutes = offset_minutes(zone, now);
        let mut contact = known.contact();
        contact.terminal.expects_old_records(now.as_ms());
        let options = answer::Options {
            serial,
            stamp: contact.terminal.stamp(),
            offset_minutes,
        };
        Ok(options.text())
    }

    async fn attendance(
        &self,
        known: &Known,
        body: &[u8],
        stamp: Option<String>,
        now: Instant,
    ) -> Result<String, IclockError> {
        let rule = RecordRule {
            badge_key: known.config.decoding.badge_key,
            status: known.config.status,
        };
        let (mut swipes, mut malformed) = (Vec::new(), Vec::new());
        for record in Records::new(body, rule) {
            match record {
                Ok(reading) => swipes.push(self.swipe(known, &reading, now)),
                Err(wrong) => malformed.push(wrong),
            }
        }
        let memory = known.contact().terminal.memory();
        let tolerance = self.site.borrow().facts.records().site.settings_at(now).clock_tolerance;
        let is_live = judge_times(known, &mut swipes, now, tolerance);
        if malformed.is_empty()
            && let [only] = &swipes[..]
        {
            self.measure(known, only, now, tolerance);
        }
        if known.contact().terminal.clock_is_off() {
            for swipe in &mut swipes {
                swipe.doubt.get_or_insert(CLOCK_OFF);
            }
        }
        self.commit(swipes).await?;
        for wrong in &malformed {
            self.keep(&known.reader, wrong, now).await?;
        }
        known.contact().terminal.sent_records(stamp);
        if known.contact().terminal.memory() != memory {
            self.remember(known).await?;
        }
        self.heard(known, now, is_live).await?;
        Ok(answer::accepted(adms::count(body)))
    }

    /// What a record that came by itself says of the terminal's clock.
    fn measure(&self, known: &Known, swipe: &NewSwipe, now: Instant, tolerance: Span) {
        let mut contact = known.contact();
        let was_off = contact.terminal.clock_is_off();
        let measured = contact
            .terminal
            .measure(swipe.happened_at.as_ms(), now.as_ms(), tolerance.as_ms());
        drop(contact);
        let Some(adms::Measured { ahead_ms, is_off }) = measured else {
            return;
        };
        self.sources.clock(&known.reader, Span::from_ms(ahead_ms), now, is_off);
        if is_off != was_off {
            tracing::warn!(event = "terminal.clock_measured", reader = %known.reader, ahead_ms, is_off);
        }
    }

    fn swipe(&self, known: &Known, reading: &Reading, received_at: Instant) -> NewSwipe {
        let zone = self.site.borrow().facts.records().site.zone;
        let happened_at = match reading.happened_at {
            None => received_at,
            Some(HappenedAt::Instant(ms)) => Instant::from_ms(ms),
            Some(HappenedAt::Civil(local)) => civil_instant(local, zone),
        };
        let bits = i64::try_from(reading.raw.len() * 8).unwrap_or(i64::MAX);
        NewSwipe {
            reader: Arc::clone(&known.reader),
            source_key: source_key(&known.config.link, reading.source_id.as_deref().unwrap_or_default()),
            badge: reading.key.clone(),
            raw: Some((hex::encode(&reading.raw), bits)),
            happened_at,
            received_at,
            sequence: None,
            faces: reading.faces.map(wire::Faces::name),
            doubt: None,
        }
    }

    /// Hands the swipes to the engine in pieces that one transaction takes, and waits until all are durable.
    async fn commit(&self, swipes: Vec<NewSwipe>) -> Result<(), IclockError> {
        let committed = async {
            let mut waiting = VecDeque::new();
            for piece in swipes.chunks(READINGS_PER_BATCH) {
                if waiting.len() == PIECES_AT_ONCE
                    && let Some(oldest) = waiting.pop_front()
                {
                    committed(oldest).await?;
                }
                waiting.push_back(self.intake.try_swipes(piece.to_vec())?);
            }
            for piece in waiting {
                committed(piece).await?;
            }
            Ok(())
        };
        tokio::time::timeout(COMMIT_TIMEOUT, committed)
            .await
            .map_err(|_| IclockError::Busy)?
    }

    /// Keeps what could not be read; whoever waits may take it as done afterwards.
    async fn keep(&self, reader: &str, malformed: &Malformed, now: Instant) -> Result<(), IclockError> {
        let kept = self.intake.rejected(rejected(reader, malformed, now)).await?;
        let kept = tokio::time::timeout(COMMIT_TIMEOUT, kept).await;
        kept.map_err(|_| IclockError::Busy)?.map_err(|_| IclockError::Busy)?;
        Ok(())
    }

    async fn operations(&self, known: &Known, body: &[u8], now: Instant) -> Result<String, IclockError> {
        let operations = adms::operations(body);
        let local = self.local_time(now);
        let mut is_news = false;
        for change in &operations.clock_changes {
            if known.contact().terminal.clock_was_set(change.at, local, now.as_ms()) {
                is_news = true;
                tracing::warn!(event = "terminal.clock_set", reader = %known.reader, at = %change.at, to = ?change.to);
            }
        }
        if is_news {
            self.remember(known).await?;
        }
        for wrong in &operations.malformed {
            self.keep(&known.reader, wrong, now).await?;
        }
        self.heard(known, now, false).await?;
        Ok(answer::accepted(operations.lines))
    }

    async fn settings(&self, known: &Known, body: &[u8], now: Instant) -> Result<String, IclockError> {
        for (key, value) in adms::settings(body) {
            if ["DeviceName", "FirmVer", "FWVersion", "PushVersion", "MAC"].contains(&key.as_str()) {
                tracing::info!(event = "terminal.setting", reader = %known.reader, key, value);
                self.sources.detail(&known.reader, &key, &value);
            }
        }
        self.heard(known, now, false).await?;
        Ok(answer::OK.to_owned())
    }

    /// Answers for a table that is thrown away: it is mostly personal, and nothing here needs it.
    async fn unneeded(&self, known: &Known, table: &str, body: &[u8], now: Instant) -> Result<String, IclockError> {
        if !adms::is_known_unneeded(table) {
            tracing::warn!(event = "terminal.unknown_table", reader = %known.reader, table, bytes = body.len());
        }
        self.heard(known, now, false).await?;
        Ok(answer::accepted(adms::count(body)))
    }

    /// Keeps what may be attendance in another dialect, so that nothing is lost in silence.
    async fn foreign(&self, known: &Known, table: &str, body: &[u8], now: Instant) -> Result<String, IclockError> {
        tracing::warn!(
            event = "terminal.foreign_dialect",
            reader = %known.reader,
            table,
            remedy = "switch the terminal from access control (security PUSH) to time and attendance (T&A PUSH)"
        );
        for piece in body.chunks(wire::limits::LONGEST_MALFORMED) {
            self.keep(&known.reader, &Malformed::new(wire::Reason::ForeignTable, piece), now)
                .await?;
        }
        self.heard(known, now, false).await?;
        Ok(answer::accepted(adms::count(body)))
    }

    async fn commands(&self, known: &Known, info: Option<&str>, now: Instant) -> Result<String, IclockError> {
        if let Some(info) = info {
            tracing::debug!(event = "terminal.info", reader = %known.reader, info);
            self.sources.detail(&known.reader, "info", info);
        }
        let has_sent_all = known.contact().terminal.asked_for_commands(now.as_ms());
        self.heard(known, now, has_sent_all).await?;
        let open = self
            .ledger
            .open_reader_commands(&known.reader, COMMANDS_AT_ONCE)
            .await?;
        let waiting: Vec<&ReaderCommandRow> = open
            .iter()
            .filter(|row| row.sent_at.is_none_or(|at| now - at > RESULT_PATIENCE))
            .collect();
        if waiting.is_empty() {
            return Ok(answer::OK.to_owned());
        }
        let (mut text, local) = (String::new(), self.local_time(now));
        let mut transaction = self.ledger.begin().await?;
        for row in waiting {
            let line = command_of(row).and_then(|command| command.line(&row.seq.to_string(), local));
            match line {
                Some(line) if row.sends < MOST_SENDS => {
                    transaction.send_reader_command(row.seq, now).await?;
                    known.contact().terminal.expects_old_records(now.as_ms());
                    text.push_str(&line);
                }
                _ => {
                    transaction
                        .end_reader_command(row.seq, &known.reader, now, None)
                        .await?;
                    tracing::warn!(event = "terminal.command_given_up", reader = %known.reader, id = row.seq, command = row.command);
                }
            }
        }
        transaction.commit().await?;
        Ok(if text.is_empty() { answer::OK.to_owned() } else { text })
    }

    async fn results(&self, known: &Known, body: &[u8], now: Instant) -> Result<String, IclockError> {
        self.heard(known, now, false).await?;
        let results = adms::results(body).into_iter();
        let ours: Vec<(i64, i64)> = results
            .filter_map(|result| Some((result.id.parse().ok()?, result.code)))
            .collect();
        if !ours.is_empty() {
            let mut transaction = self.ledger.begin().await?;
            for (seq, code) in ours {
                if transaction
                    .end_reader_command(seq, &known.reader, now, Some(code))
                    .await?
                {
                    tracing::info!(event = "terminal.command_done", reader = %known.reader, id = seq, code);
                }
            }
            transaction.commit().await?;
        }
        Ok(answer::OK.to_owned())
    }

    /// The terminal is there. It can be heard again once what it had kept has come (`has_sent_all`).
    async fn heard(&self, known: &Known, now: Instant, has_sent_all: bool) -> Result<(), IclockError> {
        let before = self.heartbeats.note(&known.reader, now);
        let longest = Span::from_seconds(i64::from(known.config.silent_after_seconds));
        let is_back = {
            let mut contact = known.contact();
            let was_silent = longest > Span::from_seconds(0) && before.is_some_and(|before| now - before > longest);
            contact.up &= before.is_some() && !was_silent;
            let was_up = contact.up;
            contact.up |= has_sent_all;
            contact.up && !was_up
        };
        if is_back {
            let change = ReaderChange {
                reader: Arc::clone(&known.reader),
                up: true,
                at: now,
                detail: "it calls, and what it had kept has come".to_owned(),
            };
            self.intake.reader(change).await?;
        }
        Ok(())
    }

    async fn remember(&self, known: &Known) -> Result<(), IclockError> {
        let remembered = {
            let contact = known.contact();
            let memory = contact.terminal.memory();
            Remembered {
                doubt_since_ms: memory.doubt_since_ms,
                last_clock_change: memory.last_change.map(|change| change.format(CIVIL).to_string()),
                admitted_from: contact.admitted_from,
            }
        };
        let text = serde_json::to_string(&remembered).unwrap_or_default();
        let mut transaction = self.ledger.begin().await?;
        transaction.set_setting(&setting_of(&known.reader), &text).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Shows a caller that is refused to the operator, not more often than is of use.
    async fn note_stranger(&self, serial: &str, from: IpAddr, reason: &str) -> Result<(), IclockError> {
        let now = self.clock.now();
        if !self.is_news(&format!("{serial} {from} {reason}"))? {
            return Ok(());
        }
        let remedy = match reason {
            "wrong_address" => "if it is yours, add its address to the reader's peers".to_owned(),
            _ => format!("if it is yours, add a [[reader]] with link = \"adms:{serial}\" and its comm_key"),
        };
        tracing::warn!(event = "terminal.refused", serial, %from, reason, remedy);
        let text = format!("SN={serial} from {from}");
        let input = RejectedInput {
            id: swipe_id(&format!("{reason}|{text}|{}", now.as_ms())),
            reader: format!("adms:{serial}"),
            received_at: now,
            reason: reason.to_owned(),
            raw_hex: hex::encode(text),
        };
        self.intake.rejected(input).await?;
        Ok(())
    }

    /// A call that is not understood is shown in the log, and not more often than a stranger.
    fn note_misfit(&self, from: IpAddr, refusal: &Refusal) -> Result<(), IclockError> {
        if self.is_news(&format!("{from} {refusal}"))? {
            tracing::warn!(event = "terminal.not_understood", %from, reason = %refusal);
        }
        Ok(())
    }

    /// Whether a caller that is refused is to be shown; one that does not stop is told to wait instead.
    fn is_news(&self, caller: &str) -> Result<bool, IclockError> {
        match self.strangers.call(caller, std::time::Instant::now()) {
            strangers::Call::News => Ok(true),
            strangers::Call::Known => Ok(false),
            strangers::Call::TooMany => Err(IclockError::TooMany),
        }
    }

    /// What the clock of a terminal should show.
    fn local_time(&self, now: Instant) -> NaiveDateTime {
        let zone = self.site.borrow().facts.records().site.zone;
        now.to_utc().with_timezone(&zone).naive_local()
    }
}

impl Known {
    fn contact(&self) -> MutexGuard<'_, Contact> {
        self.contact.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn committed(piece: tokio::sync::oneshot::Receiver<Vec<Outcome>>) -> Result<(), IclockError> {
    // An engine that ended without committing answers nothing.
    piece.await.map(drop).map_err(|_| IclockError::Busy)
}

/// Marks the swipes whose time is not believed; whether one of them happened just now.
fn judge_times(known: &Known, swipes: &mut [NewSwipe], now: Instant, tolerance: Span) -> bool {
    let mut contact = known.contact();
    let mut is_live = false;
    for swipe in swipes {
        let (happened_ms, tolerance_ms) = (swipe.happened_at.as_ms(), tolerance.as_ms());
        if contact.terminal.judge(happened_ms, now.as_ms(), tolerance_ms) == Trust::ClockWasSet {
            swipe.doubt = Some(CLOCK_SET);
        }
        is_live |= (now.as_ms() - happened_ms).abs() <= tolerance_ms;
    }
    is_live
}

fn command_of(row: &ReaderCommandRow) -> Option<Command> {
    let time = |text: &Option<String>| text.as_deref().and_then(parse_civil);
    match row.command.as_str() {
        "check" => Some(Command::Check),
        "clock" => Some(Command::SetClock),
        "records" => Some(Command::Attendance {
            from: time(&row.starts)?,
            until: time(&row.until)?,
        }),
        _ => None,
    }
}

fn parse_civil(text: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(text, CIVIL).ok()
}

fn setting_of(reader: &str) -> String {
    format!("terminal:{reader}")
}

async fn remembered(ledger: &dyn Ledger, reader: &str) -> Result<Contact, StoreError> {
    let text = ledger.setting(&setting_of(reader)).await?;
    let Remembered {
        doubt_since_ms,
        last_clock_change,
        admitted_from,
    } = text.map_or_else(Remembered::default, |text| {
        serde_json::from_str(&text).unwrap_or_else(|error| {
            tracing::error!(event = "terminal.memory_unreadable", reader, error = %error);
            Remembered::default()
        })
    });
    let memory = Memory {
        doubt_since_ms,
        last_change: last_clock_change.as_deref().and_then(parse_civil),
    };
    Ok(Contact {
        terminal: Terminal::new(memory),
        admitted_from,
        ..Contact::default()
    })
}
