//! `rollcall-bridge enrol`: a one-time code becomes a key.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use tokio::time::timeout;

use super::config::check_url;
use crate::uplink::message::{FromBridge, FromDaemon};
use crate::uplink::{BridgeKey, Dial, Ended, Trust, key_hash};

/// How long the daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is asked for.
#[derive(Debug)]
pub struct Enrolment {
    /// The daemon's address.
    pub daemon: String,
    /// The one-time code.
    pub code: String,
    /// Whom to believe.
    pub trust: Trust,
    /// Where the key is written.
    pub key_file: PathBuf,
}

/// Makes a key, has the daemon take it for the code, and writes it down; returns what the bridge is called. The key is written before
/// it is taken: a code that is used up with nothing to show for it would help nobody.
pub async fn enrol(enrolment: Enrolment) -> anyhow::Result<String> {
    check_url(&enrolment.daemon)?;
    let key = BridgeKey::random().map_err(|error| anyhow!("no random numbers from the system: {error}"))?;
    let mut waiting = enrolment.key_file.as_os_str().to_owned();
    waiting.push(".enrolling");
    let waiting = PathBuf::from(waiting);
    if let Some(directory) = enrolment.key_file.parent() {
        std::fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
    }
    key.write(&waiting)
        .with_context(|| format!("cannot write {}", waiting.display()))?;
    let dial = Dial {
        url: &enrolment.daemon,
        trust: &enrolment.trust,
        key: None,
    };
    let mut socket = dial.open().await.with_context(|| enrolment.daemon.clone())?;
    let asked = FromBridge::Enrol {
        code: enrolment.code.trim().to_owned(),
        key_hash: key_hash(key.expose()),
        software: env!("CARGO_PKG_VERSION").to_owned(),
    };
    socket.say(&asked).await?;
    let answer = timeout(PATIENCE, socket.hear())
        .await
        .context("the daemon does not answer")??;
    let answer = answer.context("the daemon closed the connection without an answer")?;
    socket.close().await;
    match serde_json::from_str(&answer) {
        Ok(FromDaemon::Enrolled { name }) => {
            std::fs::rename(&waiting, &enrolment.key_file)
                .and_then(|()| give_to_owner_of_directory(&enrolment.key_file))
                .with_context(|| format!("cannot write {}", enrolment.key_file.display()))?;
            Ok(name)
        }
        Ok(FromDaemon::Bye { reason, .. }) => {
            let _: std::io::Result<()> = std::fs::remove_file(&waiting);
            Err(Ended::Bye(reason, 0).into())
        }
        _ => bail!("the daemon answers something that this version does not understand; are both of the same version?"),
    }
}

/// Root enrols, and the account that the bridge runs as has to read the key: it is that of the directory.
fn give_to_owner_of_directory(path: &Path) -> std::io::Result<()> {
    let Some(directory) = path.parent() else { return Ok(()) };
    let (owner, file) = (std::fs::metadata(directory)?, std::fs::metadata(path)?);
    if (owner.uid(), owner.gid()) == (file.uid(), file.gid()) {
        return Ok(());
    }
    std::os::unix::fs::chown(path, Some(owner.uid()), Some(owner.gid()))
}
