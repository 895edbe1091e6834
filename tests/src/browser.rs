//! A real browser: Chromium, driven through chromedriver.

use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::wait::within;
use crate::{artefacts, programs};

const REMEDY: &str = "Debian: apt-get install chromium chromium-driver fonts-noto-cjk";
const DRIVER_DEADLINE: Duration = Duration::from_secs(30);

/// A browser with one page; it and its driver end when it is dropped.
#[derive(Debug)]
pub struct Browser {
    /// The page, for what the helpers below do not cover.
    pub page: Client,
    /// Killed when dropped; the browser that it started would outlive it.
    _driver: Child,
    profile: TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let own = |process: &std::path::Path| {
            let command = std::fs::read(process.join("cmdline")).unwrap_or_default();
            let profile = self.profile.path().as_os_str().as_bytes();
            command.windows(profile.len()).any(|part| part == profile)
        };
        let processes = std::fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path());
        for process in processes.filter(|process| own(process)) {
            // One that has ended meanwhile needs no kill.
            let _ = std::process::Command::new("kill")
                .arg("-KILL")
                .arg(process.file_name().unwrap_or_default())
                .stderr(Stdio::null())
                .status();
        }
    }
}

/// The size of the page in CSS pixels, one device pixel each.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl Browser {
    /// Starts a browser whose page is exactly `size` large.
    pub async fn start(size: Size) -> Result<Self> {
        let chromedriver = programs::installed(&["chromedriver"], REMEDY)?;
        let chromium = programs::installed(&["chromium", "chromium-browser", "google-chrome"], REMEDY)?;
        let mut driver = Command::new(chromedriver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("chromedriver could not be started")?;
        let port = tokio::time::timeout(DRIVER_DEADLINE, driver_port(&mut driver))
            .await
            .context("chromedriver does not start")??;
        let profile = TempDir::with_prefix("rollcall-browser-")?;
        let arguments = arguments(size, &profile);
        let capabilities =
            json!({"browserName": "chrome", "goog:chromeOptions": {"binary": chromium, "args": arguments}});
        let Value::Object(capabilities) = capabilities else {
            unreachable!("an object was written above")
        };
        let page = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .context("Chromium could not be started")?;
        let browser = Self {
            page,
            _driver: driver,
            profile,
        };
        browser.resize(size).await?;
        Ok(browser)
    }

    /// Makes the page exactly `size` large, whatever the window's own frame takes.
    pub async fn resize(&self, size: Size) -> Result<()> {
        within(DRIVER_DEADLINE, "the page has the size asked for", || async {
            let inner = self
                .evaluate("return [innerWidth, innerHeight, outerWidth, outerHeight]")
                .await?;
            let [width, height, outer_width, outer_height] =
                [0, 1, 2, 3].map(|at| u32::try_from(inner[at].as_u64().unwrap_or(0)).unwrap_or(0));
            if (width, height) == (size.width, size.height) {
                return Ok(Some(()));
            }
            let [frame_width, frame_height] = [outer_width.saturating_sub(width), outer_height.saturating_sub(height)];
            self.page
                .set_window_size(size.width + frame_width, size.height + frame_height)
                .await?;
            Ok(None)
        })
        .await
    }

    /// Goes to an address and waits until it has loaded.
    pub async fn open(&self, url: &str) -> Result<()> {
        self.page
            .goto(url)
            .await
            .with_context(|| format!("{url} does not load"))
    }

    /// Runs a script in the page and gives what it returns.
    pub async fn evaluate(&self, script: &str) -> Result<Value> {
        self.page
            .execute(script, vec![])
            .await
            .context("a script failed in the page")
    }

    /// The text that a person sees.
    pub async fn text(&self) -> Result<String> {
        Ok(self
            .evaluate("return document.body.innerText")
            .await?
            .as_str()
            .unwrap_or_default()
            .to_owned())
    }

    /// Waits until a person sees `text`.
    pub async fn sees(&self, deadline: Duration, text: &str) -> Result<()> {
        self.waits(deadline, &format!("the page shows {text}"), |seen| seen.contains(text))
            .await
    }

    /// Waits until no person sees `text` any more.
    pub async fn no_longer_sees(&self, deadline: Duration, text: &str) -> Result<()> {
        self.waits(deadline, &format!("the page no longer shows {text}"), |seen| {
            !seen.contains(text)
        })
        .await
    }

    async fn waits(&self, deadline: Duration, what: &str, holds: impl Fn(&str) -> bool) -> Result<()> {
        let waited = within(deadline, what, || async {
            Ok(holds(&self.text().await?).then_some(()))
        })
        .await;
        if waited.is_err() {
            let seen = self.text().await?;
            return waited.with_context(|| format!("the page shows:\n{seen}"));
        }
        waited
    }

    /// Clicks the first element that a CSS selector finds.
    pub async fn click(&self, selector: &str) -> Result<()> {
        let element = self
            .page
            .find(Locator::Css(selector))
            .await
            .with_context(|| format!("no {selector} on the page"))?;
        element
            .click()
            .await
            .with_context(|| format!("{selector} cannot be clicked"))
    }

    /// Types into the first element that a CSS selector finds.
    pub async fn fill(&self, selector: &str, text: &str) -> Result<()> {
        let element = self
            .page
            .find(Locator::Css(selector))
            .await
            .with_context(|| format!("no {selector} on the page"))?;
        element.clear().await?;
        element
            .send_keys(text)
            .await
            .with_context(|| format!("{selector} cannot be typed into"))
    }

    /// Keeps a picture of the page under `artefacts/NAME.png`.
    pub async fn photograph(&self, name: &str) -> Result<()> {
        let picture = self.page.screenshot().await.context("no screenshot")?;
        artefacts::keep(&format!("{name}.png"), &picture)?;
        Ok(())
    }

    /// Texts that are cut off: elements with text of their own that is wider or higher than the box it is in.
    pub async fn clipped_texts(&self) -> Result<Vec<String>> {
        let found = self.evaluate(CLIPPED_TEXTS).await?;
        Ok(found
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|text| text.as_str().map(str::to_owned))
            .collect())
    }
}

/// A box is judged only where it is seen and holds text itself. Chinese glyphs are higher than their line box, so a height
/// counts only when a good part of a second line is hidden.
const CLIPPED_TEXTS: &str = r"
const cut = [];
for (const element of document.body.querySelectorAll('*')) {
  const own = Array.from(element.childNodes).some(node => node.nodeType === 3 && node.textContent.trim() !== '');
  const box = element.getBoundingClientRect();
  const style = getComputedStyle(element);
  const hidden = style.visibility === 'hidden' || style.opacity === '0' || box.width < 2 || box.height < 2;
  const put_away = box.right <= 0 || box.bottom <= 0;
  if (!own || hidden || put_away || style.display === 'inline') continue;
  const wide = element.scrollWidth > element.clientWidth + 1;
  const high = style.overflowY === 'hidden' && element.scrollHeight > element.clientHeight * 1.5;
  const outside = box.right > innerWidth + 1 || box.left < -1;
  if (wide || high || outside)
    cut.push(`${element.tagName}.${element.className}: ${element.textContent.trim().slice(0, 60)}`);
}
return cut;";

/// No sandbox because a container's root has none to offer; the rest keeps the browser from calling anybody.
fn arguments(size: Size, profile: &TempDir) -> Vec<String> {
    let mut arguments: Vec<String> = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--force-device-scale-factor=1",
        "--hide-scrollbars",
    ]
    .map(str::to_owned)
    .into();
    arguments.push(format!("--window-size={},{}", size.width, size.height));
    arguments.push(format!("--user-data-dir={}", profile.path().display()));
    arguments
}

/// The port that chromedriver says it took; what it prints later is read away so that it never waits for a reader.
async fn driver_port(driver: &mut Child) -> Result<u16> {
    let output = driver.stdout.take().context("chromedriver has no output")?;
    let mut lines = BufReader::new(output).lines();
    while let Some(line) = lines.next_line().await? {
        let port = line
            .rsplit_once("on port ")
            .and_then(|(_, port)| port.trim_end_matches('.').parse().ok());
        // It first repeats the port that it was asked for, which is 0.
        if let Some(port) = port.filter(|port| *port != 0) {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(port);
        }
    }
    anyhow::bail!("chromedriver ended without saying its port")
}

#[cfg(test)]
mod tests {
    use super::{Browser, Size};

    #[tokio::test]
    async fn the_probe_finds_what_is_cut_off_and_only_that() -> anyhow::Result<()> {
        let size = Size {
            width: 800,
            height: 600,
        };
        let browser = Browser::start(size).await?;
        let page = "<p style='width:50px;overflow:hidden;white-space:nowrap'>much too long for this</p>\
                    <p style='width:400px;overflow:hidden;white-space:nowrap'>fits</p>";
        browser.open(&format!("data:text/html,{page}")).await?;
        let inner = browser.evaluate("return [innerWidth, innerHeight]").await?;
        assert_eq!(inner, serde_json::json!([800, 600]));
        assert_eq!(browser.clipped_texts().await?, ["P.: much too long for this"]);
        Ok(())
    }
}
