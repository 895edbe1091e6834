//! What a terminal wants to hear instead of its key. It is no secret: whoever records it knows the key.

/// The value that clients send; terminals take any.
pub const TICKS: u8 = 50;

/// The four bytes that say a key in a session: the key's bits reversed, the session added, mixed with the letters ZKSO, the halves
/// exchanged, and mixed with `ticks`, which stands readable in the place of the third byte.
pub const fn mixed(key: u32, session: u16, ticks: u8) -> [u8; 4] {
    let [_, b, c, d] = key.reverse_bits().wrapping_add(session as u32).to_le_bytes();
    [c ^ b'S' ^ ticks, d ^ b'O' ^ ticks, ticks, b ^ b'K' ^ ticks]
}
