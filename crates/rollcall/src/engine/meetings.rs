//! Meetings as a whole, judged in the transaction of the swipes that touch them: what units sent, and what inspectors saw of units.
//!
//! A meeting to which no unit has to send anybody, and at which nobody saw anything of a unit, has no row and costs nothing.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rules::facts::{DateRange, SiteFacts};
use rules::model::{MeetingIndex, Subject, Swipe};
use rules::time::Instant;
use rules::units::{MeetingAssessment, MeetingFacts, UnitScope};
use store::rows::{BadgeSwipe, DayKey, FindingRow, MeetingKey, MeetingRow, SwipeRecord};
use store::{StoreError, Transaction};

use super::Engine;
use super::verdicts::{Judging, Settled, settle_units};
use crate::counting;
use crate::lobby::{BoardFinding, BoardMeeting};
use crate::shared::SiteSnapshot;

/// Meeting rows that are judged in one transaction besides those that its readings touch.
const DUE_MEETINGS_PER_BATCH: i64 = 64;

/// What the engine knows of meeting rows without asking.
#[derive(Debug)]
pub(super) struct MeetingClock {
    /// Whether facts have changed since the rows were last looked at: some may be missing, and any may be due.
    pub(super) stale: bool,
    /// When the first of them is due.
    pub(super) next_check: Option<Instant>,
}

impl Default for MeetingClock {
    fn default() -> Self {
        Self {
            stale: true,
            next_check: None,
        }
    }
}

/// A meeting that was judged: what the rules say of it and what is stored.
#[derive(Debug)]
pub(super) struct JudgedMeeting {
    key: MeetingKey,
    /// `None` where the facts know nothing of it any more.
    scope: Option<UnitScope>,
    assessment: MeetingAssessment,
    settled: Settled,
}

impl JudgedMeeting {
    /// What screens are told; they show meetings only.
    pub(super) fn for_board(self) -> Option<BoardMeeting> {
        let UnitScope::Meeting(meeting) = self.scope? else {
            return None;
        };
        let rows = self.settled.holding.into_iter();
        let findings = rows.zip(self.assessment.findings).map(|(row, finding)| BoardFinding {
            id: row.id,
            revision: row.revision,
            finding,
        });
        Some(BoardMeeting {
            meeting,
            findings: findings.collect(),
            counts: self.assessment.tallies,
        })
    }
}

/// The row of a meeting, or of a date outside meetings.
pub fn key_of(facts: &SiteFacts, scope: UnitScope) -> MeetingKey {
    let meeting = match scope {
        UnitScope::Meeting(meeting) => facts.records().meetings[meeting.at()].id.to_string(),
        UnitScope::Date(_) => String::new(),
    };
    MeetingKey {
        date: facts.date_of_scope(scope).to_string(),
        meeting,
    }
}

/// The rows of the facts, with what they are of.
pub fn rows_of(facts: &SiteFacts) -> BTreeMap<MeetingKey, UnitScope> {
    let scopes = facts.unit_scopes().into_iter();
    scopes.map(|scope| (key_of(facts, scope), scope)).collect()
}

/// Which swipes judging it needs.
pub fn swipe_query(site: &SiteSnapshot, scope: UnitScope) -> BadgeSwipe<'_> {
    let people = site.facts.scope_people(scope);
    let badges: BTreeSet<&str> = people
        .into_iter()
        .flat_map(|person| site.badge_keys_of(person))
        .collect();
    BadgeSwipe {
        badges: badges.into_iter().collect(),
        happened: site.facts.scope_window(scope),
    }
}

/// What is known of it.
pub fn facts_of<'a>(facts: &'a SiteFacts, scope: UnitScope, swipes: &'a [Swipe]) -> MeetingFacts<'a> {
    MeetingFacts {
        site: facts,
        scope,
        swipes,
        known_at: None,
    }
}

impl Engine {
    /// Finds the meetings that new swipes touch and those that are due, and locks their rows. Facts must not change afterwards.
    pub(super) async fn lock_meetings(
        &mut self,
        transaction: &mut dyn Transaction,
        records: &[SwipeRecord],
        fresh: &[bool],
    ) -> Result<Vec<MeetingKey>, StoreError> {
        let mut locked = self.touched_meetings(records, fresh);
        let mut there: BTreeSet<MeetingKey> = locked.clone();
        if self.meetings.stale {
            let known = rows_of(&self.site.borrow().facts);
            there.extend(known.into_keys().filter(|key| self.has_begun(&key.date)));
            self.touch_observed_days(transaction).await?;
        }
        if !there.is_empty() {
            transaction
                .touch_meetings(&there.into_iter().collect::<Vec<_>>())
                .await?;
        }
        if self.is_meeting_check_due() {
            locked.extend(transaction.due_meetings(self.now, DUE_MEETINGS_PER_BATCH).await?);
        }
        Ok(locked.into_iter().collect())
    }

    pub(super) fn is_meeting_check_due(&self) -> bool {
        self.meetings.stale || self.meetings.next_check.is_some_and(|at| at <= self.now)
    }

    /// What an inspector saw of a person is judged on its date, also where nothing else is asked of them there.
    async fn touch_observed_days(&self, transaction: &mut dyn Transaction) -> Result<(), StoreError> {
        let days: Vec<DayKey> = {
            let facts = &self.site.borrow().facts;
            let records = facts.records();
            let observed = records.observations.iter().enumerate();
            let days = observed.filter_map(|(position, observation)| {
                let Subject::Person(person) = observation.subject else {
                    return None;
                };
                Some(DayKey {
                    person: records.people[person.at()].id.to_string(),
                    date: facts.date_of_observation(position).to_string(),
                })
            });
            days.filter(|day| self.has_begun(&day.date)).collect()
        };
        if days.is_empty() {
            return Ok(());
        }
        transaction.touch_days(&days).await
    }

    fn has_begun(&self, date: &str) -> bool {
        let date = date.parse::<NaiveDate>();
        date.is_ok_and(|date| self.begun_dates(DateRange::of_date(date)).next().is_some())
    }

    /// The meetings whose rows new swipes can change, whosever they are.
    pub(super) fn touched_meetings(&self, records: &[SwipeRecord], fresh: &[bool]) -> BTreeSet<MeetingKey> {
        let site = self.site.borrow();
        let new = records.iter().zip(fresh).filter(|(_, new)| **new);
        let touched = new.filter_map(|(record, _)| {
            let reader = site.facts.reader_index(&record.reader)?;
            Some(site.facts.touched_meetings(reader, record.happened_at))
        });
        let meetings: BTreeSet<MeetingIndex> = touched.flatten().collect();
        let keys = meetings
            .into_iter()
            .map(|meeting| key_of(&site.facts, UnitScope::Meeting(meeting)));
        keys.filter(|key| self.has_begun(&key.date)).collect()
    }

    pub(super) async fn judge_meetings(
        &self,
        transaction: &mut dyn Transaction,
        keys: Vec<MeetingKey>,
    ) -> Result<Vec<JudgedMeeting>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let site = self.site.borrow().clone();
        let known = rows_of(&site.facts);
        let mut stored = by_meeting(transaction.findings_of_meetings(&keys).await?);
        let judging = Judging {
            records: site.facts.records(),
            secret: &self.secret,
            facts_revision: site.revision,
            now: self.now,
        };
        let mut judged = Vec::with_capacity(keys.len());
        for key in keys {
            let scope = known.get(&key).copied();
            let assessment = match scope {
                Some(scope) => {
                    let rows = transaction.swipes_of(&[swipe_query(&site, scope)]).await?;
                    let swipes = site.swipes(&rows.concat())?;
                    rules::evaluate_meeting(&facts_of(&site.facts, scope, &swipes), self.now)
                }
                None => MeetingAssessment::default(),
            };
            let before = stored.remove(&key).unwrap_or_default();
            let settled = settle_units(&judging, &key.date, &assessment.findings, before);
            judged.push(JudgedMeeting {
                key,
                scope,
                assessment,
                settled,
            });
        }
        Ok(judged)
    }

    /// Writes the verdicts, and notes when the next row is due.
    pub(super) async fn save_meetings(
        &self,
        transaction: &mut dyn Transaction,
        judged: &mut [JudgedMeeting],
    ) -> Result<Option<Instant>, StoreError> {
        if judged.is_empty() && !self.meetings.stale {
            return Ok(self.meetings.next_check);
        }
        let facts_revision = self.site.borrow().revision;
        let rows: Vec<MeetingRow> = judged
            .iter()
            .map(|meeting| MeetingRow {
                key: meeting.key.clone(),
                judged_at: Some(self.now),
                next_check: meeting.assessment.next_deadline,
                rules_version: rules::VERSION,
                facts_revision,
            })
            .collect();
        transaction.save_meetings(&rows).await?;
        let changed = judged.iter().flat_map(|meeting| &meeting.settled.changed);
        let changed: Vec<FindingRow> = changed.cloned().collect();
        let stored = transaction.save_findings(&changed).await?;
        self.recount(transaction, &stored).await?;
        let revisions: BTreeMap<&str, i64> = stored.iter().map(|row| (row.id.as_str(), row.revision)).collect();
        for row in judged.iter_mut().flat_map(|meeting| &mut meeting.settled.holding) {
            row.revision = revisions.get(row.id.as_str()).copied().unwrap_or(row.revision);
        }
        transaction.next_meeting_check().await
    }

    /// The rows of a date that begins.
    pub(super) fn meetings_of_date(&self, date: NaiveDate) -> Vec<MeetingKey> {
        let known = rows_of(&self.site.borrow().facts);
        let date = date.to_string();
        known.into_keys().filter(|key| key.date == date).collect()
    }
}

/// Findings of units by the meeting that they are about.
fn by_meeting(rows: Vec<FindingRow>) -> BTreeMap<MeetingKey, Vec<FindingRow>> {
    let mut meetings: BTreeMap<MeetingKey, Vec<FindingRow>> = BTreeMap::new();
    // Escalations are counted and not judged.
    for row in rows.into_iter().filter(|row| row.kind != counting::ESCALATION) {
        let key = MeetingKey {
            date: row.date.clone(),
            meeting: row.meeting.clone().unwrap_or_default(),
        };
        meetings.entry(key).or_default().push(row);
    }
    meetings
}
