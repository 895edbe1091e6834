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
use store::rows::{BadgeSwipe, DayKey, DayRow, FindingRow, RejectedInput, Review, SwipeRecord};
use store::{Ledger, StoreError, Transaction};

use super::intake::{NewSwipe, Outcome, ReaderChange, Submission, Work};
use super::meetings::{JudgedMeeting, MeetingClock};
use super::verdicts::{Judging, Settled, settle};
use super::{DUE_DAYS_PER_BATCH, Engine, setting};
use crate::counting;
use crate::lobby::{BoardChange, BoardDay, BoardFinding};
use crate::shared::SiteSnapshot;

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

/// A day that was judged: what the rules say of it and what is stored.
struct JudgedDay {
    key: DayKey,
    person: Option<(PersonIndex, NaiveDate)>,
    assessment: Assessment,
    settled: Settled,
}

/// A person's dates to be judged together, for one query of their swipes.
pub(super) struct PersonDays {
    pub(super) person: PersonIndex,
    pub(super) keys: Vec<(DayKey, NaiveDate)>,
}

impl Engine {
    /// Commits submissions and due days, then answers and publishes. On an error nothing has happened and `submissions` is as
    /// it was.
    pub(super) async fn process(&mut self, submissions: &mut Vec<Submission>) -> Result<(), StoreError> {
        let swipes: Vec<&NewSwipe> = submissions
            .iter()
            .flat_map(|submission| submission.work.swipes())
            .collect();
        let rejected: Vec<RejectedInput> = submissions
            .iter()
            .filter_map(|submission| submission.work.rejected())
            .collect();
        let readers = self.signs_of_life(submissions);
        self.note_readers(&readers).await?;

        let mut transaction = self.ledger.begin().await?;
        let records: Vec<SwipeRecord> = swipes
            .iter()
            .map(|swipe| swipe.record(self.quarantine_reason(swipe)))
            .collect();
        let fresh = record_sorted(&mut *transaction, &records).await?;
        transaction.record_rejected(&rejected).await?;
        let days = self.lock_days(&mut transaction, &records, &fresh).await?;
        let meetings = self.lock_meetings(&mut *transaction, &records, &fresh).await?;
        let mut judged = self.judge(&mut *transaction, &days).await?;
        let mut judged_meetings = self.judge_meetings(&mut *transaction, meetings).await?;
        self.save(&mut *transaction, &mut judged).await?;
        let next_meeting_check = self.save_meetings(&mut *transaction, &mut judged_meetings).await?;
        let next_check = transaction.next_check().await?;
        transaction.commit().await?;

        self.meetings = MeetingClock {
            stale: false,
            next_check: next_meeting_check,
        };
        self.next_check = next_check.into_iter().chain(next_meeting_check).min();
        self.count(&fresh, judged.len());
        answer(submissions, &records, &fresh);
        self.publish(judged, judged_meetings);
        Ok(())
    }

    /// What links said of their readers, and readings that end a silence: both before the readings themselves are judged.
    fn signs_of_life(&mut self, submissions: &[Submission]) -> Vec<ReaderChange> {
        let mut changes = Vec::new();
        for work in submissions.iter().map(|submission| &submission.work) {
            if let Work::Reader(change) = work {
                self.silence.link(&change.reader, change.up, change.at);
                changes.push(change.clone());
            }
            for swipe in work.swipes() {
                self.silence.heard(&swipe.reader, swipe.received_at);
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

    /// Finds the days that new swipes touch and those that are due, and locks them. Facts are compared only after the locks are
    /// held: whoever changes facts marks days as due, and so either sees these locks or is seen here.
    async fn lock_days(
        &mut self,
        transaction: &mut Box<dyn Transaction>,
        records: &[SwipeRecord],
        fresh: &[bool],
    ) -> Result<Vec<DayKey>, StoreError> {
        let mut days = transaction
            .due_days(self.now, i64::try_from(DUE_DAYS_PER_BATCH).unwrap_or(i64::MAX))
            .await?;
        loop {
            let touched = self.touched_days(records, fresh);
            transaction.touch_days(&touched).await?;
            days.extend(touched);
            if transaction.facts_revision().await? == self.site.borrow().revision {
                break;
            }
            self.reload_site().await?;
        }
        days.sort();
        days.dedup();
        Ok(days)
    }

    /// The days that new swipes can change, as far as their rows exist: dates that have not begun are judged when they do.
    fn touched_days(&self, records: &[SwipeRecord], fresh: &[bool]) -> Vec<DayKey> {
        let site = self.site.borrow();
        let mut days = BTreeSet::new();
        for record in records
            .iter()
            .zip(fresh)
            .filter_map(|(record, new)| new.then_some(record))
        {
            let Some(badge) = site.badge(&record.badge, record.happened_at) else {
                continue;
            };
            let Some(person) = site.facts.holder(badge, record.happened_at) else {
                continue;
            };
            for (person, touched) in site.facts.touched_people(person, record.happened_at) {
                let asked = self
                    .begun_dates(touched)
                    .filter(|date| site.facts.is_asked(person, *date));
                let id = &site.facts.records().people[person.at()].id;
                days.extend(asked.map(|date| DayKey {
                    person: id.to_string(),
                    date: date.to_string(),
                }));
            }
        }
        days.into_iter().collect()
    }

    /// Those of some dates that are judged and whose rows exist.
    pub(super) fn begun_dates(&self, dates: DateRange) -> impl Iterator<Item = NaiveDate> + use<> {
        let last = dates.until.min(self.opened_through + chrono::Days::new(1));
        let first = dates.from.max(self.opened_from);
        first.iter_days().take_while(move |date| *date < last)
    }

    async fn judge(&self, transaction: &mut dyn Transaction, days: &[DayKey]) -> Result<Vec<JudgedDay>, StoreError> {
        let site = self.site.borrow().clone();
        let (people, orphans) = group(&site.facts, days);
        let queries: Vec<BadgeSwipe<'_>> = people.iter().map(|days| swipe_query(&site, days)).collect();
        let swipes = transaction.swipes_of(&queries).await?;
        let mut stored = by_day(transaction.findings_of(days).await?);
        let judging = Judging {
            records: site.facts.records(),
            secret: &self.secret,
            facts_revision: site.revision,
            now: self.now,
        };
        let mut judged = Vec::with_capacity(days.len());
        let mut evaluator = Evaluator::new(&site.facts);
        for (days, swipes) in people.into_iter().zip(swipes) {
            let swipes = site.swipes(&swipes)?;
            for (key, date) in days.keys {
                let assessment = assess(&mut evaluator, days.person, date, &swipes, self.now);
                let settled = settle(&judging, &key, &assessment, stored.remove(&key).unwrap_or_default());
                judged.push(JudgedDay {
                    key,
                    person: Some((days.person, date)),
                    assessment,
                    settled,
                });
            }
        }
        // Rows of people whom the facts no longer know: nothing holds of them any more.
        for key in orphans {
            let assessment = Assessment::default();
            let settled = settle(&judging, &key, &assessment, stored.remove(&key).unwrap_or_default());
            judged.push(JudgedDay {
                key,
                person: None,
                assessment,
                settled,
            });
        }
        Ok(judged)
    }

    /// Writes the verdicts; findings come back as they are stored, with the numbers that the screens are told.
    async fn save(&self, transaction: &mut dyn Transaction, judged: &mut [JudgedDay]) -> Result<(), StoreError> {
        let facts_revision = self.site.borrow().revision;
        let days: Vec<DayRow> = judged
            .iter()
            .map(|day| DayRow {
                key: day.key.clone(),
                judged_at: Some(self.now),
                next_check: day.assessment.next_deadline,
                rules_version: rules::VERSION,
                facts_revision,
            })
            .collect();
        let findings: Vec<FindingRow> = judged
            .iter()
            .flat_map(|day| day.settled.changed.iter().cloned())
            .collect();
        transaction.save_days(&days).await?;
        let stored = transaction.save_findings(&findings).await?;
        self.recount(transaction, &stored).await?;
        let revisions: BTreeMap<&str, i64> = stored.iter().map(|row| (row.id.as_str(), row.revision)).collect();
        for row in judged.iter_mut().flat_map(|day| &mut day.settled.holding) {
            row.revision = revisions.get(row.id.as_str()).copied().unwrap_or(row.revision);
        }
        Ok(())
    }

    /// What was confirmed and says something else now is confirmed no more, so its subject's counting changes.
    pub(super) async fn recount(
        &self,
        transaction: &mut dyn Transaction,
        saved: &[FindingRow],
    ) -> Result<(), StoreError> {
        let reopened = saved.iter().filter(|row| row.review == Review::ChangedAfterDecision);
        let people: BTreeSet<String> = reopened.map(|row| row.person.clone()).collect();
        let site = self.site.borrow().clone();
        counting::recount(transaction, &site, &self.secret, &people, self.now).await
    }

    fn publish(&self, judged: Vec<JudgedDay>, meetings: Vec<JudgedMeeting>) {
        let days = judged.into_iter().filter_map(JudgedDay::for_board).collect();
        self.lobby.publish(BoardChange {
            facts: None,
            days,
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

    fn count(&self, fresh: &[bool], judged_days: usize) {
        self.health.batches.fetch_add(1, Ordering::Relaxed);
        self.health
            .swipes
            .fetch_add(fresh.iter().filter(|new| **new).count() as u64, Ordering::Relaxed);
        self.health.judged_days.fetch_add(judged_days as u64, Ordering::Relaxed);
    }
}

impl JudgedDay {
    fn for_board(self) -> Option<BoardDay> {
        let (person, date) = self.person?;
        let rows = self.settled.holding.into_iter();
        let findings = rows.zip(self.assessment.findings).map(|(row, finding)| BoardFinding {
            id: row.id,
            revision: row.revision,
            finding,
        });
        Some(BoardDay {
            person,
            date,
            standings: self.assessment.standings,
            findings: findings.collect(),
        })
    }
}

impl Work {
    fn swipes(&self) -> &[NewSwipe] {
        match self {
            Self::Swipes(swipes) => swipes,
            Self::Rejected(_) | Self::Reader(_) => &[],
        }
    }

    fn rejected(&self) -> Option<RejectedInput> {
        match self {
            Self::Rejected(input) => Some(input.clone()),
            Self::Swipes(_) | Self::Reader(_) => None,
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

/// Records swipes in the order of their ids, which is the order in which every transaction locks them, and says in the order
/// given which were new.
async fn record_sorted(transaction: &mut dyn Transaction, records: &[SwipeRecord]) -> Result<Vec<bool>, StoreError> {
    let mut order: Vec<usize> = (0..records.len()).collect();
    order.sort_by(|left, right| records[*left].id.cmp(&records[*right].id));
    let sorted: Vec<SwipeRecord> = order.iter().map(|index| records[*index].clone()).collect();
    let new = transaction.record_swipes(&sorted).await?;
    let mut fresh = vec![false; records.len()];
    for (index, new) in order.into_iter().zip(new) {
        fresh[index] = new;
    }
    Ok(fresh)
}

/// Days by person, and those of people whom the facts do not know.
pub(super) fn group(facts: &SiteFacts, days: &[DayKey]) -> (Vec<PersonDays>, Vec<DayKey>) {
    let mut people: BTreeMap<PersonIndex, Vec<(DayKey, NaiveDate)>> = BTreeMap::new();
    let mut orphans = Vec::new();
    for key in days {
        match (facts.person_index(&key.person), key.date.parse::<NaiveDate>()) {
            (Some(person), Ok(date)) => people.entry(person).or_default().push((key.clone(), date)),
            _ => orphans.push(key.clone()),
        }
    }
    (
        people
            .into_iter()
            .map(|(person, keys)| PersonDays { person, keys })
            .collect(),
        orphans,
    )
}

/// Which swipes judging these days needs.
pub(super) fn swipe_query<'a>(site: &'a SiteSnapshot, days: &PersonDays) -> BadgeSwipe<'a> {
    let windows = days
        .keys
        .iter()
        .map(|(_, date)| site.facts.swipe_window(days.person, DateRange::of_date(*date)));
    let happened = windows.reduce(|all, window| Interval::new(all.from.min(window.from), all.until.max(window.until)));
    let nothing = Interval::new(Instant::from_ms(0), Instant::from_ms(0));
    BadgeSwipe {
        badges: site.badge_keys_of(days.person),
        happened: happened.unwrap_or(nothing),
    }
}

fn by_day(rows: Vec<FindingRow>) -> BTreeMap<DayKey, Vec<FindingRow>> {
    let mut days: BTreeMap<DayKey, Vec<FindingRow>> = BTreeMap::new();
    // Escalations are counted and not judged: judging a day leaves them as they are.
    for row in rows.into_iter().filter(|row| row.kind != counting::ESCALATION) {
        days.entry(DayKey {
            person: row.person.clone(),
            date: row.date.clone(),
        })
        .or_default()
        .push(row);
    }
    days
}

/// Tells every source what became of its readings. A source that has gone away meanwhile will send them again.
fn answer(submissions: &mut Vec<Submission>, records: &[SwipeRecord], fresh: &[bool]) {
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
        self.lobby.publish(BoardChange {
            facts: Some(facts),
            days: Vec::new(),
            meetings: Vec::new(),
            sources,
        });
    }
}
