//! From text and tables to records: the second stage, which the database shares.

use std::collections::HashMap;

use chrono_tz::Tz;
use rules::model::{DutyIndex, Id, MeetingIndex, PersonIndex, PlaceIndex, ReaderIndex, Site, SiteRecords, UnitIndex};

use super::FolderError;
use super::decisions::{self, FolderDecision};
use super::gathering::{Cells, each_row};
use super::problem::{Problem, Problems};
use super::source::{SiteSource, TableFile};
use super::swipes::{self, FolderSwipe};
use super::{BadgeKeys, attendance, bureau, duties, escalations, feed, hours, meetings};

/// What a site folder says.
#[derive(Debug)]
pub struct Compiled {
    /// The bureau.
    pub records: SiteRecords,
    /// Finds the badges of `records` by the keys that readers send.
    pub badge_keys: BadgeKeys,
    /// Its swipes without repeats, by when they happened.
    pub swipes: Vec<FolderSwipe>,
    /// What people decided on findings, in the order of the file.
    pub decisions: Vec<FolderDecision>,
    /// What is wrong, by file and row.
    pub problems: Vec<Problem>,
}

/// Records as they grow, with the positions of what has an identifier.
pub(super) struct Draft {
    pub(super) records: SiteRecords,
    pub(super) units: HashMap<Id, UnitIndex>,
    pub(super) people: HashMap<Id, PersonIndex>,
    pub(super) places: HashMap<Id, PlaceIndex>,
    pub(super) readers: HashMap<Id, ReaderIndex>,
    pub(super) meetings: HashMap<Id, MeetingIndex>,
    pub(super) duties: HashMap<Id, DutyIndex>,
}

/// Makes records of a folder. Whatever is wrong is a problem, and the good neighbours count; only without a usable
/// `site.toml` there is nothing to make.
pub fn compile(source: &SiteSource) -> Result<Compiled, FolderError> {
    let mut problems = Problems::default();
    problems.extend(source.problems.iter().cloned());
    let Some((site, period_defaults)) = bureau::site(&source.site, &mut problems) else {
        return Err(FolderError::SiteUnusable(problems.into_sorted()));
    };
    let mut draft = Draft::new(site);
    bureau::units(source, &mut draft, &mut problems);
    bureau::people(source, &mut draft, &mut problems);
    bureau::badges(source, &mut draft, &mut problems);
    bureau::places(source, &mut draft, &mut problems);
    bureau::readers(source, &mut draft, &mut problems);
    bureau::coverage(source, &mut draft, &mut problems);
    hours::schedules(source, &period_defaults, &mut draft, &mut problems);
    hours::calendar(source, &mut draft, &mut problems);
    hours::assignments(source, &mut draft, &mut problems);
    hours::absences(source, &mut draft, &mut problems);
    meetings::meetings(source, &mut draft, &mut problems);
    feed::meetings(source, &mut draft, &mut problems);
    meetings::moved_ends(source, &mut draft, &mut problems);
    meetings::rosters(source, &mut draft, &mut problems);
    feed::rosters(source, &mut draft, &mut problems);
    meetings::permissions(source, &mut draft, &mut problems);
    attendance::units(source, &mut draft, &mut problems);
    attendance::substitutes(source, &mut draft, &mut problems);
    attendance::observations(source, &mut draft, &mut problems);
    duties::duties(source, &mut draft, &mut problems);
    duties::checks(source, &mut draft, &mut problems);
    escalations::escalations(source, &mut draft, &mut problems);
    let decisions = decisions::decisions(source, &draft, &mut problems);
    let badge_keys = BadgeKeys::new(&draft.records.badges);
    let swipes = swipes::swipes(source, &draft, &badge_keys, &mut problems);
    Ok(Compiled {
        records: draft.records,
        badge_keys,
        swipes,
        decisions,
        problems: problems.into_sorted(),
    })
}

impl Draft {
    fn new(site: Site) -> Self {
        let records = SiteRecords::of_site(site);
        Self {
            records,
            units: HashMap::new(),
            people: HashMap::new(),
            places: HashMap::new(),
            readers: HashMap::new(),
            meetings: HashMap::new(),
            duties: HashMap::new(),
        }
    }

    /// The bureau's zone.
    pub(super) fn zone(&self) -> Tz {
        self.records.site.zone
    }

    /// Goes through the rows of a file.
    pub(super) fn rows(
        &mut self,
        source: &SiteSource,
        file: TableFile,
        problems: &mut Problems,
        mut add: impl FnMut(&mut Self, Cells<'_>) -> Result<(), Problem>,
    ) {
        let zone = self.zone();
        each_row(file, source.tables.get(&file), zone, problems, |cells| add(self, cells));
    }
}

/// The position of what is about to be pushed.
pub(super) fn next<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).expect("a file of bounded size has fewer than 2^32 rows")
}
