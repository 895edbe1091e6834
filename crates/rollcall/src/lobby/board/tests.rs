//! The board's promises: counts add up, names are masked, events lead from one view to the next, time alone changes nothing
//! between two named instants.

use proptest::prelude::*;
use rules::finding::{FindingKind as Kind, FindingState, Presence};

use super::super::sample::{DATE, afternoon, at, day, facts, found, morning, records, sitting};
use super::super::view::Event;
use super::*;

const PEOPLE: [(&str, &str); 4] = [
    ("sun", "孙一航"),
    ("zhou", "周强"),
    ("ouyang", "欧阳雪"),
    ("anna", "Anna Schmidt"),
];

fn here() -> Presence {
    Presence::Present { since: at(8, 40) }
}

fn board_at(now: Instant, days: Vec<BoardDay>) -> Board {
    let mut board = Board::default();
    board.apply(
        BoardChange {
            facts: Some(facts(&PEOPLE)),
            days,
            ..BoardChange::default()
        },
        now,
    );
    board
}

fn masked(board: &Board, now: Instant) -> View {
    board.view(now, NameMode::Masked)
}

fn adds_up(view: &View) {
    let Counts {
        due,
        arrived,
        late,
        missing,
        withheld,
        expected,
        ..
    } = view.counts;
    assert_eq!(due, arrived + missing + withheld + expected, "{:?}", view.counts);
    assert!(late <= arrived, "{:?}", view.counts);
    for meeting in &view.meetings {
        let Tally {
            required,
            present,
            absent,
            out,
            excused,
            withheld,
            expected,
            ..
        } = meeting.counts;
        assert_eq!(
            required,
            present + absent + out + excused + withheld + expected,
            "{:?}",
            meeting.counts
        );
    }
}

/// What a screen does with an event.
fn applied(mut view: View, event: Event) -> View {
    view.rows
        .retain(|row| !event.drop.contains(&row.id) && !event.put.iter().any(|put| put.id == row.id));
    view.rows.extend(event.put);
    View::sort_rows(&mut view.rows);
    View {
        date: event.date,
        period: event.period,
        counts: event.counts,
        meetings: event.meetings.unwrap_or(view.meetings),
        sources: event.sources.unwrap_or(view.sources),
        rows: view.rows,
    }
}

#[test]
fn everybody_is_counted_once_and_who_is_on_leave_is_not_due() {
    let board = board_at(
        at(9, 0),
        vec![
            day(0, vec![morning(here(), true)], Vec::new()),
            day(1, vec![morning(Presence::Missing, false)], Vec::new()),
            day(2, vec![morning(Presence::Excused, false)], Vec::new()),
            day(3, Vec::new(), Vec::new()),
        ],
    );
    let view = masked(&board, at(9, 0));
    let expected = Counts {
        due: 2,
        arrived: 1,
        late: 1,
        missing: 1,
        leave: 1,
        ..Counts::default()
    };
    assert_eq!(
        (view.counts, view.date.as_str(), view.period.as_deref()),
        (expected, "2026-09-16", Some("morning"))
    );
}

#[test]
fn over_lunch_the_morning_stays_until_somebody_arrives_or_is_overdue() {
    let days = |second: Presence| {
        vec![day(
            0,
            vec![morning(here(), true), afternoon(second, false)],
            Vec::new(),
        )]
    };
    let arrived = |second, now| masked(&board_at(now, days(second)), now).counts.arrived;
    assert_eq!(
        arrived(Presence::Expected, at(11, 45)),
        1,
        "the afternoon is open, the morning is not over"
    );
    assert_eq!(arrived(Presence::Expected, at(12, 30)), 1, "lunch");
    assert_eq!(arrived(Presence::Missing, at(13, 31)), 0, "overdue");
    assert_eq!(arrived(Presence::Present { since: at(13, 10) }, at(13, 10)), 1);
    assert_eq!(
        masked(&board_at(at(20, 0), days(here())), at(20, 0)).counts.arrived,
        1,
        "the evening keeps the afternoon"
    );
    let tomorrow = at(24, 1);
    assert_eq!(
        masked(&board_at(tomorrow, days(here())), tomorrow).counts,
        Counts::default(),
        "a new day"
    );
}

#[test]
fn a_late_morning_is_listed_all_day_but_a_missed_one_only_while_it_lasts() {
    let (late, missed) = (morning(here(), true), morning(Presence::Missing, false));
    let second = afternoon(Presence::Present { since: at(13, 20) }, false);
    let findings = [vec![found(0, Kind::Late, &late)], vec![found(1, Kind::Absent, &missed)]];
    let [first, other] = findings;
    let board = board_at(
        at(14, 0),
        vec![
            day(0, vec![late, second.clone()], first),
            day(1, vec![missed, second], other),
        ],
    );
    let kinds = |now| masked(&board, now).rows.iter().map(|row| row.kind).collect::<Vec<_>>();
    assert_eq!(kinds(at(9, 30)), ["late", "absent"]);
    assert_eq!(kinds(at(14, 0)), ["late"]);
    let counts = masked(&board, at(14, 0)).counts;
    assert_eq!((counts.arrived, counts.late, counts.late_today), (2, 1, 1));
}

#[test]
fn a_withheld_absence_is_counted_and_never_listed() {
    let standing = morning(Presence::Withheld, false);
    let mut finding = found(0, Kind::Absent, &standing);
    finding.finding.state = FindingState::Withheld;
    let arrived = morning(here(), true);
    let mut doubtful = found(1, Kind::Late, &arrived);
    doubtful.finding.state = FindingState::Withheld;
    let board = board_at(
        at(9, 0),
        vec![
            day(0, vec![standing], vec![finding]),
            day(1, vec![arrived], vec![doubtful]),
        ],
    );
    let view = masked(&board, at(9, 0));
    assert_eq!((view.counts.withheld, view.counts.missing), (1, 0));
    let [row] = view.rows.as_slice() else {
        panic!("only the late arrival is listed: {:?}", view.rows)
    };
    assert_eq!(
        (row.kind, row.state, row.minutes),
        ("late", "withheld", None),
        "and without minutes that may be wrong"
    );
}

#[test]
fn nobody_who_is_on_leave_now_is_listed_and_leave_is_not_told() {
    let late = morning(here(), true);
    let finding = found(0, Kind::Late, &late);
    let overstayed = morning(Presence::Missing, false);
    let other = found(1, Kind::OverstayedLeave, &overstayed);
    let board = board_at(
        at(14, 0),
        vec![
            day(0, vec![late, afternoon(Presence::Excused, false)], vec![finding]),
            day(1, vec![overstayed], vec![other]),
        ],
    );
    let kinds: Vec<_> = masked(&board, at(14, 0)).rows.iter().map(|row| row.kind).collect();
    assert_eq!(kinds, ["absent"]);
}

#[test]
fn no_full_name_leaves_in_masked_mode_and_no_person_in_counts_mode() {
    let standings = || vec![morning(here(), true), sitting(Presence::Out { since: at(9, 10) })];
    let days = (0..4).map(|person| {
        let mut exit = found(person, Kind::WalkOut, &sitting(here()));
        exit.finding.since = Some(at(9, 10));
        day(
            person,
            standings(),
            vec![found(person, Kind::Late, &morning(here(), true)), exit],
        )
    });
    let board = board_at(at(9, 20), days.collect());
    let json = |names| serde_json::to_string(&board.view(at(9, 20), names)).expect("a view serialises");
    for (id, name) in PEOPLE {
        assert!(json(NameMode::Full).contains(name), "{name}");
        assert!(!json(NameMode::Masked).contains(name), "{name}");
        assert!(!json(NameMode::Masked).contains(&format!("\"{id}\"")), "{id}");
    }
    assert!(json(NameMode::Masked).contains("孙＊航") && json(NameMode::Masked).contains("Anna S."));
    let counts = board.view(at(9, 20), NameMode::Counts);
    let [row] = counts.rows.as_slice() else {
        panic!("one unit, one row: {:?}", counts.rows)
    };
    assert_eq!(
        (row.people, row.name.as_deref(), counts.meetings[0].out.len()),
        (Some(4), None, 0)
    );
}

#[test]
fn a_meeting_counts_whom_it_calls_and_passes_through_its_phases() {
    let days = vec![
        day(0, vec![sitting(here())], Vec::new()),
        day(1, vec![sitting(Presence::Missing)], Vec::new()),
        day(2, vec![sitting(Presence::Excused)], Vec::new()),
        day(3, vec![sitting(here())], Vec::new()),
    ];
    let board = board_at(at(9, 20), days);
    let panel = |now| masked(&board, now).meetings.into_iter().next();
    let running = panel(at(9, 20)).expect("it is on");
    assert_eq!(
        (running.phase, running.room.as_str(), running.starts.as_str()),
        (Phase::Running, "多功能厅", "2026-09-16T09:00:00+08:00")
    );
    let tally = Tally {
        required: 3,
        present: 1,
        absent: 1,
        excused: 1,
        ..Tally::default()
    };
    assert_eq!(
        (running.counts, running.units[0].tally),
        (tally, tally),
        "the last on the roster is optional"
    );
    assert_eq!(panel(at(8, 45)).expect("sign-in").phase, Phase::SignIn);
    let next = panel(at(7, 0)).expect("it is to come");
    assert_eq!(
        (next.phase, next.counts.required, next.units.len()),
        (Phase::Next, 3, 0)
    );
    assert_eq!(panel(at(10, 30)), None);
}

#[test]
fn what_the_board_holds_moves_with_new_facts_by_identifiers() {
    let late = morning(here(), true);
    let mut board = board_at(
        at(9, 0),
        vec![
            day(0, vec![late.clone()], vec![found(0, Kind::Late, &late)]),
            day(1, vec![late.clone()], vec![found(1, Kind::Late, &late)]),
        ],
    );
    let mut moved = records(&[("new", "新来人"), ("zhou", "周强"), ("ouyang", "欧阳雪")]);
    moved.meetings.clear();
    let change = BoardChange {
        facts: Some(Arc::new(SiteFacts::new(moved))),
        ..BoardChange::default()
    };
    board.apply(change, at(9, 0));
    let names: Vec<_> = board
        .view(at(9, 0), NameMode::Full)
        .rows
        .into_iter()
        .filter_map(|row| row.name)
        .collect();
    assert_eq!(
        names,
        ["周强"],
        "who is gone is gone, who has another number keeps their name"
    );
}

#[test]
fn days_far_from_today_are_neither_kept_nor_shown() {
    let now = at(9, 0);
    let mut old = day(0, vec![morning(here(), false)], Vec::new());
    old.date = DATE - Days::new(2);
    let mut board = board_at(now, vec![old, day(1, vec![morning(here(), false)], Vec::new())]);
    assert_eq!(board.days.len(), 1);
    board.apply(
        BoardChange::default(),
        now + rules::time::Span::from_minutes(3 * 24 * 60),
    );
    assert!(board.days.is_empty());
}

#[test]
fn silent_readers_come_first_and_unknown_ones_are_not_named() {
    let now = at(9, 0);
    let mut board = board_at(now, Vec::new());
    let source = |reader: &str, silent| SourceState {
        reader: reader.into(),
        silent,
        since: at(8, 58),
    };
    board.apply(
        BoardChange {
            sources: vec![source("gate-1", true), source("nowhere", true)],
            ..BoardChange::default()
        },
        now,
    );
    let [source] = <[Source; 1]>::try_from(masked(&board, now).sources).expect("one known reader");
    assert_eq!(
        (source.place.as_str(), source.state, source.since.as_str()),
        ("东门", "silent", "2026-09-16T08:58:00+08:00")
    );
}

#[test]
fn the_largest_view_fits_its_bound() {
    let long = "长".repeat(200);
    let ids: Vec<String> = (0..400).map(|number| format!("p{number}")).collect();
    let people: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), long.as_str())).collect();
    let late = morning(here(), true);
    let mut board = Board::default();
    let days = (0..400)
        .map(|person| day(person, vec![late.clone()], vec![found(person, Kind::Late, &late)]))
        .collect();
    board.apply(
        BoardChange {
            facts: Some(facts(&people)),
            days,
            ..BoardChange::default()
        },
        at(9, 0),
    );
    let view = masked(&board, at(9, 0));
    assert_eq!(
        (view.rows.len(), view.counts.late_today),
        (LISTED_ROWS, 400),
        "counts stay whole"
    );
    assert!(serde_json::to_string(&view).expect("a view serialises").len() < 64 * 1024);
}

fn presence() -> impl Strategy<Value = Presence> {
    prop_oneof![
        Just(Presence::Excused),
        Just(Presence::Expected),
        Just(Presence::Missing),
        Just(Presence::Withheld),
        Just(here()),
        Just(Presence::Out { since: at(9, 10) }),
    ]
}

prop_compose! {
    fn some_day(person: u32)(
        first in presence(), second in presence(), seat in presence(),
        late in any::<[bool; 2]>(), shown in any::<[bool; 3]>(), revision in 1..3i64,
    ) -> BoardDay {
        let standings = vec![morning(first, late[0]), afternoon(second, late[1]), sitting(seat)];
        let mut findings = Vec::new();
        for (kind, standing, wanted) in [(Kind::Late, 0, shown[0]), (Kind::NotArrived, 1, shown[1]), (Kind::WalkOut, 2, shown[2])] {
            let mut finding = found(person, kind, &standings[standing]);
            finding.revision = revision;
            finding.finding.since = (kind == Kind::WalkOut).then(|| at(9, 10));
            findings.extend(wanted.then_some(finding));
        }
        day(person, standings, findings)
    }
}

fn some_days() -> impl Strategy<Value = Vec<BoardDay>> {
    (some_day(0), some_day(1), some_day(2), some_day(3)).prop_map(|(a, b, c, d)| vec![a, b, c, d])
}

proptest! {
    #[test]
    fn counts_always_add_up(days in some_days(), minute in 0..1440i32) {
        let now = at(0, minute);
        adds_up(&masked(&board_at(now, days), now));
    }

    #[test]
    fn an_event_leads_from_one_view_to_the_next(before in some_days(), after in some_days(), minute in 0..1440i32, later in 0..200i32) {
        let now = at(0, minute);
        let mut board = board_at(now, before);
        let old = masked(&board, now);
        board.apply(BoardChange { days: after, ..BoardChange::default() }, now);
        let new = masked(&board, at(0, minute + later));
        match View::diff(&old, &new) {
            None => prop_assert_eq!(old, new),
            Some(event) => prop_assert_eq!(applied(old, event), new),
        }
    }

    #[test]
    fn between_two_named_instants_time_changes_nothing(days in some_days(), minute in 0..1440i32, share in 0.0..1.0f64) {
        let now = at(0, minute);
        let board = board_at(now, days);
        let next = board.next_change(now).expect("at least midnight comes");
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "milliseconds of a day")]
        let inside = Instant::from_ms(now.as_ms() + ((next - now).as_ms() as f64 * share) as i64);
        prop_assert_eq!(masked(&board, now), masked(&board, inside.min(Instant::from_ms(next.as_ms() - 1))));
    }
}

/// What a unit did not do at the meeting, as the engine says it.
fn short(kind: Kind, state: FindingState, arrived: u32) -> BoardMeeting {
    let mut said = found(0, kind, &morning(here(), false));
    said.finding.subject = Subject::Unit(UnitIndex(0));
    said.finding.unit = Some(UnitIndex(0));
    said.finding.about = About::Meeting(MeetingIndex(0));
    said.finding.state = state;
    BoardMeeting {
        meeting: MeetingIndex(0),
        findings: vec![said],
        counts: vec![UnitCount {
            unit: UnitIndex(0),
            at_least: 3,
            arrived,
        }],
    }
}

#[test]
fn a_short_unit_is_told_while_the_meeting_runs_and_no_reader_leaves_it_in_doubt() {
    let said = |meetings: Vec<BoardMeeting>, now| {
        let mut board = board_at(now, Vec::new());
        board.apply(
            BoardChange {
                meetings,
                ..BoardChange::default()
            },
            now,
        );
        let view = masked(&board, now);
        let shown = view.meetings[0].shortfalls.iter();
        shown
            .map(|short| (short.unit.clone(), short.kind, short.came, short.asked))
            .collect::<Vec<_>>()
    };
    let final_short = short(Kind::UnitShort, FindingState::Final, 2);
    assert_eq!(
        said(vec![final_short.clone()], at(9, 40)),
        [("办公室".to_owned(), "unit_short", 2, 3)]
    );
    assert_eq!(said(vec![final_short.clone()], at(8, 40)), [], "it has not begun");
    let withheld = short(Kind::UnitAbsent, FindingState::Withheld, 0);
    assert_eq!(said(vec![withheld], at(9, 40)), [], "nobody can tell");
    let again = BoardMeeting {
        findings: Vec::new(),
        ..final_short.clone()
    };
    assert_eq!(said(vec![final_short, again], at(9, 40)), [], "it no longer holds");
}
