//! A PostgreSQL cluster for tests, made from the machine's own binaries and thrown away afterwards.
//!
//! `ROLLCALL_TEST_POSTGRES_URL` (an address without a database, such as `postgres://tester@localhost:5432`, whose user may
//! create databases) is used instead when it is set; the client programs are still needed then. `ROLLCALL_PG_BIN` names the directory
//! of the binaries where they are neither in Debian's place nor on the path.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

/// Numbers databases; several clusters of one process may be the same server.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A running cluster; dropping it stops it and removes its files.
pub struct Cluster {
    binaries: PathBuf,
    place: Place,
    /// What was made, to be removed from a server that is not ours.
    databases: Mutex<Vec<String>>,
}

enum Place {
    Own { directory: TempDir, as_postgres: bool },
    Given { address: String },
}

impl Cluster {
    /// Makes and starts a cluster that listens on a socket in a temporary directory only.
    pub fn start() -> Self {
        let binaries = binaries();
        if let Ok(address) = std::env::var("ROLLCALL_TEST_POSTGRES_URL") {
            let address = address.trim_end_matches('/').to_owned();
            return Self {
                binaries,
                place: Place::Given { address },
                databases: Mutex::default(),
            };
        }
        let directory = tempfile::Builder::new()
            .prefix("rollcall-pg-")
            .tempdir()
            .expect("a temporary directory");
        let as_postgres = run(Command::new("id").arg("-u")).trim() == "0";
        if as_postgres {
            // The server refuses to run as root.
            run(Command::new("chown").arg("postgres").arg(directory.path()));
        }
        let cluster = Self {
            binaries,
            place: Place::Own { directory, as_postgres },
            databases: Mutex::default(),
        };
        let data = cluster.data();
        run(cluster.tool("initdb").arg("-D").arg(&data).args([
            "-U",
            "postgres",
            "--auth=trust",
            "-E",
            "UTF8",
            "--no-sync",
        ]));
        let socket = data
            .parent()
            .expect("the data directory is inside of another")
            .display()
            .to_string();
        let options = format!("-k {socket} -c listen_addresses= -c fsync=off -c max_connections=50");
        let log = data.with_file_name("log");
        run(cluster
            .tool("pg_ctl")
            .arg("-D")
            .arg(&data)
            .arg("-l")
            .arg(log)
            .args(["-w", "-o", &options, "start"]));
        cluster
    }

    /// Makes an empty database; returns its address.
    pub fn database(&self) -> String {
        let name = format!(
            "rollcall_{}_{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        );
        self.databases
            .lock()
            .expect("no test panicked in here")
            .push(name.clone());
        match &self.place {
            Place::Own { directory, .. } => {
                let socket = directory.path().display();
                run(self
                    .tool("createdb")
                    .args(["-h", &socket.to_string(), "-U", "postgres", &name]));
                format!("postgres://postgres@localhost/{name}?host={socket}")
            }
            Place::Given { address } => {
                run(self
                    .tool("createdb")
                    .arg(format!("--maintenance-db={address}/postgres"))
                    .arg(&name));
                format!("{address}/{name}")
            }
        }
    }

    /// Whether the server is ours to stop.
    pub fn is_own(&self) -> bool {
        matches!(self.place, Place::Own { .. })
    }

    /// What leaves nothing behind: our server is stopped, on another the databases are removed.
    fn last_commands(&self) -> Vec<Command> {
        let address = match &self.place {
            Place::Given { address } => address,
            Place::Own { .. } => {
                let mut stop = self.tool("pg_ctl");
                stop.arg("-D").arg(self.data()).args(["-m", "immediate", "stop"]);
                return vec![stop];
            }
        };
        let remove = |name: &String| {
            let mut remove = self.tool("dropdb");
            remove
                .arg(format!("--maintenance-db={address}/postgres"))
                .args(["--force", name]);
            remove
        };
        self.databases
            .lock()
            .map(|names| names.iter().map(remove).collect())
            .unwrap_or_default()
    }

    fn data(&self) -> PathBuf {
        match &self.place {
            Place::Own { directory, .. } => directory.path().join("data"),
            Place::Given { .. } => PathBuf::new(),
        }
    }

    fn tool(&self, name: &str) -> Command {
        let program = self.binaries.join(name);
        let mut command = match self.place {
            Place::Own { as_postgres: true, .. } => {
                let mut command = Command::new("runuser");
                command.args(["-u", "postgres", "--"]).arg(program);
                command
            }
            _ => Command::new(program),
        };
        // Where the user postgres may be, and the messages of the programs as they are in every locale.
        command.current_dir("/").env("LC_ALL", "C.UTF-8");
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for mut command in self.last_commands() {
            // Not a panic: a test may be failing already.
            if !command.output().is_ok_and(|output| output.status.success()) {
                eprintln!("this could not be done: {command:?}");
            }
        }
    }
}

/// The directory of `initdb`, `pg_ctl` and `createdb`: the one that is named, Debian's newest, or the path's.
fn binaries() -> PathBuf {
    let named = std::env::var_os("ROLLCALL_PG_BIN").map(PathBuf::from);
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    debian.sort_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let candidates = named
        .into_iter()
        .chain(debian.into_iter().rev().map(|path| path.join("bin")))
        .chain(std::env::split_paths(&path));
    let complete = |directory: &PathBuf| {
        ["initdb", "pg_ctl", "createdb", "dropdb"]
            .iter()
            .all(|name| Path::is_file(&directory.join(name)))
    };
    candidates.into_iter().find(complete).expect(
        "PostgreSQL is needed for this test: install it (Debian: `apt-get install postgresql`), or name the directory of \
         initdb, pg_ctl and createdb in ROLLCALL_PG_BIN",
    )
}

fn run(command: &mut Command) -> String {
    let log = tempfile::tempfile().expect("a temporary file");
    // Into a file: a server that stays would keep a pipe open for ever.
    let status = command
        .stdout(log.try_clone().expect("a file"))
        .stderr(log.try_clone().expect("a file"))
        .status();
    let status = status.unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let mut said = String::new();
    let mut log = log;
    std::io::Seek::rewind(&mut log)
        .and_then(|()| std::io::Read::read_to_string(&mut log, &mut said))
        .expect("what it said");
    assert!(status.success(), "{command:?}: {said}");
    said
}
