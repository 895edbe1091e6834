//! What an operator asks of the record: is it true, what would other rules have said, and what becomes of a published week.

use acceptance::bureau::{DATE, badge};
use acceptance::daemon::Installation;
use acceptance::pty::Pty;
use anyhow::{Context as _, Result};
use serde_json::Value;

use super::support::{Viewer, instant, line_reader, set_clock, start_at};

const LATER: &str = "[[schedule]]\nid = \"office\"\n\n[[schedule.period]]\nname = \"morning\"\nstarts = \"08:40\"\nends = \"12:00\"\n\n\
    [[schedule.period]]\nname = \"afternoon\"\nstarts = \"13:30\"\nends = \"17:30\"\n";

fn json(text: &str) -> Result<Value> {
    serde_json::from_str(text).with_context(|| format!("no JSON: {text}"))
}

/// Somebody came at 08:36, everybody else never, and the day is over.
async fn a_day() -> Result<Installation> {
    let installation = Installation::new("replay", None)?;
    // What an unplugged reader could have seen would withhold the findings, and those count for nothing.
    let _gate = Pty::plug(&installation.serial_link()).await?;
    let mut daemon = start_at(&installation, "08:20:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    let mut line = line_reader(&installation).await?;
    viewer.sees_reader("east-gate", "heard").await?;
    viewer.sees_reader("line-gate", "heard").await?;
    set_clock(&mut daemon, "08:37:00").await?;
    let answer = line.ask(&format!("{},{}", badge(1), instant("08:36:00"))).await?;
    assert!(answer.starts_with("ok "), "{answer}");
    set_clock(&mut daemon, "20:00:00").await?;
    daemon.stop().await?;
    Ok(installation)
}

#[tokio::test]
async fn the_record_is_proved_and_other_rules_are_shown_beside_it() -> Result<()> {
    let installation = a_day().await?;
    let proof = json(&installation.tool(&["replay", "--json"])?)?;
    assert_eq!(proof["equal"], true, "{proof}");
    assert!(
        proof["days"].as_u64() >= Some(12) && proof["counts"]["unchanged"].as_u64() > Some(0),
        "{proof}"
    );
    let rebuilt = json(&installation.tool(&["rebuild", "--check", "--json"])?)?;
    assert_eq!(rebuilt["differences"], Value::Array(Vec::new()));
    let said = installation.tool(&["replay", "--from", DATE, "--until", "2026-09-17", "--lang", "en"])?;
    assert!(said.contains("The record is the same."), "{said}");

    let other = installation.scratch("other-rules");
    std::fs::create_dir_all(&other)?;
    std::fs::write(other.join("schedules.toml"), LATER)?;
    let other = other.to_str().context("a path in UTF-8")?;
    let shown = json(&installation.tool(&["replay", "--with", other, "--json"])?)?;
    let of_late = shown["differences"]
        .as_array()
        .and_then(|all| all.iter().find(|difference| difference["before"]["kind"] == "late"))
        .with_context(|| format!("nothing of the late arrival in {shown}"))?;
    assert_eq!((&of_late["change"], &of_late["after"]), (&"gone".into(), &Value::Null));
    assert_eq!(of_late["before"]["minutes"], 6);
    assert!(shown["units"]["plan"]["gone"].as_u64() >= Some(1), "{shown}");

    let tried = json(&installation.tool(&["import", other, "--dry-run", "--json"])?)?;
    assert_eq!(
        tried["findings"]["differences"], shown["differences"],
        "an import would do the same"
    );
    assert_eq!(
        json(&installation.tool(&["replay", "--json"])?)?["equal"],
        true,
        "nothing was written"
    );
    Ok(())
}

#[tokio::test]
async fn before_anything_was_recorded_nothing_was_known() -> Result<()> {
    let installation = a_day().await?;
    // The folder was imported by the host's clock, which is not that of the story.
    let known_at = "2020-01-01 00:00";
    let known = json(&installation.tool(&["replay", "--known-at", known_at, "--json"])?)?;
    assert_eq!(
        (&known["facts_known"], &known["equal"]),
        (&false.into(), &true.into()),
        "{known}"
    );
    let said = installation.tool(&["replay", "--known-at", known_at, "--lang", "en"])?;
    assert!(said.contains("no facts had been recorded"), "{said}");
    let wrong = installation.tool_output(&["replay", "--known-at", "yesterday"])?;
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("write 2026-09-16T18:00:00+08:00"));
    let no_date = installation.tool_output(&["replay", "--from", "2026-09-17", "--until", DATE])?;
    assert_eq!(no_date.status.code(), Some(2));
    Ok(())
}

#[tokio::test]
async fn rules_that_count_are_tried_before_they_are_in_force() -> Result<()> {
    let installation = a_day().await?;
    let none = installation.tool_output(&["escalations", "--lang", "en"])?;
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&none.stderr).contains("[[escalation]]"));
    let rules = installation.scratch("escalations.toml");
    std::fs::write(
        &rules,
        "[[escalation]]\nid = \"once\"\nkinds = [\"late\"]\ncount = 1\nwithin = { days = 30 }\nyields = \"谈话提醒\"\n",
    )?;
    let rules = rules.to_str().context("a path in UTF-8")?;
    let range = ["--from", DATE, "--until", "2026-09-17"];
    let asked = [
        &["escalations", "--with", rules, "--json", "--counting", "final"],
        &range[..],
    ]
    .concat();
    let flagged = json(&installation.tool(&asked)?)?;
    let flagged = flagged["flagged"].as_array().context("a list")?;
    assert_eq!(flagged.len(), 1, "{flagged:?}");
    assert_eq!(flagged[0]["subject"], "person:p02");
    assert_eq!(flagged[0]["yields"], "谈话提醒");
    assert_eq!(flagged[0]["findings"][0]["kind"], "late");
    let confirmed = installation.tool(&[&["escalations", "--with", rules, "--json"], &range[..]].concat())?;
    assert_eq!(
        json(&confirmed)?["flagged"],
        Value::Array(Vec::new()),
        "nobody has confirmed anything"
    );
    Ok(())
}

#[tokio::test]
async fn a_week_with_open_findings_is_not_published_and_says_why() -> Result<()> {
    let installation = a_day().await?;
    let refused = installation.tool_output(&["bulletin", "publish", "2026-W38", "--number", "37"])?;
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("cannot be published yet") && said.contains("not decided on"),
        "{said}"
    );
    let waiting = json(&installation.tool(&["bulletin", "corrections", "--json"])?)?;
    assert_eq!(waiting["differences"], Value::Array(Vec::new()));
    let wrong = installation.tool_output(&["bulletin", "publish", "2026-38", "--number", "37"])?;
    assert_eq!(wrong.status.code(), Some(2));
    let applied = json(&installation.tool(&["recalculate", "--apply", "--json"])?)?;
    assert!(applied["days"].as_u64() >= Some(12), "{applied}");
    let pending = json(&installation.tool(&["replay", "--json"])?)?;
    assert_eq!(pending["days"], 0, "the days wait for the daemon: {pending}");
    Ok(())
}
