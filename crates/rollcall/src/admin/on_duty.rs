//! Who is on duty today, and whether they are there.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use chrono::NaiveDate;
use rules::facts::{DateRange, PersonFacts};
use rules::finding::{About, Presence, Standing};
use rules::model::{DutyIndex, PersonIndex};
use rules::time::{Instant, Interval, local_date};
use store::{Ledger, Stored};

use super::directory::Directory;
use super::show;
use crate::shared::SiteSnapshot;
use crate::words::{self, Language, Value};

/// The most duties that are listed.
const LISTED: usize = 24;

/// A duty that is on, or that begins today.
pub struct OnDuty {
    /// Whose it is.
    pub name: String,
    /// As what: the leader's shift is named so.
    pub role: String,
    /// Where.
    pub place: String,
    /// From when to when.
    pub when: String,
    /// Where the person is, as far as the duty goes.
    pub state: String,
    /// Whether somebody should be there and is not.
    pub is_alarming: bool,
}

/// The duties of a day in order of their starts, as of `now`.
pub async fn list(
    ledger: &dyn Ledger,
    site: &SiteSnapshot,
    directory: &Directory<'_>,
    language: Language,
    now: Instant,
) -> Stored<Vec<OnDuty>> {
    let facts = &site.facts;
    let (records, zone) = (facts.records(), facts.records().site.zone);
    let today = local_date(now, zone);
    let matters = |duty: &DutyIndex| {
        let shown = Interval::new(facts.duty_opens_at(*duty), records.duties[duty.at()].interval.until);
        shown.contains(now) || facts.date_of_duty(*duty) == today
    };
    let all = (0..u32::try_from(records.duties.len()).unwrap_or(u32::MAX)).map(DutyIndex);
    let mut duties: Vec<DutyIndex> = all.filter(matters).collect();
    duties.sort_by_key(|duty| (records.duties[duty.at()].interval.from, *duty));
    duties.truncate(LISTED);
    let mut known: BTreeMap<(PersonIndex, NaiveDate), Vec<Standing>> = BTreeMap::new();
    let mut listed = Vec::with_capacity(duties.len());
    for index in duties {
        let (duty, date) = (&records.duties[index.at()], facts.date_of_duty(index));
        let key = (duty.person, date);
        let standings = match known.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(standings(ledger, site, key, now).await?),
        };
        let standing = standings.iter().find(|standing| standing.about == About::Duty(index));
        let presence = standing.map_or(Presence::Expected, |standing| standing.presence);
        let day = if date == today {
            String::new()
        } else {
            format!("{} ", show::day(language, date))
        };
        listed.push(OnDuty {
            name: directory.name_of(&records.people[duty.person.at()].id, date),
            role: show::plain(&words::duty(language, duty)),
            place: show::plain(&records.places[duty.place.at()].name),
            when: day + &show::times(duty.interval, zone),
            state: state(language, presence, zone),
            is_alarming: matches!(presence, Presence::Missing | Presence::Out { .. }),
        });
    }
    Ok(listed)
}

async fn standings(
    ledger: &dyn Ledger,
    site: &SiteSnapshot,
    (person, date): (PersonIndex, NaiveDate),
    now: Instant,
) -> Stored<Vec<Standing>> {
    let dates = DateRange::of_date(date);
    let window = site.facts.swipe_window(person, dates);
    let rows = ledger.swipes(&site.badge_keys_of(person), window).await?;
    let facts = PersonFacts {
        site: &site.facts,
        person,
        dates,
        swipes: &site.swipes(&rows)?,
        known_at: None,
    };
    Ok(rules::evaluate(&facts, now).standings)
}

/// Where somebody is, in a word, and since when.
fn state(language: Language, presence: Presence, zone: chrono_tz::Tz) -> String {
    let (key, since) = match presence {
        Presence::Excused => ("admin-duty-excused", None),
        Presence::Expected => ("admin-duty-expected", None),
        Presence::Present { since } => ("admin-duty-present", Some(since)),
        Presence::Out { since } => ("admin-duty-out", Some(since)),
        Presence::Missing => ("admin-duty-missing", None),
        Presence::Withheld => ("admin-duty-withheld", None),
    };
    let since = since.map(|since| ("time", Value::from(show::time(since, zone))));
    words::text(language, key, since.as_slice())
}
