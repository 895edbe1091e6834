//! What is told, a file for each kind of happening.

mod admin;
mod bridge;
mod controllers;
mod crashes;
mod demo;
mod duty;
mod lines;
mod mqtt;
mod osdp;
mod outages;
mod pictures;
mod postgres;
mod readers;
mod replay;
mod restarts;
mod screens;
mod stripes;
mod support;
mod terminals;
mod units;
mod webhook;
