//! A night on duty, and who takes over in the morning.

use acceptance::browser::{Browser, Size};
use acceptance::bureau::{PEOPLE, badge};
use acceptance::daemon::{Daemon, Installation, TOKEN};
use acceptance::http;
use acceptance::wait::within;
use anyhow::Result;
use serde_json::{Value, json};

use super::admin::{become_first_admin, setup_link};
use super::support::{SOON, set_clock_to, start_at};

const DESK: Size = Size {
    width: 1_440,
    height: 900,
};

/// An instant of a day of September, at the site.
fn at(day: u32, time: &str) -> String {
    format!("2026-09-{day:02}T{time}+08:00")
}

fn with_a_watch(installation: &Installation) -> Result<()> {
    let bureau = &installation.bureau;
    bureau.put(
        "places.csv",
        "place,name,kind,pairing\neast,东门,office,first\nwest,西门,office,first\nsouth,南门,office,first\nhall,三楼会议室,meeting,directed\n\
         watch,值班室,duty,first\n",
    )?;
    bureau.put(
        "readers.csv",
        "reader,place,faces\neast-gate,east,in\nline-gate,west,both\nweb-gate,south,in\nweb-exit,south,out\nhall-in,hall,in\nhall-out,hall,out\n\
         watch-in,watch,in\nwatch-out,watch,out\n",
    )?;
    bureau.put(
        "duties.csv",
        "duty,person,place,starts,ends,role,hands_over_to\n\
         night,p03,watch,2026-09-16 18:00,2026-09-17 08:00,leader,day\n\
         day,p04,watch,2026-09-17 08:00,2026-09-17 18:00,,\n",
    )?;
    bureau.put(
        "duty_checks.csv",
        "duty,at\nnight,2026-09-16 22:00\nnight,2026-09-17 03:00\n",
    )?;
    installation.import().map(drop)
}

async fn swipe(installation: &Installation, id: &str, reader: &str, person: usize, happened_at: &str) -> Result<()> {
    let body = json!({"id": id, "reader": reader, "badge": badge(person).to_string(), "happened_at": happened_at});
    let bearer = format!("Bearer {TOKEN}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let answer = http::post(&installation.authority, "/api/v1/swipes", &headers, body.to_string()).await?;
    let recorded = answer.status == 200 && answer.json()?["results"][0]["status"] == "recorded";
    anyhow::ensure!(recorded, "{id}: {} {}", answer.status, answer.text());
    Ok(())
}

/// The findings of a person's duty that hold, each as `kind state`, once they are as expected.
async fn says(browser: &Browser, source: &str, expected: &[&str]) -> Result<()> {
    within(SOON, &format!("{source} says {expected:?}"), || async {
        let answer = browser
            .evaluate("return fetch('/api/v1/findings?week=2026-W38').then(answer => answer.json())")
            .await?;
        let rows = answer["findings"].as_array().map_or(&[][..], Vec::as_slice);
        let mut said: Vec<String> = rows
            .iter()
            .filter(|row| row["source"] == source)
            .map(|row| {
                let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
                format!("{} {}", text("kind"), text("state"))
            })
            .collect();
        said.sort();
        anyhow::ensure!(said == expected, "{said:?} in {}", Value::from(rows.to_vec()));
        Ok(Some(()))
    })
    .await
}

async fn set_clock(daemon: &mut Daemon, day: u32, time: &str) -> Result<()> {
    set_clock_to(daemon, &at(day, time)).await
}

#[tokio::test]
async fn a_night_is_judged_as_it_goes_and_handed_over_in_the_morning() -> Result<()> {
    let installation = Installation::new("duty", None)?;
    with_a_watch(&installation)?;
    let mut daemon = start_at(&installation, "17:40:00").await?;
    let browser = Browser::start(DESK).await?;
    become_first_admin(&browser, &setup_link(&daemon.log()?)?).await?;
    set_clock(&mut daemon, 16, "18:05:00").await?;
    says(&browser, "night", &["duty_absent provisional"]).await?;
    set_clock(&mut daemon, 16, "18:10:30").await?;
    swipe(&installation, "n-1", "watch-in", 2, &at(16, "18:10:00")).await?;
    says(&browser, "night", &["duty_late final"]).await?;
    set_clock(&mut daemon, 16, "22:05:30").await?;
    swipe(&installation, "n-2", "watch-in", 2, &at(16, "22:05:00")).await?;
    set_clock(&mut daemon, 17, "03:11:00").await?;
    says(&browser, "night", &["duty_late final", "duty_left provisional"]).await?;

    set_clock(&mut daemon, 17, "08:02:00").await?;
    let waiting = [
        "duty_late final",
        "duty_left provisional",
        "handover_missing provisional",
    ];
    says(&browser, "night", &waiting).await?;
    says(&browser, "day", &["duty_absent provisional"]).await?;
    // Who is judged by somebody else's badge: the successor's swipe is what the handover waits for.
    set_clock(&mut daemon, 17, "08:06:30").await?;
    swipe(&installation, "n-3", "watch-in", 3, &at(17, "08:06:00")).await?;
    says(&browser, "night", &["duty_late final", "duty_left provisional"]).await?;
    says(&browser, "day", &["duty_late final"]).await?;
    browser.open(&daemon.url("/today")).await?;
    browser.sees(SOON, "08:06 起在岗").await?;
    browser.photograph("story-duty-today").await?;
    set_clock(&mut daemon, 17, "08:12:00").await?;
    swipe(&installation, "n-4", "watch-out", 2, &at(17, "08:11:00")).await?;
    set_clock(&mut daemon, 17, "08:31:00").await?;
    says(&browser, "night", &["duty_late final", "duty_left final"]).await?;

    let name = PEOPLE[2].1;
    browser.open(&daemon.url("/review/2026-W38?tab=open")).await?;
    browser.sees(SOON, "带班领导").await?;
    browser
        .evaluate(&format!(
            "Array.from(document.querySelectorAll('a.line')).find(line => line.textContent.includes('{name}') && line.textContent.includes('值班脱岗')).click()"
        ))
        .await?;
    browser.sees(SOON, "03:00 查岗").await?;
    browser.photograph("story-duty-review").await?;

    assert_eq!(daemon.stop().await?.code(), Some(0));
    installation.tool(&["rebuild", "--check"])?;
    Ok(())
}
