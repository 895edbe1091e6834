//! Counting in a database, from the decisions that add up to what undoes them.

use super::*;
use crate::engine::load_site;
use crate::engine::workbench::{MEETING, SCHEDULE, Workbench, at};

const RULES: &str = "[[escalation]]\nid = \"two-late\"\nname = \"累计迟到\"\nkinds = [\"late\", \"seriously_late\"]\ncount = 2\n\
    within = \"month\"\nyields = \"谈话提醒\"\n";

const ESCALATED: &str = "17 ana two-late escalation - final";

fn late(day: u32) -> String {
    format!("{day} ana morning late 6 final")
}

/// Ana is late on the 16th, the 17th and the 18th.
async fn three_late() -> Workbench {
    let bench = Workbench::new(at("16 07:00")).await;
    bench.import(&[("escalations.toml", RULES)], at("16 07:01")).await;
    bench.run(at("16 08:00"), &[]).await;
    for day in [16, 17, 18] {
        let swipe = ("in", "7", at(&format!("{day} 08:36")));
        bench.run(at(&format!("{day} 08:37")), &[swipe]).await;
    }
    bench.run(at("19 05:00"), &[]).await;
    bench
}

async fn escalations(bench: &Workbench) -> Vec<String> {
    let told = bench.told().await;
    told.into_iter().filter(|told| told.contains("escalation")).collect()
}

async fn confirm(bench: &Workbench, days: &[u32]) {
    for day in days {
        bench.decide(&late(*day), Review::Confirmed, at("19 06:00")).await;
    }
}

async fn evidence(bench: &Workbench) -> Vec<String> {
    let rows = bench.findings().await;
    let escalation = rows.iter().find(|row| row.kind == ESCALATION).expect("an escalation");
    let counted = bench.ledger.counted(&escalation.id).await.expect("read");
    let date = |id: &String| rows.iter().find(|row| row.id == *id).map(|row| row.date.clone());
    counted.iter().filter_map(date).collect()
}

#[tokio::test]
async fn the_decision_that_reaches_the_count_makes_an_escalation() {
    let bench = three_late().await;
    confirm(&bench, &[16]).await;
    assert_eq!(escalations(&bench).await, [] as [&str; 0]);
    confirm(&bench, &[17]).await;
    assert_eq!(escalations(&bench).await, [ESCALATED]);
    assert_eq!(evidence(&bench).await, ["2026-09-16", "2026-09-17"]);
    confirm(&bench, &[18]).await;
    assert_eq!(escalations(&bench).await, [ESCALATED], "a month yields once");
}

#[tokio::test]
async fn an_earlier_finding_that_is_confirmed_later_moves_it() {
    let bench = three_late().await;
    confirm(&bench, &[17, 18]).await;
    assert_eq!(escalations(&bench).await, ["18 ana two-late escalation - final"]);
    confirm(&bench, &[16]).await;
    assert_eq!(escalations(&bench).await, [ESCALATED]);
}

#[tokio::test]
async fn a_confirmed_finding_that_changes_is_confirmed_no_more() {
    let bench = three_late().await;
    confirm(&bench, &[16, 17]).await;
    bench.decide(ESCALATED, Review::Confirmed, at("19 07:00")).await;
    let absences = "absence,person,kind,from,until\n1,ana,leave,2026-09-16,2026-09-17\n";
    bench.import(&[("absences.csv", absences)], at("21 05:00")).await;
    bench.run(at("21 05:01"), &[]).await;
    assert_eq!(escalations(&bench).await, [] as [&str; 0], "one is not two");
}

#[tokio::test]
async fn judging_its_day_again_leaves_an_escalation_alone() {
    let bench = three_late().await;
    confirm(&bench, &[16, 17]).await;
    let text = SCHEDULE.replace("17:30", "17:00");
    bench.import(&[("schedules.toml", &text)], at("21 05:00")).await;
    bench.run(at("21 05:01"), &[]).await;
    assert_eq!(escalations(&bench).await, [ESCALATED]);
}

#[tokio::test]
async fn other_rules_are_counted_when_they_are_imported() {
    let bench = three_late().await;
    confirm(&bench, &[16, 17, 18]).await;
    let three = RULES.replace("count = 2", "count = 3");
    bench.import(&[("escalations.toml", &three)], at("21 05:00")).await;
    assert_eq!(escalations(&bench).await, ["18 ana two-late escalation - final"]);
    bench.import(&[("escalations.toml", "")], at("21 06:00")).await;
    assert_eq!(escalations(&bench).await, [] as [&str; 0]);
}

#[tokio::test]
async fn a_decision_on_an_escalation_is_bound_to_what_it_counts() {
    let bench = three_late().await;
    confirm(&bench, &[16, 17]).await;
    bench.decide(ESCALATED, Review::Confirmed, at("19 07:00")).await;
    let other = RULES.replace("谈话提醒", "书面检查");
    bench.import(&[("escalations.toml", &other)], at("21 05:00")).await;
    let rows = bench.findings().await;
    let escalation = rows.iter().find(|row| row.kind == ESCALATION).expect("it holds");
    assert_eq!(escalation.review, Review::ChangedAfterDecision);
}

#[tokio::test]
async fn an_escalation_explains_itself() {
    let bench = three_late().await;
    confirm(&bench, &[16, 17]).await;
    let site = load_site(&*bench.ledger).await.expect("facts");
    let rows = bench.findings().await;
    let escalation = rows.iter().find(|row| row.kind == ESCALATION).expect("it holds");
    let explanation = explain(&*bench.ledger, &site.facts, escalation)
        .await
        .expect("read")
        .expect("explained");
    let steps = crate::words::steps::steps(&explanation, site.facts.records());
    let chinese: Vec<&str> = steps.iter().map(|step| step.text.chinese.as_str()).collect();
    assert_eq!(
        chinese,
        [
            "依据“累计迟到”：一个自然月内迟到、严重迟到满 2 次。",
            "第 1 次：2026-09-16 morning 迟到。",
            "第 2 次：2026-09-17 morning 迟到。",
            "自 2026-09-01 起至 2026-09-17 已满 2 次，应予：谈话提醒。",
        ]
    );
    assert_eq!(steps[1].refs.len(), 1);
    assert!(steps[3].is_conclusion && steps[3].text.english.ends_with("there were 2: 谈话提醒."));
}

async fn flagged(bench: &Workbench, counting: Counting, from: &str) -> Vec<(String, usize)> {
    let site = load_site(&*bench.ledger).await.expect("facts");
    let simulation = Simulation {
        rules: site.facts.records().escalations.clone(),
        from: from.parse().expect("a date"),
        until: "2026-10-01".parse().expect("a date"),
        counting,
    };
    let flagged = simulate(&*bench.ledger, &site, &simulation).await.expect("simulated");
    flagged
        .iter()
        .map(|one| (one.date.to_string(), one.findings.len()))
        .collect()
}

#[tokio::test]
async fn a_simulation_counts_what_is_confirmed_or_all_that_is_final() {
    let bench = three_late().await;
    let before = bench.findings().await;
    assert_eq!(flagged(&bench, Counting::Confirmed, "2026-07-01").await, []);
    let all = vec![("2026-09-17".to_owned(), 2)];
    assert_eq!(flagged(&bench, Counting::Final, "2026-07-01").await, all);
    assert_eq!(bench.findings().await, before, "nothing is written");
    bench.decide(&late(16), Review::Waived, at("19 06:00")).await;
    let later = vec![("2026-09-18".to_owned(), 2)];
    assert_eq!(
        flagged(&bench, Counting::Final, "2026-07-01").await,
        later,
        "what is waived does not count"
    );
    confirm(&bench, &[17, 18]).await;
    assert_eq!(flagged(&bench, Counting::Confirmed, "2026-09-01").await, later);
    assert_eq!(flagged(&bench, Counting::Confirmed, "2026-09-19").await, []);
}

#[tokio::test]
async fn a_folder_that_is_exported_counts_the_same() {
    let bench = three_late().await;
    confirm(&bench, &[16, 17]).await;
    bench.decide(ESCALATED, Review::Confirmed, at("19 07:00")).await;
    let folder = tempfile::tempdir().expect("a directory");
    crate::transfer::export(&*bench.ledger, folder.path())
        .await
        .expect("exported");
    let compiled = crate::folder::compile(&crate::folder::read_directory(folder.path()).expect("a folder"));
    let question = crate::judge::Question {
        as_of: at("19 08:00"),
        known_at: None,
        from: None,
        until: None,
        person: None,
        all: false,
    };
    let judged = crate::judge::judge(compiled.expect("a bureau"), &question);
    assert_eq!(judged.problems, []);
    let escalations: Vec<String> = judged
        .findings
        .iter()
        .filter_map(|judged| judged.finding.as_ref())
        .filter(|finding| finding.kind == FindingKind::Escalation)
        .map(|finding| format!("{} {}", finding.date, finding.source.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(escalations, ["2026-09-17 two-late"]);
    let options = crate::transfer::ImportOptions {
        dry_run: false,
        accept_good_rows: false,
        actor: "test".to_owned(),
    };
    let again = crate::transfer::import(&*bench.ledger, folder.path(), &options, at("19 09:00"));
    let report = again.await.expect("imported");
    let codes: Vec<&str> = report.problems.iter().map(|problem| problem.code.name()).collect();
    assert_eq!(
        (report.errors, codes),
        (0, vec!["not_imported"]),
        "and says that decisions stay where they are"
    );
}

#[tokio::test]
async fn what_units_did_is_counted_for_units() {
    let bench = Workbench::new(at("16 07:00")).await;
    let rule = "[[escalation]]\nid = \"unit\"\nkinds = [\"unit_absent\"]\ncount = 1\nwithin = \"quarter\"\nyields = \"约谈\"\n";
    let files = [MEETING, &[("escalations.toml", rule)]].concat();
    bench.import(&files, at("16 07:01")).await;
    bench.run(at("16 08:00"), &[]).await;
    bench.run(at("17 04:00"), &[]).await;
    let absent = "16 plan weekly unit_absent - final";
    bench.decide(absent, Review::Confirmed, at("17 05:00")).await;
    let escalated = ["16 plan unit escalation - final"];
    assert_eq!(escalations(&bench).await, escalated);
    bench
        .import(
            &[("site.toml", "name = \"New\"\ntime_zone = \"Asia/Shanghai\"\n")],
            at("17 06:00"),
        )
        .await;
    bench.run(at("17 06:01"), &[]).await;
    assert_eq!(
        escalations(&bench).await,
        escalated,
        "judging the meeting again leaves it alone"
    );
    bench
        .import(&[("meeting_units.csv", "meeting,unit\n")], at("17 07:00"))
        .await;
    bench.run(at("17 07:01"), &[]).await;
    assert_eq!(escalations(&bench).await, [] as [&str; 0], "what it counted is gone");
}
