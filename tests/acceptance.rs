//! Black-box stories: bytes go in where a reader's would, and what is seen is what a person or a program would see.

// One module for all of them, so that tests/run.sh can tell stories, which run one at a time, from other tests.
mod stories;
