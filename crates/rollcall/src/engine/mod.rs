//! The loop that turns readings, deadlines and changed facts into verdicts.
