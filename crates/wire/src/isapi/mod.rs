//! Hikvision access controllers: events as they push them (HTTP listening), stream them (`alertStream`), and give them when asked
//! (`AcsEvent`); JSON or XML, alone or in multipart bodies, which [`crate::documents`] takes apart.
//!
//! What an event means is said by the pair of its major and its sub type ([`pairs`]), and by nothing else: `currentVerifyMode` is what
//! the door is set to, not what somebody did.

mod event;
pub mod pairs;
mod xml;

pub use event::tell;
