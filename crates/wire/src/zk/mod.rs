//! ZKTeco terminals that are called by us, on port 4370.

pub mod time;
