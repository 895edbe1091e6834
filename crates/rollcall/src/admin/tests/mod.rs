//! The pages as a browser meets them, on a real database.

mod readers;
mod seed;

use axum::body::Body;
use axum::http::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use rules::count::{EscalationRule, Window};
use rules::finding::FindingKind;
use rules::time::Span;
use store::rows::{FindingQuery, FindingRow};
use tokio::sync::watch;
use tower::ServiceExt;

use super::page::query_value;
use super::*;

const PUBLIC_URL: &str = "http://127.0.0.1:8080";
const PASSWORD: &str = "long enough to last";

/// A daemon's pages on a database of their own.
struct Bench {
    router: Router,
    shared: Shared,
    /// The clock that sessions live by.
    host: Clock,
    _folder: tempfile::TempDir,
    site: watch::Sender<crate::shared::SiteSnapshot>,
}

/// An answer, read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

/// Somebody's browser: it keeps cookies and says where it comes from.
#[derive(Clone, Default)]
struct Browser {
    cookies: Vec<(String, String)>,
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        let address = format!("sqlite:{}", folder.path().join("rollcall.db").display());
        let ledger = store::open(&address, store::Options { exclusive: true })
            .await
            .expect("a database");
        let now = seed::at("2026-09-11T10:40:00");
        let snapshot = seed::fill(folder.path(), &*ledger, now).await;
        let (sender, site) = watch::channel(snapshot);
        let shared = Shared {
            ledger,
            site,
            clock: Clock::driven(now, 0.0),
            sources: crate::sources::Sources::empty(Clock::driven(now, 0.0)),
            bridges: crate::bridges::Bridges::default(),
            public_url: PUBLIC_URL.into(),
            demo: false,
        };
        let host = Clock::driven(seed::at("2026-11-23T08:00:00"), 0.0);
        let (router, _) = parts_by(shared.clone(), host.clone());
        Self {
            router,
            shared,
            host,
            _folder: folder,
            site: sender,
        }
    }

    /// A bench with an account, and a browser that is logged in to it.
    async fn with_login() -> (Self, Browser) {
        let bench = Self::new().await;
        bench.add_account("chen").await;
        let mut browser = Browser::default();
        let answer = browser.log_in(&bench, "chen", PASSWORD).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/today"));
        (bench, browser)
    }

    async fn add_account(&self, name: &str) {
        accounts::set_password(&*self.shared.ledger, name, PASSWORD, true, self.shared.clock.now())
            .await
            .expect("an account");
    }

    async fn acts(&self) -> Vec<String> {
        let entries = self.shared.ledger.audit(0, 1_000).await.expect("the audit");
        entries
            .into_iter()
            .map(|entry| format!("{} {}", entry.record.act, entry.record.subject))
            .collect()
    }

    /// A finding by its kind.
    async fn finding(&self, kind: &str, state: &str) -> FindingRow {
        let all = self
            .shared
            .ledger
            .findings(&FindingQuery::default())
            .await
            .expect("findings");
        let list: Vec<_> = all
            .iter()
            .map(|row| format!("{} {} {} {}", row.date, row.person, row.kind, row.state))
            .collect();
        all.into_iter()
            .find(|row| row.kind == kind && row.state == state)
            .unwrap_or_else(|| panic!("no {kind} in {list:#?}"))
    }
}

impl Answer {
    fn location(&self) -> &str {
        self.headers
            .get(LOCATION)
            .map_or("", |location| location.to_str().expect("a readable location"))
    }

    /// The value of the first hidden field of that name.
    fn hidden(&self, name: &str) -> String {
        let start = format!("name=\"{name}\" value=\"");
        let after = self
            .text
            .split_once(&start)
            .unwrap_or_else(|| panic!("no {name} in {}", self.text))
            .1;
        after.split('"').next().expect("a value").to_owned()
    }
}

impl Browser {
    async fn send(&mut self, bench: &Bench, request: Request<Body>) -> Answer {
        let response = bench.router.clone().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        for line in parts.headers.get_all(SET_COOKIE) {
            let (name, value) = line
                .to_str()
                .expect("a readable cookie")
                .split(';')
                .next()
                .and_then(|pair| pair.split_once('='))
                .expect("a cookie");
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
        let bytes = body.collect().await.expect("a whole answer").to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    fn request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        let cookies: Vec<_> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Request::builder()
            .method(method)
            .uri(path)
            .header(COOKIE, cookies.join("; "))
    }

    async fn get(&mut self, bench: &Bench, path: &str) -> Answer {
        let request = self.request(Method::GET, path).body(Body::empty()).expect("a request");
        self.send(bench, request).await
    }

    async fn post(&mut self, bench: &Bench, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_from(bench, PUBLIC_URL, path, fields).await
    }

    async fn post_from(&mut self, bench: &Bench, origin: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", query_value(value)))
            .collect();
        let request = self
            .request(Method::POST, path)
            .header(ORIGIN, origin)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(body.join("&")))
            .expect("a request");
        self.send(bench, request).await
    }

    async fn log_in(&mut self, bench: &Bench, name: &str, password: &str) -> Answer {
        self.post(bench, "/login", &[("name", name), ("password", password), ("next", "")])
            .await
    }

    /// Opens a finding and sends its form as it stands there.
    async fn decide(&mut self, bench: &Bench, finding: &FindingRow, act: &str, reason: &str) -> Answer {
        let path = path_of(finding);
        let page = self.get(bench, &path).await;
        assert_eq!(page.status, StatusCode::OK);
        let fields = ["form_token", "digest", "revision", "next"].map(|name| (name, page.hidden(name)));
        let mut fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.push(("reason", reason));
        self.post(bench, &format!("{path}/{act}"), &fields).await
    }
}

fn path_of(finding: &FindingRow) -> String {
    let date = finding.date.parse().expect("a date");
    format!("/review/{}/f/{}", crate::week::Week::of(date), finding.id)
}

#[tokio::test]
async fn the_first_account_is_made_by_a_link_that_works_once() {
    let bench = Bench::new().await;
    let (router, _) = parts(bench.shared.clone());
    let bench = Bench { router, ..bench };
    let link = first_admin_link(&bench.shared)
        .await
        .expect("a link")
        .expect("no account yet");
    let path = link.strip_prefix(PUBLIC_URL).expect("our address");
    let mut browser = Browser::default();
    assert_eq!(browser.get(&bench, "/setup/0000").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.get(&bench, path).await.status, StatusCode::OK);
    let short = browser
        .post(
            &bench,
            path,
            &[("name", "chen"), ("password", "short"), ("again", "short")],
        )
        .await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    let fields = [("name", "chen"), ("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(browser.post(&bench, path, &fields).await.location(), "/today");
    assert_eq!(browser.get(&bench, "/today").await.status, StatusCode::OK);
    assert_eq!(browser.post(&bench, path, &fields).await.status, StatusCode::NOT_FOUND);
    assert_eq!(first_admin_link(&bench.shared).await.expect("asked"), None);
    assert_eq!(bench.acts().await, ["account.create account:chen"]);
}

#[tokio::test]
async fn wrong_and_unknown_logins_look_alike_and_slow_down() {
    let bench = Bench::new().await;
    bench.add_account("chen").await;
    let mut browser = Browser::default();
    let wrong = browser.log_in(&bench, "chen", "wrong password").await;
    let unknown = browser.log_in(&bench, "nobody", "wrong password").await;
    assert_eq!(
        (wrong.status, unknown.status),
        (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED)
    );
    assert_eq!(wrong.text.replace("chen", "nobody"), unknown.text);
    for _ in 0..4 {
        browser.log_in(&bench, "chen", "wrong password").await;
    }
    assert_eq!(
        browser.log_in(&bench, "chen", PASSWORD).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert!(browser.cookies.is_empty());
    let acts = [
        "account.create account:chen",
        "login.fail account:chen",
        "login.fail account:unknown",
        "login.fail account:chen",
    ];
    assert_eq!(bench.acts().await, acts);
}

#[tokio::test]
async fn a_login_leads_on_and_what_was_typed_is_escaped() {
    let bench = Bench::new().await;
    bench.add_account("chen").await;
    let mut browser = Browser::default();
    let refused = browser.get(&bench, "/review/2026-W37?tab=waived").await;
    assert_eq!(refused.location(), "/login?next=%2Freview%2F2026-W37%3Ftab%3Dwaived");
    let hostile = browser.log_in(&bench, "\"><script>alert(1)</script>", "whatever").await;
    assert!(!hostile.text.contains("<script>alert"), "{}", hostile.text);
    let fields = [
        ("name", "chen"),
        ("password", PASSWORD),
        ("next", "/review/2026-W37?tab=waived"),
    ];
    assert_eq!(
        browser.post(&bench, "/login", &fields).await.location(),
        "/review/2026-W37?tab=waived"
    );
    let foreign = [("name", "chen"), ("password", PASSWORD), ("next", "//evil.example")];
    assert_eq!(browser.post(&bench, "/login", &foreign).await.location(), "/today");
}

#[tokio::test]
async fn sessions_end_by_idleness_by_logout_and_by_a_new_login() {
    let (bench, mut browser) = Bench::with_login().await;
    let later = |minutes| {
        bench
            .host
            .set(Some(bench.host.now() + Span::from_minutes(minutes)), Some(0.0));
    };
    later(29);
    assert_eq!(browser.get(&bench, "/today").await.status, StatusCode::OK);
    later(29);
    assert_eq!(
        browser.get(&bench, "/today").await.status,
        StatusCode::OK,
        "it was used in between"
    );
    later(30);
    assert_eq!(browser.get(&bench, "/today").await.location(), "/login?next=%2Ftoday");
    browser.log_in(&bench, "chen", PASSWORD).await;
    let mut earlier = browser.clone();
    browser.log_in(&bench, "chen", PASSWORD).await;
    assert_eq!(
        earlier.get(&bench, "/today").await.status,
        StatusCode::SEE_OTHER,
        "a login ends the one before it"
    );
    let token = browser.get(&bench, "/today").await.hidden("form_token");
    let mut stolen = browser.clone();
    assert_eq!(
        browser
            .post(&bench, "/logout", &[("form_token", &token)])
            .await
            .location(),
        "/login"
    );
    assert_eq!(
        stolen.get(&bench, "/today").await.status,
        StatusCode::SEE_OTHER,
        "its token is worth nothing any more"
    );
}

#[tokio::test]
async fn a_new_password_ends_the_other_logins() {
    let (bench, mut browser) = Bench::with_login().await;
    let mut other = Browser::default();
    other.log_in(&bench, "chen", PASSWORD).await;
    let token = browser.get(&bench, "/account").await.hidden("form_token");
    let change = |current: &'static str| {
        [
            ("current", current),
            ("password", "another long one"),
            ("again", "another long one"),
        ]
    };
    let wrong = browser
        .post(
            &bench,
            "/account/password",
            &[&change("wrong")[..], &[("form_token", token.as_str())]].concat(),
        )
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right = browser
        .post(
            &bench,
            "/account/password",
            &[&change(PASSWORD)[..], &[("form_token", token.as_str())]].concat(),
        )
        .await;
    assert_eq!(right.status, StatusCode::OK);
    assert_eq!(browser.get(&bench, "/today").await.status, StatusCode::OK);
    assert_eq!(other.get(&bench, "/today").await.status, StatusCode::SEE_OTHER);
}

/// Every route must be named here, or refuse whoever is not logged in.
const OPEN: [&str; 4] = ["/login", "/setup/{token}", "/language", "/assets/admin/{name}"];

#[tokio::test]
async fn every_route_but_the_open_ones_refuses_who_is_not_logged_in() {
    let bench = Bench::new().await;
    for route in routes().iter().filter(|route| !OPEN.contains(&route.path)) {
        let path = route
            .path
            .replace("{week}", "2026-W37")
            .replace("{finding}", "0a")
            .replace("{meeting}", "M-0909")
            .replace("{reader}", "west-gate")
            .replace("{person}", "10237");
        let mut browser = Browser {
            cookies: vec![("rollcall_session".into(), "0".repeat(64))],
        };
        for answer in [
            browser.get(&bench, &path).await,
            browser.post(&bench, &path, &[("form_token", "")]).await,
        ] {
            let is_refused = match answer.status {
                StatusCode::UNAUTHORIZED => path.starts_with("/api/"),
                StatusCode::SEE_OTHER => answer.location().starts_with("/login"),
                status => status == StatusCode::METHOD_NOT_ALLOWED,
            };
            assert!(is_refused, "{path}: {} {}", answer.status, answer.location());
        }
    }
}

#[tokio::test]
async fn foreign_pages_and_forms_without_their_secret_change_nothing() {
    let (bench, mut browser) = Bench::with_login().await;
    let finding = bench.finding("late", "final").await;
    let page = browser.get(&bench, &path_of(&finding)).await;
    let (token, digest) = (page.hidden("form_token"), page.hidden("digest"));
    let path = format!("{}/confirm", path_of(&finding));
    let fields = [("form_token", token.as_str()), ("digest", &digest), ("revision", "1")];
    let foreign = browser.post_from(&bench, "https://evil.example", &path, &fields).await;
    let unsigned = browser
        .post(&bench, &path, &[("digest", &digest), ("revision", "1")])
        .await;
    assert_eq!(
        (foreign.status, unsigned.status),
        (StatusCode::FORBIDDEN, StatusCode::FORBIDDEN)
    );
    assert!(
        bench
            .shared
            .ledger
            .decisions(&finding.id)
            .await
            .expect("decisions")
            .is_empty()
    );
}

#[tokio::test]
async fn a_decision_is_kept_with_its_reasons_and_audited() {
    let (bench, mut browser) = Bench::with_login().await;
    let finding = bench.finding("late", "final").await;
    let without = browser.decide(&bench, &finding, "waive", "  ").await;
    assert_eq!(without.status, StatusCode::CONFLICT);
    let waived = browser.decide(&bench, &finding, "waive", "闸机排队").await;
    assert_eq!(waived.status, StatusCode::SEE_OTHER, "{}", waived.text);
    assert!(waived.location().ends_with("done=waived"), "{}", waived.location());
    let decisions = bench.shared.ledger.decisions(&finding.id).await.expect("decisions");
    let [decision] = decisions.as_slice() else {
        panic!("{decisions:?}")
    };
    assert_eq!(
        (decision.act.as_str(), decision.reason.as_str(), decision.actor.as_str()),
        ("waive", "闸机排队", "chen")
    );
    assert!(
        decision.explanation_zh.contains("迟到") && decision.explanation_en.starts_with("1. "),
        "{decision:?}"
    );
    assert_eq!(
        bench.acts().await.last(),
        Some(&format!("finding.waive finding:{}", finding.id))
    );
    let list = browser.get(&bench, "/review/2026-W37?tab=waived").await;
    assert!(list.text.contains(&finding.id));
    let shown = browser.get(&bench, &path_of(&finding)).await;
    assert!(shown.text.contains("chen 免责") && !shown.text.contains("name=\"digest\""));
}

#[tokio::test]
async fn the_second_to_decide_is_told_who_was_faster() {
    let (bench, mut chen) = Bench::with_login().await;
    bench.add_account("wang").await;
    let mut wang = Browser::default();
    wang.log_in(&bench, "wang", PASSWORD).await;
    let finding = bench.finding("late", "final").await;
    let page = wang.get(&bench, &path_of(&finding)).await;
    assert_eq!(
        chen.decide(&bench, &finding, "confirm", "").await.status,
        StatusCode::SEE_OTHER
    );
    let fields = ["form_token", "digest", "revision"].map(|name| (name, page.hidden(name)));
    let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let second = wang
        .post(&bench, &format!("{}/confirm", path_of(&finding)), &fields)
        .await;
    assert_eq!(second.status, StatusCode::CONFLICT);
    assert!(second.text.contains("chen 刚刚处理了此条"));
    assert_eq!(
        bench
            .shared
            .ledger
            .decisions(&finding.id)
            .await
            .expect("decisions")
            .len(),
        1
    );
}

#[tokio::test]
async fn what_is_not_final_cannot_be_decided_and_says_why() {
    let (bench, mut browser) = Bench::with_login().await;
    let finding = bench.finding("not_arrived", "provisional").await;
    let page = browser.get(&bench, &path_of(&finding)).await;
    assert!(page.text.contains("尚未定论") && !page.text.contains("name=\"digest\""));
    let token = page.hidden("form_token");
    let fields = [
        ("form_token", token.as_str()),
        ("digest", finding.digest.as_str()),
        ("revision", "1"),
    ];
    let answer = browser
        .post(&bench, &format!("{}/confirm", path_of(&finding)), &fields)
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(
        bench
            .shared
            .ledger
            .decisions(&finding.id)
            .await
            .expect("decisions")
            .is_empty()
    );
}

#[tokio::test]
async fn a_finding_that_changed_since_it_was_read_is_not_decided() {
    let (bench, mut browser) = Bench::with_login().await;
    let finding = bench.finding("late", "final").await;
    let page = browser.get(&bench, &path_of(&finding)).await;
    let token = page.hidden("form_token");
    let fields = [
        ("form_token", token.as_str()),
        ("digest", &"0".repeat(64)),
        ("revision", "1"),
    ];
    let answer = browser
        .post(&bench, &format!("{}/confirm", path_of(&finding)), &fields)
        .await;
    assert_eq!(answer.status, StatusCode::CONFLICT);
    assert!(answer.text.contains("刚刚有变化"));
}

#[tokio::test]
async fn filters_narrow_the_list_and_unknown_weeks_are_not_found() {
    let (bench, mut browser) = Bench::with_login().await;
    let all = browser.get(&bench, "/review/2026-W37").await;
    assert!(all.text.contains("钱立新") && all.text.contains("魏东来"));
    let narrowed = browser
        .get(&bench, "/review/2026-W37?unit=logistics&person=%E9%AD%8F")
        .await;
    assert!(narrowed.text.contains("魏东来") && !narrowed.text.contains("钱立新"));
    for path in [
        "/review/2026-W60",
        "/review/2026-37",
        "/review/2026-W37/f/none",
        "/assets/admin/none.css",
    ] {
        assert_eq!(browser.get(&bench, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let finding = bench.finding("late", "final").await;
    let elsewhere = format!("/review/2026-W36/f/{}", finding.id);
    assert_eq!(browser.get(&bench, &elsewhere).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn today_shows_sources_rejected_bytes_and_unknown_badges() {
    let (bench, mut browser) = Bench::with_login().await;
    let page = browser.get(&bench, "/today").await;
    for part in [
        "02 30 41 30",
        "校验和不符",
        "4711",
        "9月11日 09:12 起无信号",
        "古丽娜扎尔·买买提",
    ] {
        assert!(page.text.contains(part), "{part}");
    }
}

#[tokio::test]
async fn the_api_answers_in_json() {
    let (bench, mut browser) = Bench::with_login().await;
    let answer = browser.get(&bench, "/api/v1/findings?week=2026-W37").await;
    let found: serde_json::Value = serde_json::from_str(&answer.text).expect("JSON");
    let late = found["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|finding| finding["kind"] == "late")
        .expect("somebody late");
    assert_eq!(
        (&late["subject"], &late["minutes"], &late["review"]),
        (&"person:10231".into(), &11.into(), &"open".into())
    );
    assert_eq!(late["actual"], "2026-09-07T08:41:00+08:00");
    let rejected = browser.get(&bench, "/api/v1/rejected").await;
    assert!(rejected.text.contains("02304130303039363539363138ff03"));
    assert_eq!(
        browser.get(&bench, "/api/v1/findings?week=37").await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        Browser::default()
            .get(&bench, "/api/v1/findings?week=2026-W37")
            .await
            .status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn looking_changes_nothing_and_every_page_is_bound() {
    let (bench, mut browser) = Bench::with_login().await;
    let before = bench.acts().await;
    let finding = bench.finding("late", "final").await;
    for path in [
        "/today",
        "/review/2026-W37",
        &path_of(&finding),
        "/account",
        "/login",
        "/review/2026-W37/f/none",
        "/meetings/M-0909",
        "/meetings/none",
        "/readers",
        "/readers/west-gate",
        "/readers/none",
        "/badges/unknown",
        "/badges/assign?badge=4711",
        "/badges/people/10237",
        "/badges",
        "/held",
    ] {
        let answer = browser.get(&bench, path).await;
        let policy = answer.headers["content-security-policy"].to_str().expect("a policy");
        assert!(
            policy.starts_with("default-src 'self'") && !policy.contains("unsafe"),
            "{path}"
        );
        assert_eq!(answer.headers["cache-control"], "no-store", "{path}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        assert!(
            !answer.text.contains(" style=") && !answer.text.contains(" onclick="),
            "{path} has what its policy forbids"
        );
    }
    assert_eq!(bench.acts().await, before);
}

#[tokio::test]
async fn a_units_finding_is_reviewed_like_a_persons() {
    let (bench, mut browser) = Bench::with_login().await;
    let finding = bench.finding("unit_short", "final").await;
    assert_eq!((finding.person.as_str(), finding.unit.as_deref()), ("", Some("one")));
    let shown = browser.get(&bench, &path_of(&finding)).await;
    assert!(
        shown.text.contains("综合业务一科") && shown.text.contains("应到 2 人，实到 1 人"),
        "{}",
        shown.text
    );
    let confirmed = browser.decide(&bench, &finding, "confirm", "").await;
    assert_eq!(confirmed.status, StatusCode::SEE_OTHER, "{}", confirmed.text);
    let decisions = bench.shared.ledger.decisions(&finding.id).await.expect("decisions");
    assert!(decisions[0].explanation_zh.contains("单位人数不足"), "{decisions:?}");
    let api = browser.get(&bench, "/api/v1/findings?week=2026-W37").await;
    assert!(api.text.contains("\"subject\":\"unit:one\""), "{}", api.text);
}

#[tokio::test]
async fn a_substitute_is_accepted_and_an_observation_written_down_at_a_meetings_page() {
    let (bench, mut browser) = Bench::with_login().await;
    let page = browser.get(&bench, "/meetings/M-0909").await;
    assert!(
        page.text.contains("重点工作推进会") && page.text.contains("单位人数不足"),
        "{}",
        page.text
    );
    let token = page.hidden("form_token");
    let revision = bench.shared.ledger.facts_revision().await.expect("read");
    let accept = |person, substitute| {
        [
            ("form_token", token.as_str()),
            ("person", person),
            ("substitute", substitute),
            ("reason", "出差"),
        ]
    };
    let path = "/meetings/M-0909/substitutes";
    let accepted = browser.post(&bench, path, &accept("10237", "10238")).await;
    assert_eq!(
        accepted.location(),
        "/meetings/M-0909?done=accepted",
        "{}",
        accepted.text
    );
    let not_listed = browser.post(&bench, path, &accept("10240", "10238")).await;
    assert_eq!(not_listed.status, StatusCode::CONFLICT);
    let nobody = browser.post(&bench, path, &accept("10237", "nobody")).await;
    assert_eq!(nobody.status, StatusCode::UNPROCESSABLE_ENTITY);
    let seen = |subject, at| {
        [
            ("form_token", token.as_str()),
            ("subject", subject),
            ("kind", "seating"),
            ("at", at),
            ("note", "座次零散"),
        ]
    };
    let path = "/meetings/M-0909/observations";
    let written = browser.post(&bench, path, &seen("unit:one", "10:20")).await;
    assert_eq!(written.location(), "/meetings/M-0909?done=observed", "{}", written.text);
    for wrong in [seen("unit:none", "10:20"), seen("unit:one", "soon")] {
        let refused = browser.post(&bench, path, &wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let facts = bench.shared.ledger.facts().await.expect("facts");
    let rows: Vec<_> = facts
        .iter()
        .map(|fact| (fact.file.as_str(), fact.recorded_by.as_str()))
        .collect();
    assert_eq!(rows, [("observations.csv", "chen"), ("substitutes.csv", "chen")]);
    assert!(facts[1].cells.contains("\"substitute\":\"10238\""), "{facts:?}");
    assert_eq!(bench.shared.ledger.facts_revision().await.expect("read"), revision + 2);
    let acts = bench.acts().await;
    assert_eq!(
        acts[acts.len() - 2..],
        [
            "meeting.accept_substitute meeting:M-0909",
            "meeting.observe meeting:M-0909"
        ]
    );
}

#[tokio::test]
async fn the_end_of_a_running_meeting_is_moved_at_its_page() {
    let (bench, mut browser) = Bench::with_login().await;
    let page = browser.get(&bench, "/meetings/M-0909").await;
    let token = page.hidden("form_token");
    let end = |which, at| {
        [
            ("form_token", token.as_str()),
            ("which", which),
            ("at", at),
            ("reason", "议程未完"),
        ]
    };
    let path = "/meetings/M-0909/end";
    for wrong in [
        end("later", "2026-09-09T09:00"),
        end("earlier", "2026-09-09T07:00"),
        end("later", "soon"),
    ] {
        let refused = browser.post(&bench, path, &wrong).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    }
    for moved in [
        end("later", "2026-09-09T12:30"),
        end("later", "2026-09-09T12:45"),
        end("earlier", "2026-09-09T10:10"),
    ] {
        let moved = browser.post(&bench, path, &moved).await;
        assert_eq!(moved.location(), "/meetings/M-0909?done=end_moved", "{}", moved.text);
    }
    let facts = bench.shared.ledger.facts().await.expect("facts");
    let files: Vec<_> = facts.iter().map(|fact| fact.file.as_str()).collect();
    assert_eq!(files, ["meeting_ends.csv"], "one end is in force");
    let ends = &facts[0].cells;
    assert!(ends.contains("12:45:00") && ends.contains("10:10:00"), "{ends}");
    let page = browser.get(&bench, "/meetings/M-0909").await;
    assert!(page.text.contains("延长到 12:45、10:10 提前结束"), "{}", page.text);
    assert_eq!(
        bench.acts().await.last().expect("an act"),
        "meeting.move_end meeting:M-0909"
    );
}

#[tokio::test]
async fn what_was_decided_at_the_page_of_a_meeting_is_taken_back_once() {
    let (bench, mut browser) = Bench::with_login().await;
    let token = browser.get(&bench, "/meetings/M-0909").await.hidden("form_token");
    let leave = |from, until| {
        [
            ("form_token", token.as_str()),
            ("person", "10237"),
            ("from", from),
            ("until", until),
        ]
    };
    let path = "/meetings/M-0909/permissions";
    let backwards = browser
        .post(&bench, path, &leave("2026-09-09T10:00", "2026-09-09T09:50"))
        .await;
    assert_eq!(backwards.status, StatusCode::UNPROCESSABLE_ENTITY);
    let permitted = browser
        .post(&bench, path, &leave("2026-09-09T09:50", "2026-09-09T10:00"))
        .await;
    assert_eq!(
        permitted.location(),
        "/meetings/M-0909?done=permitted",
        "{}",
        permitted.text
    );
    let facts = bench.shared.ledger.facts().await.expect("facts");
    assert_eq!(facts[0].file, "permissions.csv");
    let path = "/meetings/M-0909/taken_back";
    let row = [("form_token", token.as_str()), ("row", &facts[0].id)];
    let undone = browser.post(&bench, path, &row).await;
    assert_eq!(undone.location(), "/meetings/M-0909?done=taken_back", "{}", undone.text);
    let again = browser.post(&bench, path, &row).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(bench.shared.ledger.facts().await.expect("facts").is_empty());
    let acts = bench.acts().await;
    assert_eq!(
        acts[acts.len() - 2..],
        ["meeting.permit meeting:M-0909", "meeting.take_back meeting:M-0909"]
    );
}

#[tokio::test]
async fn assets_are_kept_for_good_under_a_name_that_changes_with_them() {
    let bench = Bench::new().await;
    let mut browser = Browser::default();
    let page = browser.get(&bench, "/login").await;
    let style = page
        .text
        .split('"')
        .find(|part| part.ends_with("admin.css"))
        .expect("a style sheet");
    let answer = browser.get(&bench, style).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "text/css; charset=utf-8");
    assert_eq!(answer.headers["cache-control"], "public, max-age=31536000, immutable");
}

#[tokio::test]
async fn the_pages_speak_english_when_asked() {
    let (bench, mut browser) = Bench::with_login().await;
    assert_eq!(
        browser.post(&bench, "/language", &[("language", "en")]).await.status,
        StatusCode::SEE_OTHER
    );
    let page = browser.get(&bench, "/review/2026-W37").await;
    assert!(
        page.text.contains("<html lang=\"en\">")
            && page.text.contains("late 11 min")
            && page.text.contains("Mon 7 Sep")
    );
}

#[tokio::test]
async fn a_rule_is_tried_and_writes_nothing() {
    let (bench, mut browser) = Bench::with_login().await;
    let late = bench.finding("late", "final").await;
    let empty = browser.get(&bench, "/rules").await;
    assert_eq!(empty.status, StatusCode::OK);
    assert!(empty.text.contains("还没有累计规则") && !empty.text.contains("这条规则会累计到"));
    let tried = "/rules?try=1&kind.late=1&count=1&within=month&from=2026-09-01&until=2026-10-01";
    let answer = browser.get(&bench, tried).await;
    assert!(answer.text.contains("这条规则会累计到"), "{}", answer.text);
    assert!(answer.text.contains(&late.id), "the finding is linked");
    let confirmed = browser.get(&bench, &format!("{tried}&counting=confirmed")).await;
    assert!(
        confirmed.text.contains("这条规则会累计到 0 人"),
        "nobody has confirmed anything"
    );
    for (wrong, said) in [
        ("/rules?try=1&count=1&within=month", "请至少选择一种情形"),
        ("/rules?try=1&kind.late=1&count=0&within=month", "“满几次”请填"),
        ("/rules?try=1&kind.late=1&count=1&within=days&days=x", "“连续天数”请填"),
        (
            "/rules?try=1&kind.late=1&count=1&within=year&unit=nowhere",
            "没有这个单位",
        ),
        (
            "/rules?try=1&kind.late=1&count=1&within=year&from=2026-09-02&until=2026-09-01",
            "“到”晚于“从”",
        ),
    ] {
        let answer = browser.get(&bench, wrong).await;
        assert!(answer.text.contains(said), "{wrong}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_published_week_says_so_and_what_waits() {
    let (bench, mut browser) = Bench::with_login().await;
    let late = bench.finding("late", "final").await;
    let week = crate::week::Week::of(late.date.parse().expect("a date"));
    let path = format!("/review/{week}");
    assert!(!browser.get(&bench, &path).await.text.contains("已通报"));
    let mut transaction = bench.shared.ledger.begin().await.expect("begin");
    let publication = store::rows::PublicationRow {
        week: week.to_string(),
        first_date: week.first().to_string(),
        until_date: week.until().to_string(),
        number: "第37期".to_owned(),
        published_at: bench.shared.clock.now(),
        published_by: "chen".to_owned(),
    };
    transaction.publish(&publication).await.expect("published");
    transaction.commit().await.expect("commit");
    assert!(browser.get(&bench, &path).await.text.contains("已通报（第37期）"));
    let mut transaction = bench.shared.ledger.begin().await.expect("begin");
    let longer = FindingRow {
        digest: "other".to_owned(),
        revision: late.revision + 1,
        ..late
    };
    transaction.save_findings(&[longer]).await.expect("saved");
    transaction.commit().await.expect("commit");
    assert!(browser.get(&bench, &path).await.text.contains("1 条更正待发布"));
}

#[tokio::test]
async fn a_decision_that_reaches_a_count_makes_an_escalation_to_decide_on() {
    let (bench, mut browser) = Bench::with_login().await;
    let mut transaction = bench.shared.ledger.begin().await.expect("begin");
    transaction
        .set_setting("installation_secret", "00ff")
        .await
        .expect("set");
    transaction.commit().await.expect("commit");
    let snapshot = bench.shared.site.borrow().clone();
    let mut records = snapshot.facts.records().clone();
    records.escalations.push(EscalationRule {
        id: "once".into(),
        name: "首次迟到".into(),
        kinds: vec![FindingKind::Late],
        count: 1,
        within: Window::Month,
        yields: "谈话提醒".into(),
        from: None,
        until: None,
        units: Vec::new(),
    });
    let facts = Arc::new(rules::facts::SiteFacts::new(records));
    bench
        .site
        .send_replace(crate::shared::SiteSnapshot::new(snapshot.revision, facts));

    let late = bench.finding("late", "final").await;
    let answer = browser.decide(&bench, &late, "confirm", "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let escalation = bench.finding("escalation", "final").await;
    assert_eq!((&escalation.person, &escalation.date), (&late.person, &late.date));
    assert_eq!(
        bench.shared.ledger.counted(&escalation.id).await.expect("read"),
        [late.id]
    );

    let path = format!(
        "/review/{}/f/{}",
        crate::week::Week::of(escalation.date.parse().expect("a date")),
        escalation.id
    );
    let page = browser.get(&bench, &path).await;
    for said in [
        "首次迟到：谈话提醒",
        "依据“首次迟到”",
        "第 1 次：",
        "应予：谈话提醒",
        "累计规则",
    ] {
        assert!(page.text.contains(said), "{said} is not in {}", page.text);
    }
    let answer = browser.decide(&bench, &escalation, "confirm", "").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let decisions = bench.shared.ledger.decisions(&escalation.id).await.expect("read");
    assert!(decisions[0].explanation_zh.contains("应予：谈话提醒"));
    assert!(decisions[0].explanation_en.contains("No. 1: "));
}
