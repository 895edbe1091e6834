//! The judgement as text for people.

use std::io::{self, Write};

use rules::finding::About;
use rules::model::{MeetingIndex, PersonIndex, SiteRecords, Subject};
use rules::time::Instant;

use super::{Judged, Judgement};
use crate::words::{self, Language, Value, text};

/// Writes the judgement in a language: problems, findings with their explanations, what was fine where it was asked for.
pub fn write_text(judgement: &Judgement, language: Language, mut to: impl Write) -> io::Result<()> {
    let records = judgement.facts.records();
    for problem in &judgement.problems {
        writeln!(to, "{}", problem.text_in(language))?;
    }
    for judged in judgement.findings.iter().chain(judgement.fine.iter().flatten()) {
        writeln!(to, "\n{}", heading(judged, records, language))?;
        for (step, number) in judged.explanation.iter().zip(1..) {
            writeln!(to, "  {number}. {}", step.text.in_language(language))?;
        }
    }
    write_strangers(judgement, language, &mut to)?;
    let as_of = judgement
        .as_of
        .to_utc()
        .with_timezone(&records.site.zone)
        .format("%Y-%m-%d %H:%M:%S");
    let count = |number: usize| Value::from(number.to_string());
    let arguments = [
        ("as_of", Value::from(as_of.to_string())),
        ("from", Value::from(judgement.dates.from.to_string())),
        ("until", Value::from(judgement.dates.until.to_string())),
        ("findings", count(judgement.findings.len())),
        ("problems", count(judgement.problems.len())),
    ];
    writeln!(to, "\n{}", text(language, "judge-summary", &arguments))
}

/// Who came to a meeting without being on its roster.
fn write_strangers(judgement: &Judgement, language: Language, mut to: impl Write) -> io::Result<()> {
    let records = judgement.facts.records();
    let said = |meeting: MeetingIndex, person: PersonIndex, at: Instant| {
        let at = at.to_utc().with_timezone(&records.site.zone);
        let person = &records.people[person.at()];
        let name = person.stints.last().map_or(&person.id, |stint| &stint.name);
        vec![
            ("meeting", Value::from(records.meetings[meeting.at()].title.to_string())),
            ("name", Value::from(name.to_string())),
            ("person", Value::from(person.id.to_string())),
            ("at", Value::from(at.format("%Y-%m-%d %H:%M:%S").to_string())),
        ]
    };
    for (meeting, proposal) in &judgement.proposals {
        let mut arguments = said(*meeting, proposal.substitute, proposal.arrived_at);
        let unit = &records.units[proposal.unit.at()];
        arguments.push(("unit", Value::from(unit.name.to_string())));
        writeln!(to, "\n{}", text(language, "judge-proposal", &arguments))?;
    }
    for (meeting, unlisted) in &judgement.unlisted {
        let arguments = said(*meeting, unlisted.person, unlisted.arrived_at);
        writeln!(to, "\n{}", text(language, "judge-unlisted", &arguments))?;
    }
    Ok(())
}

fn heading(judged: &Judged, records: &SiteRecords, language: Language) -> String {
    let about = match &judged.about {
        About::Period(name) => name.to_string(),
        About::Meeting(meeting) => records.meetings[meeting.at()].title.to_string(),
        About::Duty(duty) => words::duty(language, &records.duties[duty.at()]),
        About::Date => text(language, "about-date", &[]),
    };
    let (name, id) = named(judged, records);
    let mut arguments = vec![
        ("date", Value::from(judged.date.to_string())),
        ("name", Value::from(name)),
        ("person", Value::from(id)),
        ("about", Value::from(about)),
    ];
    let Some(finding) = &judged.finding else {
        return text(language, "judge-fine", &arguments);
    };
    arguments.push(("kind", Value::from(words::kind(language, finding.kind))));
    arguments.push(("state", Value::from(words::state(language, finding.state))));
    match finding.length {
        Some(length) => {
            arguments.push(("minutes", Value::from(length.shown_minutes())));
            text(language, "judge-finding-minutes", &arguments)
        }
        None => text(language, "judge-finding", &arguments),
    }
}

/// The name and id of whom it is about.
fn named<'a>(judged: &Judged, records: &'a SiteRecords) -> (&'a str, &'a str) {
    match judged.subject {
        Subject::Person(person) => {
            let person = &records.people[person.at()];
            let stint = person.stints.iter().rev().find(|stint| judged.unit == Some(stint.unit));
            let stint = stint.or_else(|| person.stints.last());
            (stint.map_or(&*person.id, |stint| &*stint.name), &*person.id)
        }
        Subject::Unit(unit) => {
            let unit = &records.units[unit.at()];
            (&*unit.name, &*unit.id)
        }
    }
}
