//! The admin's pages: login, today, weekly review.
