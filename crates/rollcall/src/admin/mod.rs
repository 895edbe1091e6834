//! The admin's pages: login, today, weekly review.

mod attempts;
mod password;
mod same_origin;
mod secret;
mod session;
mod timeline;
mod week;
