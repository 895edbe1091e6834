//! What a calendar file says: its entries one by one, in our own words. Nothing is expanded here and nobody is matched.

use std::sync::Arc;

use calcard::common::PartialDateTime;
use calcard::icalendar::{
    ICalendar, ICalendarClassification, ICalendarComponent, ICalendarEntry, ICalendarMethod, ICalendarParameterName,
    ICalendarParameterValue, ICalendarParticipationRole, ICalendarParticipationStatus, ICalendarPeriod,
    ICalendarProperty, ICalendarRecurrenceRule, ICalendarStatus, ICalendarUserTypes, ICalendarValue,
};
use calcard::{Entry, Parser};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;
use rules::time::{Instant, Span};

use super::zone::{Zone, Zones};
use crate::folder::{Code, Problem};

/// Largest calendar file.
pub const FILE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most entries of a calendar.
const EVENTS_MAX: usize = 20_000;
/// Most people of one entry, and most dates of its lists.
const LIST_MAX: usize = 5_000;
/// Most rules by which one entry comes again: programs write one, and following a rule takes time.
const RULES_MAX: usize = 8;
/// Longest text that is kept, in characters.
const TEXT_CHARACTERS_MAX: usize = 500;
/// Longest that an entry may last.
const LENGTH_MAX: Span = Span::from_minutes(31 * 24 * 60);

/// A calendar file.
#[derive(Debug, Default)]
pub struct Feed {
    /// Its entries, in the order of the file.
    pub events: Vec<Event>,
    /// The calendar's own name.
    pub name: Option<String>,
    /// Whether it is one message about one meeting, an invitation or a cancellation, and no calendar.
    pub is_message: bool,
    /// The uids of entries that could not be read: what is known of them stays.
    pub unread: Vec<String>,
    /// Whether something could not be read that does not even say which meeting it is.
    pub is_incomplete: bool,
    /// What is wrong in it.
    pub problems: Vec<Problem>,
}

/// One `VEVENT`.
#[derive(Clone, Debug)]
pub struct Event {
    /// What all occurrences of a meeting share.
    pub uid: String,
    /// The file that it stands in.
    pub file: Arc<str>,
    /// The line on which it begins.
    pub line: u64,
    /// When it begins.
    pub start: Moment,
    /// How long it lasts.
    pub length: Span,
    /// Which occurrence of the series it stands for; `None` for the series itself, or what comes once.
    pub recurrence_id: Option<Moment>,
    /// Whether it stands for all occurrences after that one too.
    pub and_future: bool,
    /// Rules by which it comes again.
    pub rules: Vec<ICalendarRecurrenceRule>,
    /// More times at which it comes, with their own length where they have one.
    pub more: Vec<(Moment, Option<Span>)>,
    /// Times at which it does not come.
    pub except: Vec<Moment>,
    /// Whether it does not take place.
    pub cancelled: bool,
    /// What it is called; empty where it has no name or where the name is private.
    pub title: String,
    /// Where.
    pub location: String,
    /// Who is asked.
    pub attendees: Vec<Attendee>,
    /// Who asks, by mail address.
    pub organizer: Option<String>,
    /// Grows with every change that matters.
    pub sequence: i64,
    /// When it was last written, in seconds.
    pub stamp: i64,
    /// Words that say what kind of day it is, in holiday calendars: categories and the marks of makers.
    pub marks: String,
}

/// Somebody who is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attendee {
    /// The mail address, in lower case; whatever stands there where it is none.
    pub mail: String,
    /// The name beside it.
    pub name: String,
    /// In which role.
    pub role: Asked,
    /// Whether they have said that they will not come, or send somebody else.
    pub declined: bool,
}

/// In which role somebody or something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Leads.
    Chair,
    /// Must come.
    Required,
    /// May come.
    Optional,
    /// Is only told.
    Informed,
    /// Is a room.
    Room,
}

/// A time as a calendar writes it: on the clocks of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// What the clocks show; midnight for a date.
    pub civil: NaiveDateTime,
    /// Whose clocks.
    pub zone: Zone,
    /// Whether it is a date alone.
    pub is_date: bool,
}

impl Moment {
    /// The instant.
    pub fn instant(self) -> Instant {
        self.zone.instant(self.civil)
    }
}

/// Reads a calendar file. `site` is the zone of floating times and dates, and `around` a date of the times of interest.
pub fn read(file: &str, text: &str, site: Tz, around: NaiveDate) -> Result<Feed, Problem> {
    if text.len() > FILE_BYTES_MAX {
        let reason = format!("> {} MiB", FILE_BYTES_MAX >> 20);
        return Err(Problem::of_file(file, Code::FileUnreadable).with("reason", reason));
    }
    let calendars = parts(text);
    if calendars.is_empty() {
        return Err(Problem::of_file(file, Code::CalendarMalformed));
    }
    // A file that is still being written, or a connection that broke: what is missing at its end is not gone, and the last entries
    // may have been changed by those that are missing.
    if calendars.iter().any(|calendar| !calendar.is_closed) {
        return Err(Problem::of_file(file, Code::CalendarCut));
    }
    if calendars.iter().map(|calendar| calendar.events.len()).sum::<usize>() > EVENTS_MAX {
        return Err(Problem::of_file(file, Code::EventTooMany).with("count", EVENTS_MAX));
    }
    let mut feed = Feed::default();
    for Parts { head, events, .. } in &calendars {
        let head = parsed(head).ok_or_else(|| Problem::of_file(file, Code::CalendarMalformed))?;
        let method = method(&head);
        if is_answer(method) {
            return Err(Problem::of_file(file, Code::CalendarAnswer));
        }
        feed.is_message |= method.is_some_and(|method| *method != ICalendarMethod::Publish);
        if feed.name.is_none() {
            feed.name = own_name(&head);
        }
        let reader = Reader {
            file: file.into(),
            zones: Zones::of(&head, site, around),
        };
        let before = feed.events.len();
        for (line, text) in events {
            if let Some(component) = parsed(text).and_then(|entry| entry.components.into_iter().next()) {
                reader.read_event(&component, *line, &mut feed);
            }
        }
        if method == Some(&ICalendarMethod::Cancel) {
            feed.events[before..]
                .iter_mut()
                .for_each(|event| event.cancelled = true);
        }
    }
    Ok(feed)
}

/// A calendar of a file: what stands around its entries, and each entry by itself with its line. Entries are parsed one by one, so
/// that a large calendar takes little memory, and an entry that is never closed takes no other with it.
#[derive(Default)]
struct Parts<'a> {
    head: String,
    events: Vec<(u64, &'a str)>,
    /// Whether it ends with its `END`, and not before it.
    is_closed: bool,
}

/// The calendars of a file; some programs write several one after another.
fn parts(text: &str) -> Vec<Parts<'_>> {
    let mut calendars: Vec<Parts<'_>> = Vec::new();
    let (mut offset, mut begun) = (0, None);
    for (line, number) in text.split_inclusive('\n').zip(1..) {
        // A line that begins with a blank goes on with the text before it, whatever it says.
        let is_folded = line.starts_with([' ', '\t']);
        let word = line.trim().trim_start_matches('\u{feff}');
        let is = |other: &str| !is_folded && word.eq_ignore_ascii_case(other);
        let ends_here = is("END:VEVENT");
        if is("BEGIN:VEVENT") || is("END:VCALENDAR") || ends_here {
            let end = if ends_here { offset + line.len() } else { offset };
            if let (Some((from, first)), Some(calendar)) = (begun.take(), calendars.last_mut()) {
                calendar.events.push((first, &text[from..end]));
            }
        }
        if is("BEGIN:VCALENDAR") {
            calendars.push(Parts::default());
        } else if is("END:VCALENDAR")
            && let Some(calendar) = calendars.last_mut()
        {
            calendar.is_closed = true;
        }
        if is("BEGIN:VEVENT") {
            begun = Some((offset, number));
        } else if begun.is_none()
            && !ends_here
            && let Some(calendar) = calendars.last_mut()
        {
            calendar.head.push_str(line);
        }
        offset += line.len();
    }
    if let (Some((from, first)), Some(calendar)) = (begun, calendars.last_mut()) {
        calendar.events.push((first, &text[from..]));
    }
    calendars
}

/// One component with what is in it.
fn parsed(text: &str) -> Option<ICalendar> {
    match Parser::new(text).entry() {
        Entry::ICalendar(calendar) => Some(calendar),
        _ => None,
    }
}

fn method(calendar: &ICalendar) -> Option<&ICalendarMethod> {
    match calendar
        .components
        .first()?
        .property(&ICalendarProperty::Method)?
        .values
        .first()?
    {
        ICalendarValue::Method(method) => Some(method),
        _ => None,
    }
}

/// Whether it is somebody's answer to an invitation: it knows of that one person, and nothing of who else was asked.
fn is_answer(method: Option<&ICalendarMethod>) -> bool {
    matches!(
        method,
        Some(
            ICalendarMethod::Reply
                | ICalendarMethod::Counter
                | ICalendarMethod::Declinecounter
                | ICalendarMethod::Refresh
        )
    )
}

fn own_name(calendar: &ICalendar) -> Option<String> {
    let is_name = |entry: &&ICalendarEntry| match &entry.name {
        ICalendarProperty::Name => true,
        ICalendarProperty::Other(name) => name.eq_ignore_ascii_case("X-WR-CALNAME"),
        _ => false,
    };
    let entry = calendar.components.first()?.entries.iter().find(is_name)?;
    let name = short(entry.values.first()?.as_text()?);
    (!name.is_empty()).then_some(name)
}

struct Reader {
    file: Arc<str>,
    zones: Zones,
}

impl Reader {
    fn read_event(&self, component: &ICalendarComponent, line: u64, feed: &mut Feed) {
        let uid = component.uid().map(str::trim).filter(|uid| !uid.is_empty());
        match self.event(component, line, uid) {
            Ok(event) => feed.events.push(event),
            Err(problem) => {
                feed.problems.push(problem);
                match uid {
                    Some(uid) => feed.unread.push(short(uid)),
                    None => feed.is_incomplete = true,
                }
            }
        }
    }

    fn event(&self, component: &ICalendarComponent, line: u64, uid: Option<&str>) -> Result<Event, Problem> {
        let title = text_of(component, &ICalendarProperty::Summary);
        let place = EventPlace {
            reader: self,
            line,
            title: &title,
        };
        let cancelled = component.status() == Some(&ICalendarStatus::Cancelled);
        let recurrence_entry = component.property(&ICalendarProperty::RecurrenceId);
        let recurrence_id = recurrence_entry.map(|entry| place.first_moment(entry)).transpose()?;
        let start = match component.property(&ICalendarProperty::Dtstart) {
            Some(entry) => place.first_moment(entry)?,
            // A cancelled occurrence need not say when it would have been.
            None => recurrence_id
                .filter(|_| cancelled)
                .ok_or_else(|| place.problem(Code::EventWithoutStart))?,
        };
        let length = match place.length(component, start) {
            Ok(length) => length,
            Err(_) if cancelled => Span::ZERO,
            Err(problem) => return Err(problem),
        };
        let uid = match uid {
            Some(uid) => short(uid),
            // Every program writes one; without it the name and the start are all there is to know it by.
            None => short(&format!("{title} {}", start.civil)),
        };
        let private = component.property(&ICalendarProperty::Class).is_some_and(is_private);
        // THISANDFUTURE is the only range that there is.
        let and_future = recurrence_entry.is_some_and(|entry| entry.has_parameter(&ICalendarParameterName::Range));
        Ok(Event {
            uid,
            file: Arc::clone(&self.file),
            line,
            start,
            length,
            recurrence_id,
            and_future,
            rules: place.rules(component)?,
            more: place.more(component)?,
            except: place.except(component)?,
            cancelled,
            title: if private { String::new() } else { title.clone() },
            location: text_of(component, &ICalendarProperty::Location),
            attendees: attendees(component),
            organizer: component.property(&ICalendarProperty::Organizer).and_then(address),
            sequence: integer_of(component, &ICalendarProperty::Sequence),
            stamp: stamp(component),
            marks: marks(component),
        })
    }
}

/// An entry while it is read, for what is wrong in it.
struct EventPlace<'a> {
    reader: &'a Reader,
    line: u64,
    title: &'a str,
}

impl EventPlace<'_> {
    fn problem(&self, code: Code) -> Problem {
        Problem::of_file(&self.reader.file, code)
            .at_row(self.line)
            .with("value", self.title)
    }

    fn first_moment(&self, entry: &ICalendarEntry) -> Result<Moment, Problem> {
        let value = entry.values.first();
        let written = value
            .and_then(ICalendarValue::as_partial_date_time)
            .ok_or_else(|| self.problem(Code::EventWithoutStart))?;
        self.moment(entry, written)
    }

    fn moment(&self, entry: &ICalendarEntry, written: &PartialDateTime) -> Result<Moment, Problem> {
        let unreadable = || self.problem(Code::EventWithoutStart);
        let read = written.to_date_time().ok_or_else(unreadable)?;
        let years = 1900..=9998;
        if !years.contains(&chrono::Datelike::year(&read.date_time)) {
            return Err(unreadable());
        }
        let is_date = !written.has_time();
        let zone = match (read.offset, entry.tz_id()) {
            (Some(offset), _) => Zone::Fixed(offset),
            // A date is a date wherever it was written.
            (None, Some(name)) if !is_date => self
                .reader
                .zones
                .find(name)
                .ok_or_else(|| self.problem(Code::EventZoneUnknown).with("reason", short(name)))?,
            (None, _) => self.reader.zones.floating(),
        };
        Ok(Moment {
            civil: read.date_time,
            zone,
            is_date,
        })
    }

    /// From its end or its duration. A date without either lasts that day, a time without either no time at all.
    fn length(&self, component: &ICalendarComponent, start: Moment) -> Result<Span, Problem> {
        let wrong = || self.problem(Code::EventWithoutEnd);
        let length = if let Some(entry) = component.property(&ICalendarProperty::Dtend) {
            self.first_moment(entry)?.instant() - start.instant()
        } else if let Some(entry) = component.property(&ICalendarProperty::Duration) {
            match entry.values.first() {
                Some(ICalendarValue::Duration(duration)) => Span::from_seconds(duration.as_seconds()),
                _ => return Err(wrong()),
            }
        } else if start.is_date {
            let next = start.civil + chrono::Days::new(1);
            start.zone.instant(next) - start.instant()
        } else {
            Span::ZERO
        };
        if length < Span::ZERO || length > LENGTH_MAX || (length == Span::ZERO && !start.is_date) {
            return Err(wrong());
        }
        Ok(length)
    }

    fn rules(&self, component: &ICalendarComponent) -> Result<Vec<ICalendarRecurrenceRule>, Problem> {
        let mut rules = Vec::new();
        for value in values(component, &ICalendarProperty::Rrule) {
            match value {
                ICalendarValue::RecurrenceRule(rule) => rules.push((**rule).clone()),
                other => {
                    let written = other.as_text().unwrap_or_default();
                    return Err(self.problem(Code::EventRuleUnusable).with("reason", short(written)));
                }
            }
        }
        if rules.len() > RULES_MAX {
            return Err(self
                .problem(Code::EventRuleUnusable)
                .with("reason", format!("> {RULES_MAX} RRULE")));
        }
        if component.has_property(&ICalendarProperty::Exrule) {
            return Err(self.problem(Code::EventRuleUnusable).with("reason", "EXRULE"));
        }
        Ok(rules)
    }

    fn more(&self, component: &ICalendarComponent) -> Result<Vec<(Moment, Option<Span>)>, Problem> {
        let mut more = Vec::new();
        for entry in component.properties(&ICalendarProperty::Rdate) {
            for value in entry.values.iter().take(LIST_MAX) {
                more.push(match value {
                    ICalendarValue::PartialDateTime(written) => (self.moment(entry, written)?, None),
                    ICalendarValue::Period(ICalendarPeriod::Range { start, end }) => {
                        let (start, end) = (self.moment(entry, start)?, self.moment(entry, end)?);
                        (start, Some(end.instant() - start.instant()))
                    }
                    ICalendarValue::Period(ICalendarPeriod::Duration { start, duration }) => {
                        let length = Span::from_seconds(duration.as_seconds());
                        (self.moment(entry, start)?, Some(length))
                    }
                    _ => return Err(self.problem(Code::EventWithoutStart)),
                });
            }
        }
        let is_sound = |length: &Span| *length > Span::ZERO && *length <= LENGTH_MAX;
        if more.iter().filter_map(|(_, length)| length.as_ref()).all(is_sound) {
            Ok(more)
        } else {
            Err(self.problem(Code::EventWithoutEnd))
        }
    }

    fn except(&self, component: &ICalendarComponent) -> Result<Vec<Moment>, Problem> {
        let mut except = Vec::new();
        for entry in component.properties(&ICalendarProperty::Exdate) {
            for value in entry.values.iter().take(LIST_MAX) {
                let written = value
                    .as_partial_date_time()
                    .ok_or_else(|| self.problem(Code::EventWithoutStart))?;
                except.push(self.moment(entry, written)?);
            }
        }
        Ok(except)
    }
}

fn values<'a>(
    component: &'a ICalendarComponent,
    property: &'a ICalendarProperty,
) -> impl Iterator<Item = &'a ICalendarValue> {
    component.properties(property).flat_map(|entry| entry.values.iter())
}

fn text_of(component: &ICalendarComponent, property: &ICalendarProperty) -> String {
    let first = component.property(property).and_then(|entry| entry.values.first());
    short(first.and_then(ICalendarValue::as_text).unwrap_or_default())
}

/// A text on one line, without control characters, and not longer than anybody reads.
fn short(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let one_line = words.join(" ");
    one_line
        .chars()
        .filter(|character| !character.is_control())
        .take(TEXT_CHARACTERS_MAX)
        .collect()
}

fn integer_of(component: &ICalendarComponent, property: &ICalendarProperty) -> i64 {
    let first = component.property(property).and_then(|entry| entry.values.first());
    first.and_then(ICalendarValue::as_integer).unwrap_or_default()
}

/// When an entry was last written: what tells the newer of two that are the same.
fn stamp(component: &ICalendarComponent) -> i64 {
    [ICalendarProperty::LastModified, ICalendarProperty::Dtstamp]
        .iter()
        .filter_map(|property| component.property(property)?.values.first()?.as_partial_date_time())
        .filter_map(|written| Some(written.to_date_time()?.date_time))
        .map(|civil| civil.and_utc().timestamp())
        .max()
        .unwrap_or_default()
}

fn is_private(entry: &ICalendarEntry) -> bool {
    matches!(
        entry.values.first(),
        Some(ICalendarValue::Classification(
            ICalendarClassification::Private | ICalendarClassification::Confidential
        ))
    )
}

fn marks(component: &ICalendarComponent) -> String {
    let is_mark = |entry: &&ICalendarEntry| match &entry.name {
        ICalendarProperty::Categories => true,
        ICalendarProperty::Other(name) => name.eq_ignore_ascii_case("X-APPLE-SPECIAL-DAY"),
        _ => false,
    };
    let entries = component.entries.iter().filter(is_mark);
    let words = entries
        .flat_map(|entry| &entry.values)
        .filter_map(ICalendarValue::as_text);
    short(&words.take(LIST_MAX).collect::<Vec<_>>().join(" "))
}

/// Those who are asked. A program that lists somebody twice means once.
fn attendees(component: &ICalendarComponent) -> Vec<Attendee> {
    let mut attendees: Vec<Attendee> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for entry in component.properties(&ICalendarProperty::Attendee).take(LIST_MAX) {
        if let Some(mail) = address(entry)
            && seen.insert(mail.clone())
        {
            attendees.push(attendee(entry, mail));
        }
    }
    attendees
}

fn attendee(entry: &ICalendarEntry, mail: String) -> Attendee {
    let kind = entry.parameter(&ICalendarParameterName::Cutype);
    let is_room = matches!(
        kind,
        Some(ICalendarParameterValue::Cutype(
            ICalendarUserTypes::Room | ICalendarUserTypes::Resource
        ))
    );
    let role = match entry.parameter(&ICalendarParameterName::Role) {
        _ if is_room => Asked::Room,
        Some(ICalendarParameterValue::Role(ICalendarParticipationRole::Chair)) => Asked::Chair,
        Some(ICalendarParameterValue::Role(ICalendarParticipationRole::OptParticipant)) => Asked::Optional,
        Some(ICalendarParameterValue::Role(ICalendarParticipationRole::NonParticipant)) => Asked::Informed,
        _ => Asked::Required,
    };
    let declined = matches!(
        entry.parameter(&ICalendarParameterName::Partstat),
        Some(ICalendarParameterValue::Partstat(
            ICalendarParticipationStatus::Declined | ICalendarParticipationStatus::Delegated
        ))
    );
    let name = entry.parameter(&ICalendarParameterName::Cn);
    let name = name.and_then(ICalendarParameterValue::as_text).unwrap_or_default();
    Attendee {
        mail,
        name: short(name),
        role,
        declined,
    }
}

/// The mail address of somebody: `EMAIL=` where a program hides it there, else what follows `mailto:`.
fn address(entry: &ICalendarEntry) -> Option<String> {
    let beside = entry.parameter(&ICalendarParameterName::Email);
    let beside = beside.and_then(ICalendarParameterValue::as_text).map(str::to_owned);
    let written = || entry.calendar_address().map(str::to_owned);
    let mail = beside.filter(|mail| mail.contains('@')).or_else(written)?;
    let mail = short(mail.trim().trim_matches(['<', '>'])).to_lowercase();
    (!mail.is_empty()).then_some(mail)
}

/// The midnight that begins a date.
pub fn midnight(date: NaiveDate) -> NaiveDateTime {
    date.and_time(NaiveTime::MIN)
}
