//! A reader that sends lines over TCP.

use acceptance::bureau::{PEOPLE, badge};
use acceptance::daemon::Installation;
use anyhow::Result;

use super::support::{SOON, Viewer, instant, line_reader, set_clock, start_at};

/// Told on either database.
pub async fn each_line_is_answered_once_it_is_stored(database: Option<&str>) -> Result<()> {
    let installation = Installation::new("lines", database)?;
    let mut daemon = start_at(&installation, "08:20:00").await?;
    let mut reader = line_reader(&installation).await?;
    let first = reader.ask(&format!("{},{}", badge(0), instant("08:19:00"))).await?;
    assert!(first.strip_prefix("ok ").is_some_and(|id| id.len() == 32), "{first}");
    assert_refused(&reader.ask("no,badge,of,ours").await?);
    assert_refused(&reader.ask("{\"badge\":").await?);
    assert_refused(&reader.ask(&format!("{},yesterday", badge(1))).await?);
    let next = reader.ask(&format!("{},{},in", badge(1), instant("08:19:30"))).await?;
    assert!(next.starts_with("ok "), "the line after a wrong one is read: {next}");
    let record = format!(
        r#"{{"id":"n-7","reader":"line-gate","badge":"{}","happened_at":"{}"}}"#,
        badge(2),
        instant("08:19:40")
    );
    let [recorded, again] = [reader.ask(&record).await?, reader.ask(&record).await?];
    assert!(recorded.starts_with("ok "), "{recorded}");
    assert_eq!(
        recorded, again,
        "the same record has the same id and is acknowledged again"
    );
    daemon.kill().await?;

    // Killed right after the answer: what was answered `ok` is there, judged.
    daemon = start_at(&installation, "08:21:00").await?;
    set_clock(&mut daemon, "08:40:00").await?;
    let viewer = Viewer::create(&installation, "lines")?;
    viewer
        .sees(SOON, "three arrived of twelve", |snapshot| {
            let counts = ["due", "arrived", "missing"].map(|name| snapshot["counts"][name].as_u64());
            (counts[..2] == [Some(12), Some(3)]).then_some(())
        })
        .await?;
    assert!(
        !viewer.snapshot().await?.to_string().contains(PEOPLE[0].1),
        "full names do not leave the server"
    );
    daemon.kill().await
}

fn assert_refused(answer: &str) {
    assert!(
        answer.strip_prefix("err ").is_some_and(|reason| !reason.is_empty()),
        "a wrong line is answered with a reason: {answer}"
    );
}

#[tokio::test]
async fn each_line_over_tcp_is_answered_once_it_is_stored() -> Result<()> {
    each_line_is_answered_once_it_is_stored(None).await
}

#[tokio::test]
async fn a_line_without_end_is_refused_and_costs_no_memory() -> Result<()> {
    let installation = Installation::new("lines-endless", None)?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let mut reader = line_reader(&installation).await?;
    // It may be cut off at any byte beyond the longest line; what is still sent then goes nowhere.
    let part = vec![b'7'; 65_536];
    let endless = async {
        for _ in 0..64 {
            reader.send(&part).await?;
        }
        anyhow::Ok(reader.answer().await?)
    };
    let answered = endless.await;
    if let Ok(answer) = &answered {
        assert_refused(answer);
    }
    let next = line_reader(&installation).await?.ask(&badge(3).to_string()).await?;
    assert!(
        next.starts_with("ok "),
        "another connection is served: {next} (after {answered:?})"
    );
    daemon.kill().await
}
