//! Entries of a calendar as meetings of the bureau: places by their names, people by their mail addresses.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;
use rules::model::{PersonIndex, Place, PlaceKind, SiteRecords};
use rules::time::{Instant, Interval, Span, civil_instant, local_date};
use sha2::{Digest, Sha256};

use super::event::{Asked, Event};
use super::series::{Expanded, Occurrence};
use crate::folder::{Code, Problem};

/// What a meeting is called whose calendar keeps its name private, or has none.
const NAMELESS: &str = "会议";

/// Most mail addresses that one import complains about.
const COMPLAINTS_MAX: usize = 200;

/// How entries become meetings.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Where meetings are whose location is no known place.
    pub place: Option<String>,
    /// From when to when a meeting is that lasts all day; `None` leaves such entries out.
    pub all_day: Option<(NaiveTime, NaiveTime)>,
    /// What becomes of those who decline.
    pub declined: Declined,
    /// Columns of `feed_meetings.csv` that every meeting of the calendar has, with their values.
    pub rules: BTreeMap<&'static str, i64>,
    /// Minutes before the start at which sign-in opens.
    pub sign_in_minutes: Option<i64>,
}

/// What becomes of somebody who has declined. An answer in a calendar is no leave, and nobody is judged for one either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Declined {
    /// Shown on the roster and not judged.
    #[default]
    Optional,
    /// Expected all the same.
    Required,
    /// Not on the roster.
    LeftOut,
}

/// A meeting that a calendar asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meeting {
    /// What it is known by, whatever moves it.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its place's id.
    pub place: String,
    /// When it begins.
    pub starts: Instant,
    /// When it ends.
    pub ends: Instant,
    /// The uid in the calendar.
    pub uid: String,
    /// Which occurrence of a series.
    pub occurrence: Option<Instant>,
    /// Person ids and their roles.
    pub roster: BTreeMap<String, &'static str>,
}

/// What a calendar comes to.
#[derive(Debug, Default)]
pub struct Matched {
    /// Its meetings, by id.
    pub meetings: BTreeMap<String, Meeting>,
    /// Entries that exist and could not be made a meeting of: what is known of them stays.
    pub unplaced: BTreeSet<String>,
    /// Entries to which nobody of the bureau is asked.
    pub without_people: usize,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// What a meeting is known by: the same for every calendar that has it, and whatever moves it.
pub fn meeting_id(uid: &str, occurrence: Option<Instant>) -> String {
    let occurrence = occurrence.map(|at| at.as_ms().to_string()).unwrap_or_default();
    let hash = Sha256::digest(format!("{uid}|{occurrence}").as_bytes());
    format!("cal-{}", hex::encode(&hash[..10]))
}

/// Makes meetings of what a calendar has in a window.
pub fn match_all(file: &str, expanded: &Expanded<'_>, records: &SiteRecords, settings: &Settings) -> Matched {
    let mut matching = Matching {
        file,
        zone: records.site.zone,
        settings,
        people: People::of(records),
        places: Places::of(&records.places),
        matched: Matched::default(),
        unknown: BTreeMap::new(),
        ambiguous: BTreeSet::new(),
        declined: BTreeMap::new(),
        complained: BTreeSet::new(),
    };
    for occurrence in &expanded.occurrences {
        matching.take(occurrence);
    }
    matching.complain();
    matching.matched
}

struct Matching<'a> {
    file: &'a str,
    zone: Tz,
    settings: &'a Settings,
    people: People<'a>,
    places: Places<'a>,
    matched: Matched,
    unknown: BTreeMap<String, usize>,
    ambiguous: BTreeSet<String>,
    declined: BTreeMap<String, usize>,
    /// Entries that have been complained about, by file and line.
    complained: BTreeSet<(std::sync::Arc<str>, u64)>,
}

impl Matching<'_> {
    fn take(&mut self, occurrence: &Occurrence<'_>) {
        let event = occurrence.event;
        // An entry to which nobody is asked is a note in somebody's own calendar.
        let roster = if event.attendees.is_empty() {
            BTreeMap::new()
        } else {
            self.roster(event, occurrence.starts)
        };
        if roster.is_empty() {
            self.matched.without_people += 1;
            return;
        }
        let Some(place) = self.place(event) else {
            return self.leave_out(occurrence, Code::EventPlaceUnknown);
        };
        let Some(times) = self.times(occurrence) else {
            return self.leave_out(occurrence, Code::EventAllDay);
        };
        for (occurrence, starts, ends) in times {
            let meeting = Meeting {
                id: meeting_id(&event.uid, occurrence),
                title: title(event).to_owned(),
                place: place.clone(),
                starts,
                ends,
                uid: event.uid.clone(),
                occurrence,
                roster: roster.clone(),
            };
            self.matched.meetings.insert(meeting.id.clone(), meeting);
        }
    }

    /// Leaves an entry out and says why, once for all the times at which it comes.
    fn leave_out(&mut self, occurrence: &Occurrence<'_>, code: Code) {
        let event = occurrence.event;
        self.matched
            .unplaced
            .insert(meeting_id(&event.uid, occurrence.of_series));
        if self.complained.insert((std::sync::Arc::clone(&event.file), event.line)) {
            let problem = Problem::of_file(&event.file, code).at_row(event.line);
            let problem = problem.with("value", title(event)).with("reason", &event.location);
            self.matched.problems.push(problem);
        }
    }

    /// When it is; an entry of whole days is a meeting on each of them, where the settings say from when to when.
    fn times(&self, occurrence: &Occurrence<'_>) -> Option<Vec<(Option<Instant>, Instant, Instant)>> {
        if !occurrence.is_all_day {
            return Some(vec![(occurrence.of_series, occurrence.starts, occurrence.ends)]);
        }
        let (from, until) = self.settings.all_day?;
        let last = local_date(occurrence.ends, self.zone);
        let dates: Vec<NaiveDate> = occurrence.date.iter_days().take_while(|date| *date < last).collect();
        let at = |date: NaiveDate, time: NaiveTime| civil_instant(date.and_time(time), self.zone);
        let one = dates.len() <= 1;
        let times = dates.into_iter().map(|date| {
            let midnight = at(date, NaiveTime::MIN);
            let which = if one { occurrence.of_series } else { Some(midnight) };
            (which, at(date, from), at(date, until))
        });
        Some(times.collect())
    }

    fn place(&self, event: &Event) -> Option<String> {
        let rooms = event.attendees.iter().filter(|attendee| attendee.role == Asked::Room);
        let names = std::iter::once(event.location.as_str()).chain(rooms.map(|room| room.name.as_str()));
        let mut found = names.filter_map(|name| self.places.find(name));
        found.next().map(str::to_owned).or_else(|| self.settings.place.clone())
    }

    fn roster(&mut self, event: &Event, at: Instant) -> BTreeMap<String, &'static str> {
        let mut roster = BTreeMap::new();
        let has_chair = event.attendees.iter().any(|attendee| attendee.role == Asked::Chair);
        for attendee in &event.attendees {
            let role = match attendee.role {
                Asked::Room | Asked::Informed => continue,
                Asked::Chair => "chair",
                Asked::Required if !has_chair && event.organizer.as_ref() == Some(&attendee.mail) => "chair",
                Asked::Required => "required",
                Asked::Optional => "optional",
            };
            let Some(person) = self.person(&attendee.mail, at) else {
                continue;
            };
            let role = if attendee.declined {
                *self.declined.entry(attendee.mail.clone()).or_default() += 1;
                match self.settings.declined {
                    Declined::Optional => "optional",
                    Declined::Required => role,
                    Declined::LeftOut => continue,
                }
            } else {
                role
            };
            put(&mut roster, person, role);
        }
        let listed = |mail: &String| event.attendees.iter().any(|attendee| attendee.mail == *mail);
        if let Some(organizer) = event.organizer.as_ref().filter(|mail| !has_chair && !listed(mail))
            && !roster.is_empty()
            && let Found::One(person) = self.people.find(organizer, at)
        {
            put(&mut roster, person, "chair");
        }
        roster
    }

    fn person(&mut self, mail: &str, at: Instant) -> Option<String> {
        match self.people.find(mail, at) {
            Found::One(person) => Some(person),
            Found::None => {
                *self.unknown.entry(mail.to_owned()).or_default() += 1;
                None
            }
            Found::Several => {
                self.ambiguous.insert(mail.to_owned());
                None
            }
        }
    }

    fn complain(&mut self) {
        let problem = |code, mail: &String| Problem::of_file(self.file, code).warning().with("value", mail);
        let counted = |code: Code, mails: &BTreeMap<String, usize>| -> Vec<Problem> {
            let mut mails: Vec<_> = mails.iter().collect();
            mails.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let first = mails.into_iter().take(COMPLAINTS_MAX);
            first
                .map(|(mail, count)| problem(code, mail).with("count", count))
                .collect()
        };
        let mut problems = counted(Code::AttendeeUnknown, &self.unknown);
        let ambiguous = self.ambiguous.iter().take(COMPLAINTS_MAX);
        problems.extend(ambiguous.map(|mail| problem(Code::AttendeeAmbiguous, mail)));
        if self.settings.declined == Declined::Optional {
            problems.extend(counted(Code::AttendeeDeclined, &self.declined));
        }
        self.matched.problems.extend(problems);
    }
}

fn title(event: &Event) -> &str {
    if event.title.is_empty() { NAMELESS } else { &event.title }
}

/// Somebody who is asked under two addresses has the role that asks more.
fn put(roster: &mut BTreeMap<String, &'static str>, person: String, role: &'static str) {
    let weight = |role: &str| match role {
        "chair" => 2,
        "required" => 1,
        _ => 0,
    };
    let kept = roster.entry(person).or_insert(role);
    if weight(role) > weight(kept) {
        *kept = role;
    }
}

/// Who has which mail address when.
struct People<'a> {
    by_mail: HashMap<String, Vec<(Interval, PersonIndex)>>,
    records: &'a SiteRecords,
}

enum Found {
    None,
    One(String),
    Several,
}

impl<'a> People<'a> {
    fn of(records: &'a SiteRecords) -> Self {
        let mut by_mail: HashMap<String, Vec<(Interval, PersonIndex)>> = HashMap::new();
        for (person, index) in records.people.iter().zip((0..).map(PersonIndex)) {
            for stint in &person.stints {
                if let Some(mail) = &stint.mail {
                    let mail = mail.trim().to_lowercase();
                    by_mail.entry(mail).or_default().push((stint.interval, index));
                }
            }
        }
        Self { by_mail, records }
    }

    fn find(&self, mail: &str, at: Instant) -> Found {
        let holders = self.by_mail.get(mail).map(Vec::as_slice).unwrap_or_default();
        let then = holders.iter().filter(|(interval, _)| interval.contains(at));
        let people: BTreeSet<PersonIndex> = then.map(|(_, person)| *person).collect();
        match people.len() {
            0 => Found::None,
            1 => people.first().map_or(Found::None, |person| {
                Found::One(self.records.people[person.at()].id.to_string())
            }),
            _ => Found::Several,
        }
    }
}

/// Places by what people write for them.
struct Places<'a> {
    by_name: HashMap<String, Vec<&'a Place>>,
}

impl<'a> Places<'a> {
    fn of(places: &'a [Place]) -> Self {
        let mut by_name: HashMap<String, Vec<&'a Place>> = HashMap::new();
        for place in places {
            let names: BTreeSet<String> = [folded(&place.id), folded(&place.name)].into();
            for name in names {
                by_name.entry(name).or_default().push(place);
            }
        }
        Self { by_name }
    }

    /// The place of a location: of the whole text, else of the first of its parts that is one.
    fn find(&self, location: &str) -> Option<&'a str> {
        let parts = location.split([';', '；', ',', '，', '、', '|', '/', '(', ')', '（', '）']);
        std::iter::once(location)
            .chain(parts)
            .map(folded)
            .filter(|name| !name.is_empty())
            .find_map(|name| self.only(&name))
    }

    /// The one place of a name; of several, the one that is for meetings.
    fn only(&self, name: &str) -> Option<&'a str> {
        let named = self.by_name.get(name)?;
        let meeting: Vec<&&Place> = named.iter().filter(|place| place.kind == PlaceKind::Meeting).collect();
        match (named.as_slice(), meeting.as_slice()) {
            ([place], _) => Some(&place.id),
            (_, [place]) => Some(&place.id),
            (_, _) => None,
        }
    }
}

fn folded(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The window of meetings that an import looks at.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Meetings that begin in it are imported.
    pub taken: Interval,
    /// From when on a meeting that is no longer in the calendar is withdrawn.
    pub withdrawn_from: Instant,
}

impl Window {
    /// Days around now. What has begun is withdrawn only where somebody says how far back a calendar goes: many keep no more than
    /// what is still to come.
    pub fn around(now: Instant, zone: Tz, past_days: Option<i64>, future_days: i64) -> Self {
        const PAST_DAYS: i64 = 31;
        let day = Span::from_minutes(24 * 60);
        let days = |count: i64| Span::from_minutes(24 * 60 * count.clamp(0, 3_660));
        let midnight = civil_instant(local_date(now, zone).and_time(NaiveTime::MIN), zone);
        let from = midnight - days(past_days.unwrap_or(PAST_DAYS));
        Self {
            taken: Interval::new(from, midnight + days(future_days) + day),
            withdrawn_from: if past_days.is_some() { from } else { now },
        }
    }
}
