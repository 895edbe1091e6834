//! An access controller that is called, in software, in the words of Hikvision and of Dahua: digest authentication, its event stream with all its faults, and its history.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, FixedOffset, NaiveDateTime, SecondsFormat, TimeDelta};
use digest_auth::{
    Algorithm, AlgorithmType, AuthContext, AuthorizationHeader, Charset, HttpMethod, Qop, WwwAuthenticateHeader,
};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, timeout};

/// Whom the device knows.
pub const USER: &str = "rollcall";

/// That user's password.
pub const PASSWORD: &str = "a-password-of-tests";

/// How often a stream that has nothing to tell shows that it is there.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// How it behaves.
#[expect(
    clippy::struct_excessive_bools,
    reason = "devices differ in each of these ways by themselves"
)]
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// How passwords are proved.
    pub algorithm: AlgorithmType,
    /// How many requests a nonce is good for.
    pub nonce_uses: u32,
    /// Whether it says that a nonce has grown old.
    pub says_stale: bool,
    /// Whether it streams events.
    pub streams: bool,
    /// Whether it gives its history.
    pub has_history: bool,
    /// Whether it can be searched by number.
    pub by_serial: bool,
    /// Whether it refuses times with an offset.
    pub wants_local_times: bool,
    /// The most events of a page.
    pub page: usize,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            algorithm: AlgorithmType::MD5,
            nonce_uses: 1_000,
            says_stale: true,
            streams: true,
            has_history: true,
            by_serial: true,
            wants_local_times: false,
            page: 30,
        }
    }
}

/// A device that is switched on; dropped, it is switched off.
pub struct Device {
    /// `127.0.0.1:PORT`.
    pub address: String,
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    events: broadcast::Sender<Value>,
    /// Counts how often all connections were cut; -1 where the device is off.
    cuts: watch::Sender<i64>,
}

struct State {
    manner: Manner,
    clock: DateTime<FixedOffset>,
    clock_set_at: Instant,
    events: Vec<Value>,
    serial: i64,
    nonce: u32,
    nonce_uses: u32,
    /// Method and target of every request whose password was right, in order, with the body.
    asked: Vec<(String, String)>,
    refused: usize,
}

impl Device {
    /// Switches one on that shows this time, on this port (0: any).
    pub async fn start(manner: Manner, clock: DateTime<FixedOffset>, port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?.to_string();
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                manner,
                clock,
                clock_set_at: Instant::now(),
                events: Vec::new(),
                serial: 0,
                nonce: 0,
                nonce_uses: 0,
                asked: Vec::new(),
                refused: 0,
            }),
            events: broadcast::channel(64).0,
            cuts: watch::channel(0).0,
        });
        tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared })
    }

    /// Somebody's face is recognised now.
    pub fn punch(&self, who: &str) {
        let at = self.shared.state().now();
        let event = self.shared.state().add(who, at, 75);
        // Without a client nobody hears it live.
        drop(self.shared.events.send(event));
    }

    /// Somebody's face was recognised, and nobody heard it.
    pub fn record(&self, who: &str, at: DateTime<FixedOffset>) {
        self.shared.state().add(who, at, 75);
    }

    /// The lock closes: an event without anybody.
    pub fn lock(&self) {
        let at = self.shared.state().now();
        let event = self.shared.state().add("", at, 22);
        drop(self.shared.events.send(event));
    }

    /// Every connection breaks.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// It is reset in its works: its numbers begin anew.
    pub fn reset(&self) {
        let mut state = self.shared.state();
        state.events.clear();
        state.serial = 0;
    }

    /// What its clock shows.
    pub fn now(&self) -> DateTime<FixedOffset> {
        self.shared.state().now()
    }

    /// What was asked with a right password: method and target, and the body.
    pub fn asked(&self) -> Vec<(String, String)> {
        self.shared.state().asked.clone()
    }

    /// How many requests came with a wrong proof.
    pub fn refused(&self) -> usize {
        self.shared.state().refused
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.shared.cuts.send_replace(-1);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn now(&self) -> DateTime<FixedOffset> {
        let elapsed = TimeDelta::from_std(self.clock_set_at.elapsed()).unwrap_or_default();
        self.clock + elapsed
    }

    fn add(&mut self, who: &str, at: DateTime<FixedOffset>, sub: u32) -> Value {
        self.serial += 1;
        let event = json!({
            "major": 5, "minor": sub, "time": at.to_rfc3339_opts(SecondsFormat::Secs, true), "employeeNoString": who,
            "cardReaderNo": 1, "doorNo": 1, "serialNo": self.serial, "currentVerifyMode": "faceOrFpOrCardOrPw",
        });
        self.events.push(event.clone());
        event
    }

    fn challenge(&self, stale: bool) -> String {
        let challenge = WwwAuthenticateHeader {
            domain: None,
            realm: "DS-K1T341".into(),
            nonce: format!("nonce{}", self.nonce),
            opaque: None,
            stale: stale && self.manner.says_stale,
            algorithm: Algorithm {
                algo: self.manner.algorithm,
                sess: false,
            },
            qop: Some(vec![Qop::AUTH]),
            userhash: false,
            charset: Charset::ASCII,
            nc: 0,
        };
        challenge.to_string()
    }

    /// What a request without the right proof hears.
    fn refusal(&mut self, request: &Request) -> Option<String> {
        let Some(text) = &request.authorization else {
            return Some(self.challenge(false));
        };
        let Ok(proof) = AuthorizationHeader::parse(text) else {
            self.refused += 1;
            return Some(self.challenge(false));
        };
        let method = HttpMethod::from(request.method.as_str());
        let context = AuthContext::new_with_method::<_, _, _, &[u8]>(USER, PASSWORD, &request.target, None, method);
        let mut own = proof.clone();
        own.digest(&context);
        if own.response != proof.response || proof.uri != request.target {
            self.refused += 1;
            return Some(self.challenge(false));
        }
        if proof.nonce != format!("nonce{}", self.nonce) || self.nonce_uses >= self.manner.nonce_uses {
            if self.nonce_uses >= self.manner.nonce_uses {
                self.nonce += 1;
                self.nonce_uses = 0;
            }
            return Some(self.challenge(true));
        }
        self.nonce_uses += 1;
        None
    }

    /// The records that Dahua's query asks for.
    fn find(&self, line: &str) -> String {
        let number = |name: &str| {
            let value = line.split(['?', '&']).find_map(|pair| pair.strip_prefix(name));
            value.and_then(|value| value.parse::<i64>().ok()).unwrap_or(0)
        };
        let (from, until) = (number("StartTime="), number("EndTime="));
        let within = self
            .events
            .iter()
            .filter(|event| (from..=until).contains(&seconds_of(event)));
        let lines = within.enumerate().map(|(index, event)| {
            format!(
                "records[{index}].RecNo={}\r\nrecords[{index}].CreateTime={}\r\nrecords[{index}].UserID={}\r\n\
                 records[{index}].Status={}\r\nrecords[{index}].Method=15\r\nrecords[{index}].Door=0\r\n",
                event["serialNo"],
                seconds_of(event),
                event["employeeNoString"].as_str().unwrap_or_default(),
                u8::from(event["minor"] == 75),
            )
        });
        let lines: Vec<String> = lines.collect();
        format!("found={}\r\n{}", lines.len(), lines.concat())
    }

    fn search(&self, body: &str) -> (u16, Value) {
        let refused = |sub: &str| {
            (
                400,
                json!({"statusCode": 4, "statusString": "Invalid Operation", "subStatusCode": sub}),
            )
        };
        if !self.manner.has_history {
            return refused("notSupport");
        }
        let asked: Value = serde_json::from_str(body).unwrap_or_default();
        let condition = &asked["AcsEventCond"];
        let matching: Vec<&Value> = if let Some(from) = condition["beginSerialNo"].as_i64() {
            let serial = |event: &&Value| event["serialNo"].as_i64().is_some_and(|serial| serial >= from);
            self.events.iter().filter(serial).collect()
        } else {
            let time = |name: &str| {
                let text = condition[name].as_str()?;
                if self.manner.wants_local_times {
                    text.parse::<NaiveDateTime>().ok()
                } else {
                    DateTime::parse_from_rfc3339(text).ok().map(|at| at.naive_local())
                }
            };
            let Some((from, until)) = time("startTime").zip(time("endTime")) else {
                return refused("badParameters");
            };
            let within = |event: &&Value| {
                let at = event["time"]
                    .as_str()
                    .and_then(|text| DateTime::parse_from_rfc3339(text).ok());
                at.is_some_and(|at| (from..=until).contains(&at.naive_local()))
            };
            self.events.iter().filter(within).collect()
        };
        let number = |name: &str| {
            condition[name]
                .as_u64()
                .and_then(|number| usize::try_from(number).ok())
                .unwrap_or(0)
        };
        let (position, page) = (
            number("searchResultPosition"),
            number("maxResults").min(self.manner.page),
        );
        let list: Vec<&Value> = matching.iter().skip(position).take(page).copied().collect();
        let status = match (list.len(), position + list.len() < matching.len()) {
            (0, _) => "NO MATCH",
            (_, true) => "MORE",
            (_, false) => "OK",
        };
        let answer = json!({
            "searchID": condition["searchID"], "totalMatches": matching.len(), "responseStatusStrg": status, "numOfMatches": list.len(),
            "InfoList": list,
        });
        (200, json!({"AcsEvent": answer}))
    }
}

/// A request, as far as it is looked at.
#[derive(Debug, Default)]
struct Request {
    method: String,
    target: String,
    authorization: Option<String>,
    body: String,
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut cuts = shared.cuts.subscribe();
    loop {
        tokio::select! {
            _ = cuts.wait_for(|cuts| *cuts < 0) => return,
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                let (shared, mut cuts) = (Arc::clone(&shared), shared.cuts.subscribe());
                tokio::spawn(async move {
                    tokio::select! {
                        _ = cuts.changed() => {}
                        served = serve(stream, &shared) => drop(served),
                    }
                });
            }
        }
    }
}

async fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream).await? {
        let refusal = shared.state().refusal(&request);
        if let Some(challenge) = refusal {
            let head =
                format!("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 2\r\n\r\nno");
            stream.write_all(head.as_bytes()).await?;
            continue;
        }
        let line = format!("{} {}", request.method, request.target);
        shared.state().asked.push((line.clone(), request.body.clone()));
        let (status, body) = match line.as_str() {
            "GET /ISAPI/Event/notification/alertStream" if shared.state().manner.streams => {
                return tell(&mut stream, shared).await;
            }
            "GET /ISAPI/System/time" => (200, clock(&shared.state())),
            "PUT /ISAPI/System/time" => (set_clock(&mut shared.state(), &request.body), String::new()),
            "GET /ISAPI/AccessControl/AcsEvent/capabilities?format=json" => (200, capabilities(shared.state().manner)),
            "POST /ISAPI/AccessControl/AcsEvent?format=json" => {
                let (status, answer) = shared.state().search(&request.body);
                (status, answer.to_string())
            }
            "GET /cgi-bin/eventManager.cgi?action=attach&codes=[AccessControl]&heartbeat=10" => {
                return tell_dahua(&mut stream, shared).await;
            }
            "GET /cgi-bin/global.cgi?action=getCurrentTime" => {
                (200, format!("result={}\r\n", shared.state().now().format("%F %T")))
            }
            _ if line.starts_with("GET /cgi-bin/recordFinder.cgi?action=find&name=AccessControlCardRec&") => {
                (200, shared.state().find(&line))
            }
            _ => (
                404,
                "<ResponseStatus><statusString>Invalid Operation</statusString></ResponseStatus>".into(),
            ),
        };
        let head = format!(
            "HTTP/1.1 {status} -\r\nContent-Type : text/plain\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
    }
    Ok(())
}

async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Request>> {
    let (mut request, mut length, mut line) = (Request::default(), 0, String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        let text = line.trim_end();
        if text.is_empty() {
            break;
        }
        let value = |name: &str| {
            let (key, value) = text.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        };
        if request.method.is_empty() {
            let mut words = text.split(' ');
            let mut word = || words.next().unwrap_or_default().to_owned();
            (request.method, request.target) = (word(), word());
        } else if let Some(value) = value("authorization") {
            request.authorization = Some(value);
        } else if let Some(value) = value("content-length") {
            length = value.parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(request))
}

fn capabilities(manner: Manner) -> String {
    let mut condition = json!({"maxResults": {"@min": 1, "@max": manner.page}, "startTime": {"@min": 0, "@max": 32}});
    if manner.by_serial {
        condition["beginSerialNo"] = json!({"@min": 0, "@max": 3_000_000_000_u32});
    }
    json!({"AcsEvent": {"AcsEventCond": condition}}).to_string()
}

fn clock(state: &State) -> String {
    let now = state.now().to_rfc3339_opts(SecondsFormat::Secs, true);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Time version=\"2.0\"><timeMode>manual</timeMode><localTime>{now}</localTime><timeZone>CST-8:00:00</timeZone></Time>"
    )
}

fn set_clock(state: &mut State, body: &str) -> u16 {
    let time = body
        .split_once("<localTime>")
        .and_then(|(_, rest)| rest.split_once("</localTime>"));
    let Some(time) = time.and_then(|(text, _)| DateTime::parse_from_rfc3339(text).ok()) else {
        return 400;
    };
    (state.clock, state.clock_set_at) = (time, Instant::now());
    200
}

/// Streams events, its boundaries doubled and its lengths wrong.
async fn tell(stream: &mut BufReader<TcpStream>, shared: &Shared) -> std::io::Result<()> {
    let mut events = shared.events.subscribe();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=MIME_boundary\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    loop {
        let document = match timeout(HEARTBEAT, events.recv()).await {
            Ok(Ok(event)) => pushed(&event),
            Ok(Err(broadcast::error::RecvError::Closed)) => return Ok(()),
            // What a slow client did not hear it finds in the history.
            Ok(Err(broadcast::error::RecvError::Lagged(_))) => continue,
            Err(_) => json!({"eventType": "videoloss", "eventState": "inactive"}),
        };
        let text = serde_json::to_string_pretty(&document).unwrap_or_default();
        let part = format!(
            "--MIME_boundary\r\n--MIME_boundary\r\nContent-Type: application/json; charset=\"UTF-8\"\r\nContent-Length: 12\r\n\r\n{text}\r\n\
             --MIME_boundary\r\nContent-Type: image/jpeg\r\nContent-Length: 5\r\n\r\n\u{1}{{\"{{{{\r\n"
        );
        stream.write_all(part.as_bytes()).await?;
    }
}

/// An event of the history as it is told live.
fn pushed(event: &Value) -> Value {
    let serial = event["serialNo"].as_i64().unwrap_or_default();
    json!({
        "macAddress": "a4:d5:c2:24:dd:74", "dateTime": event["time"], "eventType": "AccessControllerEvent", "eventState": "active",
        "AccessControllerEvent": {
            "majorEventType": event["major"], "subEventType": event["minor"], "employeeNoString": event["employeeNoString"],
            "serialNo": serial, "frontSerialNo": serial - 1, "currentEvent": true,
        },
    })
}

fn seconds_of(event: &Value) -> i64 {
    let at = event["time"]
        .as_str()
        .and_then(|text| DateTime::parse_from_rfc3339(text).ok());
    at.map_or(0, |at| at.timestamp())
}

/// Streams events as Dahua does: JSON over several lines behind text, with lengths that are wrong.
async fn tell_dahua(stream: &mut BufReader<TcpStream>, shared: &Shared) -> std::io::Result<()> {
    let mut events = shared.events.subscribe();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=myboundary\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    loop {
        let text = match timeout(HEARTBEAT, events.recv()).await {
            Ok(Ok(event)) => {
                let data = json!({
                    "UserID": event["employeeNoString"], "CardNo": "", "Method": 15, "Door": 0,
                    "Status": u8::from(event["minor"] == 75), "UTC": seconds_of(&event),
                });
                format!("Code=AccessControl;action=Pulse;index=0;data={data:#}")
            }
            Ok(Err(broadcast::error::RecvError::Closed)) => return Ok(()),
            Ok(Err(broadcast::error::RecvError::Lagged(_))) => continue,
            Err(_) => "Heartbeat".to_owned(),
        };
        let part = format!("--myboundary\r\nContent-Type: text/plain\r\nContent-Length: 7\r\n\r\n{text}\r\n\r\n");
        stream.write_all(part.as_bytes()).await?;
    }
}
