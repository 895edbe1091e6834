//! Readers and gateways that post to us.

use acceptance::bureau::badge;
use acceptance::daemon::{Installation, SECRET, TOKEN};
use acceptance::http::{Answer, post};
use anyhow::{Context as _, Result};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::support::{instant, start_at};

const PATH: &str = "/api/v1/swipes";

fn bearer() -> String {
    format!("Bearer {TOKEN}")
}

async fn send(installation: &Installation, body: &Value) -> Result<Answer> {
    let headers = [
        ("Authorization", bearer()),
        ("Content-Type", "application/json".to_owned()),
    ];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    post(&installation.authority, PATH, &headers, body.to_string()).await
}

fn swipe(id: &str, person: usize, happened_at: &str) -> Value {
    json!({"id": id, "reader": "web-gate", "badge": badge(person).to_string(), "happened_at": happened_at})
}

/// `status` of every result, in the order sent; the ids must be those sent.
fn statuses(answer: &Answer, ids: &[&str]) -> Result<Vec<String>> {
    anyhow::ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
    let body = answer.json()?;
    let results = body["results"].as_array().context("no results")?;
    let given: Vec<&str> = results.iter().filter_map(|result| result["id"].as_str()).collect();
    anyhow::ensure!(given == ids, "ids {given:?} instead of {ids:?}");
    Ok(results
        .iter()
        .filter_map(|result| result["status"].as_str().map(str::to_owned))
        .collect())
}

/// Told on either database.
pub async fn recorded_once_and_quarantined_when_in_doubt(database: Option<&str>) -> Result<()> {
    let installation = Installation::new("webhook", database)?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let one = send(&installation, &swipe("g-1", 0, &instant("08:19:30"))).await?;
    assert_eq!(statuses(&one, &["g-1"])?, ["recorded"]);
    let batch = json!([
        swipe("g-1", 0, &instant("08:19:30")),
        swipe("g-2", 1, &instant("08:19:40")),
        swipe("g-3", 2, &instant("09:45:00")),
        swipe("g-4", 3, "2000-01-01T00:00:00+08:00"),
    ]);
    let answer = send(&installation, &batch).await?;
    assert_eq!(
        statuses(&answer, &["g-1", "g-2", "g-3", "g-4"])?,
        ["duplicate", "recorded", "quarantined", "quarantined"]
    );
    let reasons = answer.json()?;
    assert!(
        reasons["results"][2]["reason"].is_string() && reasons["results"][3]["reason"].is_string(),
        "{reasons}"
    );
    assert!(daemon.stop().await?.success(), "SIGTERM ends with exit code 0");
    let daemon = start_at(&installation, "08:21:00").await?;
    let again = send(&installation, &batch).await?;
    let after_restart = statuses(&again, &["g-1", "g-2", "g-3", "g-4"])?;
    assert_eq!(
        after_restart[..2],
        ["duplicate", "duplicate"],
        "what was acknowledged is there after a restart"
    );
    daemon.kill().await
}

#[tokio::test]
async fn a_posted_swipe_is_recorded_once_and_quarantined_when_in_doubt() -> Result<()> {
    recorded_once_and_quarantined_when_in_doubt(None).await
}

#[tokio::test]
async fn what_is_not_a_swipe_from_a_known_source_is_refused() -> Result<()> {
    let installation = Installation::new("webhook-refusals", None)?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let good = swipe("r-1", 0, &instant("08:19:30")).to_string();
    let (authority, bearer) = (&installation.authority, bearer());
    let json_type = ("Content-Type", "application/json");
    let known = ("Authorization", bearer.as_str());
    let too_large = format!("[\"{}\"]", "x".repeat(1_100_000));
    let cases = [
        ("nobody", 401, vec![json_type], good.as_str()),
        (
            "a wrong token",
            401,
            vec![json_type, ("Authorization", "Bearer wrong")],
            &good,
        ),
        ("text", 415, vec![known, ("Content-Type", "text/plain")], &good),
        ("too large a body", 413, vec![known, json_type], &too_large),
        (
            "a field missing",
            422,
            vec![known, json_type],
            r#"{"id":"r-2","reader":"web-gate"}"#,
        ),
        ("a bare number", 422, vec![known, json_type], "17"),
        ("half a body", 422, vec![known, json_type], r#"{"id":"#),
    ];
    for (what, status, headers, body) in cases {
        let answer = post(authority, PATH, &headers, body.to_owned()).await?;
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
    }
    let answer = send(&installation, &swipe("r-1", 0, &instant("08:19:30"))).await?;
    assert_eq!(
        statuses(&answer, &["r-1"])?,
        ["recorded"],
        "nothing refused was recorded, and the next is heard"
    );
    daemon.kill().await
}

#[tokio::test]
async fn a_signature_speaks_for_its_own_readers_and_not_for_long() -> Result<()> {
    let installation = Installation::new("webhook-signed", None)?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let body = swipe("s-1", 0, &instant("08:19:30")).to_string();
    let now = unix_seconds()?;
    let signed = |at: u64, secret: &str| format!("t={at},v1={}", signature(secret, &format!("{at}.{body}")));
    let cases = [
        ("a wrong secret", 401, signed(now, "another secret")),
        ("an old signature", 401, signed(now - 3_600, SECRET)),
        ("a good one", 200, signed(now, SECRET)),
    ];
    for (what, status, header) in cases {
        let headers = [
            ("Content-Type", "application/json"),
            ("X-Rollcall-Signature", header.as_str()),
        ];
        let answer = post(&installation.authority, PATH, &headers, body.clone()).await?;
        assert_eq!(answer.status, status, "{what}: {}", answer.text());
    }
    daemon.kill().await
}

fn signature(secret: &str, signed: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(signed.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

fn unix_seconds() -> Result<u64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "a sender signs with its own clock, which is the host's"
    )]
    let now = std::time::SystemTime::now();
    Ok(now.duration_since(std::time::UNIX_EPOCH)?.as_secs())
}
