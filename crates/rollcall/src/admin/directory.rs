//! Names for the identifiers that rows hold.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use rules::facts::SiteFacts;
use rules::model::{Duty, Meeting, MeetingIndex, PersonIndex, UnitIndex};
use rules::time::{CivilTime, instant_of};
use rules::units::UnitScope;
use store::rows::FindingRow;

use super::show::plain;
use crate::words::{self, Language};

/// The bureau's people, units and meetings by their identifiers.
pub struct Directory<'a> {
    site: &'a SiteFacts,
    units: HashMap<&'a str, UnitIndex>,
    meetings: HashMap<&'a str, &'a Meeting>,
}

impl<'a> Directory<'a> {
    /// The directory of a bureau.
    pub fn of(site: &'a SiteFacts) -> Self {
        let records = site.records();
        Self {
            site,
            units: records
                .units
                .iter()
                .zip(0..)
                .map(|(unit, at)| (&*unit.id, UnitIndex(at)))
                .collect(),
            meetings: records.meetings.iter().map(|meeting| (&*meeting.id, meeting)).collect(),
        }
    }

    /// The person of that identifier.
    pub fn person(&self, id: &str) -> Option<PersonIndex> {
        self.site.person_index(id)
    }

    /// What a person was called on a date; the identifier where nothing is known of them.
    pub fn name_of(&self, id: &str, date: NaiveDate) -> String {
        let Some(person) = self.person(id) else {
            return plain(id);
        };
        let records = self.site.records();
        let noon = instant_of(
            date,
            CivilTime::from_minutes(720).expect("noon is a time of day"),
            records.site.zone,
        );
        let stints = &records.people[person.at()].stints;
        let then = stints
            .iter()
            .find(|stint| stint.interval.contains(noon))
            .or(stints.last());
        then.map_or_else(|| plain(id), |stint| plain(&stint.name))
    }

    /// What somebody or some unit that a finding is about is called.
    pub fn subject_of(&self, row: &FindingRow, date: NaiveDate) -> String {
        match &row.unit {
            Some(unit) if row.person.is_empty() => self.unit_name(unit),
            _ => self.name_of(&row.person, date),
        }
    }

    /// What a unit is called; the identifier where nothing is known of it.
    pub fn unit_name(&self, id: &str) -> String {
        let unit = self.units.get(id).map(|unit| &self.site.records().units[unit.at()]);
        plain(unit.map_or(id, |unit| &*unit.name))
    }

    /// All units: identifier and name, in the order of the file.
    pub fn units(&self) -> impl Iterator<Item = (String, String)> {
        self.site
            .records()
            .units
            .iter()
            .map(|unit| (unit.id.to_string(), plain(&unit.name)))
    }

    /// Whether a unit is another one or below it.
    pub fn is_within(&self, unit: &str, other: &str) -> bool {
        let units = &self.site.records().units;
        let mut seen = HashSet::new();
        let mut next = self.units.get(unit).copied();
        while let Some(unit) = next.filter(|unit| seen.insert(*unit)) {
            if &*units[unit.at()].id == other {
                return true;
            }
            next = units[unit.at()].parent;
        }
        unit == other
    }

    /// Where a finding of a unit was judged: at a meeting, or on its date.
    pub fn scope_of(&self, row: &FindingRow, date: NaiveDate) -> Option<UnitScope> {
        match &row.meeting {
            Some(meeting) => self.meeting(meeting).map(UnitScope::Meeting),
            None => Some(UnitScope::Date(date)),
        }
    }

    /// The meeting of that identifier.
    pub fn meeting(&self, id: &str) -> Option<MeetingIndex> {
        let position = self
            .site
            .records()
            .meetings
            .iter()
            .position(|meeting| &*meeting.id == id)?;
        u32::try_from(position).ok().map(MeetingIndex)
    }

    /// What a meeting is called; the identifier where nothing is known of it.
    pub fn meeting_title(&self, id: &str) -> String {
        plain(self.meetings.get(id).map_or(id, |meeting| &*meeting.title))
    }

    /// Where a finding belongs, as people call it: the meeting, the period or the duty; `None` is the date as a whole.
    pub fn place_of(&self, language: Language, row: &FindingRow) -> Option<String> {
        let duty = || row.source.as_deref().and_then(|id| self.duty(id));
        match (&row.meeting, &row.period) {
            (Some(meeting), _) => Some(self.meeting_title(meeting)),
            (None, Some(period)) => Some(plain(period)),
            (None, None) => duty().map(|duty| plain(&words::duty(language, duty))),
        }
    }

    fn duty(&self, id: &str) -> Option<&'a Duty> {
        self.site.records().duties.iter().find(|duty| &*duty.id == id)
    }

    /// What a meeting is called.
    pub fn title_of(&self, meeting: MeetingIndex) -> String {
        plain(&self.site.records().meetings[meeting.at()].title)
    }
}
