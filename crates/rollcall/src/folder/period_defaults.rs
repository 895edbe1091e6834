//! `period_defaults` of `site.toml`, in editions: settings of all periods that hold from a date on.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use rules::model::{Id, Period, PeriodSettings, Schedule};

use super::document::Node;
use super::hours::{PERIOD_PARAMETERS, apply_settings};
use super::problem::{Code, Problems};

/// The settings that periods have where they say nothing, edition by edition.
pub(super) struct PeriodDefaults {
    /// From when each is in force, in order; the first is that of always. Each is complete: what it does not set has the
    /// default of the rules.
    pub(super) editions: Vec<(Option<NaiveDate>, PeriodSettings)>,
}

/// A schedule's edition as it is written, with its periods by each edition of the defaults.
pub(super) type Written = (Schedule, Vec<Vec<Period>>);

impl PeriodDefaults {
    /// Reads `[period_defaults]`, or `[[period_defaults]]` with `from`.
    pub(super) fn read(top: &Node<'_>, problems: &mut Problems) -> Self {
        let mut editions = vec![(None, PeriodSettings::default())];
        if top.is_table("period_defaults") {
            let table = top.table("period_defaults", problems);
            editions.extend(table.map(|table| (None, settings(&table, &PERIOD_PARAMETERS, problems))));
        } else {
            for table in top.tables("period_defaults", problems) {
                let known = [&["from"][..], &PERIOD_PARAMETERS].concat();
                let settings = settings(&table, &known, problems);
                let Some(from) = problems.keep(table.date("from")) else {
                    continue;
                };
                if from.is_some() && editions.iter().any(|(other, _)| *other == from) {
                    problems.add(table.problem(Code::Duplicate, "from").with("first", top.line()));
                    continue;
                }
                editions.push((from, settings));
            }
        }
        // Of those of always the last that is written holds.
        editions.sort_by_key(|(from, _)| *from);
        let always = editions.iter().take_while(|(from, _)| from.is_none()).count();
        Self {
            editions: editions.split_off(always - 1),
        }
    }

    /// The schedules as they are in force. Where the defaults have one edition these are the schedules as they are written;
    /// where they have several, a schedule has an edition from each date on which it or the defaults become another.
    pub(super) fn in_force(&self, written: Vec<Written>) -> Vec<Schedule> {
        if self.editions.len() == 1 {
            let only = |(schedule, mut periods): Written| Schedule {
                periods: periods.swap_remove(0),
                ..schedule
            };
            return written.into_iter().map(only).collect();
        }
        let mut ids: Vec<Id> = Vec::new();
        let mut by_id: HashMap<Id, Vec<Written>> = HashMap::new();
        for (schedule, periods) in written {
            if !by_id.contains_key(&schedule.id) {
                ids.push(schedule.id.clone());
            }
            by_id.entry(schedule.id.clone()).or_default().push((schedule, periods));
        }
        ids.iter().flat_map(|id| self.editions_of(&by_id[id])).collect()
    }

    fn editions_of(&self, written: &[Written]) -> Vec<Schedule> {
        let of_schedules = written.iter().flat_map(|(schedule, _)| [schedule.from, schedule.until]);
        let of_defaults = self.editions.iter().map(|(from, _)| *from);
        let starts: BTreeSet<Option<NaiveDate>> = of_schedules.chain(of_defaults).chain([None]).collect();
        let ends = starts.iter().copied().skip(1).chain([None]);
        let segments = starts.iter().copied().zip(ends);
        segments
            .filter_map(|(from, until)| {
                let in_force = |schedule: &Schedule| {
                    let begins = schedule.from.is_none() || schedule.from <= from;
                    begins && schedule.until.is_none_or(|until| from.is_none_or(|from| from < until))
                };
                let editions = written.iter().filter(|(schedule, _)| in_force(schedule));
                let (schedule, periods) = editions.max_by_key(|(schedule, _)| schedule.from)?;
                let defaults = self.editions.iter().rposition(|(begins, _)| *begins <= from)?;
                Some(Schedule {
                    from,
                    until,
                    periods: periods[defaults].clone(),
                    ..schedule.clone()
                })
            })
            .collect()
    }
}

fn settings(table: &Node<'_>, known: &[&str], problems: &mut Problems) -> PeriodSettings {
    table.warn_of_other_keys(known, problems);
    let mut settings = PeriodSettings::default();
    problems.extend(apply_settings(table, &mut settings));
    settings
}
