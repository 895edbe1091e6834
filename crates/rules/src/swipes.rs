//! From raw swipes to what was seen: whose they are, where, which way, and which are repeats.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

use crate::deadline::Deadline;
use crate::facts::{PersonFacts, SiteFacts};
use crate::model::{BadgeIndex, Facing, Occasion, PlaceIndex, ReaderIndex, Stand, Swipe, SwipeId};
use crate::time::{Instant, Interval};

/// Something seen of a person: a swipe with its repeats, or a sign-in at a meeting or duty where that counts at the office.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// When it counts as an arrival or opening: the first of a burst; for `out`, which can only be a departure or closing, the last.
    pub(crate) at: Instant,
    /// When it counts as a departure or closing: the last of a burst.
    pub(crate) last: Instant,
    pub(crate) faces: Facing,
    pub(crate) reader: ReaderIndex,
    pub(crate) place: PlaceIndex,
    pub(crate) badge: BadgeIndex,
    /// The first of the burst.
    pub(crate) first: Instant,
    pub(crate) id: SwipeId,
    pub(crate) last_id: SwipeId,
    /// The meeting or duty whose first opening it is, where it is not an office swipe.
    pub(crate) opening_of: Option<Occasion>,
}

/// Makes `events` what was seen of the person up to now, in order, repeats collapsed, and says whether any of it was not at an
/// office. The earliest later swipe is a deadline.
pub(crate) fn events_of(facts: &PersonFacts<'_>, deadline: &mut Deadline, events: &mut Vec<Event>) -> bool {
    events.clear();
    events.reserve(facts.swipes.len());
    let mut seen = Seen::new(facts, deadline, events);
    // Mostly the swipes come as the ledger keeps them, in order and each once.
    if facts
        .swipes
        .is_sorted_by(|one, other| one.happened_at < other.happened_at)
    {
        seen.add_all(facts.swipes);
    } else {
        let known = facts.swipes.iter().filter(|swipe| is_known(facts, swipe));
        let mut swipes: Vec<Swipe> = known.copied().collect();
        swipes.sort_by(|one, other| order(facts.site, one, other));
        swipes.dedup_by_key(|swipe| swipe.id);
        seen.add_all(&swipes);
    }
    let Seen { moved, elsewhere, .. } = seen;
    if moved {
        in_order(facts.site, events);
    }
    elsewhere
}

/// Makes `events` what was seen of the person up to now in some stretches of swipes, as [`events_of`] does of all; both the swipes,
/// known by now, and the stretches are in order.
pub(crate) fn events_of_stretches(
    facts: &PersonFacts<'_>,
    stretches: impl Iterator<Item = Range<usize>>,
    deadline: &mut Deadline,
    events: &mut Vec<Event>,
) -> bool {
    events.clear();
    let mut seen = Seen::new(facts, deadline, events);
    let mut done = 0;
    for stretch in stretches {
        let whole = with_bursts(facts, stretch);
        let first = whole.start.max(done);
        done = whole.end.max(first);
        seen.add_all(&facts.swipes[first..done]);
    }
    let Seen { moved, elsewhere, .. } = seen;
    if moved {
        in_order(facts.site, events);
    }
    elsewhere
}

/// A stretch of swipes in order, with those around it that may belong to the same bursts as its first and its last.
fn with_bursts(facts: &PersonFacts<'_>, stretch: Range<usize>) -> Range<usize> {
    let debounce = facts.site.records().site.longest_debounce();
    let follows = |position: usize| {
        let (before, after) = (&facts.swipes[position - 1], &facts.swipes[position]);
        after.happened_at - before.happened_at < debounce
    };
    let Range {
        start: mut first,
        end: mut until,
    } = stretch;
    while first > 0 && first < facts.swipes.len() && follows(first) {
        first -= 1;
    }
    while until > 0 && until < facts.swipes.len() && follows(until) {
        until += 1;
    }
    first..until
}

/// Whether anything was seen of the person at an office in an interval, by swipes in order.
pub(crate) fn was_at_office(facts: &PersonFacts<'_>, interval: Interval, now: Instant) -> bool {
    let position = |at: Instant| facts.swipes.partition_point(|swipe| swipe.happened_at < at);
    let (mut events, mut deadline) = (Vec::new(), Deadline::new(now));
    let stretch = position(interval.from)..position(interval.until);
    events_of_stretches(facts, core::iter::once(stretch), &mut deadline, &mut events);
    let mut at_office = events.iter().filter(|event| facts.site.is_office(event.place));
    at_office.any(|event| interval.contains(event.first))
}

/// Makes the first of the person's swipes after now, by swipes in order, a deadline.
pub(crate) fn consider_next(facts: &PersonFacts<'_>, deadline: &mut Deadline) {
    let now = deadline.now();
    let later = facts.swipes.partition_point(|swipe| swipe.happened_at <= now);
    let next = facts.swipes[later..].iter().find(|swipe| is_judged(facts, swipe));
    if let Some(next) = next {
        deadline.consider(next.happened_at);
    }
}

/// What has been seen so far of swipes in order.
struct Seen<'a> {
    facts: &'a PersonFacts<'a>,
    deadline: &'a mut Deadline,
    events: &'a mut Vec<Event>,
    /// A badge that only one person ever held, this one, and when.
    own: Option<(BadgeIndex, Interval)>,
    /// Whether any was not at an office.
    elsewhere: bool,
    /// Whether a repeat has moved the instant at which an event counts.
    moved: bool,
}

impl<'a> Seen<'a> {
    fn new(facts: &'a PersonFacts<'a>, deadline: &'a mut Deadline, events: &'a mut Vec<Event>) -> Self {
        Self {
            facts,
            deadline,
            events,
            own: None,
            elsewhere: false,
            moved: false,
        }
    }

    fn add_all(&mut self, swipes: &[Swipe]) {
        for swipe in swipes {
            self.add(swipe);
        }
    }

    fn add(&mut self, swipe: &Swipe) {
        let site = self.facts.site;
        if !is_known(self.facts, swipe) || !self.is_own(swipe) {
            return;
        }
        if swipe.happened_at > self.deadline.now() {
            self.deadline.consider(swipe.happened_at);
        } else if let Some((stand, at_office)) = site.standing_at(swipe.reader, swipe.happened_at) {
            self.elsewhere |= !at_office;
            self.note(swipe, &stand);
        }
    }

    fn is_own(&mut self, swipe: &Swipe) -> bool {
        if let Some((badge, held)) = self.own
            && badge == swipe.badge
        {
            return held.contains(swipe.happened_at);
        }
        let PersonFacts { site, person, .. } = *self.facts;
        if let [only] = site.records().badges[swipe.badge.at()].grants[..]
            && only.person == person
        {
            self.own = Some((swipe.badge, only.interval));
        }
        site.holder(swipe.badge, swipe.happened_at) == Some(person)
    }

    /// Adds an event, or makes the swipe a repeat of the burst to which it belongs.
    fn note(&mut self, swipe: &Swipe, stand: &Stand) {
        let debounce = self.facts.site.records().site.settings_at(swipe.happened_at).debounce;
        let faces = swipe.faces.unwrap_or(stand.faces);
        let recent = |kept: &Event| swipe.happened_at - kept.first < debounce;
        let same = |kept: &&mut Event| kept.reader == swipe.reader && kept.faces == faces && kept.badge == swipe.badge;
        let repeated = if self.events.last().is_some_and(recent) {
            let recent = self.events.iter_mut().rev().take_while(|kept| recent(kept));
            recent.into_iter().find(same)
        } else {
            None
        };
        let Some(kept) = repeated else {
            self.events.push(event_of(swipe, stand));
            return;
        };
        kept.last = swipe.happened_at;
        kept.last_id = swipe.id;
        if faces == Facing::Out {
            kept.at = kept.last;
            self.moved = true;
        }
    }
}

/// Puts events in the order of the instants at which they count; of the same instant by reader, as swipes are.
pub(crate) fn in_order(site: &SiteFacts, events: &mut [Event]) {
    events.sort_by(|one, other| {
        one.at
            .cmp(&other.at)
            .then_with(|| by_reader(site, one.reader, other.reader))
    });
}

fn by_reader(site: &SiteFacts, one: ReaderIndex, other: ReaderIndex) -> Ordering {
    let id = |reader: ReaderIndex| &site.records().readers[reader.at()].id;
    if one == other {
        Ordering::Equal
    } else {
        id(one).cmp(id(other))
    }
}

/// Swipes that an event stands for besides its own, in order.
pub(crate) fn repeats_of(facts: &PersonFacts<'_>, event: &Event, now: Instant) -> Vec<SwipeId> {
    let repeats = |swipe: &&Swipe| {
        let same = swipe.reader == event.reader && swipe.badge == event.badge && swipe.id != event.id;
        let inside = event.first <= swipe.happened_at && swipe.happened_at <= event.last && swipe.happened_at <= now;
        same && inside
            && is_judged(facts, swipe)
            && facts
                .site
                .stand_at(swipe.reader, swipe.happened_at)
                .is_some_and(|stand| swipe.faces.unwrap_or(stand.faces) == event.faces)
    };
    let mut ids: Vec<_> = facts
        .swipes
        .iter()
        .filter(repeats)
        .map(|swipe| (swipe.happened_at, swipe.id))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids.into_iter().map(|(_, id)| id).collect()
}

/// Whether a swipe is known, in its place in time, and the person's.
fn is_judged(facts: &PersonFacts<'_>, swipe: &Swipe) -> bool {
    is_known(facts, swipe) && facts.site.holder(swipe.badge, swipe.happened_at) == Some(facts.person)
}

fn is_known(facts: &PersonFacts<'_>, swipe: &Swipe) -> bool {
    facts.known_at.is_none_or(|known_at| swipe.received_at <= known_at) && facts.site.quarantine(swipe).is_none()
}

fn event_of(swipe: &Swipe, stand: &Stand) -> Event {
    Event {
        at: swipe.happened_at,
        last: swipe.happened_at,
        faces: swipe.faces.unwrap_or(stand.faces),
        reader: swipe.reader,
        place: stand.place,
        badge: swipe.badge,
        first: swipe.happened_at,
        id: swipe.id,
        last_id: swipe.id,
        opening_of: None,
    }
}

/// By `happened_at`, reader, sequence, id: a result never depends on the order of arrival.
fn order(site: &SiteFacts, one: &Swipe, other: &Swipe) -> Ordering {
    one.happened_at
        .cmp(&other.happened_at)
        .then_with(|| by_reader(site, one.reader, other.reader))
        .then_with(|| (one.sequence, one.id).cmp(&(other.sequence, other.id)))
}
