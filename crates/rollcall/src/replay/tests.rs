//! Replays of what an engine judged.

use super::*;
use crate::engine::workbench::{MEETING, SCHEDULE, Workbench, at, told};

async fn replayed(bench: &Workbench, question: Question) -> Replay {
    replay(&*bench.ledger, &question).await.expect("replayed")
}

fn changes(replay: &Replay) -> Vec<String> {
    let said = |row: &Option<FindingRow>| row.as_ref().map_or("-".to_owned(), told);
    let differences = replay.comparison.differences.iter();
    differences
        .map(|it| format!("{}: {} > {}", it.change.name(), said(&it.before), said(&it.after)))
        .collect()
}

/// Wednesday the 16th: Ana comes at 08:36 and leaves at 17:31, Bo never comes.
async fn wednesday() -> Workbench {
    let bench = Workbench::new(at("16 07:00")).await;
    bench.run(at("16 08:00"), &[]).await;
    bench.run(at("16 08:37"), &[("in", "7", at("16 08:36"))]).await;
    bench.run(at("16 17:32"), &[("out", "7", at("16 17:31"))]).await;
    bench.run(at("17 04:00"), &[]).await;
    bench
}

#[tokio::test]
async fn what_is_stored_is_what_is_found_again() {
    let bench = wednesday().await;
    assert!(bench.told().await.contains(&"16 ana morning late 6 final".to_owned()));
    let replay = replayed(&bench, Question::default()).await;
    assert_eq!(changes(&replay), [] as [&str; 0]);
    assert_eq!((replay.days, replay.pending, replay.swipes), (2, 0, 2));
    assert!(replay.comparison.unchanged >= 3, "{:?}", bench.told().await);
    assert!(replay.facts_known && replay.other_versions.is_empty());
}

#[tokio::test]
async fn only_the_dates_and_the_person_asked_for() {
    let bench = wednesday().await;
    let date = |text: &str| Some(text.parse().expect("a date"));
    let question = Question {
        from: date("2026-09-17"),
        ..Question::default()
    };
    assert_eq!(replayed(&bench, question).await.days, 0);
    let question = Question {
        from: date("2026-09-16"),
        until: date("2026-09-17"),
        person: Some("ana".to_owned()),
        ..Question::default()
    };
    assert_eq!(replayed(&bench, question).await.days, 1);
}

#[tokio::test]
async fn days_that_wait_to_be_judged_are_no_proof_of_anything() {
    let bench = wednesday().await;
    let later = SCHEDULE.replace("08:30", "09:00");
    bench.import(&[("schedules.toml", &later)], at("18 09:00")).await;
    let replay = replayed(&bench, Question::default()).await;
    assert_eq!((replay.days, replay.pending), (0, 2));
    bench.run(at("18 09:01"), &[]).await;
    let replay = replayed(&bench, Question::default()).await;
    assert_eq!(changes(&replay), [] as [&str; 0]);
    assert!(!bench.told().await.iter().any(|told| told.contains("late")));
}

#[tokio::test]
async fn other_rules_are_shown_beside_the_record_and_change_nothing() {
    let bench = wednesday().await;
    let before = bench.findings().await;
    let folder = tempfile::tempdir().expect("a directory");
    let write = |starts: &str| {
        let text = SCHEDULE.replace("08:30", starts);
        std::fs::write(folder.path().join("schedules.toml"), text).expect("written");
    };
    let with = || Question {
        with: Some(folder.path().to_owned()),
        ..Question::default()
    };
    write("08:35");
    let replay = replayed(&bench, with()).await;
    assert_eq!(
        changes(&replay),
        [
            "better: 16 ana morning late 6 final > 16 ana morning late 1 final",
            "restated: 16 bo morning absent - final > 16 bo morning absent - final"
        ]
    );
    write("08:00");
    assert_eq!(
        changes(&replayed(&bench, with()).await)[0],
        "worse: 16 ana morning late 6 final > 16 ana morning late 36 final"
    );
    write("09:00");
    assert_eq!(
        changes(&replayed(&bench, with()).await)[0],
        "gone: 16 ana morning late 6 final > -"
    );
    assert_eq!(bench.findings().await, before);
}

#[tokio::test]
async fn a_bad_row_of_a_folder_is_named_and_its_neighbours_count() {
    let bench = wednesday().await;
    let folder = tempfile::tempdir().expect("a directory");
    let absences =
        "absence,person,kind,from,until\n1,nobody,leave,2026-09-16,2026-09-17\n2,bo,leave,2026-09-16,2026-09-17\n";
    std::fs::write(folder.path().join("absences.csv"), absences).expect("written");
    let question = Question {
        with: Some(folder.path().to_owned()),
        ..Question::default()
    };
    let replay = replayed(&bench, question).await;
    assert_eq!(replay.problems.len(), 1);
    assert_eq!(replay.problems[0].row, Some(2));
    assert_eq!(replay.comparison.counts()[&Change::Gone], 2, "{:?}", changes(&replay));
}

#[tokio::test]
async fn as_known_at_an_instant_goes_by_both_axes() {
    let bench = Workbench::new(at("16 07:00")).await;
    bench.run(at("16 08:00"), &[]).await;
    bench.run(at("16 09:00"), &[]).await;
    assert_eq!(
        bench.told().await,
        [
            "16 ana morning not_arrived - provisional",
            "16 bo morning not_arrived - provisional"
        ]
    );
    // Ana's swipe of 08:36 is delivered at eleven, and Bo's leave is recorded on the day after.
    bench.run(at("16 11:00"), &[("in", "7", at("16 08:36"))]).await;
    bench.run(at("17 04:00"), &[]).await;
    let absences = "absence,person,kind,from,until\n1,bo,leave,2026-09-16,2026-09-17\n";
    bench.import(&[("absences.csv", absences)], at("17 09:00")).await;
    bench.run(at("17 09:01"), &[]).await;

    let known_at = |known_at| Question {
        until: Some("2026-09-17".parse().expect("a date")),
        known_at: Some(known_at),
        ..Question::default()
    };
    for instant in ["16 08:00", "16 09:00", "16 11:00", "17 04:00", "17 09:01"] {
        let replay = replayed(&bench, known_at(at(instant))).await;
        assert_eq!(changes(&replay), [] as [&str; 0], "{instant}");
        assert!(replay.facts_known, "{instant}");
    }
    assert_eq!(replayed(&bench, known_at(at("16 09:00"))).await.comparison.unchanged, 2);
    // Between the runs of this engine the record says what it last found; a daemon that had run on would have found this:
    let replay = replayed(&bench, known_at(at("16 12:30"))).await;
    assert_eq!(
        changes(&replay),
        ["worse: 16 bo morning not_arrived - provisional > 16 bo morning absent - provisional"]
    );
    let before = replayed(&bench, known_at(at("16 06:59"))).await;
    assert!(!before.facts_known);
}

#[tokio::test]
async fn an_outage_counts_from_when_it_was_written_down() {
    let bench = Workbench::new(at("16 07:00")).await;
    bench.run(at("16 08:00"), &[]).await;
    bench.run(at("16 09:00"), &[]).await;
    let mut transaction = bench.ledger.begin().await.expect("begin");
    let outage = store::rows::OutageRow {
        reader: "in".to_owned(),
        down_from: at("16 08:10"),
        down_until: None,
    };
    transaction.save_outage(&outage, at("16 09:30")).await.expect("saved");
    transaction.make_due(None, None).await.expect("due");
    transaction.bump_facts_revision().await.expect("bumped");
    transaction.commit().await.expect("commit");
    bench.run(at("16 09:31"), &[]).await;
    assert!(bench.told().await[0].ends_with("withheld"));
    for instant in ["16 09:00", "16 09:31"] {
        let question = Question {
            known_at: Some(at(instant)),
            ..Question::default()
        };
        let replay = replayed(&bench, question).await;
        assert_eq!(changes(&replay), [] as [&str; 0], "{instant}");
        assert_eq!(replay.comparison.unchanged, 2, "{instant}");
    }
}

const UNIT_ABSENT: &str = "16 plan weekly unit_absent - final";

/// Wednesday the 16th, with a meeting to which nobody of the unit comes.
async fn missed_meeting() -> Workbench {
    let bench = Workbench::new(at("16 07:00")).await;
    bench.import(MEETING, at("16 07:01")).await;
    bench.run(at("16 08:00"), &[]).await;
    bench.run(at("17 04:00"), &[]).await;
    bench
}

#[tokio::test]
async fn what_units_sent_is_proved_and_tried_too() {
    let bench = missed_meeting().await;
    assert!(
        bench.told().await.contains(&UNIT_ABSENT.to_owned()),
        "{:?}",
        bench.told().await
    );
    let proof = replayed(&bench, Question::default()).await;
    assert_eq!(changes(&proof), [] as [&str; 0]);
    assert_eq!((proof.days, proof.meetings), (2, 1));
    let known_at = Question {
        known_at: Some(at("17 04:00")),
        ..Question::default()
    };
    assert_eq!(changes(&replayed(&bench, known_at).await), [] as [&str; 0]);
    let person = Question {
        person: Some("ana".to_owned()),
        ..Question::default()
    };
    assert_eq!(
        replayed(&bench, person).await.meetings,
        0,
        "what units sent is nobody's day"
    );

    let folder = tempfile::tempdir().expect("a directory");
    std::fs::write(folder.path().join("meeting_units.csv"), "meeting,unit\n").expect("written");
    let with = Question {
        with: Some(folder.path().to_owned()),
        ..Question::default()
    };
    assert_eq!(
        changes(&replayed(&bench, with).await),
        [format!("gone: {UNIT_ABSENT} > -")]
    );
    bench.write(&[("meeting_units.csv", "meeting,unit\n")]);
    std::fs::remove_file(bench.folder.path().join("meetings.toml")).expect("removed");
    let tried = crate::recalculate::dry_run(
        &*bench.ledger,
        Some(bench.folder.path()),
        crate::recalculate::Scope::default(),
        at("17 05:00"),
    );
    let tried = tried.await.expect("tried").replay;
    assert_eq!(changes(&tried), [format!("gone: {UNIT_ABSENT} > -")]);
}
