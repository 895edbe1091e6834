//! The admin's pages: login, today, weekly review.
//!
//! To add a page: a handler that takes [`visitor::Reviewer`] (or [`visitor::Signed`] for a form), a template, its words in
//! `locales/*/admin.ftl`, and a line in [`routes`]. The tests read that list: whatever they do not name as open to all must
//! refuse everybody who is not logged in.

mod accounts;
mod api;
mod assets;
mod attempts;
mod badges;
mod day;
mod decide;
mod directory;
mod edge;
mod error;
mod feeds;
mod filter;
mod held;
mod login;
mod meeting;
mod meeting_acts;
mod on_duty;
mod page;
mod password;
mod readers;
mod reasons;
mod review;

mod same_origin;
mod secret;
mod session;
mod setup;
pub(crate) mod show;
mod timeline;
mod today;
mod trial;
mod visitor;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant as Monotonic};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

use self::attempts::Attempts;
use self::error::AdminError;
use self::password::Passwords;
use self::same_origin::PublicOrigin;
use crate::clock::Clock;
use crate::shared::Shared;

pub use self::accounts::{AccountError, set_password_on_host};
pub use self::session::AdminAccess;
pub use self::setup::first_admin_link;

/// No form of ours is longer.
const LONGEST_FORM_BYTES: usize = 64 * 1_024;

/// What the pages keep in memory for one run of the daemon.
struct AdminState {
    started: Monotonic,
    passwords: Passwords,
    attempts: Mutex<Attempts>,
}

impl AdminState {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            started: Monotonic::now(),
            passwords: Passwords::default(),
            attempts: Mutex::default(),
        })
    }

    /// Time since the daemon started, which no change of the host's clock moves.
    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// What every handler gets.
#[derive(Clone)]
struct App {
    shared: Shared,
    state: Arc<AdminState>,
    access: AdminAccess,
    origin: Arc<PublicOrigin>,
}

/// A route of the admin pages.
struct Route {
    path: &'static str,
    handlers: MethodRouter<App>,
}

/// Every route; the router is made of nothing else.
fn routes() -> Vec<Route> {
    let route = |path, handlers| Route { path, handlers };
    vec![
        route("/login", get(login::show).post(login::log_in)),
        route("/setup/{token}", get(setup::show).post(setup::create)),
        route("/language", post(login::choose_language)),
        route("/assets/admin/{name}", get(assets::serve)),
        route("/", get(today::redirect)),
        route("/logout", post(login::log_out)),
        route("/account", get(login::show_account)),
        route("/account/password", post(login::change_password)),
        route("/today", get(today::show)),
        route("/review", get(review::redirect)),
        route("/review/{week}", get(review::list)),
        route("/review/{week}/f/{finding}", get(review::detail)),
        route("/review/{week}/f/{finding}/confirm", post(decide::confirm)),
        route("/review/{week}/f/{finding}/waive", post(decide::waive)),
        route("/rules", get(trial::show)),
        route("/meetings/{meeting}", get(meeting::show)),
        route("/meetings/{meeting}/substitutes", post(meeting_acts::accept)),
        route("/meetings/{meeting}/observations", post(meeting_acts::observe)),
        route("/meetings/{meeting}/end", post(meeting_acts::move_end)),
        route("/meetings/{meeting}/permissions", post(meeting_acts::permit)),
        route("/meetings/{meeting}/taken_back", post(meeting_acts::withdraw)),
        route("/readers", get(readers::list)),
        route("/live", get(readers::events)),
        route("/readers/{reader}", get(readers::show)),
        route("/readers/{reader}/test", post(readers::test)),
        route(
            "/badges",
            get(badges::list)
                .post(badges::import)
                .layer(DefaultBodyLimit::max(badges::LONGEST_FILE_BYTES)),
        ),
        route("/held", get(held::list).post(held::place_chosen)),
        route("/held/withdraw", post(held::withdraw_one)),
        route("/badges/badges.csv", get(badges::export)),
        route("/badges/unknown", get(badges::unknown)),
        route("/badges/assign", get(badges::show_assign).post(badges::assign)),
        route("/badges/people/{person}", get(badges::show_person)),
        route("/badges/people/{person}/end", post(badges::end)),
        route("/badges/people/{person}/reissue", post(badges::reissue)),
        route("/badges/people/{person}/undo", post(badges::undo)),
        route("/badges/people/{person}/present", post(badges::present)),
        route("/api/v1/readers", get(api::readers)),
        route("/api/v1/findings", get(api::findings)),
        route("/api/v1/rejected", get(api::rejected)),
    ]
}

/// The admin's pages with its JSON API, and what tells other parts whether somebody is logged in. Logins are slowed down by
/// address where the server puts `axum::extract::ConnectInfo<SocketAddr>` into its requests; without it all requests count as
/// coming from one address.
pub fn parts(shared: Shared) -> (Router, AdminAccess) {
    parts_by(shared, Clock::host())
}

/// `host` is the clock that sessions live by: [`Clock::host`], but in tests.
fn parts_by(shared: Shared, host: Clock) -> (Router, AdminAccess) {
    let access = AdminAccess::new(Arc::clone(&shared.ledger), host, &shared.public_url);
    let origin = Arc::new(PublicOrigin::of(&shared.public_url));
    let app = App {
        shared,
        state: AdminState::new(),
        access: access.clone(),
        origin,
    };
    let router = routes()
        .into_iter()
        .fold(Router::new(), |router, route| router.route(route.path, route.handlers));
    let router = router
        .fallback(async || AdminError::NotFound)
        .layer(DefaultBodyLimit::max(LONGEST_FORM_BYTES))
        .layer(from_fn_with_state(app.clone(), edge::edge))
        .with_state(app);
    (router, access)
}

/// The address of requests that say none.
const NO_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

#[cfg(test)]
mod tests;
