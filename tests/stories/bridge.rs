//! A bridge beside readers elsewhere: cut off, killed, and back, with nothing missing and nothing twice.

use std::collections::BTreeSet;
use std::process::Stdio;

use acceptance::bridge::{BridgeBox, RunningBridge};
use acceptance::bureau::{badge, tag};
use acceptance::daemon::{Installation, free_address};
use acceptance::line::LineReader;
use acceptance::programs::installed;
use acceptance::pty::{Pty, rdm6300};
use acceptance::wait::within;
use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::process::{Child, Command};

use super::support::{SOON, Viewer, count, instant, line_reader, set_clock, start_at};

/// Writes a configuration in which the bridge `east` hears both of the bureau's gates: one says so in its link, the other is told.
fn give_gates_to_bridge(installation: &Installation) -> Result<()> {
    let text = format!(
        "listen = \"{authority}\"\npublic_url = \"http://{authority}\"\n\n\
         [[reader]]\nid = \"east-gate\"\nlink = \"bridge:east\"\n\n\
         [[bridge]]\nname = \"east\"\n\n\
         [[bridge.reader]]\nid = \"line-gate\"\nlink = \"tcp-listen:{line}\"\nformat = \"line\"\n",
        authority = installation.authority,
        line = installation.line_address,
    );
    Ok(std::fs::write(installation.config(), text)?)
}

fn daemon_address(installation: &Installation) -> String {
    format!("ws://{}/bridge/ws", installation.authority)
}

/// The bridge `east`, whose own file names the serial gate.
fn east(installation: &Installation, keys: &str) -> Result<BridgeBox> {
    let serial = installation.serial_link();
    let table = format!(
        "[[reader]]\nid = \"east-gate\"\nlink = \"serial:{}\"\nformat = \"rdm6300\"\n",
        serial.display()
    );
    BridgeBox::new(installation, "east", keys, &table)
}

fn keys(daemon: &str) -> String {
    format!("daemons = [\"{daemon}\"]\n")
}

/// The swipes of the story: who passes, and when. Hundreds while nobody listens; eleven come in time, one late, and one never.
fn passages() -> Vec<(usize, String)> {
    let mut passages: Vec<_> = (0..10)
        .map(|person| (person, instant(&format!("08:2{}:11", person % 10))))
        .collect();
    passages.push((10, instant("08:41:00")));
    for round in 0..40 {
        for person in 0..10 {
            passages.push((
                person,
                instant(&format!("08:{:02}:{:02}", 45 + round / 4, round % 4 * 15 + person)),
            ));
        }
    }
    passages
}

/// Passes badges at the line gate; whoever hears nothing, or `err busy`, tries again, as readers do.
async fn pass(installation: &Installation, passages: &[(usize, String)]) -> Result<BTreeSet<String>> {
    let (mut ids, mut reader) = (BTreeSet::new(), line_reader(installation).await?);
    for (person, at) in passages {
        let line = format!("{},{at}", badge(*person));
        loop {
            match reader.ask(&line).await {
                Ok(answer) if answer == "err busy" => {}
                Ok(answer) => {
                    let id = answer.strip_prefix("ok ").with_context(|| answer.clone())?;
                    ids.insert(id.to_owned());
                    break;
                }
                Err(_) => reader = line_reader(installation).await?,
            }
        }
    }
    Ok(ids)
}

/// What a screen shows of the morning: who is missing, late or withheld, without the numbers of the process that says it.
async fn board(viewer: &Viewer) -> Result<(Value, Vec<(String, String, Value)>)> {
    let snapshot = viewer.snapshot().await?;
    let rows = snapshot["rows"].as_array().context("rows")?;
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let mut rows: Vec<_> = rows
        .iter()
        .map(|row| (text(row, "name"), text(row, "kind"), row["minutes"].clone()))
        .collect();
    rows.sort_by_key(|(name, kind, _)| (name.clone(), kind.clone()));
    Ok((snapshot["counts"].clone(), rows))
}

/// The same morning with the line gate at the daemon and nothing in the way.
async fn uninterrupted() -> Result<(Value, Vec<(String, String, Value)>)> {
    let installation = Installation::new("bridge-peace", None)?;
    let mut gate = Pty::plug(&installation.serial_link()).await?;
    let mut daemon = start_at(&installation, "08:00:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    for reader in ["east-gate", "line-gate"] {
        viewer.sees_reader(reader, "heard").await?;
    }
    gate.send(&rdm6300(tag(0)))?;
    set_clock(&mut daemon, "08:59:00").await?;
    pass(&installation, &passages()).await?;
    set_clock(&mut daemon, "09:30:00").await?;
    everybody_is_judged(&installation).await?;
    let board = board(&viewer).await?;
    daemon.kill().await?;
    Ok(board)
}

/// Waits until nothing is to be judged, and what is stored is what a rebuild from nothing says.
async fn everybody_is_judged(installation: &Installation) -> Result<()> {
    within(SOON * 2, "what is judged is what a rebuild says", || async {
        let said = installation.tool(&["rebuild", "--check", "--json"])?;
        let rebuilt: Value = serde_json::from_str(&said)?;
        Ok((rebuilt["pending"] == 0).then_some(()))
    })
    .await
}

/// Which swipes are stored, from the export: badge and instant of each, in order.
fn exported(installation: &Installation, folder: &str) -> Result<Vec<String>> {
    let folder = installation.scratch(folder);
    installation.tool(&["export", &folder.display().to_string()])?;
    let text = std::fs::read_to_string(folder.join("swipes.csv"))?;
    let lines = text.lines().skip(1).filter(|line| line.contains("line-gate"));
    Ok(lines.map(str::to_owned).collect())
}

#[tokio::test]
async fn a_bridge_that_was_cut_off_and_killed_brings_every_badge_once_and_nobody_was_absent() -> Result<()> {
    let installation = Installation::new("bridge", None)?;
    give_gates_to_bridge(&installation)?;
    let mut gate = Pty::plug(&installation.serial_link()).await?;
    let mut daemon = start_at(&installation, "08:00:00").await?;
    let url = daemon_address(&installation);
    let east = east(&installation, &keys(&url))?;
    east.enrol(&installation, &url, &[]).await?;
    let running = east.start()?;
    let viewer = Viewer::create(&installation, "lobby")?;
    for reader in ["east-gate", "line-gate"] {
        viewer.sees_reader(reader, "heard").await?;
    }
    gate.send(&rdm6300(tag(0)))?;
    let all = passages();
    set_clock(&mut daemon, "08:24:00").await?;
    let mut acknowledged = pass(&installation, &all[..4]).await?;
    viewer
        .sees(SOON, "four arrived", |snapshot| {
            (count(snapshot, "arrived") == Some(4)).then_some(())
        })
        .await?;
    daemon.kill().await?;

    // Nobody listens: the bridge keeps what passes, and is killed in the middle of it.
    acknowledged.append(&mut pass(&installation, &all[4..200]).await?);
    running.kill().await?;
    let mut daemon = start_at(&installation, "09:00:00").await?;
    viewer.sees_reader("line-gate", "silent").await?;
    set_clock(&mut daemon, "09:30:00").await?;
    viewer
        .sees(SOON, "while the bridge is away nobody is missing", |snapshot| {
            let counts = ["missing", "withheld"].map(|name| count(snapshot, name));
            (counts == [Some(0), Some(8)]).then_some(())
        })
        .await?;
    daemon.kill().await?;
    let running = east.start()?;
    acknowledged.append(&mut pass(&installation, &all[200..]).await?);
    assert_eq!(acknowledged.len(), all.len(), "a badge a record");

    let mut daemon = start_at(&installation, "09:29:00").await?;
    for reader in ["east-gate", "line-gate"] {
        viewer.sees_reader(reader, "heard").await?;
    }
    set_clock(&mut daemon, "09:30:00").await?;
    everybody_is_judged(&installation).await?;
    let stored = exported(&installation, "after")?;
    assert_eq!(stored.len(), all.len(), "none missing, none twice");
    let (counts, rows) = board(&viewer).await?;
    let (peaceful_counts, peaceful_rows) = uninterrupted().await?;
    assert_eq!(
        rows, peaceful_rows,
        "the verdicts are those of a morning without an outage"
    );
    for name in ["due", "arrived", "missing", "withheld"] {
        assert_eq!(counts[name], peaceful_counts[name], "{name}");
    }
    assert!(running.stop().await?.success());
    daemon.kill().await
}

#[tokio::test]
async fn a_full_queue_says_busy_and_goes_on_when_the_daemon_is_back() -> Result<()> {
    let installation = Installation::new("bridge-full", None)?;
    give_gates_to_bridge(&installation)?;
    let daemon = start_at(&installation, "08:00:00").await?;
    let url = daemon_address(&installation);
    let east = east(&installation, &format!("{}queue_megabytes = 1\n", keys(&url)))?;
    east.enrol(&installation, &url, &[]).await?;
    let running = east.start()?;
    running.logs("configuration.used").await?;
    daemon.kill().await?;
    let mut reader = line_reader(&installation).await?;
    let (mut kept, mut number, padding) = (BTreeSet::new(), 0, "n".repeat(90));
    let refused = loop {
        let records: Vec<String> = (number..number + 50).map(|number| record(number, &padding)).collect();
        reader.send(records.concat().as_bytes()).await?;
        let mut refused = None;
        for record in number..number + 50 {
            match reader.answer().await?.strip_prefix("ok ") {
                Some(id) => assert!(kept.insert(id.to_owned())),
                None => refused = refused.or(Some(record)),
            }
        }
        number += 50;
        if let Some(refused) = refused {
            break refused;
        }
        assert!(number < 20_000, "a megabyte is full at some time");
    };
    running.logs("queue.full").await?;
    assert!(kept.len() > 1_000, "{} records", kept.len());

    let daemon = start_at(&installation, "08:05:00").await?;
    let again = within(SOON * 2, "there is room again", || async {
        let mut reader = LineReader::connect(&installation.line_address).await?;
        let answer = reader.ask(record(refused, &padding).trim_end()).await?;
        Ok(answer.strip_prefix("ok ").map(str::to_owned))
    })
    .await?;
    kept.insert(again);
    within(SOON * 2, "everything that was acknowledged is stored", || async {
        let metrics = acceptance::http::get(&daemon.authority, "/metrics").await?.text();
        let stored = metrics
            .lines()
            .find_map(|line| line.strip_prefix("rollcall_swipes_stored_total "));
        let stored: usize = stored.context(metrics.clone())?.trim().parse()?;
        Ok((stored >= kept.len()).then_some(()))
    })
    .await?;
    assert_eq!(
        exported(&installation, "full")?.len(),
        kept.len(),
        "none missing, none twice"
    );
    assert!(running.stop().await?.success());
    daemon.kill().await
}

/// A record of its own, as a gateway sends it.
fn record(number: usize, padding: &str) -> String {
    let at = instant(&format!("08:{:02}:{:02}", number / 60 % 60, number % 60));
    format!(
        "{{\"id\":\"{padding}-{number}\",\"badge\":\"{}\",\"happened_at\":\"{at}\"}}\n",
        badge(number % 12)
    )
}

#[tokio::test]
async fn only_an_enrolled_bridge_is_taken_and_a_revoked_one_is_sent_away() -> Result<()> {
    let installation = Installation::new("bridge-keys", None)?;
    give_gates_to_bridge(&installation)?;
    let daemon = start_at(&installation, "08:00:00").await?;
    let url = daemon_address(&installation);
    let east = BridgeBox::new(&installation, "east", &keys(&url), "")?;
    let wrong = east.try_enrol(&url, "AAAAA-BBBBB-CCCCC-DDDDD", &[]).await?;
    assert!(!wrong.status.success());
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("rollcall bridge enrol"));

    // A key that the daemon never saw.
    std::fs::create_dir_all(east.state())?;
    std::fs::write(east.state().join("key"), "ab".repeat(32))?;
    let stranger = east.start()?;
    stranger.logs("does not take this bridge's key").await?;
    assert!(stranger.stop().await?.success());

    east.enrol(&installation, &url, &[]).await?;
    let running = east.start()?;
    running.logs("uplink.up").await?;
    let twin = BridgeBox::new(&installation, "east-twin", &keys(&url), "")?;
    std::fs::create_dir_all(twin.state())?;
    std::fs::copy(east.state().join("key"), twin.state().join("key"))?;
    let twin = twin.start()?;
    twin.logs("uplink.up").await?;
    running.logs("another bridge has connected with the same key").await?;
    twin.kill().await?;

    assert!(installation.tool(&["bridge", "list"])?.contains("east"));
    installation.tool(&["bridge", "revoke", "east"])?;
    running.logs("does not take this bridge's key").await?;
    assert_eq!(installation.tool(&["bridge", "list"])?, "");
    running.kill().await?;
    daemon.kill().await
}

/// A certificate authority of our own making, a certificate for this machine, and a proxy that shows it in front of the daemon.
async fn tls_proxy(installation: &Installation) -> Result<(Child, String, String)> {
    let openssl = installed(&["openssl"], "Debian: apt-get install openssl")?;
    let socat = installed(&["socat"], "Debian: apt-get install socat")?;
    let folder = installation.scratch("tls");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("san"), "subjectAltName=IP:127.0.0.1\n")?;
    let steps = [
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=Own -keyout ca.key -out ca.pem",
        "req -newkey rsa:2048 -nodes -subj /CN=rollcall -keyout leaf.key -out leaf.csr",
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile san -out leaf.pem",
    ];
    for step in steps {
        let done = Command::new(&openssl)
            .args(step.split(' '))
            .current_dir(&folder)
            .output()
            .await?;
        anyhow::ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
    let (address, inner) = (free_address()?, &installation.authority);
    let port = address.rsplit_once(':').context("a port")?.1;
    let listen = format!(
        "OPENSSL-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,verify=0,cert={folder}/leaf.pem,key={folder}/leaf.key",
        folder = folder.display()
    );
    let proxy = Command::new(socat)
        .args([&listen, &format!("TCP:{inner}")])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let roots = folder.join("ca.pem").display().to_string();
    Ok((proxy, format!("wss://{address}/bridge/ws"), roots))
}

#[tokio::test]
async fn a_certificate_of_ones_own_making_is_believed_only_where_it_is_named() -> Result<()> {
    let installation = Installation::new("bridge-tls", None)?;
    give_gates_to_bridge(&installation)?;
    let daemon = start_at(&installation, "08:00:00").await?;
    let (proxy, url, roots) = tls_proxy(&installation).await?;
    let stranger = BridgeBox::new(&installation, "east", &keys(&url), "")?;
    within(SOON, "the proxy listens", || async {
        let said = stranger.try_enrol(&url, "AAAAA", &[]).await?;
        let said = String::from_utf8_lossy(&said.stderr).into_owned();
        said.contains("write root_certificates_file or certificate_sha256")
            .then_some(Some(()))
            .context(said)
    })
    .await?;
    stranger
        .enrol(&installation, &url, &["--root-certificates-file", &roots])
        .await?;
    let file = format!("{}root_certificates_file = \"{roots}\"\n", keys(&url));
    let running = BridgeBox::new(&installation, "east", &file, "")?.start()?;
    running.logs("uplink.up").await?;
    stop_well(running).await?;

    let fingerprint = fingerprint(&installation).await?;
    let file = format!("{}certificate_sha256 = \"{fingerprint}\"\n", keys(&url));
    let running = BridgeBox::new(&installation, "east", &file, "")?.start()?;
    running.logs("uplink.up").await?;
    stop_well(running).await?;
    let file = format!("{}certificate_sha256 = \"{}\"\n", keys(&url), "00".repeat(32));
    let running = BridgeBox::new(&installation, "east", &file, "")?.start()?;
    running
        .logs("write root_certificates_file or certificate_sha256")
        .await?;
    drop(proxy);
    stop_well(running).await?;
    daemon.kill().await
}

async fn stop_well(running: RunningBridge) -> Result<()> {
    anyhow::ensure!(running.stop().await?.success());
    Ok(())
}

async fn fingerprint(installation: &Installation) -> Result<String> {
    let folder = installation.scratch("tls");
    let said = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in", "leaf.pem"])
        .current_dir(folder)
        .output()
        .await?;
    let said = String::from_utf8(said.stdout)?;
    Ok(said.trim().rsplit_once('=').context("a fingerprint")?.1.to_owned())
}
