//! The daemon as its supervisor sees it: a process with a configuration, a data directory, an address and a log.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::bureau::Bureau;
use crate::wait::within;
use crate::{artefacts, http, programs};

/// From start to ready, in a development build on a busy machine.
const START_DEADLINE: Duration = Duration::from_secs(20);
/// From SIGTERM to the end.
const STOP_DEADLINE: Duration = Duration::from_secs(15);

/// Bearer token of the source `gateway` in every story's configuration.
pub const TOKEN: &str = "a-token-that-only-stories-use";
/// HMAC secret of the source `signed`.
pub const SECRET: &str = "a-secret-that-only-stories-use";

/// Everything of one installation that outlives the process: folder, configuration, data.
#[derive(Debug)]
pub struct Installation {
    /// Kept for its folder, which goes with it.
    home: TempDir,
    /// Name in logs and artefacts.
    name: String,
    /// `127.0.0.1:PORT` of the daemon, the same at every start.
    pub authority: String,
    /// `127.0.0.1:PORT` of the TCP line reader `line-gate`.
    pub line_address: String,
    /// The site folder.
    pub bureau: Bureau,
}

/// How the judging clock runs.
#[derive(Clone, Copy, Debug)]
pub struct Simulated<'a> {
    /// RFC 3339.
    pub from: &'a str,
    /// Judging seconds per real second.
    pub speed: f64,
}

impl Installation {
    /// A new installation of the story bureau, imported into `database` (none: SQLite in the data directory).
    pub fn new(name: &str, database: Option<&str>) -> Result<Self> {
        let home = TempDir::with_prefix(format!("rollcall-{name}-"))?;
        let bureau = Bureau::write(&home.path().join("site"))?;
        let [authority, line_address] = [free_address()?, free_address()?];
        let installation = Self {
            home,
            name: name.to_owned(),
            authority,
            line_address,
            bureau,
        };
        std::fs::create_dir_all(installation.data_directory())?;
        std::fs::write(installation.config(), installation.config_text(database))?;
        installation.import()?;
        Ok(installation)
    }

    fn config_text(&self, database: Option<&str>) -> String {
        let database = database
            .map(|url| format!("database = \"{url}\"\n"))
            .unwrap_or_default();
        let serial = self.serial_link();
        let mut text = format!(
            "listen = \"{authority}\"\npublic_url = \"http://{authority}\"\n{database}\n\
             [[reader]]\nid = \"east-gate\"\nlink = \"serial:{serial}\"\nformat = \"rdm6300\"\nbaud = 9600\n\n\
             [[reader]]\nid = \"line-gate\"\nlink = \"tcp-listen:{line}\"\nformat = \"line\"\n\n\
             [[source]]\nid = \"gateway\"\ntoken = \"{TOKEN}\"\n\n\
             [[source]]\nid = \"signed\"\nhmac_secret = \"{SECRET}\"\nreaders = [\"web-gate\"]\n",
            authority = self.authority,
            serial = serial.display(),
            line = self.line_address,
        );
        for reader in ["web-gate", "web-exit", "hall-in", "hall-out"] {
            text.push_str("\n[[reader]]\nid = \"");
            text.push_str(reader);
            text.push_str("\"\nlink = \"http\"\n");
        }
        text
    }

    /// Imports the site folder as it is now.
    pub fn import(&self) -> Result<String> {
        self.bureau.import(&self.config(), &self.data_directory())
    }

    /// Where the serial reader `east-gate` is looked for.
    pub fn serial_link(&self) -> PathBuf {
        self.home.path().join("tty-east-gate")
    }

    /// The configuration file.
    pub fn config(&self) -> PathBuf {
        self.home.path().join("rollcall.toml")
    }

    /// The data directory.
    pub fn data_directory(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// A path for scratch files of a story.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Runs a tool of the daemon on this installation and gives its standard output.
    pub fn tool(&self, arguments: &[&str]) -> Result<String> {
        programs::run_well(self.arguments(arguments))
    }

    /// Runs a tool of the daemon on this installation; the exit code is the caller's to judge.
    pub fn tool_output(&self, arguments: &[&str]) -> Result<std::process::Output> {
        programs::run(self.arguments(arguments))
    }

    fn arguments(&self, arguments: &[&str]) -> Vec<std::ffi::OsString> {
        let (config, data) = (self.config(), self.data_directory());
        let place: [&std::ffi::OsStr; 4] = [
            "--config".as_ref(),
            config.as_ref(),
            "--data-directory".as_ref(),
            data.as_ref(),
        ];
        arguments
            .iter()
            .map(Into::into)
            .chain(place.into_iter().map(Into::into))
            .collect()
    }

    /// Starts the daemon on a driven clock and waits until it is ready.
    pub async fn start(&self, clock: Simulated<'_>) -> Result<Daemon> {
        let control = self.scratch("clock");
        if !control.exists() {
            let made = std::process::Command::new("mkfifo")
                .arg(&control)
                .status()
                .context("mkfifo (coreutils) is not installed")?;
            anyhow::ensure!(made.success(), "mkfifo failed");
        }
        // Opened for reading too, so that opening does not wait for the daemon and nothing is lost before it listens.
        let clock_control = OpenOptions::new().read(true).write(true).open(&control)?;
        let log = artefacts::path(&format!("{}.log", self.name))?;
        let said = self.scratch("stdout");
        let child = Command::new(programs::rollcall()?)
            .arg("serve")
            .args(["--simulate-from", clock.from, "--speed", &clock.speed.to_string()])
            .arg("--clock-control")
            .arg(&control)
            .args(self.arguments(&[]))
            .stdin(Stdio::null())
            .stdout(File::create(&said)?)
            .stderr(OpenOptions::new().create(true).append(true).open(&log)?)
            .kill_on_drop(true)
            .spawn()
            .context("the daemon could not be started")?;
        let mut daemon = Daemon {
            child,
            authority: self.authority.clone(),
            clock_control,
            log,
            said,
        };
        daemon.wait_until_ready().await?;
        Ok(daemon)
    }
}

/// A running daemon; killed when dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    clock_control: File,
    log: PathBuf,
    said: PathBuf,
    /// `127.0.0.1:PORT`.
    pub authority: String,
}

impl Daemon {
    async fn wait_until_ready(&mut self) -> Result<()> {
        let authority = self.authority.clone();
        let ready = within(START_DEADLINE, "the daemon is ready", || {
            let ended = self.child.try_wait();
            let authority = authority.clone();
            async move {
                if let Some(status) = ended? {
                    return Ok(Some(Err(status)));
                }
                Ok((http::get(&authority, "/readyz").await?.status == 200).then_some(Ok(())))
            }
        });
        match ready.await.with_context(|| self.log_end())? {
            Ok(()) => Ok(()),
            Err(status) => bail!("the daemon ended at once, {status}: {}", self.log_end()),
        }
    }

    /// The address that people type.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.authority)
    }

    /// The process id.
    pub fn process_id(&self) -> Result<u32> {
        self.child.id().context("the daemon has ended")
    }

    /// Moves the judging clock to an instant (RFC 3339), from where it runs on.
    pub fn set_clock(&mut self, instant: &str) -> Result<()> {
        writeln!(self.clock_control, "set {instant}").context("the clock cannot be driven")
    }

    /// What the daemon logged and printed since the log began.
    pub fn log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(&self.log)? + &std::fs::read_to_string(&self.said)?)
    }

    fn log_end(&self) -> String {
        let log = self.log().unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("the daemon cannot be killed")
    }

    /// SIGTERM, as a supervisor stops it; gives how it ended.
    pub async fn stop(mut self) -> Result<ExitStatus> {
        let id = self.process_id()?.to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await?;
        anyhow::ensure!(sent.success(), "SIGTERM could not be sent");
        tokio::time::timeout(STOP_DEADLINE, self.child.wait())
            .await
            .context("the daemon did not stop")?
            .context("no exit status")
    }
}

/// An address of this machine that is free now.
pub fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
