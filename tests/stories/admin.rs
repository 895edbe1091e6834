//! The weekly review, in a browser.
