//! One batch, one transaction: swipes in, the days they touch judged, verdicts and next deadlines out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context;
use chrono::NaiveDate;
use rules::Evaluator;
use rules::facts::{DateRange, Quarantine, SiteFacts};
use rules::finding::Assessment;
use rules::model::{PersonIndex, Swipe};
use rules::time::{Instant, Interval};
use store::rows::{DayKey, DayRow, FindingRow, RejectedInput, Review, SwipeRecord};
use store::{Ledger, StoreError, Transaction};

use super::intake::{NewSwipe, Outcome, ReaderChange, Submission, Work};
use super::meetings::{JudgedMeeting, MeetingClock};
use super::memory::Memory;
use super::verdicts::{Judging, Settled, settle};
use super::{DUE_DAYS_PER_BATCH, Engine, Health, setting};
use crate::counting;
use crate::lobby::{BoardChange, BoardDay, BoardFinding};
use crate::shared::SiteSnapshot;
use crate::sources::Sources;

/// The installation's secret; `None` before the first start.
pub async fn known_secret(ledger: &dyn Ledger) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(text) = ledger.setting(setting::SECRET).await? else {
        return Ok(None);
    };
    let bad = |_| StoreError::BadRow {
        table: "setting",
        column: "value",
        id: setting::SECRET.to_owned(),
    };
    hex::decode(&text).map(Some).map_err(bad)
}

/// The installation's secret, made at the first start.
pub async fn installation_secret(ledger: &dyn Ledger) -> anyhow::Result<Vec<u8>> {
    if let Some(secret) = known_secret(ledger)
        .await
        .context("the installation's secret: restore it from a backup")?
    {
        return Ok(secret);
    }
    let mut secret = vec![0_u8; 32];
    getrandom::fill(&mut secret).map_err(|error| anyhow::anyhow!("no random numbers from the system: {error}"))?;
    let mut transaction = ledger.begin().await?;
    transaction.set_setting(setting::SECRET, &hex::encode(&secret)).await?;
    transaction.commit().await?;
    Ok(secret)
}

/// A date of somebody whom the facts know.
pub(super) type Day = (PersonIndex, NaiveDate);

/// A day that was judged: what the rules say of it and what is stored.
pub(super) struct JudgedDay {
    pub(super) row: DayRow,
    day: Option<Day>,
    assessment: Assessment,
    pub(super) settled: Settled,
}

/// What a batch brought that has just been committed.
pub(super) struct Committed<'b> {
    pub(super) records: &'b [SwipeRecord],
    /// Which of the records are new.
    pub(super) fresh: &'b [bool],
    pub(super) rejected: &'b [RejectedInput],
    pub(super) judged_days: usize,
    pub(super) today: NaiveDate,
}

/// A person's dates to be judged together.
pub(super) struct PersonDays {
    pub(super) person: PersonIndex,
    pub(super) keys: Vec<(DayKey, NaiveDate)>,
    /// Which swipes judging them needs.
    pub(super) window: Interval,
}

impl Engine {
    /// Commits submissions and due days, then answers and publishes. On an error nothing has happened and `submissions` is as
    /// it was.
    pub(super) async fn process(&mut self, submissions: &mut Vec<Submission>) -> Result<(), StoreError> {
        let rejected: Vec<RejectedInput> = submissions
            .iter()
            .filter_map(|submission| submission.work.rejected())
            .collect();
        let readers = self.signs_of_life(submissions);
        self.note_readers(&readers).await?;

        let records = self.records(submissions);
        // Taken out until the commit: of a transaction that fails nothing is remembered.
        let mut memory = std::mem::take(&mut self.memory);
        let (mut transaction, fresh) = self.ledger.begin_with_swipes(&records).await?;
        transaction.record_rejected(&rejected).await?;
        let days = self.lock_days(&mut transaction, &mut memory, &records, &fresh).await?;
        let meetings = self.lock_meetings(&mut *transaction, &records, &fresh).await?;
        let mut judged = self.judge(&mut *transaction, &mut memory, &days).await?;
        let mut judged_meetings = self.judge_meetings(&mut *transaction, meetings).await?;
        self.save(&mut *transaction, &mut judged).await?;
        let next_meeting_check = self.save_meetings(&mut *transaction, &mut judged_meetings).await?;
        let next_check = self.next_check_after(&mut *transaction, &judged).await?;
        transaction.commit().await?;

        self.meetings = MeetingClock {
            stale: false,
            next_check: next_meeting_check,
        };
        self.next_check = next_check.into_iter().chain(next_meeting_check).min();
        let committed = Committed {
            records: &records,
            fresh: &fresh,
            rejected: &rejected,
            judged_days: judged.len(),
            today: super::site::date_at(&self.site.borrow().facts, self.now),
        };
        committed.count(&self.sources, &self.health);
        answer(submissions, &records, &fresh);
        self.publish(judged, judged_meetings, &mut memory);
        self.memory = memory;
        Ok(())
    }

    pub(super) fn records(&self, submissions: &[Submission]) -> Vec<SwipeRecord> {
        let swipes = submissions.iter().flat_map(|submission| submission.work.swipes());
        swipes
            .map(|swipe| swipe.record(self.quarantine_reason(swipe)))
            .collect()
    }

    /// What links said of their readers, and readings that end a silence: both before the readings themselves are judged.
    pub(super) fn signs_of_life(&mut self, submissions: &[Submission]) -> Vec<ReaderChange> {
        let mut changes = Vec::new();
        for work in submissions.iter().map(|submission| &submission.work) {
            if let Work::Reader(change) = work {
                self.silence.link(&change.reader, change.up, change.at);
                let is_covered = change.up && self.was_there_while_down(&change.reader);
                // Before every outage, so that of the one that ends nothing is left.
                let at = if is_covered {
                    Instant::from_ms(i64::MIN)
                } else {
                    change.at
                };
                changes.push(ReaderChange { at, ..change.clone() });
            }
            if let Work::Complete { reader, at } = work {
                self.silence.link(reader, true, *at);
                changes.push(ReaderChange {
                    reader: Arc::clone(reader),
                    up: true,
                    // Before every outage, so that of the one that ends nothing is left.
                    at: Instant::from_ms(i64::MIN),
                    detail: "what it kept has come".to_owned(),
                });
            }
            for swipe in work.swipes() {
                self.silence.heard(&swipe.reader, swipe.received_at);
                self.note_kept(swipe);
                // Asked of the outages and not of the silence, so that a batch that is tried again says it again. A terminal that
                // delivers what it kept is back when all of it has come, which its handler says.
                if self.down.contains_key(&swipe.reader) && !self.silence.keeps_records(&swipe.reader) {
                    let (reader, at) = (Arc::clone(&swipe.reader), swipe.received_at);
                    changes.push(ReaderChange {
                        reader,
                        up: true,
                        at,
                        detail: "heard again".to_owned(),
                    });
                }
            }
        }
        changes
    }

    /// A reading that a reader kept while it could not be heard shows that it went on reading. Without one nobody knows: it may have
    /// been switched off.
    fn note_kept(&mut self, swipe: &NewSwipe) {
        let Some(down_from) = self.down.get(&swipe.reader).copied() else {
            return;
        };
        if !self.silence.shows_by_readings(&swipe.reader) || swipe.doubt.is_some() {
            return;
        }
        let tolerance = {
            let site = self.site.borrow();
            site.facts.records().site.settings_at(swipe.received_at).clock_tolerance
        };
        if down_from < swipe.happened_at && swipe.happened_at + tolerance < swipe.received_at {
            self.there_while_down.insert(Arc::clone(&swipe.reader), down_from);
        }
    }

    /// Whether the outage of a reader that lasts is one in which it is known to have gone on reading.
    fn was_there_while_down(&self, reader: &str) -> bool {
        let known = self.there_while_down.get(reader);
        known.is_some() && known == self.down.get(reader)
    }

    /// Finds the days that new swipes touch and those that are due, and locks them. Facts are compared only after the locks are
    /// held: whoever changes facts marks days as due, and so either sees these locks or is seen here. What is remembered is
    /// then of these facts, and has the new swipes.
    async fn lock_days(
        &mut self,
        transaction: &mut Box<dyn Transaction>,
        memory: &mut Memory,
        records: &[SwipeRecord],
        fresh: &[bool],
    ) -> Result<Vec<DayKey>, StoreError> {
        let mut days = Vec::new();
        // Days that others make due come with another revision of the facts, which makes the next check due too.
        if self.is_check_due() {
            let limit = i64::try_from(DUE_DAYS_PER_BATCH).unwrap_or(i64::MAX);
            days = transaction.due_days(self.now, limit).await?;
        }
        let arrived = loop {
            let SiteSnapshot { facts, revision, .. } = self.site.borrow().clone();
            memory.keep_to(revision, facts.records().people.len());
            let arrived = self.arrived(records, fresh)?;
            let mut touched = self.touched_days(memory, &arrived);
            touched.retain(|(person, date)| facts.is_asked(*person, *date));
            let unknown = touched.iter().copied().filter(|day| !memory.knows(*day));
            transaction.touch_days(&keys_of(&facts, unknown)).await?;
            days.extend(keys_of(&facts, touched.into_iter()));
            days.sort_unstable();
            days.dedup();
            transaction.lock_days(&days.iter().collect::<Vec<_>>()).await?;
            if transaction.facts_revision().await? == revision {
                break arrived;
            }
            self.reload_site().await?;
            self.next_check = Some(self.now);
        };
        self.remember_arrived(memory, arrived);
        Ok(days)
    }

    pub(super) fn remember_arrived(&self, memory: &mut Memory, arrived: Vec<(PersonIndex, Swipe)>) {
        let site = self.site.borrow();
        for (holder, swipe) in arrived {
            memory.add(holder, swipe);
            for dependant in site.facts.dependants_of(holder) {
                memory.add(*dependant, swipe);
            }
        }
    }

    pub(super) fn is_check_due(&self) -> bool {
        self.next_check.is_some_and(|at| at <= self.now)
    }

    /// When to look at the days again. While none was due this is no later than the earliest of them wants, and may be
    /// earlier, because a day that was judged may want to be looked at later now; when it is reached, the ledger says.
    async fn next_check_after(
        &self,
        transaction: &mut dyn Transaction,
        judged: &[JudgedDay],
    ) -> Result<Option<Instant>, StoreError> {
        if self.is_check_due() {
            return transaction.next_check().await;
        }
        let deadlines = judged.iter().filter_map(|day| day.row.next_check);
        Ok(deadlines.chain(self.next_check).min())
    }

    /// The new swipes with those whose they are; what is of no reader or nobody that is known is nobody's.
    pub(super) fn arrived(
        &self,
        records: &[SwipeRecord],
        fresh: &[bool],
    ) -> Result<Vec<(PersonIndex, Swipe)>, StoreError> {
        let site = self.site.borrow();
        let mut arrived = Vec::with_capacity(records.len());
        for record in records
            .iter()
            .zip(fresh)
            .filter_map(|(record, new)| new.then_some(record))
        {
            arrived.extend(site.swipe_of_holder(record)?);
        }
        Ok(arrived)
    }

    /// The days that new swipes can touch, of people of whom something is asked then and of others; dates that have not begun are judged
    /// when they do.
    pub(super) fn touched_days(&self, memory: &mut Memory, arrived: &[(PersonIndex, Swipe)]) -> BTreeSet<Day> {
        let site = self.site.borrow();
        let mut days = BTreeSet::new();
        for (person, swipe) in arrived {
            for (person, touched) in memory.touched(&site.facts, *person, swipe) {
                days.extend(self.begun_dates(touched).map(|date| (person, date)));
            }
        }
        days
    }

    /// Those of some dates that are judged and whose rows exist.
    pub(super) fn begun_dates(&self, dates: DateRange) -> impl Iterator<Item = NaiveDate> + use<> {
        let last = dates.until.min(self.opened_through + chrono::Days::new(1));
        let first = dates.from.max(self.opened_from);
        first.iter_days().take_while(move |date| *date < last)
    }

    async fn judge(
        &self,
        transaction: &mut dyn Transaction,
        memory: &mut Memory,
        days: &[DayKey],
    ) -> Result<Vec<JudgedDay>, StoreError> {
        let site = self.site.borrow().clone();
        let (people, orphans) = group(&site.facts, days);
        memory.recall_swipes(transaction, &site, &people).await?;
        memory.recall_findings(transaction, &people).await?;
        let mut judged = self.judge_days(memory, people);
        judged.append(&mut self.judge_orphans(transaction, orphans).await?);
        Ok(judged)
    }

    /// Judges days by what is remembered, which must be all that it takes.
    pub(super) fn judge_days(&self, memory: &mut Memory, people: Vec<PersonDays>) -> Vec<JudgedDay> {
        let site = self.site.borrow();
        let judging = self.judging(&site);
        let mut judged = Vec::with_capacity(people.len());
        let mut evaluator = Evaluator::new(&site.facts);
        for days in people {
            for (key, date) in days.keys {
                let swipes = memory.swipes(days.person, days.window);
                let assessment = assess(&mut evaluator, days.person, date, swipes, self.now);
                let day = (days.person, date);
                judged.push(JudgedDay::new(
                    &judging,
                    key,
                    Some(day),
                    assessment,
                    memory.take_findings(day),
                ));
            }
        }
        judged
    }

    /// Rows of people whom the facts no longer know: nothing holds of them any more.
    async fn judge_orphans(
        &self,
        transaction: &mut dyn Transaction,
        orphans: Vec<DayKey>,
    ) -> Result<Vec<JudgedDay>, StoreError> {
        if orphans.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = super::memory::findings_by_day(transaction, &orphans).await?;
        let site = self.site.borrow().clone();
        let judging = self.judging(&site);
        let judged = orphans.into_iter().map(|key| {
            let stored = found.remove(&key).unwrap_or_default();
            JudgedDay::new(&judging, key, None, Assessment::default(), stored)
        });
        Ok(judged.collect())
    }

    fn judging<'a>(&'a self, site: &'a SiteSnapshot) -> Judging<'a> {
        Judging {
            records: site.facts.records(),
            secret: &self.secret,
            facts_revision: site.revision,
            now: self.now,
        }
    }

    /// Writes the verdicts; findings come back as they are stored, with the numbers that the screens are told.
    async fn save(&self, transaction: &mut dyn Transaction, judged: &mut [JudgedDay]) -> Result<(), StoreError> {
        let days: Vec<DayRow> = judged.iter().map(|day| day.row.clone()).collect();
        let findings = judged.iter().flat_map(|day| day.settled.changed.iter().cloned());
        let findings: Vec<FindingRow> = findings.collect();
        transaction.save_days(&days).await?;
        let stored = transaction.save_findings(&findings).await?;
        self.recount(transaction, &stored).await?;
        let revisions: BTreeMap<&str, i64> = stored.iter().map(|row| (row.id.as_str(), row.revision)).collect();
        for row in judged.iter_mut().flat_map(|day| &mut day.settled.holding) {
            row.revision = revisions.get(row.id.as_str()).copied().unwrap_or(row.revision);
        }
        Ok(())
    }

    pub(super) async fn recount(
        &self,
        transaction: &mut dyn Transaction,
        saved: &[FindingRow],
    ) -> Result<(), StoreError> {
        let site = self.site.borrow().clone();
        recount_reopened(transaction, &site, &self.secret, saved, self.now).await
    }

    /// Tells the screens, and remembers what holds now.
    fn publish(&self, judged: Vec<JudgedDay>, meetings: Vec<JudgedMeeting>, memory: &mut Memory) {
        self.lobby.publish(BoardChange {
            facts: None,
            days: judged.into_iter().filter_map(|day| day.remembered(memory).1).collect(),
            meetings: meetings.into_iter().filter_map(JudgedMeeting::for_board).collect(),
            sources: Vec::new(),
        });
    }

    fn quarantine_reason(&self, swipe: &NewSwipe) -> Option<&'static str> {
        let site = self.site.borrow();
        if site.facts.reader_index(&swipe.reader).is_none() {
            return Some("reader_unknown");
        }
        let by_time = Quarantine::of(&site.facts.records().site, swipe.happened_at, swipe.received_at);
        by_time.map(Quarantine::name).or(swipe.doubt)
    }
}

impl Committed<'_> {
    /// Counts it, for `/metrics` and for those who look after readers.
    pub(super) fn count(&self, sources: &Sources, health: &Health) {
        sources.committed(self.records, self.fresh, self.rejected, self.today);
        let new = self.fresh.iter().filter(|new| **new).count();
        health.batches.fetch_add(1, Ordering::Relaxed);
        health.swipes.fetch_add(new as u64, Ordering::Relaxed);
        health.judged_days.fetch_add(self.judged_days as u64, Ordering::Relaxed);
    }
}

/// What was confirmed and says something else now is confirmed no more, so its subject's counting changes.
pub(super) async fn recount_reopened(
    transaction: &mut dyn Transaction,
    site: &SiteSnapshot,
    secret: &[u8],
    saved: &[FindingRow],
    now: Instant,
) -> Result<(), StoreError> {
    let reopened = saved.iter().filter(|row| row.review == Review::ChangedAfterDecision);
    let people: BTreeSet<String> = reopened.map(|row| row.person.clone()).collect();
    counting::recount(transaction, site, secret, &people, now).await
}

impl JudgedDay {
    fn new(
        judging: &Judging<'_>,
        key: DayKey,
        day: Option<Day>,
        assessment: Assessment,
        stored: Vec<FindingRow>,
    ) -> Self {
        let settled = settle(judging, &key, &assessment, stored);
        let row = DayRow {
            key,
            judged_at: Some(judging.now),
            next_check: assessment.next_deadline,
            rules_version: rules::VERSION,
            facts_revision: judging.facts_revision,
        };
        Self {
            row,
            day,
            assessment,
            settled,
        }
    }

    /// Remembers what holds now; returns the row, and what the screens are told.
    pub(super) fn remembered(self, memory: &mut Memory) -> (DayRow, Option<BoardDay>) {
        let Some((person, date)) = self.day else {
            return (self.row, None);
        };
        let holding = self.settled.holding;
        let findings = holding.iter().zip(self.assessment.findings);
        let findings = findings.map(|(row, finding)| BoardFinding {
            id: row.id.clone(),
            revision: row.revision,
            finding,
        });
        let board = BoardDay {
            person,
            date,
            standings: self.assessment.standings,
            findings: findings.collect(),
        };
        memory.remember((person, date), holding);
        (self.row, Some(board))
    }
}

impl Work {
    fn swipes(&self) -> &[NewSwipe] {
        match self {
            Self::Swipes(swipes) => swipes,
            Self::Rejected(_) | Self::Reader(_) | Self::Complete { .. } => &[],
        }
    }

    fn rejected(&self) -> Option<RejectedInput> {
        match self {
            Self::Rejected(input) => Some(input.clone()),
            Self::Swipes(_) | Self::Reader(_) | Self::Complete { .. } => None,
        }
    }
}

/// Judges one date of a person; the same call for the engine and a rebuild.
pub fn assess(
    evaluator: &mut Evaluator<'_>,
    person: PersonIndex,
    date: NaiveDate,
    swipes: &[Swipe],
    now: Instant,
) -> Assessment {
    evaluator.judge(person, DateRange::of_date(date), swipes, now).clone()
}

/// Days by person, and those of people whom the facts do not know.
pub(super) fn group(facts: &SiteFacts, days: &[DayKey]) -> (Vec<PersonDays>, Vec<DayKey>) {
    let (mut known, mut orphans) = (BTreeSet::new(), Vec::new());
    for key in days {
        match facts.person_index(&key.person).zip(key.date.parse().ok()) {
            Some(day) => drop(known.insert(day)),
            None => orphans.push(key.clone()),
        }
    }
    (by_person(facts, known), orphans)
}

/// Days by person.
pub(super) fn by_person(facts: &SiteFacts, days: BTreeSet<Day>) -> Vec<PersonDays> {
    let mut people: Vec<PersonDays> = Vec::with_capacity(days.len());
    let keys = keys_of(facts, days.iter().copied());
    for ((person, date), key) in days.into_iter().zip(keys) {
        let window = facts.swipe_window(person, DateRange::of_date(date));
        match people.last_mut() {
            Some(last) if last.person == person => {
                last.keys.push((key, date));
                last.window = last.window.hull(window);
            }
            _ => people.push(PersonDays {
                person,
                keys: vec![(key, date)],
                window,
            }),
        }
    }
    people
}

/// The keys of days, in the order given; those of one date that follow each other have it written once.
fn keys_of(facts: &SiteFacts, days: impl Iterator<Item = Day>) -> Vec<DayKey> {
    let mut written: Option<(NaiveDate, String)> = None;
    let key = |(person, date): Day| {
        let (_, text) = written
            .take_if(|(of, _)| *of == date)
            .unwrap_or_else(|| (date, date.to_string()));
        let key = DayKey {
            person: facts.records().people[person.at()].id.to_string(),
            date: text.clone(),
        };
        written = Some((date, text));
        key
    };
    days.map(key).collect()
}

/// Tells every source what became of its readings. A source that has gone away meanwhile will send them again.
pub(super) fn answer(submissions: &mut Vec<Submission>, records: &[SwipeRecord], fresh: &[bool]) {
    let mut outcomes = records.iter().zip(fresh).map(|(record, new)| outcome(record, *new));
    for submission in submissions.drain(..) {
        let own: Vec<Outcome> = outcomes.by_ref().take(submission.work.swipes().len()).collect();
        if let Some(reply) = submission.reply
            && reply.send(own).is_err()
        {
            tracing::debug!(
                event = "source.gone",
                "a source went away before it heard what became of its readings"
            );
        }
    }
}

fn outcome(record: &SwipeRecord, new: bool) -> Outcome {
    let id = record.id.clone();
    match (&record.quarantine, new) {
        (_, false) => Outcome::Duplicate { id },
        (Some(reason), true) => Outcome::Quarantined {
            id,
            reason: reason.clone(),
        },
        (None, true) => Outcome::Recorded { id },
    }
}

impl Engine {
    /// Writes down which readers were lost or are back; the people whom that can touch become due.
    pub(super) async fn note_readers(&mut self, changes: &[ReaderChange]) -> Result<(), StoreError> {
        let mut down = self.down.clone();
        let outages: Vec<_> = changes
            .iter()
            .filter_map(|change| super::site::outage(&mut down, change))
            .collect();
        if outages.is_empty() {
            return Ok(());
        }
        self.alone().await?;
        let mut transaction = self.ledger.begin().await?;
        for outage in &outages {
            if outage.down_until.is_some() {
                tracing::info!(event = "reader.up", reader = outage.reader);
            } else {
                tracing::warn!(event = "reader.down", reader = outage.reader);
            }
            transaction.save_outage(outage, self.now).await?;
        }
        let earlier = std::mem::replace(&mut self.down, down);
        let done = self
            .change_facts(transaction, outages.iter().map(|outage| outage.down_from).min())
            .await;
        if done.is_err() {
            // Nothing was written, so the same change is still news when the batch is tried again.
            self.down = earlier;
        }
        done
    }

    /// Makes due what something at an instant or later can touch: everybody's days from the date before on, and of duties that were
    /// not over, however long ago they began, the day on which they did.
    pub(super) async fn make_due_since(
        &self,
        transaction: &mut dyn Transaction,
        at: Instant,
    ) -> Result<(), StoreError> {
        let site = self.site.borrow().clone();
        let records = site.facts.records();
        let first = super::site::date_at(&site.facts, at) - chrono::Days::new(1);
        transaction.make_due(None, Some(&first.to_string())).await?;
        for duty in records.duties_unsettled_at(at) {
            let date = super::site::date_at(&site.facts, duty.interval.from);
            if date < first {
                let person = &*records.people[duty.person.at()].id;
                let (date, after) = (date.to_string(), (date + chrono::Days::new(1)).to_string());
                transaction.make_due_within(Some(&[person]), &date, &after).await?;
            }
        }
        Ok(())
    }

    /// Makes every day from the date of `since` on due, commits and reads the facts again.
    pub(super) async fn change_facts(
        &mut self,
        mut transaction: Box<dyn Transaction>,
        since: Option<Instant>,
    ) -> Result<(), StoreError> {
        transaction.bump_facts_revision().await?;
        match since {
            Some(at) => self.make_due_since(&mut *transaction, at).await?,
            None => drop(transaction.make_due(None, None).await?),
        }
        transaction.commit().await?;
        self.next_check = Some(self.now);
        self.reload_site().await
    }

    /// Reads the facts again and tells everybody who holds them.
    pub(super) async fn reload_site(&mut self) -> Result<(), StoreError> {
        let snapshot: SiteSnapshot = super::load_site(&*self.ledger).await?;
        tracing::info!(
            event = "facts.loaded",
            revision = snapshot.revision,
            people = snapshot.facts.records().people.len()
        );
        self.site.send_replace(snapshot);
        self.meetings.stale = true;
        if let Some(text) = self.ledger.setting(setting::OPENED_THROUGH).await?
            && let Ok(noted) = text.parse()
        {
            self.opened_through = self.opened_through.min(noted);
        }
        // People who are new to dates that have begun need rows there: those dates are opened once more.
        let yesterday = super::site::date_at(&self.site.borrow().facts, self.now) - chrono::Days::new(1);
        self.opened_through = self.opened_through.min(yesterday);
        self.plan_opening();
        self.publish_board_frame();
        Ok(())
    }

    /// Tells the screens about the bureau and its readers; the days follow as they are judged.
    pub(super) fn publish_board_frame(&self) {
        let facts = Arc::clone(&self.site.borrow().facts);
        let sources = super::site::sources(&facts, &self.down, self.now);
        self.sources.coverage(&self.down);
        self.lobby.publish(BoardChange {
            facts: Some(facts),
            days: Vec::new(),
            meetings: Vec::new(),
            sources,
        });
    }
}
