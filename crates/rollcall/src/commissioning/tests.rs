//! Cards given, taken and given back, judged by the engine that runs beside.

use rules::time::Interval;

use super::*;
use crate::engine::load_site;
use crate::engine::workbench::{Workbench, at};

fn cells(row: &[(&str, &str)]) -> BTreeMap<String, String> {
    let filled = row
        .iter()
        .map(|(column, cell)| ((*column).to_owned(), (*cell).to_owned()));
    filled.collect()
}

async fn change(bench: &Workbench, change: Change, name: &'static str) -> Result<Instant, ChangeError> {
    let site = load_site(&*bench.ledger).await.expect("facts");
    let act = Act {
        name,
        subject: "person:ana".to_owned(),
        body: serde_json::json!({"reason": "new card"}),
    };
    apply(&*bench.ledger, &site, &change, &act, "chen", at("16 09:00")).await
}

async fn unknown(bench: &Workbench) -> Vec<UnknownBadge> {
    let site = load_site(&*bench.ledger).await.expect("facts");
    let day = Interval::new(at("16 00:00"), at("17 00:00"));
    unknown_badges(&*bench.ledger, &site, day).await.expect("listed")
}

#[tokio::test]
async fn a_card_that_is_given_to_somebody_judges_its_stored_swipes_and_undo_takes_it_back() {
    let bench = Workbench::new(at("16 07:00")).await;
    let swipes = [
        ("in", "99", at("16 08:20")),
        ("in", "8", at("16 08:21")),
        ("in", "98", at("16 08:59")),
    ];
    bench.run(at("16 09:00"), &swipes).await;
    let before: Vec<String> = bench.told().await;
    assert!(
        before
            .iter()
            .any(|said| said.contains("ana") && said.contains("not_arrived")),
        "{before:?}"
    );
    let listed = unknown(&bench).await;
    let said: Vec<(&str, usize)> = listed
        .iter()
        .map(|unknown| (unknown.badge.as_str(), unknown.times))
        .collect();
    assert_eq!(said, [("98", 1), ("99", 1)], "the last read first, and nobody's only");

    let given = Change {
        added: vec![cells(&[("badge", "99"), ("person", "ana"), ("from", "2026-09-16")])],
        ..Change::default()
    };
    let given_at = change(&bench, given.clone(), "badge.assign").await.expect("written");
    bench.run(at("16 09:01"), &[]).await;
    let after = bench.told().await;
    assert!(
        !after
            .iter()
            .any(|said| said.contains("ana") && said.contains("not_arrived")),
        "{after:?}"
    );
    assert_eq!(unknown(&bench).await.len(), 1);

    let back = undo(&*bench.ledger, given_at)
        .await
        .expect("asked")
        .expect("it is there");
    change(&bench, back, "badge.undo").await.expect("written");
    bench.run(at("16 09:02"), &[]).await;
    assert_eq!(bench.told().await, before, "as if it had never been given");
    assert!(
        undo(&*bench.ledger, given_at).await.expect("asked").is_none(),
        "it was undone"
    );
    let audit = bench.ledger.audit(0, 100).await.expect("the audit");
    let acts: Vec<&str> = audit.iter().map(|entry| entry.record.act.as_str()).collect();
    assert!(acts.ends_with(&["badge.assign", "badge.undo"]), "{acts:?}");
}

#[tokio::test]
async fn a_lost_card_is_ended_and_its_later_swipes_are_nobodys() {
    let bench = Workbench::new(at("16 07:00")).await;
    let old = badge_facts(&*bench.ledger).await.expect("rows");
    let old = old.iter().find(|fact| fact.cell("badge") == "7").expect("hers").clone();
    let mut ended = old.cells.clone();
    ended.insert("until".to_owned(), "2026-09-16T08:00:00+08:00".to_owned());
    let reissue = Change {
        superseded: vec![old.id.clone()],
        added: vec![
            ended,
            cells(&[
                ("badge", "77"),
                ("person", "ana"),
                ("from", "2026-09-16T08:00:00+08:00"),
            ]),
        ],
    };
    let at_once = change(&bench, reissue.clone(), "badge.reissue").await.expect("written");
    let again = change(&bench, reissue, "badge.reissue").await;
    assert!(
        matches!(again, Err(ChangeError::ChangedMeanwhile)),
        "the old row is gone"
    );
    bench
        .run(
            at("16 09:00"),
            &[("in", "77", at("16 08:10")), ("in", "7", at("16 08:40"))],
        )
        .await;
    let listed = unknown(&bench).await;
    assert_eq!((listed.len(), listed[0].badge.as_str()), (1, "7"));
    let lost = Lost {
        person: "ana".to_owned(),
        until: at("16 08:00"),
    };
    assert_eq!(listed[0].lost, Some(lost));
    let back = undo(&*bench.ledger, at_once).await.expect("asked").expect("whole");
    assert_eq!((back.superseded.len(), &back.added[..]), (2, &[old.cells][..]));
}
