//! A ZKTeco terminal that calls us: greeted, heard, caught up, asked, and refused where nobody knows it.

use acceptance::bureau::badge;
use acceptance::daemon::{Daemon, Installation};
use acceptance::http::{Answer, Ask, Http, get};
use acceptance::terminal::called_terminal;
use anyhow::{Context as _, Result};

use super::support::{SOON, Viewer, count, set_clock, start_at};

const SERIAL: &str = "0316144680030";
const KEYED: &str = "CGXH201360029";

/// An installation with two terminals, one of them with a key.
fn installation(name: &str) -> Result<Installation> {
    let installation = Installation::new(name, None)?;
    let config = std::fs::read_to_string(installation.config())?;
    let terminals = format!(
        "{config}\n[[reader]]\nid = \"terminal\"\nlink = \"adms:{SERIAL}\"\n\n\
         [[reader]]\nid = \"keyed\"\nlink = \"adms:{KEYED}\"\ncomm_key = \"4a9594af\"\n"
    );
    std::fs::write(installation.config(), terminals)?;
    installation.bureau.put(
        "readers.csv",
        "reader,place,faces\neast-gate,east,in\nline-gate,west,both\nweb-gate,south,in\nweb-exit,south,out\n\
         hall-in,hall,in\nhall-out,hall,out\nterminal,east,both\nkeyed,west,both\n",
    )?;
    installation.import()?;
    Ok(installation)
}

async fn post(daemon: &Daemon, target: &str, body: impl Into<Vec<u8>>) -> Result<Answer> {
    let ask = Ask {
        method: "POST",
        path: target,
        headers: &[("Content-Type", "text/plain"), ("User-Agent", "iClock Proxy/1.09")],
        body: body.into().into(),
    };
    Http::connect(&daemon.authority).await?.ask(ask).await
}

/// What a terminal hears when it asks for commands.
async fn poll(daemon: &Daemon) -> Result<String> {
    let answer = get(&daemon.authority, &format!("/iclock/getrequest?SN={SERIAL}")).await?;
    anyhow::ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
    Ok(answer.text())
}

async fn upload(daemon: &Daemon, body: impl Into<Vec<u8>>) -> Result<String> {
    let answer = post(
        daemon,
        &format!("/iclock/cdata?SN={SERIAL}&table=ATTLOG&Stamp=9999"),
        body,
    )
    .await?;
    anyhow::ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
    Ok(answer.text())
}

/// How many swipes were stored that were new.
async fn swipes(daemon: &Daemon) -> Result<u64> {
    let metrics = get(&daemon.authority, "/metrics").await?.text();
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("rollcall_swipes_stored_total "));
    Ok(line.context("no rollcall_swipes_stored_total")?.trim().parse()?)
}

#[tokio::test]
async fn a_terminal_is_greeted_and_its_records_count_once_whatever_is_between_them() -> Result<()> {
    let installation = installation("terminal")?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    let greeting = get(
        &daemon.authority,
        &format!("/iclock/cdata?SN={SERIAL}&options=all&pushver=2.2.14"),
    )
    .await?;
    assert_eq!(greeting.status, 200);
    let text = greeting.text();
    assert!(
        text.starts_with(&format!("GET OPTION FROM: {SERIAL}\n")) && text.contains("\nTimeZone=8\n"),
        "{text}"
    );
    assert!(
        greeting.headers.contains_key("date"),
        "terminals set their clocks by it"
    );

    let body = format!(
        "{}\t2026-09-16 08:20:00\t0\t1\t0\t0\t0\nno record\n{}\t2026-09-16 08:20:01\t0\t15\t0\t0\t0\t0\t0\t0\r\n",
        badge(0),
        badge(1)
    );
    assert_eq!(
        upload(&daemon, body.clone()).await?,
        "OK: 3",
        "the wrong line is counted, or it would come for ever"
    );
    let arrived =
        |people| move |snapshot: &serde_json::Value| (count(snapshot, "arrived") == Some(people)).then_some(());
    viewer.sees(SOON, "two people arrived", arrived(2)).await?;
    assert_eq!(
        (upload(&daemon, body).await?.as_str(), swipes(&daemon).await?),
        ("OK: 3", 2),
        "sent again, stored once"
    );
    let aspx = post(
        &daemon,
        &format!("/iclock/cdata.aspx?SN={SERIAL}&table=ATTLOG&Stamp=1"),
        format!("{}\t2026-09-16 08:20:02\t0\t1\n", badge(2)),
    )
    .await?;
    assert_eq!(aspx.text(), "OK: 1");
    viewer.sees(SOON, "three people arrived", arrived(3)).await?;

    daemon.kill().await
}

#[tokio::test]
async fn tables_that_nobody_needs_are_answered_and_thrown_away() -> Result<()> {
    let installation = installation("terminal-tables")?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let personal = b"USER PIN=7\tName=\xd5\xc5\xc8\xfd\tPri=0\nFP PIN=7\tFID=0\tTMP=VEVNUExBVEU=\nOPLOG 4\t0\t2026-09-16 08:00:00\t0\t0\t0\t0\n";
    for table in ["OPERLOG", "BIODATA", "USERINFO"] {
        let answer = post(
            &daemon,
            &format!("/iclock/cdata?SN={SERIAL}&table={table}&Stamp=1"),
            personal.to_vec(),
        )
        .await?;
        assert_eq!(
            (answer.status.as_u16(), answer.text().as_str()),
            (200, "OK: 3"),
            "{table}"
        );
    }
    let photo = post(
        &daemon,
        &format!("/iclock/fdata?SN={SERIAL}&table=ATTPHOTO"),
        vec![0xFF; 100_000],
    )
    .await?;
    assert_eq!(photo.status, 200);
    let options = post(
        &daemon,
        &format!("/iclock/cdata?SN={SERIAL}&table=options"),
        "~DeviceName=SpeedFace,MAC=00:17",
    )
    .await?;
    assert_eq!((options.status.as_u16(), options.text().as_str()), (200, "OK"));
    let too_large = post(
        &daemon,
        &format!("/iclock/cdata?SN={SERIAL}&table=ATTLOG"),
        vec![b'7'; 11 * 1024 * 1024],
    )
    .await?;
    assert_eq!(too_large.status, 413);
    daemon.kill().await?;

    let stored = std::fs::read(installation.data_directory().join("rollcall.db"))?;
    let wal = std::fs::read(installation.data_directory().join("rollcall.db-wal")).unwrap_or_default();
    for bytes in [stored, wal] {
        assert!(
            !bytes.windows(12).any(|window| window == b"VEVNUExBVEU="),
            "no template is stored anywhere"
        );
    }
    Ok(())
}

/// A stranger that keeps calling is told to wait.
async fn does_not_stop(daemon: &Daemon, serial: &str) -> Result<()> {
    let target = format!("/iclock/cdata?SN={serial}&table=ATTLOG");
    let mut told_to_wait = false;
    for _ in 0..40 {
        let answer = post(daemon, &target, "1\t2026-09-16 08:20:00\t0\t1\n").await?;
        told_to_wait |= answer.status == 429 && answer.headers.contains_key("retry-after");
    }
    anyhow::ensure!(told_to_wait, "forty calls were answered one by one");
    Ok(())
}

#[tokio::test]
async fn an_unknown_terminal_and_one_without_its_key_are_refused_and_shown() -> Result<()> {
    let installation = installation("strangers")?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let record = format!("{}\t2026-09-16 08:20:00\t0\t1\n", badge(0));
    // The log of an earlier run may still be there.
    let stranger_serial = daemon.authority.replace(['.', ':'], "");
    for _ in 0..3 {
        let stranger = post(
            &daemon,
            &format!("/iclock/cdata?SN={stranger_serial}&table=ATTLOG"),
            record.clone(),
        )
        .await?;
        assert_eq!(stranger.status, 403);
        assert!(
            stranger.text().contains(&format!("link = \"adms:{stranger_serial}\"")),
            "{}",
            stranger.text()
        );
    }
    does_not_stop(&daemon, &stranger_serial).await?;
    let keyed = format!("/iclock/cdata?SN={KEYED}");
    for wrong in ["", "&pushcommkey=", "&pushcommkey=4a9594ae"] {
        assert_eq!(
            get(&daemon.authority, &format!("{keyed}&options=all{wrong}"))
                .await?
                .status,
            403
        );
    }
    assert_eq!(
        post(&daemon, &format!("{keyed}&table=ATTLOG"), record.clone())
            .await?
            .status,
        403
    );
    assert_eq!(swipes(&daemon).await?, 0);
    assert_eq!(
        get(&daemon.authority, &format!("{keyed}&options=all&pushcommkey=4a9594af"))
            .await?
            .status,
        200
    );
    assert_eq!(
        post(&daemon, &format!("{keyed}&table=ATTLOG"), record.clone())
            .await?
            .text(),
        "OK: 1"
    );
    let log = daemon.log()?;
    assert_eq!(
        log.lines()
            .filter(|line| line.contains("terminal.refused") && line.contains(&stranger_serial))
            .count(),
        1,
        "{log}"
    );
    assert!(!log.contains("4a9594af"), "a key must not reach the log");
    daemon.kill().await?;

    let daemon = start_at(&installation, "08:30:00").await?;
    let again = post(&daemon, &format!("{keyed}&table=ATTLOG"), record).await?;
    assert_eq!(
        again.text(),
        "OK: 1",
        "a terminal does not notice that we restarted, and need not greet again"
    );
    daemon.kill().await
}

#[tokio::test]
async fn what_a_silent_terminal_kept_arrives_before_it_counts_as_heard() -> Result<()> {
    let installation = installation("silent-terminal")?;
    let mut daemon = start_at(&installation, "08:00:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    assert_eq!(poll(&daemon).await?, "OK");
    viewer.sees_reader("terminal", "heard").await?;
    set_clock(&mut daemon, "08:10:00").await?;
    poll(&daemon).await?;
    set_clock(&mut daemon, "08:25:00").await?;
    viewer.sees_reader("terminal", "heard").await?;
    set_clock(&mut daemon, "08:25:01").await?;
    viewer.sees_reader("terminal", "silent").await?;

    set_clock(&mut daemon, "08:50:00").await?;
    let kept = format!("{}\t2026-09-16 08:21:00\t0\t1\n", badge(0));
    assert_eq!(upload(&daemon, kept).await?, "OK: 1");
    poll(&daemon).await?;
    viewer.sees_reader("terminal", "silent").await?;
    let kept = format!("{}\t2026-09-16 08:22:00\t0\t1\n", badge(1));
    assert_eq!(upload(&daemon, kept).await?, "OK: 1");
    viewer.sees_reader("terminal", "silent").await?;
    poll(&daemon).await?;
    poll(&daemon).await?;
    viewer.sees_reader("terminal", "heard").await?;
    let outages = exported_outages(&installation)?;
    assert!(
        !outages.contains("terminal,2026-09-16T08:10"),
        "what it kept covers the time: {outages}"
    );

    set_clock(&mut daemon, "09:30:00").await?;
    viewer.sees_reader("terminal", "silent").await?;
    poll(&daemon).await?;
    viewer.sees_reader("terminal", "heard").await?;
    let outages = exported_outages(&installation)?;
    assert!(
        outages.contains("terminal,2026-09-16T08:50"),
        "without a record it may as well have been switched off: {outages}"
    );
    daemon.kill().await
}

/// When readers could not be heard, as `export` says it.
fn exported_outages(installation: &Installation) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("out");
    installation.tool(&["export", &path.to_string_lossy()])?;
    Ok(std::fs::read_to_string(path.join("coverage.csv"))?)
}

#[tokio::test]
async fn what_an_operator_asks_is_fetched_once_and_its_end_is_seen() -> Result<()> {
    let installation = installation("asked-terminal")?;
    let daemon = start_at(&installation, "08:20:00").await?;
    installation.tool(&[
        "terminal",
        "records",
        "terminal",
        "--from",
        "2026-09-15",
        "--until",
        "2026-09-15 23:59:59",
    ])?;
    installation.tool(&["terminal", "check", "terminal"])?;
    installation.tool(&["terminal", "clock", "terminal"])?;
    let commands = poll(&daemon).await?;
    let lines: Vec<&str> = commands.lines().collect();
    assert_eq!(
        lines[0],
        "C:1:DATA QUERY ATTLOG StartTime=2026-09-15 00:00:00\tEndTime=2026-09-15 23:59:59"
    );
    assert_eq!(lines[1], "C:2:CHECK");
    assert!(lines[2].starts_with("C:3:SET OPTION DateTime=8"), "{commands}");
    assert_eq!(poll(&daemon).await?, "OK", "they are on their way");
    let results = "ID=1&Return=0&CMD=DATA\nID=2&Return=0&CMD=CHECK\nID=3&Return=-1&CMD=SET OPTION\nID=info8487&Return=0&CMD=INFO\n";
    assert_eq!(
        post(&daemon, &format!("/iclock/devicecmd?SN={SERIAL}"), results)
            .await?
            .text(),
        "OK"
    );
    let listed = installation.tool(&["terminal", "list"])?;
    let states: Vec<&str> = listed.lines().filter_map(|line| line.rsplit('\t').next()).collect();
    assert_eq!(states, ["refused (-1)", "done", "done"], "{listed}");
    let wrong = installation.tool_output(&["terminal", "check", "east-gate"])?;
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("link = \"adms:SERIAL\""));
    daemon.kill().await
}

#[tokio::test]
async fn after_a_clock_was_set_only_what_happens_now_is_believed() -> Result<()> {
    let installation = installation("clock-terminal")?;
    let daemon = start_at(&installation, "09:00:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    let operations = |body: &str| {
        let (target, body) = (format!("/iclock/cdata?SN={SERIAL}&table=OPERLOG"), body.to_owned());
        let daemon = &daemon;
        async move { post(daemon, &target, body).await }
    };
    let set = operations("OPLOG 21\t0\t2026-09-16 08:59:00\t0\t0\t0\t0\n").await?;
    assert_eq!(set.text(), "OK: 1");
    upload(&daemon, format!("{}\t2026-09-16 08:15:00\t0\t1\n", badge(0))).await?;
    upload(&daemon, format!("{}\t2026-09-16 09:00:00\t0\t1\n", badge(1))).await?;
    upload(&daemon, format!("{}\t2026-09-16 08:16:00\t0\t1\n", badge(2))).await?;
    viewer
        .sees(SOON, "the record from between is not counted", |snapshot| {
            (count(snapshot, "arrived") == Some(2)).then_some(())
        })
        .await?;
    assert_eq!(swipes(&daemon).await?, 3, "and kept all the same");
    assert!(daemon.log()?.contains("terminal.clock_set"));
    daemon.kill().await
}

#[tokio::test]
async fn a_terminal_that_is_called_delivers_what_it_held_and_then_every_punch() -> Result<()> {
    let installation = installation("called-terminal")?;
    let mut terminal = called_terminal(1_234, "2026-09-16T08:20:00").await?;
    terminal
        .tell(&format!("record {} 2026-09-16T08:10:00", badge(0)))
        .await?;
    let config = std::fs::read_to_string(installation.config())?.replace(
        &format!("link = \"adms:{SERIAL}\""),
        &format!("link = \"zk:{}\"\ncomm_key = \"1234\"", terminal.address),
    );
    std::fs::write(installation.config(), config)?;
    let daemon = start_at(&installation, "08:20:00").await?;
    let viewer = Viewer::create(&installation, "lobby")?;
    viewer.sees_reader("terminal", "heard").await?;
    let arrived =
        |people| move |snapshot: &serde_json::Value| (count(snapshot, "arrived") == Some(people)).then_some(());
    viewer.sees(SOON, "who was there before is here", arrived(1)).await?;
    terminal.tell(&format!("punch {}", badge(1))).await?;
    viewer.sees(SOON, "who punches is here", arrived(2)).await?;
    terminal.tell("cut").await?;
    terminal.tell(&format!("punch {}", badge(2))).await?;
    viewer
        .sees(SOON, "who punched while nobody listened is here", arrived(3))
        .await?;
    assert_eq!(swipes(&daemon).await?, 3, "and nobody twice");
    drop(terminal);
    viewer.sees_reader("terminal", "silent").await?;
    daemon.kill().await
}

#[tokio::test]
async fn an_export_of_a_terminal_and_its_pushes_are_the_same_records() -> Result<()> {
    let installation = installation("exported-terminal")?;
    let export = installation.scratch("1_attlog.dat");
    std::fs::write(
        &export,
        format!("{:>10}\t2026-09-16 08:20:00\t1\t0\t1\t0\r\nno record\r\n", badge(0)),
    )?;
    let export = export.to_str().context("a path")?;
    let import = |more: &[&str]| {
        let arguments = [&["import", "punches", export, "--reader", "terminal"], more].concat();
        installation.tool(&arguments)
    };
    assert!(
        import(&["--dry-run"])?.contains("新增 1"),
        "{}",
        import(&["--dry-run"])?
    );
    let said = import(&[])?;
    assert!(said.contains("第 2 行") && said.contains("新增 1"), "{said}");
    assert!(import(&[])?.contains("新增 0"));
    let daemon = start_at(&installation, "08:20:00").await?;
    let body = format!("{}\t2026-09-16 08:20:00\t0\t1\t0\t0\t0\n", badge(0));
    assert_eq!(upload(&daemon, body).await?, "OK: 1");
    assert_eq!(swipes(&daemon).await?, 0, "it was here before the terminal sent it");
    let unknown = installation.tool_output(&["import", "punches", export, "--reader", "nobody"])?;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("readers.csv"));
    daemon.kill().await
}
