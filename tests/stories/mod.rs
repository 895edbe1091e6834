//! What is told, a file for each kind of happening.

mod admin;
mod crashes;
mod demo;
mod duty;
mod lines;
mod outages;
mod pictures;
mod postgres;
mod restarts;
mod screens;
mod support;
mod webhook;
