//! Duties 值班, to whom they are handed over, and when they are checked.

use rules::model::{Duty, DutyIndex};
use rules::time::Span;

use super::bureau::FirstLines;
use super::compile::{Draft, next};
use super::gathering::Cells;
use super::problem::{Code, Problem, Problems};
use super::source::{SiteSource, TableFile};

/// Most checks that may be drawn for one duty.
const CHECKS_MAX: i64 = 100;

/// The longest duty in days. Every swipe of a person is judged together with all of the duty that they are on.
const DAYS_MAX: i64 = 31;

/// `duties.csv`. A duty that is handed over to one that is not there is stood all the same.
pub(super) fn duties(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let mut lines = FirstLines::<String>::default();
    let mut successors: Vec<(DutyIndex, Problem, String)> = Vec::new();
    draft.rows(source, TableFile::Duties, problems, |draft, cells| {
        let duty = duty(draft, &cells)?;
        lines.refuse_second(&cells, duty.id.to_string())?;
        let index = DutyIndex(next(&draft.records.duties));
        if let Some(successor) = cells.get("hands_over_to") {
            let unknown = cells.wrong(Code::DutyUnknown, "hands_over_to", successor);
            successors.push((index, unknown, successor.to_owned()));
        }
        draft.duties.insert(duty.id.clone(), index);
        draft.records.duties.push(duty);
        Ok(())
    });
    for (index, unknown, successor) in successors {
        let successor = draft.duties.get(successor.as_str()).copied().ok_or(unknown);
        draft.records.duties[index.at()].hands_over_to = problems.keep(successor);
    }
}

fn duty(draft: &Draft, cells: &Cells<'_>) -> Result<Duty, Problem> {
    let id = cells.require("duty")?;
    let person = cells.find("person", Code::PersonUnknown, |id| draft.people.get(id).copied())?;
    let place = cells.find("place", Code::PlaceUnknown, |id| draft.places.get(id).copied())?;
    cells.instant("starts")?;
    cells.instant("ends")?;
    let interval = cells.interval("starts", "ends")?;
    if interval.length() > Span::from_minutes(DAYS_MAX * 24 * 60) {
        let ends = cells.require("ends")?;
        return Err(cells.wrong(Code::DutyTooLong, "ends", ends).with("most", DAYS_MAX));
    }
    let checks = cells.integer("checks", 0, CHECKS_MAX)?.unwrap_or_default();
    Ok(Duty {
        role: cells.get("role").map(Into::into),
        checks_drawn: u32::try_from(checks).expect("bounded above"),
        check_seed: cells.get("check_seed").map(Into::into),
        ..Duty::new(id.into(), person, place, interval)
    })
}

/// `duty_checks.csv`.
pub(super) fn checks(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    draft.rows(source, TableFile::DutyChecks, problems, |draft, cells| {
        let duty = cells.find("duty", Code::DutyUnknown, |id| draft.duties.get(id).copied())?;
        let at = cells.instant("at")?;
        let duty = &mut draft.records.duties[duty.at()];
        if !duty.interval.contains(at) {
            let text = cells.require("at")?;
            return Err(cells.wrong(Code::CheckOutsideDuty, "at", text).with("duty", &duty.id));
        }
        duty.checks_at.push(at);
        Ok(())
    });
}
