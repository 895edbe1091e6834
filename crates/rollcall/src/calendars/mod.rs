//! Calendars from outside: holidays that others publish, and meetings that calendar programs keep.

pub mod event;
mod recurrence;
pub mod series;
mod zone;
