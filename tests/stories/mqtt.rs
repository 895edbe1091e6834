//! A reader that publishes to a broker: what waited there counts, what is retained there does not, and its last will is believed.

use acceptance::bureau::badge;
use acceptance::daemon::Installation;
use acceptance::mosquitto::{Mosquitto, certificates, passwords};
use anyhow::{Context as _, Result};

use super::support::{SOON, Viewer, count, set_clock, start_at};

const PASSWORD: &str = "a-password-that-only-stories-use";

/// A broker that shows a certificate of an authority of its own, and knows two users.
async fn broker() -> Result<Mosquitto> {
    let folder = tempfile::tempdir()?;
    certificates(folder.path())?;
    passwords(
        &folder.path().join("passwords"),
        &[("rollcall", PASSWORD), ("south", "of-the-gate")],
    )?;
    let access = "user rollcall\ntopic read tele/#\n\nuser south\ntopic write tele/south/#\n";
    std::fs::write(folder.path().join("access"), access)?;
    std::fs::write(folder.path().join("password"), format!("{PASSWORD}\n"))?;
    let lines = "certfile {folder}/broker.pem\nkeyfile {folder}/broker.key\n\
                 password_file {folder}/passwords\nacl_file {folder}/access";
    Mosquitto::start(folder, lines).await
}

/// The gate as a device on the broker.
struct Gate<'a>(&'a Mosquitto);

impl Gate<'_> {
    fn publish(&self, level: &str, payload: &str, options: &[&str]) -> Result<()> {
        let authority = self.0.path("ca.pem");
        let authority = authority.to_str().context("no UTF-8")?;
        let who = ["--cafile", authority, "-u", "south", "-P", "of-the-gate"];
        self.0
            .publish(&format!("tele/south/{level}"), payload, &[&who[..], options].concat())
    }

    fn last_will(&self, word: &str) -> Result<()> {
        self.publish("LWT", word, &["-r"])
    }

    fn present(&self, person: usize, time: &str, options: &[&str]) -> Result<()> {
        let reading = format!(
            r#"{{"Time":"2026-09-16T{time}","RDM6300":{{"UID":"{:08X}"}}}}"#,
            badge(person)
        );
        self.publish("SENSOR", &reading, options)
    }
}

fn installation(broker: &Mosquitto) -> Result<Installation> {
    let installation = Installation::new("mqtt", None)?;
    let config = std::fs::read_to_string(installation.config())?.replace(
        "[[reader]]\nid = \"web-gate\"\nlink = \"http\"",
        &format!(
            "[[mqtt_broker]]\nid = \"house\"\naddress = \"localhost:{}\"\nca_file = \"{}\"\nuser = \"rollcall\"\n\
             password_file = \"{}\"\nkeep_alive_seconds = 5\n\n\
             [[reader]]\nid = \"web-gate\"\nlink = \"mqtt:tele/south/SENSOR\"\nformat = \"tasmota\"",
            broker.port,
            broker.path("ca.pem").display(),
            broker.path("password").display()
        ),
    );
    std::fs::write(installation.config(), config)?;
    Ok(installation)
}

async fn sees_arrived(viewer: &Viewer, people: u64) -> Result<()> {
    viewer
        .sees(SOON, "that many arrived", |snapshot| {
            (count(snapshot, "arrived") == Some(people)).then_some(())
        })
        .await
}

#[tokio::test]
async fn a_reader_on_a_broker_is_heard_through_restarts_and_believed_when_it_is_gone() -> Result<()> {
    let mut mosquitto = broker().await?;
    let installation = installation(&mosquitto)?;
    let gate = Gate(&mosquitto);
    gate.present(7, "07:00:00", &["-r"])?;
    gate.last_will("Online")?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    viewer.sees_reader("web-gate", "heard").await?;
    gate.present(0, "08:20:05", &[])?;
    sees_arrived(&viewer, 1).await?;
    daemon.kill().await?;

    // What is published at QoS 1 while the daemon is away waits at the broker, with the time at which the badge was shown.
    gate.present(1, "08:20:30", &["-q", "1"])?;
    let mut daemon = start_at(&installation, "08:22:00").await?;
    sees_arrived(&viewer, 2).await?;

    gate.last_will("Offline")?;
    viewer.sees_reader("web-gate", "silent").await?;
    set_clock(&mut daemon, "08:45:00").await?;
    viewer
        .sees(SOON, "everybody else is withheld and nobody missing", |snapshot| {
            let counts = ["arrived", "missing", "withheld"].map(|name| count(snapshot, name));
            (counts == [Some(2), Some(0), Some(10)]).then_some(())
        })
        .await?;
    gate.last_will("Online")?;
    viewer.sees_reader("web-gate", "heard").await?;

    mosquitto.switch_off().await?;
    viewer.sees_reader("web-gate", "silent").await?;
    mosquitto.switch_on().await?;
    viewer.sees_reader("web-gate", "heard").await?;
    // A clock that was never set is not believed.
    let gate = Gate(&mosquitto);
    gate.publish(
        "SENSOR",
        &format!(
            r#"{{"Time":"1970-01-01T00:00:09","RDM6300":{{"UID":"{:08X}"}}}}"#,
            badge(3)
        ),
        &[],
    )?;
    gate.present(2, "08:45:10", &[])?;
    sees_arrived(&viewer, 3).await?;
    assert!(!daemon.log()?.contains(PASSWORD), "the password is in the log");
    daemon.kill().await
}
