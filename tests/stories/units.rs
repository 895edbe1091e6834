//! What a unit has to send to a meeting: shown while it is short, gone when somebody more comes, and the same after a crash.

use acceptance::browser::Browser;
use acceptance::bureau::badge;
use acceptance::daemon::{Installation, TOKEN};
use acceptance::http::post;
use anyhow::Result;
use serde_json::{Value, json};

use super::admin::{become_first_admin, setup_link};
use super::support::{FULL_HD, SOON, Viewer, instant, set_clock, start_at};

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

/// One of the counts of the meeting's panel.
fn of_meeting(snapshot: &Value, name: &str) -> Option<u64> {
    let mut meetings = snapshot["meetings"].as_array()?.iter();
    meetings.find(|meeting| meeting["id"] == "weekly")?["counts"][name].as_u64()
}

#[tokio::test]
async fn a_proposed_substitute_is_accepted_and_stands_for_the_named_person() -> Result<()> {
    let installation = Installation::new("substitutes", None)?;
    installation.bureau.put("meetings.toml", MEETING)?;
    let units = "meeting,unit,at_least\nweekly,plan,3\nweekly,service,4\n";
    installation.bureau.put("meeting_units.csv", units)?;
    installation.import()?;
    let mut daemon = start_at(&installation, "09:40:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    let browser = Browser::start(FULL_HD).await?;
    become_first_admin(&browser, &setup_link(&daemon.log()?)?).await?;
    for person in [0, 4, 6, 7] {
        comes_in(&installation, person, "09:40:00").await?;
    }
    set_clock(&mut daemon, "10:40:00").await?;
    let absent = |expected: u64| move |snapshot: &Value| (of_meeting(snapshot, "absent")? == expected).then_some(());
    viewer.sees(SOON, "one of those called is absent", absent(1)).await?;

    browser.open(&daemon.url("/meetings/weekly")).await?;
    browser.sees(SOON, "钱秋白").await?;
    assert!(browser.clipped_texts().await?.is_empty());
    browser.photograph("story-meeting").await?;
    browser.click("form.proposal button").await?;
    browser.sees(SOON, "已同意代会").await?;
    viewer.sees(SOON, "somebody is there for her", absent(0)).await?;
    browser.open(&daemon.url("/meetings/weekly")).await?;
    browser.sees(SOON, "钱秋白代欧阳雪梅").await?;

    browser.click("form.row-act button").await?;
    browser.sees(SOON, "已撤回").await?;
    viewer.sees(SOON, "nobody is there for her any more", absent(1)).await?;
    browser.open(&daemon.url("/meetings/weekly")).await?;
    browser.click("form.proposal button").await?;
    viewer.sees(SOON, "and then somebody is again", absent(0)).await?;

    browser.open(&viewer.address("zh-CN")).await?;
    browser.sees(SOON, "规划科 到会 2 / 3").await?;
    assert!(browser.clipped_texts().await?.is_empty());
    browser.photograph("story-units-short").await?;
    installation.tool(&["audit", "verify"])?;
    daemon.kill().await?;
    installation.tool(&["rebuild", "--check"])?;
    Ok(())
}
