//! mosquitto as a process of its own, its clients as devices, and a cable to it that can be cut.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a broker may take to start or to end, on a busy machine.
const DEADLINE: Duration = Duration::from_secs(20);

/// How long the poll of a condition pauses.
const POLL_PAUSE: Duration = Duration::from_millis(5);

/// Lines of a configuration that lets everybody in.
pub const ANYBODY: &str = "allow_anonymous true";

/// A broker that is running; killed when dropped.
#[derive(Debug)]
pub struct Mosquitto {
    folder: TempDir,
    child: Option<Child>,
    /// Its port on 127.0.0.1.
    pub port: u16,
}

/// The broker's program: Debian has it where only administrators look.
fn program() -> PathBuf {
    let mut places = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"]
        .iter()
        .map(PathBuf::from);
    places
        .find(|place| place.exists())
        .unwrap_or_else(|| PathBuf::from("mosquitto"))
}

impl Mosquitto {
    /// A broker with these lines in its configuration, and with its state in a folder, for which `{folder}` stands.
    pub async fn start(folder: TempDir, lines: &str) -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let shown = folder.path().display().to_string();
        // Started as root it would become a user that cannot read the folder; started as anybody else it stays that.
        let config = format!(
            "user root\npersistence true\npersistence_location {shown}/\nlistener {port} 127.0.0.1\n{}\n",
            lines.replace("{folder}", &shown)
        );
        std::fs::write(folder.path().join("mosquitto.conf"), config)?;
        let mut broker = Self {
            folder,
            child: None,
            port,
        };
        broker.switch_on().await?;
        Ok(broker)
    }

    /// A file of its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it, with what it kept.
    pub async fn switch_on(&mut self) -> Result<()> {
        let child = tokio::process::Command::new(program())
            .arg("-c")
            .arg(self.path("mosquitto.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("mosquitto cannot be run: install mosquitto and mosquitto-clients")?;
        self.child = Some(child);
        let port = self.port;
        before_the_deadline(async move {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tokio::time::sleep(POLL_PAUSE).await;
            }
        })
        .await
    }

    /// Stops it as its supervisor would, so that it keeps what it has.
    pub async fn switch_off(&mut self) -> Result<()> {
        let mut child = self.child.take().context("it is off already")?;
        let id = child.id().context("it ended by itself")?.to_string();
        ensure!(
            Command::new("kill").args(["-TERM", &id]).status()?.success(),
            "it could not be stopped"
        );
        before_the_deadline(child.wait()).await??;
        Ok(())
    }

    /// Publishes as a device, and waits until the broker has it.
    pub fn publish(&self, topic: &str, payload: &str, options: &[&str]) -> Result<()> {
        self.publish_with(topic, &[&["-m", payload], options].concat())
    }

    /// The same with a payload that the options name.
    pub fn publish_with(&self, topic: &str, options: &[&str]) -> Result<()> {
        let port = self.port.to_string();
        let output = Command::new("mosquitto_pub")
            .args(["-p", &port, "-t", topic])
            .args(options)
            .output()
            .context("mosquitto_pub cannot be run: install mosquitto-clients")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "mosquitto_pub {topic}: {said}");
        Ok(())
    }
}

async fn before_the_deadline<T>(future: impl Future<Output = T>) -> Result<T> {
    timeout(DEADLINE, future)
        .await
        .context("the broker did not do it before the deadline")
}

/// A password file with these users, made by mosquitto's own tool.
pub fn passwords(file: &Path, users: &[(&str, &str)]) -> Result<()> {
    for (place, (user, password)) in users.iter().enumerate() {
        let create: &[&str] = if place == 0 { &["-b", "-c"] } else { &["-b"] };
        let status = Command::new("mosquitto_passwd")
            .args(create)
            .arg(file)
            .args([user, password])
            .status()
            .context("mosquitto_passwd cannot be run: install mosquitto")?;
        ensure!(status.success(), "mosquitto_passwd {user}");
    }
    Ok(())
}

/// An authority of our own and a broker's certificate, made by OpenSSL: `ca.pem`, `broker.pem` and `broker.key`.
pub fn certificates(folder: &Path) -> Result<()> {
    let openssl = |arguments: &str| {
        let output = Command::new("openssl")
            .current_dir(folder)
            .args(arguments.split(' '))
            .output()
            .context("openssl cannot be run: install openssl")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "openssl {arguments}: {said}");
        Ok(())
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n")?;
    openssl(&format!(
        "req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=authority"
    ))?;
    openssl(&format!(
        "req {key} -keyout broker.key -out broker.csr -subj /CN=localhost"
    ))?;
    openssl("x509 -req -in broker.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out broker.pem -days 2 -extfile names")
}

/// A cable to a broker.
#[derive(Debug)]
pub struct Cable {
    /// Its near end, a port on 127.0.0.1.
    pub port: u16,
    connections: Arc<Mutex<JoinSet<()>>>,
    _accepting: JoinSet<()>,
}

impl Cable {
    /// A cable to a port on 127.0.0.1.
    pub async fn to(port: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let own = listener.local_addr()?.port();
        let connections = Arc::new(Mutex::new(JoinSet::new()));
        let mut accepting = JoinSet::new();
        let shared = connections.clone();
        accepting.spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                shared.lock().await.spawn(async move {
                    if let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await {
                        // It ends when the cable is cut.
                        let _: std::io::Result<(u64, u64)> = copy_bidirectional(&mut near, &mut far).await;
                    }
                });
            }
        });
        Ok(Self {
            port: own,
            connections,
            _accepting: accepting,
        })
    }

    /// Cuts every connection over it; new ones are possible.
    pub async fn cut(&self) {
        self.connections.lock().await.shutdown().await;
    }
}
