//! What has to be written so that the database holds what the folder says.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{Days, NaiveDate};
use rules::model::{PersonIndex, SiteRecords};
use rules::time::Instant;
use sha2::{Digest, Sha256};
use store::rows::{DocumentEdition, FactRow};

use crate::folder::TableFile;

use super::check::Checked;
use super::report::FileReport;
use super::stored::{Document, cell, cells_of, fact_files};

/// The stored facts that a plan starts from.
pub(super) struct Stored {
    /// The facts revision that they were read at.
    pub(super) revision: i64,
    /// Documents in force.
    pub(super) documents: Vec<DocumentEdition>,
    /// Rows in force.
    pub(super) facts: Vec<FactRow>,
}

/// Who writes, and when.
pub(super) struct Author<'a> {
    /// An account, or a word for the command line.
    pub(super) actor: &'a str,
    /// The instant that is recorded.
    pub(super) now: Instant,
}

/// The changes of documents and rows; swipes are compared as they are written.
#[derive(Default)]
pub(super) struct Plan {
    /// New editions.
    pub(super) documents: Vec<DocumentEdition>,
    /// New rows.
    pub(super) added: Vec<FactRow>,
    /// Ids of rows that the folder no longer has.
    pub(super) superseded: Vec<String>,
    /// Whose days are to be judged again.
    pub(super) touched: Touched,
    /// What happens to each file.
    pub(super) files: Vec<FileReport>,
}

/// Whose days a change of facts touches, and from which date on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Touched {
    /// Whether it is everybody.
    everyone: bool,
    people: BTreeSet<String>,
    /// Duties that are or were other than before.
    duties: BTreeSet<String>,
    /// The earliest date, where every change says one.
    from: Option<NaiveDate>,
    always: bool,
}

impl Plan {
    /// Compares what was checked with what is stored.
    pub(super) fn new(checked: &Checked, stored: &Stored, author: &Author<'_>) -> Self {
        let mut plan = Self::default();
        for document in &checked.documents {
            plan.compare_document(*document, checked, stored, author);
        }
        for file in fact_files().filter(|file| checked.tables.contains(file)) {
            plan.compare_table(file, checked, stored, author);
        }
        if !plan.is_empty() {
            plan.touched.spread(&DutyCells::all(checked, stored));
            plan.touched.add_represented(&checked.compiled.records);
        }
        for (file, refused) in &checked.refused {
            match plan.files.iter_mut().find(|report| report.file == *file) {
                Some(report) => report.refused = *refused,
                None => plan.files.push(FileReport {
                    refused: *refused,
                    ..FileReport::new(file)
                }),
            }
        }
        plan
    }

    /// Whether the working calendar changes.
    pub(super) fn changes_calendar(&self) -> bool {
        let kind = Document::Calendar.kind();
        self.documents.iter().any(|edition| edition.kind == kind)
    }

    /// Whether there is nothing to write.
    pub(super) fn is_empty(&self) -> bool {
        self.documents.is_empty() && self.added.is_empty() && self.superseded.is_empty()
    }

    /// Whether what adds up may add up to something else afterwards.
    pub(super) fn changes_counting(&self) -> bool {
        let is_counting = |edition: &DocumentEdition| edition.kind == Document::Escalations.kind();
        let units =
            |report: &FileReport| report.file == TableFile::Units.name() && report.added + report.superseded > 0;
        self.documents.iter().any(is_counting) || self.files.iter().any(units)
    }

    fn compare_document(&mut self, document: Document, checked: &Checked, stored: &Stored, author: &Author<'_>) {
        let body = document.text_in(&checked.merged);
        let mut report = FileReport::new(document.file());
        if stored
            .documents
            .iter()
            .any(|edition| edition.kind == document.kind() && edition.body == body)
        {
            report.unchanged = 1;
        } else {
            report.added = 1;
            // What a calendar touches is known by its dates: see `calendars::due`. What adds up is counted anew as it is imported, and
            // changes no verdict.
            if !matches!(document, Document::Calendar | Document::Escalations) {
                self.touched.add_everyone();
            }
            self.documents.push(DocumentEdition {
                kind: document.kind().to_owned(),
                effective_from: String::new(),
                recorded_at: author.now,
                recorded_by: author.actor.to_owned(),
                body,
            });
        }
        self.files.push(report);
    }

    fn compare_table(&mut self, file: TableFile, checked: &Checked, stored: &Stored, author: &Author<'_>) {
        let mut report = FileReport::new(file.name());
        let mut in_force: HashMap<&str, Vec<&FactRow>> = HashMap::new();
        for fact in stored.facts.iter().filter(|fact| fact.file == file.name()) {
            in_force.entry(&fact.cells).or_default().push(fact);
        }
        let mut repeats: BTreeMap<String, u64> = BTreeMap::new();
        let table = &checked.merged.tables[&file];
        for row in &table.rows {
            let cells = cells_of(table, row);
            if in_force.get_mut(cells.as_str()).and_then(Vec::pop).is_some() {
                report.unchanged += 1;
                continue;
            }
            let repeat = repeats.entry(cells.clone()).or_default();
            *repeat += 1;
            let id = fact_id(&format!("{}|{cells}|{}|{repeat}", file.name(), stored.revision));
            self.touched.add(file, &cells);
            report.added += 1;
            let (recorded_at, recorded_by) = (author.now, author.actor.to_owned());
            self.added.push(FactRow {
                id,
                file: file.name().to_owned(),
                cells,
                recorded_at,
                recorded_by,
            });
        }
        // In the order in which they were recorded, so that the same import writes the same statements.
        let gone: BTreeSet<&str> = in_force.values().flatten().map(|fact| fact.id.as_str()).collect();
        for fact in stored.facts.iter().filter(|fact| gone.contains(fact.id.as_str())) {
            self.touched.add(file, &fact.cells);
            report.superseded += 1;
            self.superseded.push(fact.id.clone());
        }
        self.files.push(report);
    }
}

/// A name of its own for a new row: no row of an earlier revision has it, although it may have had the same cells.
pub(crate) fn fact_id(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..16])
}

impl Touched {
    /// Whose rows are due: everybody's where this is `None`.
    pub(super) fn people(&self) -> Option<Vec<&str>> {
        (!self.everyone).then(|| self.people.iter().map(String::as_str).collect())
    }

    /// From which date on they are due: from the first where this is `None`.
    pub(super) fn from(&self) -> Option<String> {
        self.first_date().map(|date| date.to_string())
    }

    /// Whether it is anybody's day or any meeting.
    pub(super) fn is_anything(&self) -> bool {
        self.everyone || self.always || self.from.is_some() || !self.people.is_empty()
    }

    /// The same as a date.
    pub(super) fn first_date(&self) -> Option<NaiveDate> {
        self.from.filter(|_| !self.always)
    }

    fn add_everyone(&mut self) {
        self.everyone = true;
        self.always = true;
    }

    /// Adds what the row that came or went touches.
    fn add(&mut self, file: TableFile, cells: &str) {
        if matches!(file, TableFile::Duties | TableFile::DutyChecks) {
            self.duties.extend(cell(cells, "duty"));
        }
        let people: Vec<String> = match file {
            // Whose it is, and when, the duty says.
            TableFile::DutyChecks => return,
            TableFile::People
            | TableFile::Badges
            | TableFile::Absences
            | TableFile::Permissions
            | TableFile::Duties
            | TableFile::MeetingRoster
            | TableFile::FeedRoster => cell(cells, "person").into_iter().collect(),
            TableFile::Substitutes => ["person", "substitute"]
                .into_iter()
                .filter_map(|column| cell(cells, column))
                .collect(),
            // Units are judged by meeting, and meetings are due whoever is.
            TableFile::MeetingUnits | TableFile::Observations => {
                self.people.extend(cell(cells, "person"));
                self.always = true;
                return;
            }
            TableFile::Assignments => cell(cells, "subject")
                .and_then(|subject| subject.strip_prefix("person:").map(str::to_owned))
                .into_iter()
                .collect(),
            TableFile::Units
            | TableFile::Places
            | TableFile::Readers
            | TableFile::Calendar
            | TableFile::FeedMeetings
            | TableFile::MeetingEnds
            | TableFile::Swipes
            | TableFile::Decisions
            | TableFile::Coverage => Vec::new(),
        };
        if people.is_empty() {
            return self.add_everyone();
        }
        self.people.extend(people);
        let since = match file {
            TableFile::Absences | TableFile::Permissions => cell(cells, "from").as_deref().and_then(day_before),
            TableFile::Duties => cell(cells, "starts").as_deref().and_then(day_before),
            _ => None,
        };
        match since {
            Some(since) => self.since(since),
            None => self.always = true,
        }
    }

    fn since(&mut self, date: NaiveDate) {
        self.from = Some(self.from.map_or(date, |from| from.min(date)));
    }

    /// Adds those for whom somebody touched stands in at a meeting: they are judged by the substitute's swipes.
    fn add_represented(&mut self, records: &SiteRecords) {
        let id = |person: PersonIndex| -> &str { &records.people[person.at()].id };
        let accepted = records.meetings.iter().flat_map(|meeting| &meeting.substitutions);
        let represented: Vec<String> = accepted
            .filter(|accepted| self.people.contains(id(accepted.substitute)))
            .map(|accepted| id(accepted.person).to_owned())
            .collect();
        self.people.extend(represented);
    }

    /// Adds what rows that came or went touch by way of duties: those that they are about, whoever hands one over to somebody
    /// touched, and the duties that began before the first date and were not over then.
    fn spread(&mut self, duties: &[DutyCells]) {
        let changed = |duty: &&DutyCells| self.duties.contains(&duty.id);
        let about: Vec<&DutyCells> = duties.iter().filter(changed).collect();
        let people: BTreeSet<&str> = about.iter().map(|duty| &*duty.person).collect();
        let touched = |person: &str| people.contains(person) || self.people.contains(person);
        let theirs: BTreeSet<&str> = duties
            .iter()
            .filter(|duty| touched(&duty.person))
            .map(|duty| &*duty.id)
            .collect();
        let hands_over = |duty: &&DutyCells| {
            let successor = duty.hands_over_to.as_deref();
            successor.is_some_and(|successor| theirs.contains(successor) || self.duties.contains(successor))
        };
        let handing_over: Vec<&DutyCells> = duties.iter().filter(hands_over).collect();
        let handed_over = handing_over.iter().map(|duty| duty.person.clone());
        let people: BTreeSet<String> = people.into_iter().map(str::to_owned).chain(handed_over).collect();
        let starts: Vec<NaiveDate> = about.iter().filter_map(|duty| duty.from).collect();
        self.people.extend(people);
        for date in starts {
            self.since(date);
        }
        if let Some(from) = self.from {
            let running = duties
                .iter()
                .filter(|duty| self.people.contains(&duty.person) && duty.until.is_some_and(|until| from <= until))
                .filter_map(|duty| duty.from);
            if let Some(date) = running.min() {
                self.since(date);
            }
        }
    }
}

/// A row of `duties.csv`, as far as it says whom a change can touch.
#[derive(Debug)]
struct DutyCells {
    id: String,
    person: String,
    hands_over_to: Option<String>,
    /// The date before its start.
    from: Option<NaiveDate>,
    /// The date after its end.
    until: Option<NaiveDate>,
}

impl DutyCells {
    fn of(cells: &str) -> Option<Self> {
        let ends = cell(cells, "ends")?;
        Some(Self {
            id: cell(cells, "duty")?,
            person: cell(cells, "person")?,
            hands_over_to: cell(cells, "hands_over_to"),
            from: cell(cells, "starts").as_deref().and_then(day_before),
            until: day_before(&ends).and_then(|date| date.checked_add_days(Days::new(2))),
        })
    }

    /// Those in force and those that the folder has.
    fn all(checked: &Checked, stored: &Stored) -> Vec<Self> {
        let file = TableFile::Duties;
        let stored = stored.facts.iter().filter(|fact| fact.file == file.name());
        let in_force = stored.filter_map(|fact| Self::of(&fact.cells));
        let table = checked.merged.tables.get(&file);
        let merged = table.into_iter().flat_map(|table| {
            let rows = table.rows.iter();
            rows.filter_map(|row| Self::of(&cells_of(table, row)))
        });
        in_force.chain(merged).collect()
    }
}

/// The date before the one that an instant is written with: its offset may be another than the site's, and a night shift of the
/// date before may last into it.
fn day_before(written: &str) -> Option<NaiveDate> {
    written
        .get(..10)?
        .parse::<NaiveDate>()
        .ok()?
        .checked_sub_days(Days::new(1))
}

#[cfg(test)]
mod tests {
    use rules::model::{Meeting, Person, PlaceIndex, Site, Substitution};
    use rules::time::Interval;

    use super::*;

    #[test]
    fn an_absence_touches_its_person_from_the_date_before() {
        let mut touched = Touched::default();
        touched.add(TableFile::Absences, r#"{"from":"2026-09-16 08:30","person":"ana"}"#);
        touched.add(TableFile::Absences, r#"{"from":"2026-09-14","person":"bo"}"#);
        assert_eq!(touched.people(), Some(vec!["ana", "bo"]));
        assert_eq!(touched.from().as_deref(), Some("2026-09-13"));
    }

    #[test]
    fn a_duty_touches_whoever_hands_it_over_from_the_beginning_of_theirs() {
        let night = r#"{"duty":"night","ends":"2026-09-17 08:00","person":"bo","starts":"2026-09-16 18:00"}"#;
        let week = r#"{"duty":"week","ends":"2026-09-16 18:00","hands_over_to":"night","person":"ana","starts":"2026-09-12 08:00"}"#;
        let duties = || [night, week].map(|cells| DutyCells::of(cells).expect("a duty"));
        let touches = |file, cells: &str| {
            let mut touched = Touched::default();
            touched.add(file, cells);
            touched.spread(&duties());
            let people = touched.people().map(|people| people.join(" "));
            (people.unwrap_or_default(), touched.from().unwrap_or_default())
        };
        let both = ("ana bo".to_owned(), "2026-09-11".to_owned());
        assert_eq!(touches(TableFile::Duties, night), both);
        assert_eq!(
            touches(TableFile::DutyChecks, r#"{"at":"2026-09-16 20:00","duty":"night"}"#),
            both
        );
        assert_eq!(
            touches(TableFile::Absences, r#"{"from":"2026-09-15 08:30","person":"ana"}"#),
            ("ana".to_owned(), "2026-09-11".to_owned())
        );
        assert_eq!(
            touches(TableFile::Badges, r#"{"badge":"7","person":"bo"}"#),
            ("ana bo".to_owned(), String::new())
        );
    }

    #[test]
    fn a_badge_touches_its_person_always_and_a_unit_touches_everyone() {
        let mut touched = Touched::default();
        touched.add(TableFile::Absences, r#"{"from":"2026-09-16","person":"ana"}"#);
        touched.add(TableFile::Badges, r#"{"badge":"7","person":"bo"}"#);
        assert_eq!((touched.people(), touched.from()), (Some(vec!["ana", "bo"]), None));
        touched.add(
            TableFile::Assignments,
            r#"{"schedule":"standard","subject":"unit:plan"}"#,
        );
        assert_eq!(touched.people(), None);
    }

    #[test]
    fn what_touches_a_substitute_touches_the_person_they_stand_in_for() {
        let person = |id: &str| Person {
            id: id.into(),
            stints: Vec::new(),
        };
        let times = Interval::new(Instant::from_ms(0), Instant::from_ms(1));
        let mut meeting = Meeting::new("m1".into(), "例会".into(), PlaceIndex(0), times);
        meeting.substitutions.push(Substitution {
            person: PersonIndex(0),
            substitute: PersonIndex(1),
            accepted_by: None,
            accepted_at: None,
        });
        let records = SiteRecords {
            people: ["ana", "bo", "cy"].map(person).into(),
            meetings: vec![meeting],
            ..SiteRecords::of_site(Site::of_zone("局".into(), chrono_tz::Asia::Shanghai))
        };
        let mut touched = Touched::default();
        touched.add(TableFile::Badges, r#"{"badge":"7","person":"cy"}"#);
        touched.add_represented(&records);
        assert_eq!(touched.people(), Some(vec!["cy"]));
        touched.add(TableFile::Badges, r#"{"badge":"8","person":"bo"}"#);
        touched.add_represented(&records);
        assert_eq!(touched.people(), Some(vec!["ana", "bo", "cy"]));
    }

    #[test]
    fn a_substitute_touches_two_people_and_a_units_obligation_nobody() {
        let mut touched = Touched::default();
        touched.add(TableFile::MeetingUnits, r#"{"meeting":"m1","unit":"plan"}"#);
        assert_eq!((touched.people(), touched.from()), (Some(vec![]), None));
        touched.add(
            TableFile::Substitutes,
            r#"{"meeting":"m1","person":"ana","substitute":"bo"}"#,
        );
        touched.add(
            TableFile::Observations,
            r#"{"at":"2026-09-16 10:00","observation":"o1","person":"cy"}"#,
        );
        assert_eq!(touched.people(), Some(vec!["ana", "bo", "cy"]));
    }
}
