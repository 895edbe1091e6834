use rules::finding::{FindingKind, FindingState};
use rules::model::{PersonIndex, Site, Subject};
use rules::time::Span;

use super::*;

fn records() -> SiteRecords {
    SiteRecords::of_site(Site::of_zone("局".into(), chrono_tz::Asia::Shanghai))
}

fn late(minutes: i64) -> Finding {
    Finding {
        subject: Subject::Person(PersonIndex(0)),
        unit: None,
        date: "2026-09-16".parse().expect("a date"),
        about: About::Period("morning".into()),
        kind: FindingKind::Late,
        state: FindingState::Final,
        length: Some(Span::from_minutes(minutes)),
        due: Some(Instant::from_ms(0)),
        actual: Some(Instant::from_ms(minutes * 60_000)),
        since: None,
        source: None,
        by_lateness: false,
        withheld_by: Vec::new(),
        swipes: vec![SwipeId([7; 16])],
    }
}

/// Settles the findings at `at_ms` over what is stored, and returns what is stored then.
fn step(stored: Vec<FindingRow>, findings: Vec<Finding>, at_ms: i64) -> (Settled, Vec<FindingRow>) {
    let records = records();
    let judging = Judging {
        records: &records,
        secret: b"secret",
        facts_revision: 3,
        now: Instant::from_ms(at_ms),
    };
    let day = DayKey {
        person: "ana".to_owned(),
        date: "2026-09-16".to_owned(),
    };
    let assessment = Assessment {
        findings,
        ..Assessment::default()
    };
    let settled = settle(&judging, &day, &assessment, stored.clone());
    let mut after: BTreeMap<String, FindingRow> = stored.into_iter().map(|row| (row.id.clone(), row)).collect();
    after.extend(settled.changed.iter().map(|row| (row.id.clone(), row.clone())));
    (settled, after.into_values().collect())
}

#[test]
fn what_is_said_again_changes_nothing() {
    let (first, stored) = step(Vec::new(), vec![late(5)], 1);
    assert_eq!(first.changed.len(), 1);
    let (second, _) = step(stored, vec![late(5)], 2);
    assert!(second.changed.is_empty());
    assert_eq!(
        second.holding[0].changed_at,
        Instant::from_ms(1),
        "it holds since it was first said"
    );
}

#[test]
fn a_correction_keeps_its_identity_and_counts_up() {
    let (first, stored) = step(Vec::new(), vec![late(5)], 1);
    let (second, _) = step(stored, vec![late(4)], 2);
    assert_eq!(second.changed.len(), 1);
    assert_eq!(second.changed[0].id, first.changed[0].id);
    assert_eq!(second.changed[0].revision, 2);
    assert_ne!(second.changed[0].digest, first.changed[0].digest);
}

#[test]
fn what_no_longer_holds_is_withdrawn_once_and_can_come_back() {
    let (_, stored) = step(Vec::new(), vec![late(5)], 1);
    let (gone, stored) = step(stored, Vec::new(), 2);
    assert_eq!(gone.changed[0].withdrawn_at, Some(Instant::from_ms(2)));
    assert!(gone.holding.is_empty());
    let (again, stored) = step(stored, Vec::new(), 3);
    assert!(again.changed.is_empty(), "it is withdrawn once, not at every look");
    let (back, _) = step(stored, vec![late(5)], 4);
    assert_eq!((back.changed[0].revision, back.changed[0].withdrawn_at), (3, None));
}

#[test]
fn another_kind_is_another_finding() {
    let (first, stored) = step(Vec::new(), vec![late(5)], 1);
    let serious = Finding {
        kind: FindingKind::SeriouslyLate,
        ..late(5)
    };
    let (second, _) = step(stored, vec![serious], 2);
    assert_eq!(second.changed.len(), 2, "one begins, one is withdrawn");
    assert_ne!(second.holding[0].id, first.holding[0].id);
}

#[test]
fn a_repeat_of_the_same_badge_is_cited_but_is_no_other_finding_to_decide_on() {
    let (first, stored) = step(Vec::new(), vec![late(5)], 1);
    let cited = Finding {
        swipes: vec![SwipeId([7; 16]), SwipeId([8; 16])],
        ..late(5)
    };
    let (second, _) = step(stored, vec![cited], 2);
    assert_eq!(second.changed[0].digest, first.changed[0].digest);
    assert_ne!(second.changed[0].swipes, first.changed[0].swipes);
}

#[test]
fn an_id_without_the_secret_says_nothing() {
    let records = records();
    let day = DayKey {
        person: "ana".to_owned(),
        date: "2026-09-16".to_owned(),
    };
    let id = |secret: &[u8]| {
        Judging {
            records: &records,
            secret,
            facts_revision: 1,
            now: Instant::from_ms(0),
        }
        .row(&day, &late(1))
        .id
    };
    assert_ne!(id(b"one"), id(b"two"));
    assert_eq!(id(b"one"), id(b"one"));
}
