//! Weeks from their review to their corrections.

use super::*;
use crate::engine::workbench::{MEETING, SCHEDULE, Workbench, at, told};
use crate::replay::{Change, Question, replay};

const LATE: &str = "16 ana morning late 6 final";

fn week() -> Week {
    Week::parse("2026-W38").expect("a week")
}

fn by(now: Instant) -> Act<'static> {
    Act { actor: "li", now }
}

/// Ana and Bo have leave all week but for Ana's Wednesday morning, when she is late; she leaves in time.
async fn reviewed() -> Workbench {
    let bench = Workbench::new(at("14 07:00")).await;
    let absences = "absence,person,kind,from,until\n\
        1,bo,leave,2026-09-14,2026-09-21\n\
        2,ana,leave,2026-09-14,2026-09-16\n\
        3,ana,leave,2026-09-16 12:00,2026-09-21\n";
    bench.import(&[("absences.csv", absences)], at("14 07:01")).await;
    bench.run(at("14 08:00"), &[]).await;
    bench.run(at("16 08:37"), &[("in", "7", at("16 08:36"))]).await;
    bench.run(at("16 12:01"), &[("out", "7", at("16 12:00"))]).await;
    bench.run(at("21 05:00"), &[]).await;
    bench
}

async fn published() -> Workbench {
    let bench = reviewed().await;
    bench.decide(LATE, Review::Confirmed, at("21 05:30")).await;
    publish(&*bench.ledger, week(), "37", by(at("21 06:00")))
        .await
        .expect("published");
    bench
}

async fn hours(bench: &Workbench, starts: &str, day: &str) {
    let text = SCHEDULE.replace("08:30", starts);
    bench
        .import(&[("schedules.toml", &text)], at(&format!("{day} 05:00")))
        .await;
    bench.run(at(&format!("{day} 05:01")), &[]).await;
}

async fn told_of_week(bench: &Workbench) -> Vec<String> {
    let rows = bench.findings().await;
    rows.iter()
        .filter(|row| row.date.as_str() < "2026-09-21")
        .map(told)
        .collect()
}

async fn waits(bench: &Workbench) -> Vec<Change> {
    let waiting = waiting(&*bench.ledger, Some(week())).await.expect("read");
    waiting.differences.iter().map(|it| it.change).collect()
}

#[tokio::test]
async fn a_week_is_published_once_it_is_over_and_decided() {
    let bench = reviewed().await;
    assert_eq!(told_of_week(&bench).await, [LATE]);
    let refused = publish(&*bench.ledger, week(), "37", by(at("20 23:59"))).await;
    let Err(BulletinError::NotReady { obstacles, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(obstacles, [Obstacle::NotOver, Obstacle::Undecided(1)]);
    assert_eq!(
        bench.ledger.publications().await.expect("read"),
        [],
        "nothing is left of it"
    );
    bench.decide(LATE, Review::Confirmed, at("21 05:30")).await;
    publish(&*bench.ledger, week(), "37", by(at("21 06:00")))
        .await
        .expect("published");
    let again = publish(&*bench.ledger, week(), "38", by(at("21 06:00"))).await;
    assert!(matches!(again, Err(BulletinError::Published { .. })), "{again:?}");
    let other = publish(&*bench.ledger, week().previous(), "37", by(at("21 06:00"))).await;
    assert!(matches!(other, Err(BulletinError::NumberUsed(_))), "{other:?}");
    let audit = bench.ledger.audit(0, 100).await.expect("read");
    assert!(audit.iter().any(|entry| entry.record.act == "bulletin.publish"));
}

#[tokio::test]
async fn other_facts_never_change_a_published_week_silently() {
    let bench = published().await;
    hours(&bench, "08:35", "22").await;
    assert_eq!(told_of_week(&bench).await, [LATE], "as published");
    assert_eq!(waits(&bench).await, [Change::Better]);
    let proof = replay(&*bench.ledger, &Question::default()).await.expect("replayed");
    assert!(proof.comparison.differences.is_empty(), "{:?}", proof.comparison);

    hours(&bench, "09:00", "23").await;
    assert_eq!(told_of_week(&bench).await, [LATE], "as published");
    assert_eq!(
        waits(&bench).await,
        [Change::Gone],
        "the later one has overtaken the earlier"
    );
    let all = bench.ledger.corrections("", "~", true).await.expect("read");
    assert_eq!(all.len(), 2);

    hours(&bench, "08:30", "24").await;
    assert_eq!(waits(&bench).await, [], "it says again what was published");
    let row = &bench.findings().await[0];
    assert_eq!(row.review, Review::Confirmed, "nobody has to decide anew");
}

#[tokio::test]
async fn a_new_finding_of_a_published_week_waits_too() {
    let bench = published().await;
    let absences = "absence,person,kind,from,until\n\
        1,bo,leave,2026-09-15,2026-09-21\n\
        2,ana,leave,2026-09-14,2026-09-16\n\
        3,ana,leave,2026-09-16 12:00,2026-09-21\n";
    bench.import(&[("absences.csv", absences)], at("22 05:00")).await;
    bench.run(at("22 05:01"), &[]).await;
    assert_eq!(told_of_week(&bench).await, [LATE]);
    assert_eq!(waits(&bench).await, [Change::New, Change::New]);
    let proof = replay(&*bench.ledger, &Question::default()).await.expect("replayed");
    assert!(proof.comparison.differences.is_empty(), "{:?}", proof.comparison);
}

#[tokio::test]
async fn corrections_are_issued_under_a_number_and_decided_on() {
    let bench = published().await;
    let nothing = issue(&*bench.ledger, week(), "37-1", by(at("22 04:00"))).await;
    assert!(matches!(nothing, Err(BulletinError::NothingWaits(_))), "{nothing:?}");
    hours(&bench, "08:35", "22").await;
    let same_number = issue(&*bench.ledger, week(), "37", by(at("22 06:00"))).await;
    assert!(
        matches!(same_number, Err(BulletinError::NumberUsed(_))),
        "{same_number:?}"
    );
    issue(&*bench.ledger, week(), "37-1", by(at("22 06:00")))
        .await
        .expect("issued");
    assert_eq!(told_of_week(&bench).await, ["16 ana morning late 1 final"]);
    assert_eq!(waits(&bench).await, []);
    assert_eq!(bench.findings().await[0].review, Review::ChangedAfterDecision);
    bench
        .decide("16 ana morning late 1 final", Review::Waived, at("22 07:00"))
        .await;
    assert_eq!(bench.findings().await[0].review, Review::Waived);
    let other = issue(&*bench.ledger, week().next(), "38", by(at("22 06:00"))).await;
    assert!(matches!(other, Err(BulletinError::NotPublished(_))), "{other:?}");
}

#[tokio::test]
async fn what_was_published_of_a_unit_stays_too() {
    let bench = Workbench::new(at("14 07:00")).await;
    let absences =
        "absence,person,kind,from,until\n1,bo,leave,2026-09-14,2026-09-21\n2,ana,leave,2026-09-14,2026-09-21\n";
    bench
        .import(&[MEETING, &[("absences.csv", absences)]].concat(), at("14 07:01"))
        .await;
    bench.run(at("14 08:00"), &[]).await;
    bench.run(at("21 07:00"), &[]).await;
    let absent = "16 plan weekly unit_absent - final";
    bench.decide(absent, Review::Confirmed, at("21 07:30")).await;
    publish(&*bench.ledger, week(), "37", by(at("21 08:00")))
        .await
        .expect("published");
    bench
        .import(&[("meeting_units.csv", "meeting,unit\n")], at("22 05:00"))
        .await;
    bench.run(at("22 05:01"), &[]).await;
    assert_eq!(told_of_week(&bench).await, [absent]);
    assert_eq!(waits(&bench).await, [Change::Gone]);
    let proof = replay(&*bench.ledger, &Question::default()).await.expect("replayed");
    assert!(proof.comparison.differences.is_empty(), "{:?}", proof.comparison);
}
