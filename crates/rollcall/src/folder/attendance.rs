//! What belongs to meetings beside their rosters: what units must send, who stands in for whom, and what inspectors saw.

use rules::model::{
    MeetingIndex, Obligation, Observation, ObservationKind, PersonIndex, Subject, Substitutes, Substitution,
};

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
        may_stand_in(draft, &cells, meeting, &accepted)?;
        lines.refuse_second(&cells, (meeting.0, person.0, substitute.0))?;
        draft.records.meetings[meeting.at()].substitutions.push(accepted);
        Ok(())
    });
}

/// Whether the meeting allows somebody to stand in for somebody.
fn may_stand_in(
    draft: &Draft,
    cells: &Cells<'_>,
    meeting: MeetingIndex,
    accepted: &Substitution,
) -> Result<(), Problem> {
    let announced = &draft.records.meetings[meeting.at()];
    let wrong = |code, column| cells.wrong(code, column, cells.get(column).unwrap_or_default());
    if !announced.roster.iter().any(|entry| entry.person == accepted.person) {
        return Err(wrong(Code::NotOnRoster, "person"));
    }
    let allowed = match announced.substitutes {
        Substitutes::None => false,
        Substitutes::WithApproval => true,
        Substitutes::WithinUnit => is_of_unit_of(draft, accepted, meeting),
    };
    if allowed && accepted.person != accepted.substitute {
        Ok(())
    } else {
        Err(wrong(Code::SubstituteNotAllowed, "substitute"))
    }
}

/// Whether the substitute belongs to the named person's unit, or to one below it, when the meeting starts.
fn is_of_unit_of(draft: &Draft, accepted: &Substitution, meeting: MeetingIndex) -> bool {
    let records = &draft.records;
    let starts = records.meetings[meeting.at()].starts;
    let unit_of = |person: PersonIndex| {
        let mut stints = records.people[person.at()].stints.iter();
        stints
            .find(|stint| stint.interval.contains(starts))
            .map(|stint| stint.unit)
    };
    let (Some(own), Some(named)) = (unit_of(accepted.substitute), unit_of(accepted.person)) else {
        return false;
    };
    let above = std::iter::successors(Some(own), |unit| records.units[unit.at()].parent);
    above.take(records.units.len()).any(|unit| unit == named)
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
