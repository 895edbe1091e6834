//! The numbers of requests and replies that we use. What would change or delete anything a terminal holds is not among them.

/// Opens a session.
pub const CONNECT: u16 = 1_000;
/// Ends it.
pub const EXIT: u16 = 1_001;
/// Lets people use the terminal.
pub const ENABLE: u16 = 1_002;
/// Keeps people from using it while it is read.
pub const DISABLE: u16 = 1_003;
/// The version of its firmware.
pub const VERSION: u16 = 1_100;
/// Says the key.
pub const AUTH: u16 = 1_102;
/// A setting by its name.
pub const OPTION: u16 = 11;
/// Its clock.
pub const GET_TIME: u16 = 201;
/// Sets its clock.
pub const SET_TIME: u16 = 202;
/// How much it holds.
pub const SIZES: u16 = 50;
/// Attendance records, as the subject of [`PREPARE_BUFFER`] and, on old firmware, as a request.
pub const ATTENDANCE: u16 = 13;
/// What is wanted of events; events themselves.
pub const EVENT: u16 = 500;
/// Much data follows.
pub const PREPARE_DATA: u16 = 1_500;
/// Data.
pub const DATA: u16 = 1_501;
/// The buffer is needed no more.
pub const FREE_DATA: u16 = 1_502;
/// Puts data into a buffer.
pub const PREPARE_BUFFER: u16 = 1_503;
/// A piece of the buffer.
pub const READ_BUFFER: u16 = 1_504;
/// Done.
pub const OK: u16 = 2_000;
/// Not done.
pub const ERROR: u16 = 2_001;
/// The key is wanted first.
pub const UNAUTHORIZED: u16 = 2_005;
