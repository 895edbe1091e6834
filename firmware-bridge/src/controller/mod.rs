//! Access controllers that report events: those that call us, whose posts the daemon hands to `wire`, and those that we call.

mod config;
mod dahua;
mod http;
mod isapi;
mod link;
mod position;
mod recent;

pub use config::{Called, Controller};
pub(crate) use link::run;

use http::HttpError;

/// Why a connection ended.
enum Ended {
    /// The controller is lost; call it again.
    Lost(HttpError),
    /// Nobody takes deliveries any more.
    QueueClosed,
    /// It was to end.
    Stopped,
}

impl From<HttpError> for Ended {
    fn from(error: HttpError) -> Self {
        Self::Lost(error)
    }
}
