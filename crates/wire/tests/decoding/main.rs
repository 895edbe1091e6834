//! What decoders make of the bytes of readers.

mod adms;
mod common;
mod isapi;
mod messages;
mod streams;
mod stripes;
mod vectors;
mod zk;
