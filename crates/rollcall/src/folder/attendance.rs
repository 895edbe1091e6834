//! What belongs to meetings beside their rosters: what units must send, who stands in for whom, and what inspectors saw.

use rules::model::{Obligation, Observation, ObservationKind, StandInRefusal, Subject, Substitution};

use super::bureau::FirstLines;
use super::compile::Draft;
use super::gathering::Cells;
use super::meetings::meeting_of;
use super::problem::{Code, Problem, Problems};
use super::source::{SiteSource, TableFile};

/// Most people that a unit may have to send to one meeting.
const AT_LEAST_MAX: i64 = 1_000_000;

/// `meeting_units.csv`.
pub(super) fn units(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let mut lines = FirstLines::<(u32, u32)>::default();
    draft.rows(source, TableFile::MeetingUnits, problems, |draft, cells| {
        let meeting = meeting_of(draft, &cells)?;
        let unit = cells.find("unit", Code::UnitUnknown, |id| draft.units.get(id).copied())?;
        let at_least = cells.integer("at_least", 0, AT_LEAST_MAX)?.unwrap_or(1);
        let obligation = Obligation {
            unit,
            at_least: u32::try_from(at_least).expect("bounded above"),
            min_rank: cells.integer("min_rank", i64::MIN, i64::MAX)?,
            head_required: cells.yes("head_required")?,
        };
        lines.refuse_second(&cells, (meeting.0, unit.0))?;
        draft.records.meetings[meeting.at()].obligations.push(obligation);
        Ok(())
    });
}

/// `substitutes.csv`.
pub(super) fn substitutes(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let mut lines = FirstLines::<(u32, u32, u32)>::default();
    draft.rows(source, TableFile::Substitutes, problems, |draft, cells| {
        let meeting = meeting_of(draft, &cells)?;
        let of = |column| cells.find(column, Code::PersonUnknown, |id| draft.people.get(id).copied());
        let (person, substitute) = (of("person")?, of("substitute")?);
        let accepted = Substitution {
            person,
            substitute,
            accepted_by: cells.get("accepted_by").map(Into::into),
            accepted_at: cells.optional_instant("accepted_at")?,
        };
        let refused = |refusal| match refusal {
            StandInRefusal::NotOnRoster => (Code::NotOnRoster, "person"),
            StandInRefusal::NotAllowed => (Code::SubstituteNotAllowed, "substitute"),
        };
        draft
            .records
            .may_stand_in(meeting, person, substitute)
            .map_err(refused)
            .map_err(|(code, column)| cells.wrong(code, column, cells.get(column).unwrap_or_default()))?;
        lines.refuse_second(&cells, (meeting.0, person.0, substitute.0))?;
        draft.records.meetings[meeting.at()].substitutions.push(accepted);
        Ok(())
    });
}

/// `observations.csv`.
pub(super) fn observations(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let kinds = [
        ("seating", ObservationKind::Seating),
        ("conduct", ObservationKind::Conduct),
    ];
    let mut lines = FirstLines::<String>::default();
    draft.rows(source, TableFile::Observations, problems, |draft, cells| {
        let id = cells.require("observation")?;
        cells.require("kind")?;
        let kind = cells.choice("kind", &kinds)?.expect("the cell is not empty");
        let meeting = match cells.get("meeting") {
            Some(_) => Some(meeting_of(draft, &cells)?),
            None => None,
        };
        let observation = Observation {
            id: id.into(),
            subject: observed(draft, &cells)?,
            kind,
            meeting,
            at: cells.instant("at")?,
            observer: cells.require("observer")?.into(),
            note: cells.get("note").map(Into::into),
        };
        lines.refuse_second(&cells, id.to_owned())?;
        draft.records.observations.push(observation);
        Ok(())
    });
}

/// The person, or where none is named the unit.
fn observed(draft: &Draft, cells: &Cells<'_>) -> Result<Subject, Problem> {
    if cells.get("person").is_none() && cells.get("unit").is_some() {
        let unit = cells.find("unit", Code::UnitUnknown, |id| draft.units.get(id).copied())?;
        return Ok(Subject::Unit(unit));
    }
    let person = cells.find("person", Code::PersonUnknown, |id| draft.people.get(id).copied())?;
    Ok(Subject::Person(person))
}
