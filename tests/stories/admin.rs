//! The weekly review, in a browser.

use acceptance::browser::{Browser, Size};
use acceptance::bureau::{DATE, PEOPLE, badge};
use acceptance::daemon::Installation;
use acceptance::http;
use acceptance::pty::Pty;
use acceptance::wait::within;
use anyhow::{Context as _, Result};
use serde_json::Value;

use super::support::{SOON, instant, line_reader, set_clock, start_at};

const DESK: Size = Size {
    width: 1_440,
    height: 900,
};
const NAME: &str = "chen";
const PASSWORD: &str = "correct horse battery staple";

/// The one-time link in what the daemon printed.
pub fn setup_link(printed: &str) -> Result<String> {
    let from = printed
        .rfind("/setup/")
        .context("no link for the first administrator is printed")?;
    let start = printed[..from].rfind("http").context("the link has no address")?;
    let end = printed[from..]
        .find(|letter: char| letter.is_whitespace() || letter == '"')
        .map_or(printed.len(), |length| from + length);
    Ok(printed[start..end].to_owned())
}

/// Makes the first account through its link and logs in with it.
pub async fn become_first_admin(browser: &Browser, link: &str) -> Result<()> {
    browser.open(link).await?;
    browser.fill("input[name=name]", NAME).await?;
    browser.fill("input[name=password]", PASSWORD).await?;
    browser.fill("input[name=again]", PASSWORD).await?;
    browser.click("button.primary").await?;
    if browser.page.current_url().await?.path() == "/login" {
        browser.fill("input[name=name]", NAME).await?;
        browser.fill("input[name=password]", PASSWORD).await?;
        browser.click("button.primary").await?;
    }
    within(SOON, "somebody is logged in", || async {
        Ok(browser
            .evaluate("return document.querySelector('a.me') !== null")
            .await?
            .as_bool()
            .filter(|is| *is))
    })
    .await?;
    Ok(())
}

async fn choose(browser: &Browser, person: &str) -> Result<()> {
    let clicked = browser
        .evaluate(&format!(
            "const line = Array.from(document.querySelectorAll('a.line')).find(line => line.textContent.includes('{person}'));
             if (line) line.click();
             return line !== undefined"
        ))
        .await?;
    anyhow::ensure!(
        clicked == true,
        "{person} is not in the list: {}",
        browser.text().await?
    );
    within(SOON, "the finding is shown", || async {
        let heading = browser
            .evaluate("const head = document.querySelector('.detail .head h2'); return head ? head.textContent : ''")
            .await?;
        Ok(heading
            .as_str()
            .is_some_and(|heading| heading.contains(person))
            .then_some(()))
    })
    .await
}

#[tokio::test]
async fn the_first_admin_confirms_and_waives_and_it_is_on_record() -> Result<()> {
    let installation = Installation::new("admin", None)?;
    // What an unplugged reader could have seen would withhold the findings, and nobody decides on those.
    let _gate = Pty::plug(&installation.serial_link()).await?;
    let mut daemon = start_at(&installation, "08:20:00").await?;
    let mut reader = line_reader(&installation).await?;
    assert!(reader.ask("not,a,badge,line").await?.starts_with("err "));
    set_clock(&mut daemon, "08:50:00").await?;
    for (person, time) in [(2, "08:36:00"), (3, "08:41:00")] {
        let answer = reader.ask(&format!("{},{}", badge(person), instant(time))).await?;
        assert!(answer.starts_with("ok "), "{answer}");
    }

    let browser = Browser::start(DESK).await?;
    let link = setup_link(&daemon.log()?)?;
    become_first_admin(&browser, &link).await?;
    let again = http::get(&daemon.authority, link.trim_start_matches(&daemon.url(""))).await?;
    assert_eq!(again.status, 404, "the link works once");
    browser.open(&daemon.url("/today")).await?;
    browser.sees(SOON, PEOPLE[2].1).await?;
    browser.sees(SOON, "line-gate").await?;
    assert!(
        browser
            .evaluate("return document.querySelector('.raw code') !== null")
            .await?
            == true,
        "the wrong line is not shown"
    );
    browser.photograph("story-admin-today").await?;

    browser.open(&daemon.url("/review/2026-W38?date=2026-09-16")).await?;
    choose(&browser, PEOPLE[2].1).await?;
    browser.photograph("story-admin-finding").await?;
    let drawn = browser.evaluate("return [document.querySelectorAll('svg.picture circle').length, document.querySelectorAll('.why .steps li').length]").await?;
    assert!(
        drawn[0].as_u64() > Some(0) && drawn[1].as_u64() > Some(2),
        "the day is neither drawn nor explained: {drawn}"
    );
    let before = audit_entries(&installation)?;
    browser.click("form[action*='/confirm'] button").await?;
    reviewed(&browser, PEOPLE[2].0, "confirmed").await?;
    browser.open(&daemon.url("/review/2026-W38?date=2026-09-16")).await?;
    choose(&browser, PEOPLE[3].1).await?;
    browser.fill("form.waive input[name=reason]", "门口排队").await?;
    browser.click("form.waive button").await?;
    reviewed(&browser, PEOPLE[3].0, "waived").await?;
    assert_eq!(
        audit_entries(&installation)?,
        before + 2,
        "each decision is on record once"
    );
    let before_the_first_day = findings(&browser)
        .await?
        .into_iter()
        .find(|finding| finding["date"].as_str() < Some(DATE));
    assert_eq!(
        before_the_first_day, None,
        "a date before the first one that was watched is judged"
    );
    daemon.kill().await
}

/// Waits until a person's finding has been decided on: a click returns before its answer has come.
async fn reviewed(browser: &Browser, person: &str, review: &str) -> Result<()> {
    within(SOON, &format!("{person}'s finding is {review}"), || async {
        // While the browser is between two pages nothing can be asked of it.
        let said = review_of(browser, person).await.unwrap_or_default();
        Ok((said.as_deref() == Some(review)).then_some(()))
    })
    .await
}

/// How many entries the audit record has; the chain must hold.
fn audit_entries(installation: &Installation) -> Result<u64> {
    let said = installation.tool(&["audit", "verify"])?;
    let count = said.split(' ').next().unwrap_or_default();
    count.parse().with_context(|| format!("no count of entries: {said}"))
}

/// The findings of the week, as the JSON API gives them to the browser's login.
pub async fn findings(browser: &Browser) -> Result<Vec<Value>> {
    let script = "const request = new XMLHttpRequest();
        request.open('GET', '/api/v1/findings?week=2026-W38', false);
        request.send();
        return JSON.parse(request.responseText).findings";
    let findings = browser.evaluate(script).await?;
    Ok(findings.as_array().context("no findings")?.clone())
}

/// How far the review of a person's lateness is.
async fn review_of(browser: &Browser, person: &str) -> Result<Option<String>> {
    let findings = findings(browser).await?;
    let mut late = findings
        .iter()
        .filter(|finding| finding["subject"] == format!("person:{person}") && finding["kind"] == "late");
    Ok(late.find_map(|finding| finding["review"].as_str().map(str::to_owned)))
}

#[tokio::test]
async fn nobody_sees_a_page_without_a_login() -> Result<()> {
    let installation = Installation::new("anonymous", None)?;
    let daemon = start_at(&installation, "08:20:00").await?;
    for page in ["/", "/today", "/review/2026-W38", "/account"] {
        let answer = http::get(&daemon.authority, page).await?;
        let goes_to = answer
            .headers
            .get("location")
            .and_then(|to| to.to_str().ok())
            .unwrap_or_default();
        assert!(
            answer.status.is_redirection() && goes_to.contains("/login"),
            "{page}: {} to {goes_to:?}",
            answer.status
        );
    }
    for api in ["/api/v1/findings?week=2026-W38", "/api/v1/rejected"] {
        assert_eq!(http::get(&daemon.authority, api).await?.status, 401, "{api}");
    }
    let headers = [
        ("Origin", "https://elsewhere.example"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let forged = http::post(&daemon.authority, "/login", &headers, "name=a&password=b").await?;
    assert_eq!(forged.status, 403, "another site's form is refused");
    daemon.kill().await
}
