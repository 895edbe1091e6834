//! How much a terminal holds.

use alloc::vec::Vec;

/// What [`super::command::SIZES`] is answered with: twenty 32-bit numbers, of which three matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// People.
    pub users: u32,
    /// Attendance records.
    pub records: u32,
    /// How many records it has room for.
    pub capacity: u32,
}

/// Where the numbers are, in bytes.
const USERS: usize = 16;
const RECORDS: usize = 32;
const CAPACITY: usize = 64;

impl Sizes {
    /// Reads the answer; `None` where it is too short.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let number = |at: usize| {
            let bytes = data.get(at..at + 4)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?))
        };
        Some(Self {
            users: number(USERS)?,
            records: number(RECORDS)?,
            capacity: number(CAPACITY)?,
        })
    }

    /// The answer, with everything else zero.
    pub fn emit(self) -> Vec<u8> {
        let mut data = [0; 80].to_vec();
        for (at, number) in [(USERS, self.users), (RECORDS, self.records), (CAPACITY, self.capacity)] {
            data[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        data
    }
}
