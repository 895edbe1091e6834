//! One connection to a daemon as a state machine: texts and time in, things to do out. It opens nothing and reads no clock.

use std::collections::VecDeque;

use super::message::{FromBridge, FromDaemon, Goodbye, Hello, PROTOCOL, SILENCE_MS, Told, Welcome};
use crate::record::Stamp;

/// How many batches are on their way before the first is acknowledged.
const BATCHES_AT_ONCE: usize = 4;

/// How often the bridge says how it is, milliseconds.
const REPORT_MS: u64 = 15_000;

/// A connection that has begun.
#[derive(Debug)]
pub struct Session {
    phase: Phase,
    heard_at_ms: u64,
    report_at_ms: u64,
    /// What the hello said.
    first: u64,
    last: u64,
    /// The last number that was sent.
    sent: u64,
    /// The last numbers of the batches that are not acknowledged.
    on_the_way: VecDeque<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Greeting,
    Live,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Do {
    /// Say this.
    Send(FromBridge),
    /// The daemon knows this bridge.
    Welcomed(Welcome),
    /// The daemon knows records of this queue up to a number that the queue does not have: it was set back.
    Skip(u64),
    /// Everything up to a number is with the daemon.
    Acknowledged {
        /// That number.
        through: u64,
        /// What became of those that were not simply recorded.
        outcomes: Vec<Told>,
    },
    /// The daemon has measured our clock.
    ClockAhead(i64),
    /// Use these readers, and answer with [`FromBridge::Configured`].
    Configure {
        /// Names them.
        edition: String,
        /// Their tables.
        toml: String,
    },
}

/// What comes next where nothing is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send the records after this number.
    Batch(u64),
    /// Say how the bridge is.
    Report,
    /// Wait until this time, or until there is something new.
    Wait(u64),
    /// The daemon is not there any more.
    Silent,
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// Nothing was heard for too long: the line is dead, whatever the system says.
    #[error("the daemon has said nothing for {} s", SILENCE_MS / 1_000)]
    Silent,
    /// The daemon said goodbye.
    #[error("{}", goodbye(*.0))]
    Bye(Goodbye, u64),
    /// The daemon said something that makes no sense.
    #[error("the daemon says something that this version does not understand; are both of the same version?")]
    Malformed,
    /// The daemon speaks another protocol.
    #[error("the daemon speaks protocol {0}, and this version speaks {PROTOCOL}: bring both to the same version")]
    Protocol(u32),
}

const fn goodbye(reason: Goodbye) -> &'static str {
    match reason {
        Goodbye::Shutdown => "the daemon stops",
        Goodbye::TakenOver => {
            "another bridge has connected with the same key; if this is not a second start of this one, two boxes share a key file: enrol one of them anew"
        }
        Goodbye::NotEnrolled => {
            "the daemon does not take this bridge's key: it was revoked, or is another daemon's; `rollcall bridge enrol NAME` there, and `rollcall-bridge enrol` here"
        }
        Goodbye::WrongCode => {
            "the code is not good: it was used, or is older than 30 minutes; `rollcall bridge enrol NAME` gives another"
        }
        Goodbye::Protocol => "the daemon speaks another version of the protocol: bring both to the same version",
        Goodbye::Malformed => "the daemon does not understand this bridge: bring both to the same version",
    }
}

impl Session {
    /// Begins, with what is to be said first.
    pub fn begin(hello: Hello, now_ms: u64) -> (Self, FromBridge) {
        let session = Self {
            phase: Phase::Greeting,
            heard_at_ms: now_ms,
            report_at_ms: now_ms + REPORT_MS,
            first: hello.first,
            last: hello.last,
            sent: 0,
            on_the_way: VecDeque::new(),
        };
        (session, FromBridge::Hello(hello))
    }

    /// The daemon said something; `clocks` are the bridge's own, for answers.
    pub fn hear(&mut self, text: &str, now_ms: u64, clocks: &Stamp) -> Result<Vec<Do>, Ended> {
        self.heard_at_ms = now_ms;
        let said: FromDaemon = serde_json::from_str(text).map_err(|_| Ended::Malformed)?;
        match (said, self.phase) {
            (FromDaemon::Bye { reason, retry_after_ms }, _) => Err(Ended::Bye(reason, retry_after_ms)),
            (FromDaemon::Welcome(welcome), Phase::Greeting) => self.welcome(welcome, clocks),
            (FromDaemon::Ping { n, ahead_ms }, Phase::Live) => {
                let pong = FromBridge::Pong { n, now: clocks.clone() };
                Ok([Do::Send(pong)]
                    .into_iter()
                    .chain(ahead_ms.map(Do::ClockAhead))
                    .collect())
            }
            (FromDaemon::Ack { through, outcomes }, Phase::Live) if through <= self.sent => {
                while self.on_the_way.front().is_some_and(|last| *last <= through) {
                    self.on_the_way.pop_front();
                }
                Ok(vec![Do::Acknowledged { through, outcomes }])
            }
            (FromDaemon::Configuration { edition, toml }, Phase::Live) => Ok(vec![Do::Configure { edition, toml }]),
            (
                FromDaemon::Welcome(_)
                | FromDaemon::Enrolled { .. }
                | FromDaemon::Ping { .. }
                | FromDaemon::Ack { .. }
                | FromDaemon::Configuration { .. },
                _,
            ) => Err(Ended::Malformed),
        }
    }

    /// The daemon may know less than we were told before, because it was set back to an older state: whatever is still here is sent
    /// again from there. It counts once.
    fn welcome(&mut self, welcome: Welcome, clocks: &Stamp) -> Result<Vec<Do>, Ended> {
        if welcome.protocol != PROTOCOL {
            return Err(Ended::Protocol(welcome.protocol));
        }
        self.phase = Phase::Live;
        let known = welcome.acknowledged.unwrap_or(0);
        self.sent = if known > self.last {
            self.last
        } else {
            known.max(self.first - 1)
        };
        let pong = FromBridge::Pong {
            n: 0,
            now: clocks.clone(),
        };
        let mut doing = vec![Do::Send(pong)];
        if known > self.last {
            doing.push(Do::Skip(known));
        } else {
            doing.push(Do::Acknowledged {
                through: known,
                outcomes: Vec::new(),
            });
        }
        doing.push(Do::Welcomed(welcome));
        Ok(doing)
    }

    /// What comes next; `newest` is the number of the newest record of the queue.
    pub fn next(&self, newest: u64, now_ms: u64) -> Next {
        if now_ms >= self.heard_at_ms + SILENCE_MS {
            return Next::Silent;
        }
        if self.phase == Phase::Live && newest > self.sent && self.on_the_way.len() < BATCHES_AT_ONCE {
            return Next::Batch(self.sent);
        }
        if self.phase == Phase::Live && now_ms >= self.report_at_ms {
            return Next::Report;
        }
        let report = if self.phase == Phase::Live {
            self.report_at_ms
        } else {
            u64::MAX
        };
        Next::Wait(report.min(self.heard_at_ms + SILENCE_MS))
    }

    /// A batch was sent that ends with this number.
    pub fn sent(&mut self, through: u64) {
        self.sent = through;
        self.on_the_way.push_back(through);
    }

    /// A report was sent.
    pub fn reported(&mut self, now_ms: u64) {
        self.report_at_ms = now_ms + REPORT_MS;
    }

    /// Something has changed that the daemon should hear of soon.
    pub fn report_soon(&mut self, now_ms: u64) {
        self.report_at_ms = self.report_at_ms.min(now_ms);
    }

    /// Whether everything has been sent and acknowledged, so that the daemon knows of a record at once.
    pub fn is_live(&self) -> bool {
        self.phase == Phase::Live && self.on_the_way.len() <= 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uplink::message::Report;

    fn stamp() -> Stamp {
        Stamp {
            wall_ms: 100,
            up_ms: 10,
            boot: "b".to_owned(),
        }
    }

    fn begin(first: u64, last: u64) -> Session {
        let hello = Hello {
            protocol: PROTOCOL,
            software: "1".to_owned(),
            queue: "q".to_owned(),
            first,
            last,
            now: stamp(),
            edition: None,
            report: Report::default(),
        };
        let (session, said) = Session::begin(hello.clone(), 0);
        assert_eq!(said, FromBridge::Hello(hello));
        session
    }

    fn welcome(acknowledged: Option<u64>) -> String {
        let welcome = FromDaemon::Welcome(Welcome {
            protocol: PROTOCOL,
            software: "1".to_owned(),
            name: "east".to_owned(),
            acknowledged,
            offset_minutes: 480,
            edition: None,
        });
        serde_json::to_string(&welcome).expect("JSON")
    }

    fn ack(through: u64) -> String {
        format!(r#"{{"type":"ack","through":{through},"outcomes":[]}}"#)
    }

    /// Where a session goes on after a welcome.
    fn resumes(first: u64, last: u64, acknowledged: Option<u64>) -> (Next, Vec<Do>) {
        let mut session = begin(first, last);
        assert_eq!(
            session.next(last, 1),
            Next::Wait(SILENCE_MS),
            "nothing before the welcome"
        );
        let doing = session.hear(&welcome(acknowledged), 1, &stamp()).expect("welcome");
        (session.next(last, 1), doing)
    }

    #[test]
    fn a_session_goes_on_where_the_daemon_is() {
        assert_eq!(resumes(1, 9, Some(4)).0, Next::Batch(4), "the rest");
        assert_eq!(
            resumes(5, 9, None).0,
            Next::Batch(4),
            "a daemon that knows nothing: all that is here"
        );
        assert_eq!(
            resumes(5, 9, Some(2)).0,
            Next::Batch(4),
            "a daemon that was set back: as far back as there is"
        );
        assert_eq!(
            resumes(5, 9, Some(6)).0,
            Next::Batch(6),
            "less than was acknowledged before"
        );
        assert_eq!(resumes(10, 9, Some(9)).0, Next::Wait(REPORT_MS), "nothing to send");
        let (next, doing) = resumes(3, 9, Some(20));
        assert_eq!(
            next,
            Next::Wait(REPORT_MS),
            "a bridge that was set back gives no number twice"
        );
        assert!(doing.contains(&Do::Skip(20)), "{doing:?}");
    }

    #[test]
    fn only_so_many_batches_are_on_their_way() {
        let mut session = begin(1, 0);
        session.hear(&welcome(None), 0, &stamp()).expect("welcome");
        for through in [10, 20, 30, 40] {
            assert_eq!(session.next(100, 0), Next::Batch(through - 10));
            session.sent(through);
        }
        assert_eq!(session.next(100, 0), Next::Wait(REPORT_MS));
        let doing = session.hear(&ack(20), 5, &stamp()).expect("ack");
        assert_eq!(
            doing,
            [Do::Acknowledged {
                through: 20,
                outcomes: Vec::new()
            }]
        );
        session.sent(50);
        session.sent(60);
        assert_eq!(session.next(100, 5), Next::Wait(REPORT_MS));
        assert_eq!(
            session.hear(&ack(61), 6, &stamp()),
            Err(Ended::Malformed),
            "of what was never sent"
        );
    }

    #[test]
    fn a_dead_line_is_noticed() {
        let mut session = begin(1, 0);
        session.hear(&welcome(None), 1_000, &stamp()).expect("welcome");
        session.reported(30_000);
        assert_eq!(session.next(0, 2_000), Next::Wait(1_000 + SILENCE_MS));
        let pong = session
            .hear(r#"{"type":"ping","n":7,"ahead_ms":-3}"#, 9_000, &stamp())
            .expect("ping");
        let answer = FromBridge::Pong { n: 7, now: stamp() };
        assert_eq!(pong, [Do::Send(answer), Do::ClockAhead(-3)]);
        assert_eq!(session.next(0, 9_000 + SILENCE_MS - 1), Next::Wait(9_000 + SILENCE_MS));
        assert_eq!(session.next(0, 9_000 + SILENCE_MS), Next::Silent);
    }

    #[test]
    fn reports_come_in_between() {
        let mut session = begin(1, 0);
        session.hear(&welcome(None), 0, &stamp()).expect("welcome");
        session.report_soon(3);
        assert_eq!(session.next(0, 3), Next::Report);
        session.reported(3);
        assert_eq!(session.next(0, 3), Next::Wait(3 + REPORT_MS));
    }

    #[test]
    fn a_goodbye_says_what_to_do() {
        let mut session = begin(1, 0);
        let bye = r#"{"type":"bye","reason":"not_enrolled","retry_after_ms":60000}"#;
        let ended = session.hear(bye, 0, &stamp()).expect_err("the end");
        assert_eq!(ended, Ended::Bye(Goodbye::NotEnrolled, 60_000));
        assert!(ended.to_string().contains("rollcall bridge enrol"), "{ended}");
        let mut session = begin(1, 0);
        assert_eq!(session.hear("{", 0, &stamp()), Err(Ended::Malformed));
        assert_eq!(
            session.hear(&ack(0), 0, &stamp()),
            Err(Ended::Malformed),
            "before the welcome"
        );
    }
}
