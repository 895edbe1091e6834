//! Links as readers meet them: serial ports, TCP, and terminals that are called.

mod common;
mod serial;
mod tcp;
mod terminal;
mod zk;
mod zk_clients;
