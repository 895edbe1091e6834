//! 周审核: the findings of a week on the left, one of them with its day and its reasons on the right.

use askama::Template;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::NaiveDate;
use rules::count::EscalationRule;
use rules::explain::Explanation;
use rules::finding::{About, FindingKind};
use rules::time::Span;
use store::StoreError;
use store::rows::{DecisionRow, FindingQuery, FindingRevision, FindingRow};

use super::day::{self, Painter, PersonDay, faces_of};
use super::directory::Directory;
use super::error::AdminError;
use super::filter::{Filter, LINES_PER_PAGE, Tab};
use super::page::{Page, Section, respond};
use super::show;
use super::timeline::{self, Drawing};
use super::visitor::Reviewer;
use crate::counting;
use crate::week::Week;
use crate::words::{self, Language, Value};

#[derive(Template)]
#[template(path = "admin/review.html")]
struct ReviewPage {
    page: Page,
    week: WeekHead,
    list: List,
    detail: Option<Detail>,
    notice: Option<Notice>,
}

/// The bar above list and detail.
struct WeekHead {
    title: String,
    dates: String,
    previous: String,
    next: String,
    decided: String,
    /// Under which number it is public, and what waits to be corrected.
    published: Option<String>,
}

/// The list of findings.
struct List {
    tabs: Vec<TabView>,
    groups: Vec<Group>,
    /// The form that narrows the list.
    action: String,
    filter: Filter,
    narrows: bool,
    units: Vec<Choice>,
    kinds: Vec<Choice>,
    dates: Vec<Choice>,
    /// Links to the neighbouring pages of the list, and which of how many this is.
    earlier: Option<String>,
    later: Option<String>,
    pages: Option<String>,
}

struct TabView {
    label: String,
    count: usize,
    href: String,
    is_current: bool,
}

struct Group {
    title: String,
    count: usize,
    lines: Vec<Line>,
}

struct Line {
    href: String,
    shape: &'static str,
    name: String,
    unit: String,
    verdict: String,
    tag: Option<String>,
    is_current: bool,
}

struct Choice {
    value: String,
    label: String,
    is_chosen: bool,
}

/// A sentence above the page: what was done, or why it was not.
pub struct Notice {
    text: String,
    is_problem: bool,
}

impl Notice {
    /// Why something was not done.
    pub fn problem(text: String) -> Self {
        Self { text, is_problem: true }
    }
}

/// One finding.
struct Detail {
    name: String,
    subtitle: String,
    position: Option<String>,
    earlier: Option<String>,
    later: Option<String>,
    chips: Vec<Chip>,
    drawing: Option<Drawing>,
    picture_title: String,
    picture_text: String,
    facts: Vec<Fact>,
    reasons: Vec<Reason>,
    rules: String,
    decision: Decidable,
    decisions: Vec<Past>,
    history: Vec<Past>,
}

struct Chip {
    shape: &'static str,
    label: String,
    tag: Option<String>,
    href: String,
    is_current: bool,
}

/// A line of the table that says what the picture shows.
struct Fact {
    what: String,
    when: String,
    more: String,
}

/// Why one thing is as it is.
struct Reason {
    title: String,
    shape: &'static str,
    is_open: bool,
    steps: Vec<super::reasons::StepView>,
}

/// Whether a decision can be taken, and what it is bound to.
struct Decidable {
    /// Why not.
    refusal: Option<String>,
    /// Why it is to be decided again.
    note: Option<String>,
    confirm: String,
    waive: String,
    digest: String,
    revision: i64,
    next: String,
}

struct Past {
    when: String,
    what: String,
    more: String,
}

/// `GET /review`: to the week of today.
pub async fn redirect(reviewer: Reviewer) -> Response {
    let zone = reviewer.site.facts.records().site.zone;
    let week = Week::of(rules::time::local_date(reviewer.now, zone));
    Redirect::to(&format!("/review/{week}")).into_response()
}

/// `GET /review/{week}`
pub async fn list(
    reviewer: Reviewer,
    week: Result<Path<String>, PathRejection>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Response, AdminError> {
    let (Path(week), Query(filter)) = (week?, filter?);
    let week = Week::parse(&week).ok_or(AdminError::NotFound)?;
    show_page(&reviewer, week, filter, None, None, StatusCode::OK).await
}

/// `GET /review/{week}/f/{finding}`
pub async fn detail(
    reviewer: Reviewer,
    path: Result<Path<(String, String)>, PathRejection>,
    filter: Result<Query<Filter>, QueryRejection>,
) -> Result<Response, AdminError> {
    let (Path((week, finding)), Query(filter)) = (path?, filter?);
    let (week, finding) = of_week(&reviewer, &week, &finding).await?;
    show_page(&reviewer, week, filter, Some(finding), None, StatusCode::OK).await
}

/// The finding of a path, which must be of the path's week.
pub async fn of_week(reviewer: &Reviewer, week: &str, finding: &str) -> Result<(Week, FindingRow), AdminError> {
    let week = Week::parse(week).ok_or(AdminError::NotFound)?;
    let finding = reviewer
        .app
        .shared
        .ledger
        .finding(finding)
        .await?
        .ok_or(AdminError::NotFound)?;
    if week.contains(date_of(&finding)?) {
        Ok((week, finding))
    } else {
        Err(AdminError::NotFound)
    }
}

/// The date of a stored finding.
pub fn date_of(row: &FindingRow) -> Result<NaiveDate, StoreError> {
    row.date.parse().map_err(|_| StoreError::BadRow {
        table: "finding",
        column: "date",
        id: row.id.clone(),
    })
}

/// The page with its list, and with one finding if one is chosen.
pub async fn show_page(
    reviewer: &Reviewer,
    week: Week,
    filter: Filter,
    chosen: Option<FindingRow>,
    notice: Option<Notice>,
    status: StatusCode,
) -> Result<Response, AdminError> {
    let query = FindingQuery {
        from: Some(week.first().to_string()),
        until: Some(week.until().to_string()),
        ..FindingQuery::default()
    };
    let rows = reviewer.app.shared.ledger.findings(&query).await?;
    let published = published(reviewer, week).await?;
    let directory = Directory::of(&reviewer.site.facts);
    let desk = Desk {
        reviewer,
        directory: &directory,
        week,
        filter,
        rows: &rows,
    };
    let detail = match &chosen {
        Some(finding) => Some(desk.detail(finding).await?),
        None => None,
    };
    let done = desk.filter.done.map(|done| Notice {
        text: desk.text(done.key()),
        is_problem: false,
    });
    let page = ReviewPage {
        page: Page::of(reviewer, Section::Review),
        week: WeekHead {
            published,
            ..desk.head()
        },
        list: desk.list(chosen.as_ref())?,
        detail,
        notice: notice.or(done),
    };
    respond(status, &page)
}

/// What is said of a week that is public.
async fn published(reviewer: &Reviewer, week: Week) -> Result<Option<String>, AdminError> {
    let ledger = &reviewer.app.shared.ledger;
    let publications = ledger.publications().await?;
    let Some(publication) = publications.into_iter().find(|row| row.week == week.to_string()) else {
        return Ok(None);
    };
    let waiting = ledger
        .corrections(&publication.first_date, &publication.until_date, false)
        .await?;
    let arguments = [
        ("number", Value::from(show::plain(&publication.number))),
        ("count", Value::from(waiting.len())),
    ];
    let key = if waiting.is_empty() {
        "admin-week-published"
    } else {
        "admin-week-published-waiting"
    };
    Ok(Some(words::text(reviewer.language, key, &arguments)))
}

/// What a page is put together from.
struct Desk<'a> {
    reviewer: &'a Reviewer,
    directory: &'a Directory<'a>,
    week: Week,
    filter: Filter,
    /// The findings of the week.
    rows: &'a [FindingRow],
}

impl Desk<'_> {
    fn language(&self) -> Language {
        self.reviewer.language
    }

    fn zone(&self) -> chrono_tz::Tz {
        self.reviewer.site.facts.records().site.zone
    }

    fn text(&self, key: &str) -> String {
        words::text(self.language(), key, &[])
    }

    fn head(&self) -> WeekHead {
        let (language, week) = (self.language(), self.week);
        let decided = self
            .rows
            .iter()
            .filter(|row| matches!(Tab::of(row), Tab::Confirmed | Tab::Waived))
            .count();
        let title = [
            ("year", Value::from(week.year().to_string())),
            ("week", Value::from(week.number())),
        ];
        let dates = [
            ("from", Value::from(show::day(language, week.first()))),
            ("until", Value::from(show::day(language, week.last()))),
            ("count", Value::from(self.rows.len())),
        ];
        let progress = [
            ("decided", Value::from(decided)),
            ("count", Value::from(self.rows.len())),
        ];
        WeekHead {
            title: words::text(language, "admin-week-title", &title),
            dates: words::text(language, "admin-week-dates", &dates),
            previous: format!("/review/{}", week.previous()),
            next: format!("/review/{}", week.next()),
            decided: words::text(language, "admin-week-decided", &progress),
            published: None,
        }
    }

    /// The findings under the tab that pass the filter, in order.
    fn passing(&self) -> Vec<&FindingRow> {
        self.narrowed().filter(|row| Tab::of(row) == self.filter.tab).collect()
    }

    fn narrowed(&self) -> impl Iterator<Item = &FindingRow> {
        self.rows.iter().filter(|row| self.filter.passes(row, self.directory))
    }

    fn list(&self, chosen: Option<&FindingRow>) -> Result<List, AdminError> {
        let passing = self.passing();
        let pages = passing.len().div_ceil(LINES_PER_PAGE).max(1);
        let position = chosen.and_then(|chosen| passing.iter().position(|row| row.id == chosen.id));
        let page = position.map_or(self.filter.page.clamp(1, pages), |position| {
            position / LINES_PER_PAGE + 1
        });
        let shown = passing.chunks(LINES_PER_PAGE).nth(page - 1).unwrap_or_default();
        let base = format!("/review/{}", self.week);
        let link = |page: usize| format!("{base}{}", self.filter.on_page(page).query());
        let of_pages = [("page", Value::from(page)), ("pages", Value::from(pages))];
        Ok(List {
            tabs: self.tabs(&base),
            groups: self.groups(shown, &passing, chosen)?,
            action: base.clone(),
            narrows: self.filter.narrows(),
            units: self.unit_choices(),
            kinds: self.kind_choices(),
            dates: self.date_choices(),
            earlier: (page > 1).then(|| link(page - 1)),
            later: (page < pages).then(|| link(page + 1)),
            pages: (pages > 1).then(|| words::text(self.language(), "admin-list-pages", &of_pages)),
            filter: self.filter.clone(),
        })
    }

    fn tabs(&self, base: &str) -> Vec<TabView> {
        let view = |tab: Tab| TabView {
            label: self.text(tab.key()),
            count: self.narrowed().filter(|row| Tab::of(row) == tab).count(),
            href: format!("{base}{}", self.filter.under(tab).query()),
            is_current: self.filter.tab == tab,
        };
        Tab::ALL.into_iter().map(view).collect()
    }

    fn groups(
        &self,
        shown: &[&FindingRow],
        passing: &[&FindingRow],
        chosen: Option<&FindingRow>,
    ) -> Result<Vec<Group>, AdminError> {
        let mut groups = Vec::new();
        for rows in shown.chunk_by(|one, other| one.date == other.date) {
            let date = date_of(rows[0])?;
            groups.push(Group {
                title: show::day_and_weekday(self.language(), date),
                count: passing.iter().filter(|row| row.date == rows[0].date).count(),
                lines: rows.iter().map(|row| self.line(row, date, chosen)).collect(),
            });
        }
        Ok(groups)
    }

    fn line(&self, row: &FindingRow, date: NaiveDate, chosen: Option<&FindingRow>) -> Line {
        Line {
            href: self.link(row),
            shape: show::shape_of(row),
            name: self.directory.subject_of(row, date),
            unit: self.unit_and_period(row),
            verdict: self.verdict(row),
            tag: self.tag(row),
            is_current: chosen.is_some_and(|chosen| chosen.id == row.id),
        }
    }

    /// The unit, and which part of the day it is about: somebody may be absent twice on one date.
    fn unit_and_period(&self, row: &FindingRow) -> String {
        if row.person.is_empty() {
            let meeting = row.meeting.as_deref();
            return meeting.map_or_else(String::new, |meeting| self.directory.meeting_title(meeting));
        }
        let unit = row.unit.as_deref().map(|unit| self.directory.unit_name(unit));
        let place = self.directory.place_of(self.language(), row);
        unit.into_iter()
            .chain(place.filter(|_| row.meeting.is_none()))
            .collect::<Vec<_>>()
            .join(" · ")
    }

    fn link(&self, row: &FindingRow) -> String {
        format!("/review/{}/f/{}{}", self.week, row.id, self.filter.on_page(0).query())
    }

    fn verdict(&self, row: &FindingRow) -> String {
        if let Some(rule) = self.escalated_by(row) {
            let arguments = [
                ("rule", Value::from(show::plain(&rule.name))),
                ("yields", Value::from(show::plain(&rule.yields))),
            ];
            return words::text(self.language(), "admin-verdict-escalation", &arguments);
        }
        show::verdict(
            self.language(),
            &row.kind,
            row.length_ms.map(Span::from_ms),
            row.since,
            self.zone(),
        )
    }

    /// The rule of an escalation, as it is in force on its date.
    fn escalated_by(&self, row: &FindingRow) -> Option<&EscalationRule> {
        let source = row.source.as_deref().filter(|_| row.kind == counting::ESCALATION)?;
        let date: NaiveDate = row.date.parse().ok()?;
        let rules = self.reviewer.site.facts.records().escalations.iter();
        let in_force = rules.filter(|rule| &*rule.id == source && rule.is_in_force(date));
        in_force.max_by_key(|rule| rule.from)
    }

    /// 待定 or 暂缓; a final finding needs no tag.
    fn tag(&self, row: &FindingRow) -> Option<String> {
        (row.state != "final").then(|| state_name(self.language(), &row.state))
    }

    fn unit_choices(&self) -> Vec<Choice> {
        let chosen = &self.filter.unit;
        self.directory
            .units()
            .map(|(value, label)| Choice {
                is_chosen: *chosen == value,
                value,
                label,
            })
            .collect()
    }

    /// The kinds that the week has.
    fn kind_choices(&self) -> Vec<Choice> {
        let has = |kind: &FindingKind| self.rows.iter().any(|row| row.kind == kind.name());
        let choice = |kind: FindingKind| Choice {
            value: kind.name().to_owned(),
            label: words::kind(self.language(), kind),
            is_chosen: self.filter.kind == kind.name(),
        };
        FindingKind::ALL.into_iter().filter(has).map(choice).collect()
    }

    fn date_choices(&self) -> Vec<Choice> {
        let days = self.week.first().iter_days().take(7);
        let has = |date: &NaiveDate| self.rows.iter().any(|row| row.date == date.to_string());
        let choice = |date: NaiveDate| Choice {
            label: show::day_and_weekday(self.language(), date),
            is_chosen: self.filter.date == date.to_string(),
            value: date.to_string(),
        };
        days.filter(has).map(choice).collect()
    }

    async fn detail(&self, row: &FindingRow) -> Result<Detail, AdminError> {
        let (ledger, date) = (&self.reviewer.app.shared.ledger, date_of(row)?);
        let mut day = day::load_for(&**ledger, &self.reviewer.site, row, date, self.reviewer.now).await?;
        if row.kind == counting::ESCALATION {
            let explanation = counting::explain(&**ledger, &self.reviewer.site.facts, row).await?;
            day.explanations.splice(0..0, explanation);
        }
        let history = ledger.finding_history(&row.id).await?;
        let decisions = ledger.decisions(&row.id).await?;
        let passing = self.passing();
        let position = passing.iter().position(|other| other.id == row.id);
        let neighbour = |at: Option<usize>| at.and_then(|at| passing.get(at)).map(|row| self.link(row));
        let name = self.directory.subject_of(row, date);
        let painter = self.painter();
        let picture = painter.paint(&day);
        Ok(Detail {
            subtitle: self.subtitle(row, date),
            position: position.map(|at| self.position(at, passing.len())),
            earlier: neighbour(position.and_then(|at| at.checked_sub(1))),
            later: neighbour(position.map(|at| at + 1)),
            chips: self.chips(row),
            drawing: timeline::draw(&picture, self.zone()),
            picture_title: self.picture_title(&name, date),
            picture_text: self.picture_text(&picture),
            facts: self.facts(&picture, &day),
            reasons: self.reasons(row, &day),
            rules: self.rules_line(row),
            decision: self.decidable(
                row,
                position.and_then(|at| passing.get(at + 1)).map(|row| row.id.clone()),
            ),
            decisions: decisions
                .iter()
                .rev()
                .map(|decision| self.past_decision(decision))
                .collect(),
            history: history
                .iter()
                .rev()
                .map(|revision| self.past_revision(row, revision))
                .collect(),
            name,
        })
    }

    fn painter(&self) -> Painter<'_> {
        Painter {
            site: &self.reviewer.site.facts,
            directory: self.directory,
            language: self.language(),
            now: self.reviewer.now,
        }
    }

    fn subtitle(&self, row: &FindingRow, date: NaiveDate) -> String {
        let unit = row
            .unit
            .as_deref()
            .map(|unit| self.directory.unit_name(unit))
            .unwrap_or_default();
        let id = if row.person.is_empty() {
            row.unit.as_deref().unwrap_or_default()
        } else {
            &row.person
        };
        let arguments = [
            ("unit", Value::from(unit)),
            ("person", Value::from(show::plain(id))),
            ("day", Value::from(show::day_and_weekday(self.language(), date))),
        ];
        words::text(self.language(), "admin-detail-subtitle", &arguments)
    }

    fn position(&self, at: usize, count: usize) -> String {
        words::text(
            self.language(),
            "admin-detail-position",
            &[("number", Value::from(at + 1)), ("count", Value::from(count))],
        )
    }

    /// Everything found of the same person on the same date, this finding first.
    fn chips(&self, row: &FindingRow) -> Vec<Chip> {
        let same_day = self
            .rows
            .iter()
            .filter(|other| other.person == row.person && other.date == row.date)
            .filter(|other| !row.person.is_empty() || other.unit == row.unit);
        let others = same_day.filter(|other| other.id != row.id);
        let chip = |other: &FindingRow| Chip {
            shape: show::shape_of(other),
            label: self.titled_verdict(other),
            tag: self.tag(other),
            href: format!(
                "/review/{}/f/{}{}",
                self.week,
                other.id,
                self.filter.under(Tab::of(other)).query()
            ),
            is_current: other.id == row.id,
        };
        std::iter::once(row).chain(others).map(chip).collect()
    }

    /// What it is and in which period or meeting.
    fn titled_verdict(&self, row: &FindingRow) -> String {
        let Some(place) = self.directory.place_of(self.language(), row) else {
            return self.verdict(row);
        };
        let arguments = [
            ("place", Value::from(place)),
            ("verdict", Value::from(self.verdict(row))),
        ];
        words::text(self.language(), "admin-verdict-in", &arguments)
    }

    fn picture_title(&self, name: &str, date: NaiveDate) -> String {
        let arguments = [
            ("name", Value::from(name)),
            ("day", Value::from(show::day(self.language(), date))),
        ];
        words::text(self.language(), "admin-picture-title", &arguments)
    }

    /// The picture in words, for those who do not see it.
    fn picture_text(&self, picture: &timeline::Day) -> String {
        let zone = self.zone();
        let blocks = picture
            .blocks
            .iter()
            .filter(|block| !block.label.is_empty() && block.class != "expected");
        let expected = picture.blocks.iter().filter(|block| block.class == "expected");
        let parts = expected.map(|block| {
            format!(
                "{} {}",
                self.text("admin-row-expected"),
                show::times(block.interval, zone)
            )
        });
        let others = blocks.map(|block| format!("{} {}", block.label, show::times(block.interval, zone)));
        let marks = picture.marks.iter().map(|mark| mark.label.clone());
        parts.chain(others).chain(marks).collect::<Vec<_>>().join("; ")
    }

    fn facts(&self, picture: &timeline::Day, day: &PersonDay) -> Vec<Fact> {
        let zone = self.zone();
        let blocks = picture
            .blocks
            .iter()
            .filter(|block| block.row != timeline::Row::Verdict);
        let of_block = |block: &timeline::Block| Fact {
            what: self.text(row_key(block)),
            when: show::times(block.interval, zone),
            more: if block.class == "expected" {
                String::new()
            } else {
                block.label.clone()
            },
        };
        let records = self.reviewer.site.facts.records();
        let of_swipe = |swipe: &rules::model::Swipe| Fact {
            what: self.text("admin-row-swipes"),
            when: show::exact_time(swipe.happened_at, zone),
            more: format!(
                "{} · {}",
                show::facing(self.language(), faces_of(&self.reviewer.site.facts, swipe)),
                show::plain(&records.readers[swipe.reader.at()].id)
            ),
        };
        blocks.map(of_block).chain(day.swipes.iter().map(of_swipe)).collect()
    }

    /// This finding's reasons first and open, then why the rest of the day is as it is.
    fn reasons(&self, row: &FindingRow, day: &PersonDay) -> Vec<Reason> {
        let mut explanations: Vec<_> = day.explanations.iter().collect();
        explanations.sort_by_key(|explanation| !explains(explanation, row, self.reviewer));
        explanations
            .into_iter()
            .map(|explanation| self.reason(explanation, explains(explanation, row, self.reviewer)))
            .collect()
    }

    fn reason(&self, explanation: &Explanation, is_open: bool) -> Reason {
        let place = match &explanation.about {
            About::Period(name) => show::plain(name),
            About::Meeting(meeting) => self.directory.title_of(*meeting),
            About::Duty(duty) => {
                let records = self.reviewer.site.facts.records();
                show::plain(&words::duty(self.language(), &records.duties[duty.at()]))
            }
            About::Date => words::text(self.language(), "about-date", &[]),
        };
        let is_withheld = super::reasons::is_withheld(explanation);
        let (key, kind, shape) = match explanation.finding {
            Some(kind) if is_withheld => ("admin-why-withheld", words::kind(self.language(), kind), "withheld"),
            Some(kind) => ("admin-why", words::kind(self.language(), kind), show::shape(kind)),
            None => ("admin-why-fine", String::new(), "fine"),
        };
        let arguments = [("place", Value::from(place)), ("kind", Value::from(kind))];
        Reason {
            title: words::text(self.language(), key, &arguments),
            shape,
            is_open,
            steps: super::reasons::steps(self.language(), &self.reviewer.site.facts, explanation),
        }
    }

    fn rules_line(&self, row: &FindingRow) -> String {
        let arguments = [
            ("rules", Value::from(row.rules_version)),
            ("facts", Value::from(row.facts_revision)),
            (
                "when",
                Value::from(show::moment(self.language(), row.changed_at, self.zone())),
            ),
        ];
        words::text(self.language(), "admin-judged", &arguments)
    }

    fn decidable(&self, row: &FindingRow, next: Option<String>) -> Decidable {
        let query = self.filter.query();
        Decidable {
            refusal: super::decide::refusal(row).map(|key| self.text(key)),
            note: (Tab::of(row) == Tab::Changed).then(|| self.text("admin-decide-again")),
            confirm: format!("/review/{}/f/{}/confirm{query}", self.week, row.id),
            waive: format!("/review/{}/f/{}/waive{query}", self.week, row.id),
            digest: row.digest.clone(),
            revision: row.revision,
            next: next.unwrap_or_default(),
        }
    }

    fn past_decision(&self, decision: &DecisionRow) -> Past {
        let key = if decision.act == "waive" {
            "admin-decided-waive"
        } else {
            "admin-decided-confirm"
        };
        Past {
            when: show::moment(self.language(), decision.at, self.zone()),
            what: words::text(
                self.language(),
                key,
                &[("actor", Value::from(show::plain(&decision.actor)))],
            ),
            more: show::plain(&decision.reason),
        }
    }

    fn past_revision(&self, row: &FindingRow, revision: &FindingRevision) -> Past {
        let length = revision.length_ms.map(Span::from_ms);
        Past {
            when: show::moment(self.language(), revision.at, self.zone()),
            what: show::verdict(self.language(), &row.kind, length, None, self.zone()),
            more: state_name(self.language(), &revision.state),
        }
    }
}

/// Whether an explanation is that of a stored finding.
pub fn explains(explanation: &Explanation, row: &FindingRow, reviewer: &Reviewer) -> bool {
    let is_place = match &explanation.about {
        About::Period(name) => row.period.as_deref() == Some(&**name),
        About::Meeting(meeting) => {
            row.meeting.as_deref() == Some(&*reviewer.site.facts.records().meetings[meeting.at()].id)
        }
        About::Duty(duty) => row.source.as_deref() == Some(&*reviewer.site.facts.records().duties[duty.at()].id),
        About::Date => row.period.is_none() && row.meeting.is_none(),
    };
    is_place
        && (explanation.source.is_none() || explanation.source.as_deref() == row.source.as_deref())
        && explanation.date.to_string() == row.date
        && explanation.finding.is_some_and(|kind| kind.name() == row.kind)
}

fn row_key(block: &timeline::Block) -> &'static str {
    match block.row {
        timeline::Row::Expected => "admin-row-expected",
        timeline::Row::Meetings => "admin-row-meetings",
        timeline::Row::Duties => "admin-row-duties",
        timeline::Row::Absences => "admin-row-absences",
        timeline::Row::Verdict => "admin-row-verdict",
    }
}

/// What people call a stored state.
pub fn state_name(language: Language, state: &str) -> String {
    let key = match state {
        "provisional" => "state-provisional",
        "final" => "state-final",
        "withheld" => "state-withheld",
        _ => "admin-state-withdrawn",
    };
    words::text(language, key, &[])
}
