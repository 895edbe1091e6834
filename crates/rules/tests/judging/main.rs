//! Judging, from outside: timelines for every rule, boundaries, and properties that hold for any bureau.
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "expect-test writes expectations of several lines with them"
)]

mod alike;
mod duty;
mod meeting;
mod office;
mod properties;
mod support;
mod traps;
mod units;
