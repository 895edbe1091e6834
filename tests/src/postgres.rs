//! A PostgreSQL server of the test's own, from the machine's binaries, on a Unix socket in a temporary directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

const REMEDY: &str =
    "install PostgreSQL 13 or later (Debian: apt-get install postgresql) or set ROLLCALL_PG_BIN to its bin directory";

/// A running server; stopped and removed when dropped.
#[derive(Debug)]
pub struct Postgres {
    home: TempDir,
    binaries: PathBuf,
}

impl Postgres {
    /// Makes and starts a server that listens on no network.
    pub fn start() -> Result<Self> {
        let home = TempDir::with_prefix("rollcall-postgres-")?;
        let server = Self {
            binaries: binaries()?,
            home,
        };
        if is_root()? {
            run(Command::new("chown").arg("postgres").arg(server.home.path()))?;
        }
        let data = server.data();
        server.run(
            "initdb",
            &[
                "--auth=trust",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--username=rollcall",
                "--pgdata",
                &data,
            ],
        )?;
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}'",
            server.home.path().display()
        );
        let log = server.home.path().join("log").display().to_string();
        server.run(
            "pg_ctl",
            &[
                "start",
                "--wait",
                "--silent",
                "--pgdata",
                &data,
                "--log",
                &log,
                "--options",
                &options,
            ],
        )?;
        Ok(server)
    }

    /// The URL of a new, empty database.
    pub fn database(&self, name: &str) -> Result<String> {
        let socket = self.home.path().display().to_string();
        self.run("createdb", &["--host", &socket, "--username", "rollcall", name])?;
        Ok(format!("postgres://rollcall@localhost/{name}?host={socket}"))
    }

    fn data(&self) -> String {
        self.home.path().join("data").display().to_string()
    }

    /// Runs one of the server's programs, which refuse to run as root, as `postgres` where we are root.
    fn run(&self, program: &str, arguments: &[&str]) -> Result<Output> {
        let program = self.binaries.join(program);
        let mut command = if is_root()? {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        run(command.args(arguments).current_dir(self.home.path()))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let stopped = self.run(
            "pg_ctl",
            &["stop", "--wait", "--mode", "immediate", "--pgdata", &self.data()],
        );
        if let Err(error) = stopped {
            eprintln!("the test's PostgreSQL server did not stop: {error:#}");
        }
    }
}

fn is_root() -> Result<bool> {
    Ok(run(Command::new("id").arg("-u"))?.stdout.trim_ascii() == b"0")
}

fn run(command: &mut Command) -> Result<Output> {
    let output = command.output().with_context(|| format!("{command:?}: {REMEDY}"))?;
    if output.status.success() {
        return Ok(output);
    }
    bail!(
        "{command:?}: {} {}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// `ROLLCALL_PG_BIN`, else Debian's place for the newest version, else the folder of `initdb` on the `PATH`.
fn binaries() -> Result<PathBuf> {
    if let Some(given) = std::env::var_os("ROLLCALL_PG_BIN") {
        return Ok(PathBuf::from(given));
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .max();
    if let Some(version) = newest {
        return Ok(Path::new("/usr/lib/postgresql").join(version.to_string()).join("bin"));
    }
    let initdb = crate::programs::installed(&["initdb"], REMEDY)?;
    Ok(initdb.parent().unwrap_or(Path::new(".")).to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::Postgres;

    #[test]
    fn a_server_starts_and_gives_databases() -> anyhow::Result<()> {
        let server = Postgres::start()?;
        assert!(server.database("one")?.starts_with("postgres://"));
        assert!(server.database("one").is_err(), "a name is given once");
        Ok(())
    }
}
