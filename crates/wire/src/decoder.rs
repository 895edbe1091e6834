//! From a stream of bytes, cut anywhere, to readings.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::adms::{RecordRule, StatusRule};
use crate::em4100::{DIGITS, ETX, Frame, LONGEST_FRAME, STX};
use crate::format::{Decoding, Format};
use crate::idteck;
use crate::limits::{LONGEST_LINE, LONGEST_NOISE, ROOM};
use crate::magstripe::{Track, holds_payment_card};
use crate::malformed::{Malformed, Reason};
use crate::message::Messages;
use crate::reading::Reading;
use crate::scanner::Suffix;

/// The most digits of an unframed run that wait for its end; frames of a longer one are counted from its beginning.
const LONGEST_RUN: usize = 10 * DIGITS;

/// Turns the bytes of one link into readings, in order; what it cannot read comes out as [`Malformed`], and the next frame is read.
///
/// Where the bytes are cut into pushes makes no difference. [`Decoder::next`] is to be called until it says `None` before more is
/// pushed.
#[derive(Debug)]
pub struct Decoder {
    decoding: Decoding,
    buffer: Vec<u8>,
    /// How many bytes of the buffer were taken out; they make room at the next push.
    start: usize,
    /// How many of the bytes that wait were already searched for the end of a line.
    searched: usize,
    /// Silence or the end of the input follows what is in the buffer.
    ended: bool,
    /// The rest of a line that was too long is being skipped.
    skipping: bool,
    /// What lines that are messages mean.
    messages: Option<Box<Messages>>,
    /// What the last message said and was not taken out yet; its length bounds how much that is.
    heard: VecDeque<Result<Reading, Malformed>>,
}

/// What the beginning of the buffer is.
enum Step {
    /// Not enough bytes to say.
    Wait,
    /// So many bytes that mean nothing and are not worth a word: line ends between frames.
    Skip(usize),
    /// So many bytes make this.
    Done(usize, Result<Reading, Reason>),
    /// So many bytes are a message and its line end, of these lengths.
    Message(usize, usize),
}

impl Decoder {
    /// A decoder for a link that has just been opened.
    pub const fn new(decoding: Decoding) -> Self {
        Self {
            decoding,
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            ended: false,
            skipping: false,
            messages: None,
            heard: VecDeque::new(),
        }
    }

    /// Takes bytes in and says how many: all of them up to [`ROOM`] if everything was taken out before, none while silence waits to
    /// be worked off.
    #[must_use = "bytes that were not taken must be pushed again"]
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        self.buffer.drain(..core::mem::take(&mut self.start));
        let taken = if self.ended {
            0
        } else {
            bytes.len().min(ROOM - self.buffer.len())
        };
        self.buffer.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// Says that nothing came for longer than [`Decoding::longest_gap_ms`], or that the input is at its end: what is incomplete stays
    /// so, and comes out of [`Decoder::next`].
    pub fn idle(&mut self) {
        self.ended = true;
        self.skipping &= !self.waiting().is_empty();
    }

    /// Whether an unfinished frame or line waits for more bytes.
    pub fn is_waiting(&self) -> bool {
        !self.waiting().is_empty()
    }

    /// The next reading or malformed input; `None` if more bytes are needed.
    #[expect(
        clippy::should_implement_trait,
        reason = "it is no iterator: after None more may come"
    )]
    pub fn next(&mut self) -> Option<Result<Reading, Malformed>> {
        loop {
            if let Some(item) = self.heard.pop_front() {
                return Some(item);
            }
            let step = if self.waiting().is_empty() {
                Step::Wait
            } else {
                self.step()
            };
            match step {
                Step::Wait => {
                    self.ended = false;
                    return None;
                }
                Step::Skip(length) => self.consume(length),
                Step::Message(length, ending) => {
                    let decoding = self.decoding;
                    let messages = self.messages.get_or_insert_with(|| Box::new(Messages::new(decoding)));
                    let payload = &self.buffer[self.start..self.start + length];
                    self.heard.extend(messages.hear(payload).readings);
                    self.consume(length + ending);
                }
                Step::Done(length, outcome) => {
                    let outcome = outcome.map_err(|reason| self.malformed(reason, &self.waiting()[..length]));
                    self.consume(length);
                    return Some(outcome);
                }
            }
        }
    }

    fn malformed(&self, reason: Reason, bytes: &[u8]) -> Malformed {
        if self.decoding.format == Format::Track2 {
            Malformed::masked(reason, bytes)
        } else {
            Malformed::new(reason, bytes)
        }
    }

    /// What has not been taken out yet.
    fn waiting(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    const fn consume(&mut self, length: usize) {
        self.start += length;
        self.searched = 0;
    }

    fn step(&mut self) -> Step {
        match self.decoding.format {
            Format::Rdm6300 | Format::Id12la => self.framed(false),
            Format::Em4100 => self.framed(true),
            Format::Em18 => self.unframed(),
            Format::Idteck => self.idteck(),
            Format::WiegandBits => self.bits(),
            Format::WiegandHex
            | Format::WiegandDecimal
            | Format::Track2
            | Format::Scanner
            | Format::Line
            | Format::Json
            | Format::Tasmota
            | Format::EspRfid
            | Format::Esphome
            | Format::Adms
            | Format::Attlog => self.lines(),
        }
    }

    /// STX to ETX; outside of it noise, or (an EM-18 that was not named) runs of digits.
    fn framed(&self, digits_outside: bool) -> Step {
        match self.waiting()[0] {
            STX => self.frame(),
            byte if digits_outside && byte.is_ascii_hexdigit() => self.run(),
            _ => self.noise(|byte| byte == STX || digits_outside && byte.is_ascii_hexdigit()),
        }
    }

    fn frame(&self) -> Step {
        let rest = &self.waiting()[1..];
        match rest
            .iter()
            .take(LONGEST_FRAME - 1)
            .position(|&byte| byte == ETX || byte == STX)
        {
            Some(end) if rest[end] == ETX => Step::Done(end + 2, self.tag(&rest[..end])),
            Some(next_start) => Step::Done(next_start + 1, Err(Reason::Truncated)),
            None if self.waiting().len() >= LONGEST_FRAME => Step::Done(LONGEST_FRAME, Err(Reason::TooLong)),
            None if self.ended => Step::Done(self.waiting().len(), Err(Reason::Truncated)),
            None => Step::Wait,
        }
    }

    /// STX to ETX and one byte more. A checksum that does not fit and is an STX belongs to the next frame: this one lost its own.
    fn idteck(&self) -> Step {
        let waiting = self.waiting();
        if waiting[0] != STX {
            return self.noise(|byte| byte == STX);
        }
        let end = waiting[1..]
            .iter()
            .take(idteck::LONGEST_FRAME - 2)
            .position(|&byte| byte == ETX || byte == STX)
            .map(|offset| 1 + offset);
        match (end, end.and_then(|end| waiting.get(end + 1))) {
            (Some(end), _) if waiting[end] == STX => Step::Done(end, Err(Reason::Truncated)),
            (Some(end), Some(&checksum)) => {
                let reading = idteck::Frame::new_checked(&waiting[1..end], checksum)
                    .and_then(|frame| Reading::parse_idteck(&frame, self.decoding.badge_key));
                let checksum_is_another_start = reading.is_err() && checksum == STX;
                Step::Done(end + 2 - usize::from(checksum_is_another_start), reading)
            }
            (None, _) if waiting.len() > idteck::LONGEST_FRAME - 2 => {
                Step::Done(idteck::LONGEST_FRAME - 1, Err(Reason::TooLong))
            }
            _ if self.ended => Step::Done(waiting.len(), Err(Reason::Truncated)),
            _ => Step::Wait,
        }
    }

    fn unframed(&self) -> Step {
        if self.waiting()[0].is_ascii_hexdigit() {
            self.run()
        } else {
            self.noise(|byte| byte.is_ascii_hexdigit())
        }
    }

    /// Digits with nothing around them. Only both ends of the run tell where its frames are: the checksum is a XOR, so of a frame
    /// that is repeated *every* rotation has a checksum that fits, and a lost digit would make another tag of it.
    fn run(&self) -> Step {
        let digits = self
            .waiting()
            .iter()
            .take(LONGEST_RUN)
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        let run = &self.waiting()[..digits];
        let good_head = run.chunks_exact(DIGITS).take_while(is_good).count();
        let good_tail = run.rchunks_exact(DIGITS).take_while(is_good).count();
        match (digits, good_head, good_tail) {
            (LONGEST_RUN, ..) => Step::Done(DIGITS, self.tag(&run[..DIGITS])),
            _ if digits == self.waiting().len() && !self.ended => Step::Wait,
            _ if digits < DIGITS => Step::Done(digits, Err(Reason::Truncated)),
            _ if digits.is_multiple_of(DIGITS) => Step::Done(DIGITS, self.tag(&run[..DIGITS])),
            (_, 0, 0) => Step::Done(digits, Err(Reason::Length)),
            (_, 0, frames) => Step::Done(digits - frames * DIGITS, Err(Reason::Truncated)),
            (_, _, 0) => Step::Done(DIGITS, self.tag(&run[..DIGITS])),
            (_, _, _) => Step::Done(digits, Err(Reason::Ambiguous)),
        }
    }

    fn tag(&self, body: &[u8]) -> Result<Reading, Reason> {
        Reading::parse_em4100(&Frame::new_checked(body)?, self.decoding.badge_key)
    }

    /// Bytes up to where something may begin. Line ends and NUL between frames are no news.
    fn noise(&self, begins: impl Fn(u8) -> bool) -> Step {
        let length = self
            .waiting()
            .iter()
            .take(LONGEST_NOISE)
            .take_while(|&&byte| !begins(byte))
            .count();
        let complete = self.ended || length == LONGEST_NOISE || length < self.waiting().len();
        if is_line_end(self.waiting()[0]) {
            Step::Skip(1)
        } else if complete {
            Step::Done(length, Err(Reason::Noise))
        } else {
            Step::Wait
        }
    }

    /// Records that end in what the format and the reader's suffix say; empty ones are no news.
    fn lines(&mut self) -> Step {
        let (length, ending) = self.line_end();
        self.searched = length;
        let terminated = ending > 0;
        if self.skipping {
            self.skipping = !terminated && !self.ended;
            return Step::Skip(length + ending);
        }
        match length {
            0 if terminated => Step::Skip(ending),
            // What is left of a line end of two bytes, where one was expected.
            _ if is_line_end(self.waiting()[0]) => Step::Skip(1),
            _ if length > LONGEST_LINE => {
                self.skipping = !terminated;
                Step::Done(length + ending, Err(Reason::TooLong))
            }
            _ if terminated && self.decoding.format.is_message() => Step::Message(length, ending),
            // A pasted message may lack its line end; half of one is no JSON.
            _ if self.ended && matches!(self.decoding.format, Format::Tasmota | Format::EspRfid) => {
                Step::Message(length, 0)
            }
            _ if terminated => Step::Done(length + ending, self.line(&self.waiting()[..length])),
            _ if self.ended => Step::Done(length, self.unterminated(&self.waiting()[..length])),
            _ => Step::Wait,
        }
    }

    /// How long the record at the beginning is, and how long what ends it; 0 where its end has not come.
    fn line_end(&self) -> (usize, usize) {
        let waiting = self.waiting();
        let unsearched = &waiting[self.searched..];
        let position = |ends: fn(u8) -> bool| unsearched.iter().position(|&byte| ends(byte)).map(|at| (at, 1));
        let found = match (self.decoding.format, self.decoding.suffix) {
            (Format::Scanner, Suffix::Cr) => position(|byte| byte == b'\r'),
            (Format::Scanner, Suffix::Lf) => position(|byte| byte == b'\n'),
            (Format::Scanner, Suffix::Tab) => position(|byte| byte == b'\t'),
            (Format::Scanner, Suffix::CrLf) => unsearched.windows(2).position(|pair| pair == b"\r\n").map(|at| (at, 2)),
            (Format::Scanner, Suffix::None) => None,
            (Format::Track2, _) => position(|byte| is_line_end(byte) || byte == b'\t'),
            _ => position(is_line_end),
        };
        match found {
            Some((offset, ending)) => (self.searched + offset, ending),
            // A CR at the end may be the first half of the CR LF that is looked for.
            None if self.decoding.suffix == Suffix::CrLf && waiting.ends_with(b"\r") && !self.ended => {
                (waiting.len() - 1, 0)
            }
            None => (waiting.len(), 0),
        }
    }

    fn line(&self, line: &[u8]) -> Result<Reading, Reason> {
        let Decoding {
            format,
            badge_key,
            wiegand_format,
            ..
        } = self.decoding;
        if holds_payment_card(line) {
            return Err(Reason::PaymentCard);
        }
        let status = StatusRule::Ignore;
        match format {
            Format::Track2 => return Reading::parse_track2(&Track::new_checked(line)?, badge_key),
            Format::Adms => return Reading::parse_attlog(line, RecordRule { badge_key, status }),
            Format::Attlog => return Reading::parse_attlog_dat(line, RecordRule { badge_key, status }),
            _ => {}
        }
        let text = str::from_utf8(line).map_err(|_| Reason::NotUtf8)?.trim_matches(' ');
        if text.chars().any(char::is_control) {
            return Err(Reason::ControlByte);
        }
        match format {
            Format::WiegandHex => Reading::parse_wiegand_hex(text, wiegand_format, badge_key),
            Format::WiegandDecimal => Reading::parse_wiegand_decimal(text, wiegand_format, badge_key),
            Format::WiegandBits => Reading::parse_wiegand_bits(text, wiegand_format, badge_key),
            Format::Scanner => Reading::parse_scanned(text, badge_key),
            Format::Line if !text.starts_with('{') => Reading::parse_line(text, badge_key),
            _ => Reading::parse_json(text, badge_key),
        }
    }

    /// What silence ended without a terminator. Half a number is another number, so only what shows its own end is read: bits,
    /// whose count is checked, a stripe with its end sentinel, and what a scanner sends that is set to send no suffix.
    fn unterminated(&self, line: &[u8]) -> Result<Reading, Reason> {
        match (self.decoding.format, self.decoding.suffix) {
            // A pasted record may lack its line end; half of one lacks its time.
            (Format::WiegandBits | Format::Track2 | Format::Adms | Format::Attlog, _) => self.line(line),
            (Format::Scanner, Suffix::None) => self.line(line.trim_ascii_end()),
            _ => Err(Reason::Truncated),
        }
    }

    /// Lines of `0` and `1`; bytes that do not begin so are packed bits, which only silence ends.
    fn bits(&mut self) -> Step {
        let Decoding {
            badge_key,
            wiegand_format,
            ..
        } = self.decoding;
        match self.waiting()[0] {
            b'0' | b'1' | b'\r' | b'\n' => self.lines(),
            _ if self.waiting().len() > LONGEST_NOISE => Step::Done(LONGEST_NOISE, Err(Reason::Length)),
            _ if self.ended => Step::Done(
                self.waiting().len(),
                Reading::parse_wiegand_packed(self.waiting(), wiegand_format, badge_key),
            ),
            _ => Step::Wait,
        }
    }
}

fn is_good(digits: &&[u8]) -> bool {
    Frame::new_checked(digits).is_ok()
}

const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n' | 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Input of any kind and length, never taken out before it does not fit any more.
    #[test]
    fn memory_is_bounded_whatever_comes() {
        for format in Format::ALL {
            for byte in [b'0', b'1', b'A', b'{', b' ', b'\r', STX, ETX, 0, 0xFF] {
                let mut decoder = Decoder::new(Decoding::new(format));
                let flood = [byte; 1_000];
                for _ in 0..20 {
                    let mut rest = &flood[..];
                    while !rest.is_empty() {
                        let taken = decoder.push(rest);
                        rest = &rest[taken..];
                        if taken == 0 {
                            while decoder.next().is_some() {}
                            assert!(decoder.waiting().len() < ROOM, "{format:?} {byte:#x}: no room is made");
                        }
                    }
                }
                assert!(
                    decoder.buffer.capacity() <= 2 * ROOM,
                    "{format:?} {byte:#x}: {}",
                    decoder.buffer.capacity()
                );
            }
        }
    }
}
