//! The pure core of Rollcall: what a bureau's facts and a person's swipes mean at an instant.
//!
//! *Invariant:* nothing here reads a clock, a file, a database or a random number, and nothing can fail on facts that could
//! be built. `evaluate` and `explain` are functions of their arguments.
#![no_std]

extern crate alloc;

mod assignment;
pub mod count;
mod coverage;
mod deadline;
mod draft;
mod duty;
pub mod evaluate;
pub mod explain;
pub mod facts;
pub mod finding;
mod glance;
mod hours;
mod meeting;
pub mod model;
mod narrate;
mod narrate_duty;
mod narrate_meeting;
mod observation;
mod office;
pub mod plan;
mod shape;
mod standing;
mod swipes;
pub mod time;
pub mod touch;
pub mod units;

pub use duty::drawn_checks;
pub use evaluate::{Evaluator, evaluate};
pub use explain::{explain, explain_meeting};
pub use units::evaluate_meeting;

/// The version of the rules, stored with every verdict. It grows whenever an expectation of the conformance set changes.
pub const VERSION: i64 = 2;
