//! The bounds of everything that a peer can make us keep. Input never decides how much memory we take.

/// The longest line or JSON record in bytes, without its terminator.
pub const LONGEST_LINE: usize = 4_096;

/// How many bytes a decoder takes at once when it is empty: a whole line beside a whole partial one.
pub const ROOM: usize = 2 * LONGEST_LINE;

/// The most bytes of a malformed input that are kept; of a longer one this much, from its beginning.
pub const LONGEST_MALFORMED: usize = LONGEST_LINE;

/// How many bytes of noise between frames make one [`crate::Malformed`].
pub const LONGEST_NOISE: usize = 256;

/// The longest badge text, in bytes of UTF-8.
pub const LONGEST_BADGE: usize = 128;

/// The longest `id` or `reader` of a record, in bytes of UTF-8.
pub const LONGEST_ID: usize = 128;

/// How deep arrays and objects of a JSON record may be nested; the records themselves need 1.
pub const DEEPEST_NESTING: usize = 8;
