//! What decoders make of the bytes of readers.

mod common;
mod streams;
mod stripes;
mod vectors;
