//! A reader on an OSDP bus: what it reads is stored before it may forget it, and who stands there sees what became of it.

use acceptance::bureau::badge;
use acceptance::daemon::Installation;
use acceptance::osdp::OsdpDevice;
use anyhow::Result;

use super::support::{SOON, Viewer, count, start_at};

const KEY: &str = "5ec2e7a1b04d4e6f9a3c8d7e1f2a3b4c";

/// Told on either database.
pub async fn a_badge_is_stored_before_the_light_is_green(database: Option<&str>) -> Result<()> {
    let installation = Installation::new("osdp", database)?;
    let mut device = OsdpDevice::start(101, KEY).await?;
    let key_file = installation.scratch("south-gate.key");
    std::fs::write(&key_file, format!("{KEY}\n"))?;
    let config = std::fs::read_to_string(installation.config())?.replace(
        "[[reader]]\nid = \"web-gate\"\nlink = \"http\"",
        &format!(
            "[[osdp_bus]]\nid = \"bus1\"\nlink = \"tcp:{}\"\n\n[[reader]]\nid = \"web-gate\"\nlink = \"osdp:bus1/101\"\n\
             format = \"wiegand\"\nbadge_key = \"decimal24\"\nsecure_channel_key_file = \"{}\"",
            device.address(),
            key_file.display()
        ),
    );
    std::fs::write(installation.config(), config)?;
    let daemon = start_at(&installation, "08:20:00").await?;
    device.present(u32::try_from(badge(0))?).await?;
    assert_eq!(device.light().await?, "green");
    daemon.kill().await?;

    // Killed as soon as the light was green: the swipe is there, judged, and the reader goes on.
    let daemon = start_at(&installation, "08:21:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    let arrived = |people: u64| {
        let viewer = &viewer;
        async move {
            viewer
                .sees(SOON, "that many arrived", |snapshot| {
                    (count(snapshot, "arrived") == Some(people)).then_some(())
                })
                .await
        }
    };
    arrived(1).await?;
    device.present(0x01_F674).await?;
    assert_eq!(device.light().await?, "amber", "a badge of nobody");
    device.present(u32::try_from(badge(1))?).await?;
    assert_eq!(device.light().await?, "green");
    arrived(2).await?;
    let log = daemon.log()?;
    assert!(log.contains("secure channel"), "the log says how it is spoken to");
    assert!(!log.contains(KEY), "the key is in the log");
    daemon.kill().await?;

    // Without its key it is not spoken to any more.
    let config = std::fs::read_to_string(installation.config())?;
    let without: Vec<&str> = config
        .lines()
        .filter(|line| !line.starts_with("secure_channel_key_file"))
        .collect();
    std::fs::write(installation.config(), without.join("\n"))?;
    let daemon = start_at(&installation, "08:22:00").await?;
    acceptance::wait::within(SOON, "it is refused in the log", || async {
        Ok(daemon.log()?.contains("reader.plain_refused").then_some(()))
    })
    .await?;
    daemon.kill().await
}

#[tokio::test]
async fn a_badge_at_an_osdp_reader_is_stored_before_the_light_is_green() -> Result<()> {
    a_badge_is_stored_before_the_light_is_green(None).await
}
