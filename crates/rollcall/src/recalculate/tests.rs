//! Dry runs, and what becomes of them.

use std::collections::{BTreeMap, BTreeSet};

use store::rows::FindingRow;

use super::*;
use crate::engine::workbench::{SCHEDULE, Workbench, at, told};
use crate::replay::{Change, Question, replay};

async fn two_days() -> Workbench {
    let bench = Workbench::new(at("16 07:00")).await;
    bench.run(at("16 08:00"), &[]).await;
    bench.run(at("16 08:37"), &[("in", "7", at("16 08:36"))]).await;
    bench.run(at("17 08:34"), &[("in", "8", at("17 08:33"))]).await;
    bench.run(at("18 04:00"), &[]).await;
    bench
}

async fn tried(bench: &Workbench) -> Recalculation {
    let folder = Some(bench.folder.path());
    dry_run(&*bench.ledger, folder, Scope::default(), at("18 09:00"))
        .await
        .expect("tried")
}

/// What the database would hold after a recalculation, by finding.
fn predicted(before: Vec<FindingRow>, tried: &Recalculation) -> BTreeMap<String, String> {
    let mut rows: BTreeMap<String, FindingRow> = before.into_iter().map(|row| (row.id.clone(), row)).collect();
    for difference in &tried.replay.comparison.differences {
        if let Some(before) = &difference.before {
            rows.remove(&before.id);
        }
        rows.extend(difference.after.clone().map(|row| (row.id.clone(), row)));
    }
    said(rows.into_values())
}

fn said(rows: impl Iterator<Item = FindingRow>) -> BTreeMap<String, String> {
    rows.map(|row| (row.id.clone(), format!("{} {} {}", told(&row), row.digest, row.swipes)))
        .collect()
}

#[tokio::test]
async fn an_import_does_exactly_what_its_dry_run_said() {
    let bench = two_days().await;
    let before = bench.findings().await;
    let later = SCHEDULE.replace("08:30", "08:35");
    let absences = "absence,person,kind,from,until\n1,bo,leave,2026-09-16,2026-09-17\n";
    let files = [("schedules.toml", later.as_str()), ("absences.csv", absences)];
    bench.write(&files);
    let tried = tried(&bench).await;
    assert_eq!(bench.findings().await, before, "a dry run writes nothing");
    let counts = tried.replay.comparison.counts();
    assert!(counts[&Change::Gone] > 0 && counts[&Change::Better] > 0, "{counts:?}");
    let predicted = predicted(before, &tried);
    bench.import(&files, at("18 09:00")).await;
    bench.run(at("18 09:01"), &[]).await;
    let earlier = |row: &FindingRow| row.date.as_str() < "2026-09-18";
    assert_eq!(said(bench.findings().await.into_iter().filter(earlier)), predicted);
}

#[tokio::test]
async fn a_holiday_is_tried_too() {
    let bench = two_days().await;
    let before = bench.findings().await;
    let files = [("calendar.csv", "date,kind\n2026-09-16,holiday\n")];
    bench.write(&files);
    let tried = tried(&bench).await;
    assert!(tried.replay.comparison.counts()[&Change::Gone] >= 4);
    let predicted = predicted(before, &tried);
    bench.import(&files, at("18 09:00")).await;
    bench.run(at("18 09:01"), &[]).await;
    let earlier = |row: &FindingRow| row.date.as_str() < "2026-09-18";
    assert_eq!(said(bench.findings().await.into_iter().filter(earlier)), predicted);
}

#[tokio::test]
async fn swipes_of_a_folder_are_tried_too() {
    let bench = two_days().await;
    let before = bench.findings().await;
    let swipes = "reader,badge,happened_at\nin,8,2026-09-16 08:29\nout,8,2026-09-16 17:30\n";
    let files = [("swipes.csv", swipes)];
    bench.write(&files);
    let tried = tried(&bench).await;
    let predicted = predicted(before, &tried);
    assert!(
        !predicted.values().any(|said| said.contains("16 bo morning absent")),
        "{predicted:?}"
    );
    bench.import(&files, at("18 09:00")).await;
    bench.run(at("18 09:01"), &[]).await;
    let earlier = |row: &FindingRow| row.date.as_str() < "2026-09-18";
    assert_eq!(said(bench.findings().await.into_iter().filter(earlier)), predicted);
}

#[tokio::test]
async fn dates_that_only_the_new_facts_ask_for_are_judged_too() {
    let bench = Workbench::new(at("16 07:00")).await;
    let nobody = "subject,schedule,from\nunit:plan,office,2026-09-16\nperson:bo,none,\n";
    bench.import(&[("assignments.csv", nobody)], at("16 07:01")).await;
    bench.run(at("16 08:00"), &[]).await;
    bench.run(at("18 04:00"), &[]).await;
    assert!(!bench.days().await.iter().any(|day| day.key.person == "bo"));
    let everybody = "subject,schedule,from\nunit:plan,office,2026-09-16\n";
    bench.write(&[("assignments.csv", everybody)]);
    let tried = tried(&bench).await;
    assert_eq!(tried.unjudged, 2);
    assert_eq!(tried.replay.comparison.counts()[&Change::New], 4);
    bench.import(&[("assignments.csv", everybody)], at("18 09:00")).await;
    bench.run(at("18 09:01"), &[]).await;
    let absent = bench.told().await;
    let absent = absent
        .iter()
        .filter(|told| told.contains("bo") && told.contains("absent"));
    assert!(absent.count() >= 4);
    let again = replay(&*bench.ledger, &Question::default()).await.expect("replayed");
    assert!(again.comparison.differences.is_empty(), "{:?}", again.comparison);
}

#[tokio::test]
async fn more_dates_of_a_person_than_are_remembered_are_judged_at_once() {
    let bench = Workbench::new(at("14 07:00")).await;
    for day in 14..=26 {
        bench.run(at(&format!("{day} 08:00")), &[]).await;
    }
    let before = bench.findings().await;
    let dates: BTreeSet<&str> = before.iter().map(|row| row.date.as_str()).collect();
    assert!(dates.len() > 8, "{dates:?}");
    let days = apply(&*bench.ledger, &Scope::default(), "li", at("26 09:00"))
        .await
        .expect("applied");
    assert!(days > 2 * 8, "{days}");
    bench.run(at("26 09:01"), &[]).await;
    let earlier = |row: &FindingRow| row.date.as_str() < "2026-09-26";
    let after: Vec<FindingRow> = bench.findings().await.into_iter().filter(earlier).collect();
    assert_eq!(
        after,
        before.into_iter().filter(earlier).collect::<Vec<_>>(),
        "each by its own findings"
    );
}

#[tokio::test]
async fn without_a_folder_only_what_waits_would_change_and_applying_has_it_judged() {
    let bench = two_days().await;
    let scope = Scope::default;
    let nothing = dry_run(&*bench.ledger, None, scope(), at("18 09:00"))
        .await
        .expect("tried");
    assert!(nothing.replay.comparison.differences.is_empty());
    assert_eq!(nothing.replay.days, 4);
    let thursday = Scope {
        from: "2026-09-17".parse().ok(),
        until: "2026-09-18".parse().ok(),
        ..scope()
    };
    let days = apply(&*bench.ledger, &thursday, "li", at("18 09:00"))
        .await
        .expect("applied");
    assert_eq!(days, 2);
    let due = bench.days().await;
    let due = due.iter().filter(|day| day.next_check == Some(Instant::from_ms(0)));
    assert_eq!(due.count(), 2);
    let audit = bench.ledger.audit(0, 100).await.expect("read");
    assert_eq!(audit.last().map(|entry| entry.record.act.as_str()), Some("recalculate"));
    bench.run(at("18 09:01"), &[]).await;
    assert!(
        bench
            .days()
            .await
            .iter()
            .all(|day| day.next_check != Some(Instant::from_ms(0)))
    );
}
