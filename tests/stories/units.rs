//! What a unit has to send to a meeting: shown while it is short, gone when somebody more comes, and the same after a crash.

use acceptance::bureau::badge;
use acceptance::daemon::{Installation, TOKEN};
use acceptance::http::post;
use anyhow::Result;
use serde_json::{Value, json};

use super::support::{SOON, Viewer, instant, set_clock, start_at};

const MEETING: &str = "[[meeting]]\nid = \"weekly\"\ntitle = \"重点工作推进会\"\nplace = \"hall\"\nstarts = \"2026-09-16 10:00\"\n\
    ends = \"2026-09-16 11:30\"\nsubstitutes = \"with_approval\"\n";

/// Somebody comes in to the meeting.
async fn comes_in(installation: &Installation, person: usize, time: &str) -> Result<()> {
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let swipe = json!({"id": format!("hall-{person}"), "reader": "hall-in", "badge": badge(person).to_string(), "happened_at": instant(time)});
    let answer = post(&installation.authority, "/api/v1/swipes", &headers, swipe.to_string()).await?;
    anyhow::ensure!(
        answer.status == 200 && answer.json()?["results"][0]["status"] == "recorded",
        "{}: {}",
        answer.status,
        answer.text()
    );
    Ok(())
}

/// The units that the meeting's panel says are short: name, kind, how many of how many.
fn shortfalls(snapshot: &Value) -> Option<Vec<(String, String, u64, u64)>> {
    let meeting = snapshot["meetings"]
        .as_array()?
        .iter()
        .find(|meeting| meeting["id"] == "weekly")?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let rows = meeting["shortfalls"].as_array()?.iter();
    rows.map(|row| {
        Some((
            text(&row["unit"])?,
            text(&row["kind"])?,
            row["came"].as_u64()?,
            row["asked"].as_u64()?,
        ))
    })
    .collect()
}

async fn sees_short(viewer: &Viewer, expected: &[(&str, &str, u64, u64)]) -> Result<()> {
    let expected: Vec<_> = expected
        .iter()
        .map(|(unit, kind, came, asked)| ((*unit).to_owned(), (*kind).to_owned(), *came, *asked))
        .collect();
    viewer
        .sees(SOON, &format!("short are {expected:?}"), |snapshot| {
            (shortfalls(snapshot)? == expected).then_some(())
        })
        .await
}

#[tokio::test]
async fn a_unit_that_sends_too_few_is_shown_until_it_has_sent_enough() -> Result<()> {
    let installation = Installation::new("units", None)?;
    installation.bureau.put("meetings.toml", MEETING)?;
    let units = "meeting,unit,at_least\nweekly,plan,2\nweekly,service,1\n";
    installation.bureau.put("meeting_units.csv", units)?;
    installation.import()?;
    let mut daemon = start_at(&installation, "09:40:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    comes_in(&installation, 0, "09:40:00").await?;
    set_clock(&mut daemon, "10:29:00").await?;
    sees_short(&viewer, &[]).await?;
    set_clock(&mut daemon, "10:30:01").await?;
    sees_short(
        &viewer,
        &[("服务科", "unit_absent", 0, 1), ("规划科", "unit_short", 1, 2)],
    )
    .await?;
    comes_in(&installation, 7, "10:30:01").await?;
    sees_short(&viewer, &[("规划科", "unit_short", 1, 2)]).await?;
    daemon.kill().await?;

    let mut daemon = start_at(&installation, "10:31:00").await?;
    sees_short(&viewer, &[("规划科", "unit_short", 1, 2)]).await?;
    // Nobody called her by name, and she counts for her unit all the same.
    comes_in(&installation, 4, "10:31:00").await?;
    sees_short(&viewer, &[]).await?;
    // An obligation that comes while the meeting runs is judged at once.
    installation
        .bureau
        .put("meeting_units.csv", "meeting,unit,at_least\nweekly,bureau,9\n")?;
    installation.import()?;
    sees_short(&viewer, &[("云川市综合服务局", "unit_short", 3, 9)]).await?;
    set_clock(&mut daemon, "12:20:00").await?;
    assert!(daemon.stop().await?.success(), "SIGTERM ends with exit code 0");
    let said = installation.tool(&["rebuild", "--check", "--json"])?;
    let rebuilt: Value = serde_json::from_str(&said)?;
    assert_eq!((&rebuilt["meetings"], &rebuilt["differences"]), (&json!(1), &json!([])));
    Ok(())
}
