//! The screen and the admin pages in every size and language, kept as pictures and searched for cut-off text.

use std::time::Duration;

use acceptance::browser::{Browser, Size};
use acceptance::screen::Screen;
use acceptance::wait::within;
use anyhow::{Context as _, Result};

use super::admin::{become_first_admin, setup_link};
use super::demo::Demo;
use super::support::{FULL_HD, SOON};

/// From the start of the demo, at its speed, until its meeting has somebody who walked out.
const WALK_OUT_DEADLINE: Duration = Duration::from_mins(2);

/// The walls that display.md names, at one device pixel each.
const WALLS: [(&str, Size); 3] = [
    ("1080p", FULL_HD),
    (
        "4k",
        Size {
            width: 3_840,
            height: 2_160,
        },
    ),
    (
        "portrait",
        Size {
            width: 1_080,
            height: 1_920,
        },
    ),
];

async fn shown(browser: &Browser) -> Result<()> {
    within(SOON, "the page shows the board", || async {
        let state = browser
            .evaluate("return [document.documentElement.dataset.state, document.documentElement.dataset.link]")
            .await?;
        Ok((state[0] == "shown" && state[1] == "live").then_some(()))
    })
    .await
}

async fn photograph(browser: &Browser, name: &str, cut: &mut Vec<String>) -> Result<()> {
    browser.photograph(name).await?;
    cut.extend(
        browser
            .clipped_texts()
            .await?
            .into_iter()
            .map(|text| format!("{name}: {text}")),
    );
    Ok(())
}

#[tokio::test]
async fn no_wall_and_no_language_cuts_a_text_off() -> Result<()> {
    let demo = Demo::start(200, 240)?;
    let mut screen = within(SOON, "the demo serves its screen", || async {
        Ok(Some(Screen::connect(&demo.authority, None).await?))
    })
    .await?;
    let walked_out = screen.next_with(|frame| {
        frame["d"]["meetings"]
            .as_array()?
            .iter()
            .find(|meeting| meeting["out"][0].is_object())
            .cloned()
    });
    tokio::time::timeout(WALK_OUT_DEADLINE, walked_out)
        .await
        .context("nobody walked out of the demo's meeting")??;
    drop(screen);
    let browser = Browser::start(FULL_HD).await?;
    let mut cut = Vec::new();
    for language in ["zh-CN", "en"] {
        for (wall, size) in WALLS {
            browser.resize(size).await?;
            browser
                .open(&format!("http://{}/screen?lang={language}", demo.authority))
                .await?;
            shown(&browser).await?;
            photograph(&browser, &format!("screen-{wall}-{language}"), &mut cut).await?;
        }
    }
    photograph_admin(&demo, &browser, &mut cut).await?;
    assert!(cut.is_empty(), "cut-off texts:\n{}", cut.join("\n"));
    drop(demo);
    Ok(())
}

async fn photograph_admin(demo: &Demo, browser: &Browser, cut: &mut Vec<String>) -> Result<()> {
    browser
        .resize(Size {
            width: 1_440,
            height: 900,
        })
        .await?;
    let link = setup_link(&std::fs::read_to_string(&demo.printed)?)?;
    browser.open(&link).await?;
    photograph(browser, "admin-setup", cut).await?;
    become_first_admin(browser, &link).await?;
    for language in ["zh-CN", "en"] {
        browser.open(&format!("http://{}/today", demo.authority)).await?;
        browser.click(&format!(".language button[value='{language}']")).await?;
        for page in ["today", "review", "readers", "badges", "held", "rules", "account"] {
            browser.open(&format!("http://{}/{page}", demo.authority)).await?;
            photograph(browser, &format!("admin-{page}-{language}"), cut).await?;
        }
        browser.open(&format!("http://{}/review", demo.authority)).await?;
        browser.click("a.line").await?;
        photograph(browser, &format!("admin-finding-{language}"), cut).await?;
        browser.open(&format!("http://{}/readers", demo.authority)).await?;
        browser.click(".readers-list td a").await?;
        photograph(browser, &format!("admin-reader-{language}"), cut).await?;
    }
    Ok(())
}
