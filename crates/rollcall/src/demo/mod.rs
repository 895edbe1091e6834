//! `rollcall demo`: an invented bureau whose day passes before one's eyes, by the same code as `serve`.

pub mod bureau;
pub mod cast;
mod names;
pub mod random;
pub mod script;
pub mod site;
