//! Who and where: the site, units, people, badges, places, readers, and when readers were down.

use std::collections::HashMap;

use rules::model::{
    Badge, BadgeGrant, Facing, Outage, Pairing, Person, PersonIndex, Place, PlaceIndex, PlaceKind, Reader, ReaderIndex,
    Site, Stand, Stint, Unit, UnitIndex,
};
use rules::time::{Instant, Interval};

use super::compile::{Draft, next};
use super::document::Document;
use super::gathering::Cells;
use super::period_defaults::PeriodDefaults;
use super::problem::{Code, Problem, Problems};
use super::site_settings;
use super::source::{SiteSource, TableFile};
use super::values::{self, latest_from_wins};

/// Readers face one of these.
pub(super) const FACINGS: [(&str, Facing); 3] = [("in", Facing::In), ("out", Facing::Out), ("both", Facing::Both)];

/// The keys of `site.toml` beside those of [`site_settings::SETTINGS`].
const SITE_KEYS: [&str; 6] = ["name", "time_zone", "calendar", "since", "settings", "period_defaults"];

/// `site.toml`, and its `period_defaults`. `None` where there is no usable `time_zone`.
pub(super) fn site(text: &str, problems: &mut Problems) -> Option<(Site, PeriodDefaults)> {
    let document = Document::parse("site.toml", text, problems);
    let top = document.top();
    top.warn_of_other_keys(&[&SITE_KEYS[..], &site_settings::SETTINGS].concat(), problems);
    let zone = top.required("time_zone", top.text("time_zone")).and_then(|name| {
        name.parse().map_err(|_| {
            top.problem(Code::ValueInvalid, "time_zone")
                .with("value", name)
                .with("allowed", "Asia/Shanghai, Europe/Berlin, …")
        })
    });
    let zone = problems.keep(zone)?;
    let first_of_2020 = values::midnight(values::date("2020-01-01").expect("a date"), zone);
    let settings = site_settings::read(&top, zone, problems);
    let since = problems
        .keep(top.edge("since", zone))
        .flatten()
        .unwrap_or(first_of_2020);
    let name = problems.keep(top.text("name")).flatten().unwrap_or_default().into();
    let defaults = PeriodDefaults::read(&top, problems);
    Some((
        Site {
            name,
            zone,
            since,
            settings,
        },
        defaults,
    ))
}

/// `units.csv`.
pub(super) fn units(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let mut parents: Vec<(UnitIndex, u64, String)> = Vec::new();
    let mut lines = FirstLines::default();
    draft.rows(source, TableFile::Units, problems, |draft, cells| {
        let id = cells.require("unit")?;
        lines.refuse_second(&cells, id.to_owned())?;
        let index = UnitIndex(next(&draft.records.units));
        let name = cells.get("name").unwrap_or(id).into();
        draft.records.units.push(Unit {
            id: id.into(),
            parent: None,
            name,
        });
        draft.units.insert(id.into(), index);
        parents.extend(
            cells
                .get("parent")
                .map(|parent| (index, cells.line(), parent.to_owned())),
        );
        Ok(())
    });
    for (index, line, parent) in parents {
        let problem = |code| {
            Problem::of_file(TableFile::Units.name(), code)
                .at_row(line)
                .with("column", "parent")
        };
        match draft.units.get(parent.as_str()) {
            None => problems.add(problem(Code::UnitUnknown).with("value", &parent)),
            Some(&above) if is_within(&draft.records.units, above, index) => {
                let id = draft.records.units[index.at()].id.clone();
                problems.add(problem(Code::UnitCycle).with("value", id).with("parent", &parent));
            }
            Some(&above) => draft.records.units[index.at()].parent = Some(above),
        }
    }
}

/// Whether `unit` is `of` or below it. Parents never form a circle: a link that would close one is refused.
fn is_within(units: &[Unit], unit: UnitIndex, of: UnitIndex) -> bool {
    std::iter::successors(Some(unit), |unit| units[unit.at()].parent).any(|unit| unit == of)
}

/// `people.csv`: several rows of a person are their moves.
pub(super) fn people(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let mut stints: Vec<Vec<(Interval, Stint)>> = Vec::new();
    let mut starts = FirstLines::default();
    draft.rows(source, TableFile::People, problems, |draft, cells| {
        let id = cells.require("person")?;
        let stint = stint(draft, &cells)?;
        starts.refuse_second(&cells, (id.to_owned(), stint.interval.from))?;
        let index = *draft.people.entry(id.into()).or_insert_with(|| {
            let index = PersonIndex(next(&draft.records.people));
            draft.records.people.push(Person {
                id: id.into(),
                stints: Vec::new(),
            });
            stints.push(Vec::new());
            index
        });
        stints[index.at()].push((stint.interval, stint));
        Ok(())
    });
    for (person, rows) in draft.records.people.iter_mut().zip(&stints) {
        let pieces = latest_from_wins(rows).into_iter();
        person.stints = pieces.map(|(interval, stint)| Stint { interval, ..stint }).collect();
    }
}

fn stint(draft: &Draft, cells: &Cells<'_>) -> Result<Stint, Problem> {
    Ok(Stint {
        interval: cells.interval("from", "until")?,
        name: cells.require("name")?.into(),
        unit: cells.find("unit", Code::UnitUnknown, |id| draft.units.get(id).copied())?,
        rank: cells.integer("rank", i64::MIN, i64::MAX)?,
        head: cells.yes("head")?,
        mail: cells.get("mail").map(Into::into),
    })
}

/// `badges.csv`.
pub(super) fn badges(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let mut positions: HashMap<String, usize> = HashMap::new();
    let mut starts = FirstLines::default();
    draft.rows(source, TableFile::Badges, problems, |draft, cells| {
        let key = cells.require("badge")?;
        let person = cells.find("person", Code::PersonUnknown, |id| draft.people.get(id).copied())?;
        let interval = cells.interval("from", "until")?;
        starts.refuse_second(&cells, (key.to_owned(), interval.from))?;
        let badges = &mut draft.records.badges;
        let position = *positions.entry(key.to_owned()).or_insert_with(|| {
            badges.push(Badge {
                key: key.into(),
                grants: Vec::new(),
            });
            badges.len() - 1
        });
        badges[position].grants.push(BadgeGrant { interval, person });
        Ok(())
    });
    for badge in &mut draft.records.badges {
        badge.grants.sort_by_key(|grant| grant.interval.from);
    }
}

/// `places.csv`.
pub(super) fn places(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let kinds = [
        ("office", PlaceKind::Office),
        ("meeting", PlaceKind::Meeting),
        ("duty", PlaceKind::Duty),
    ];
    let pairings = [
        ("directed", Pairing::Directed),
        ("alternate", Pairing::Alternate),
        ("first", Pairing::First),
    ];
    let mut lines = FirstLines::default();
    draft.rows(source, TableFile::Places, problems, |draft, cells| {
        let id = cells.require("place")?;
        let kind = cells.choice("kind", &kinds)?.unwrap_or(PlaceKind::Office);
        let pairing = cells.choice("pairing", &pairings)?.unwrap_or(Pairing::First);
        lines.refuse_second(&cells, id.to_owned())?;
        draft.places.insert(id.into(), PlaceIndex(next(&draft.records.places)));
        draft.records.places.push(Place {
            id: id.into(),
            name: cells.get("name").unwrap_or(id).into(),
            kind,
            pairing,
        });
        Ok(())
    });
}

/// `readers.csv`: several rows of a reader are its moves.
pub(super) fn readers(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    let mut starts = FirstLines::default();
    draft.rows(source, TableFile::Readers, problems, |draft, cells| {
        let id = cells.require("reader")?;
        let place = cells.find("place", Code::PlaceUnknown, |id| draft.places.get(id).copied())?;
        let faces = cells.choice("faces", &FACINGS)?.unwrap_or(Facing::Both);
        let interval = cells.interval("from", "until")?;
        starts.refuse_second(&cells, (id.to_owned(), interval.from))?;
        let readers = &mut draft.records.readers;
        let index = *draft.readers.entry(id.into()).or_insert_with(|| {
            readers.push(Reader {
                id: id.into(),
                stands: Vec::new(),
            });
            ReaderIndex(next(readers) - 1)
        });
        readers[index.at()].stands.push(Stand { interval, place, faces });
        Ok(())
    });
    for reader in &mut draft.records.readers {
        reader.stands.sort_by_key(|stand| stand.interval.from);
    }
}

/// `coverage.csv`.
pub(super) fn coverage(source: &SiteSource, draft: &mut Draft, problems: &mut Problems) {
    draft.rows(source, TableFile::Coverage, problems, |draft, cells| {
        let reader = cells.find("reader", Code::ReaderUnknown, |id| draft.readers.get(id).copied())?;
        cells.require("down_from")?;
        let interval = cells.interval("down_from", "down_until")?;
        let down_until: Option<Instant> = cells.get("down_until").map(|_| interval.until);
        draft.records.outages.push(Outage {
            reader,
            down_from: interval.from,
            down_until,
        });
        Ok(())
    });
}

/// The lines on which identifiers first stand, so that a second one can name the first.
pub(super) struct FirstLines<K>(HashMap<K, u64>);

impl<K> Default for FirstLines<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: std::hash::Hash + Eq> FirstLines<K> {
    /// Refuses a row whose key stands on a line before; the first one counts.
    pub(super) fn refuse_second(&mut self, cells: &Cells<'_>, key: K) -> Result<(), Problem> {
        match self.0.entry(key) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(cells.line());
                Ok(())
            }
            std::collections::hash_map::Entry::Occupied(entry) => {
                Err(cells.problem(Code::Duplicate).with("first", entry.get()))
            }
        }
    }
}
