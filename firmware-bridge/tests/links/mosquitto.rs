//! mosquitto as a process of its own, its clients as devices, and a cable to it that can be cut.

use std::net::TcpListener as StdListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;
use tokio::task::JoinSet;

use crate::common::soon;

/// How long the poll of a condition pauses.
const POLL_PAUSE: Duration = Duration::from_millis(5);

/// A broker that is running; killed when dropped.
pub struct Mosquitto {
    folder: TempDir,
    child: Option<Child>,
    pub port: u16,
}

/// The broker's program: Debian has it where only administrators look.
fn program() -> PathBuf {
    let places = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"].map(PathBuf::from);
    places
        .into_iter()
        .find(|place| place.exists())
        .unwrap_or_else(|| PathBuf::from("mosquitto"))
}

fn free_port() -> u16 {
    let listener = StdListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

impl Mosquitto {
    /// A broker with these lines in its configuration; `{folder}` stands for a folder of its own, in which `files` are.
    pub async fn start(lines: &str, files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).expect("room");
        }
        Self::start_in(folder, lines).await
    }

    /// The same in a folder that is there already.
    pub async fn start_in(folder: TempDir, lines: &str) -> Self {
        let port = free_port();
        let shown = folder.path().display().to_string();
        // Started as root it would become a user that cannot read the folder; started as anybody else it stays that.
        let config = format!(
            "user root\npersistence true\npersistence_location {shown}/\nlistener {port} 127.0.0.1\n{}\n",
            lines.replace("{folder}", &shown)
        );
        std::fs::write(folder.path().join("mosquitto.conf"), config).expect("room");
        let mut broker = Self {
            folder,
            child: None,
            port,
        };
        broker.switch_on().await;
        broker
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it, with what it kept.
    pub async fn switch_on(&mut self) {
        let mut command = tokio::process::Command::new(program());
        command.arg("-c").arg(self.path("mosquitto.conf"));
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("mosquitto cannot be run ({error}); install mosquitto and mosquitto-clients")
            });
        self.child = Some(child);
        soon(async {
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                tokio::time::sleep(POLL_PAUSE).await;
            }
        })
        .await;
    }

    /// Stops it as its supervisor would, so that it keeps what it has.
    pub async fn switch_off(&mut self) {
        let mut child = self.child.take().expect("it runs");
        let id = child.id().expect("it runs").to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .expect("kill")
                .success()
        );
        soon(child.wait()).await.expect("it ends");
    }

    /// Publishes as a device, and waits until the broker has it.
    pub fn publish(&self, topic: &str, payload: &str, options: &[&str]) {
        self.publish_with(topic, &[&["-m", payload], options].concat());
    }

    /// The same with a payload that the options name.
    pub fn publish_with(&self, topic: &str, options: &[&str]) {
        let port = self.port.to_string();
        let status = Command::new("mosquitto_pub")
            .args(["-h", "127.0.0.1", "-p", &port, "-t", topic])
            .args(options)
            .status()
            .expect("mosquitto_pub: install mosquitto-clients");
        assert!(status.success(), "mosquitto_pub {topic}");
    }
}

/// An authority of our own and a broker's certificate, made by OpenSSL: `ca.pem`, `broker.pem` and `broker.key`.
pub fn certificates(folder: &Path) {
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl")
            .current_dir(folder)
            .args(arguments)
            .output()
            .expect("openssl");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    std::fs::write(folder.join("names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").expect("room");
    openssl(
        &[
            &[
                "req",
                "-x509",
                "-keyout",
                "ca.key",
                "-out",
                "ca.pem",
                "-days",
                "2",
                "-subj",
                "/CN=test authority",
            ],
            &key[..],
        ]
        .concat(),
    );
    openssl(
        &[
            &[
                "req",
                "-keyout",
                "broker.key",
                "-out",
                "broker.csr",
                "-subj",
                "/CN=localhost",
            ],
            &key[..],
        ]
        .concat(),
    );
    openssl(&[
        "x509",
        "-req",
        "-in",
        "broker.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-out",
        "broker.pem",
        "-days",
        "2",
        "-extfile",
        "names",
    ]);
}

/// A cable to a broker.
pub struct Cable {
    pub port: u16,
    connections: Arc<tokio::sync::Mutex<JoinSet<()>>>,
    _accepting: JoinSet<()>,
}

impl Cable {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let own = listener.local_addr().expect("an address").port();
        let connections = Arc::new(tokio::sync::Mutex::new(JoinSet::new()));
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
        Self {
            port: own,
            connections,
            _accepting: accepting,
        }
    }

    /// Cuts every connection over it; new ones are possible.
    pub async fn cut(&self) {
        self.connections.lock().await.shutdown().await;
    }
}
