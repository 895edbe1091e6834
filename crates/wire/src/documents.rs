//! JSON and XML documents in a stream of anything: with multipart boundaries, part headers and pictures around them, or bare.
//!
//! Devices that report events get multipart bodies wrong in every way there is: boundaries doubled, cut or missing, lengths that are
//! not those of their parts, bodies that end inside a picture. So neither lengths nor the order of boundaries and headers are believed
//! here: a document begins where one begins and ends where its brackets close. Boundaries say only that what has not ended by then was
//! cut off, and where a picture ends, which is passed over without being kept.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::limits::DEEPEST_NESTING;
use crate::malformed::{Malformed, Reason};

/// The longest document, in bytes: a page of a hundred records, or a batch of some hundred events.
pub const LONGEST_DOCUMENT: usize = 256 * 1024;

/// How many bytes are taken at once beside a whole partial document.
const ROOM: usize = 16 * 1024;

/// The most bytes of a line that are looked at: of a boundary (70 and the dashes, by RFC 2046), of a header, or before a document.
const LONGEST_LINE: usize = 512;

/// The longest name of an XML element that is looked at.
const LONGEST_NAME: usize = 64;

/// The element whose loss is reported; others are none of ours.
const ALERT: &[u8] = b"EventNotificationAlert";

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A JSON object.
    Json,
    /// An XML element.
    Xml,
    /// A line of text that says something by itself: `Heartbeat`, or `Code=…` without data.
    Line,
}

/// A document, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it is.
    pub kind: Kind,
    /// What stands before it in its line.
    pub label: Vec<u8>,
    /// The document.
    pub text: Vec<u8>,
}

/// Finds the documents of a stream. `push`, then `next` until it is empty; `end` where the stream ends.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    bytes: Vec<u8>,
    /// How many of `bytes` were passed over; a document begins here.
    start: usize,
    /// How many of them were looked at.
    read: usize,
    state: State,
    /// The line up to here, as far as it is between documents.
    line: Vec<u8>,
    /// The first and the last boundary with their dashes: what looks like one in the middle of something may be none.
    boundaries: [Vec<u8>; 2],
    /// The part at hand is a picture by its headers.
    is_picture: bool,
    found: VecDeque<Result<Document, Malformed>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Between,
    /// Inside of a picture.
    Picture,
    Json(Json),
    Xml(Xml),
}

/// How far a JSON object is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Json {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// Something that begins like an object of ours was seen, so that its loss is reported.
    is_one: bool,
    /// Where the line began that is being read; 0: the object's own.
    line_start: usize,
}

/// How far an XML element is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Xml {
    /// The length of the name; 0 while it is being read.
    name: usize,
    /// A tag was closed, so `/>` would close another.
    has_content: bool,
    line_start: usize,
}

/// What a byte does to a document.
enum Step {
    More,
    Whole,
    /// It is none, and nobody misses it.
    Nothing,
    Broken(Reason),
}

impl Documents {
    /// Takes bytes of the stream and says how many; all of them, up to some thousand, once everything has been taken out.
    pub fn push(&mut self, bytes: &[u8]) -> usize {
        self.bytes.drain(..self.start);
        self.read -= self.start;
        self.start = 0;
        let room = (LONGEST_DOCUMENT + ROOM).saturating_sub(self.bytes.len());
        let taken = bytes.len().min(room);
        self.bytes.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// The stream is over: what has begun and not ended was cut off.
    pub fn end(&mut self) {
        self.scan();
        let is_one = match self.state {
            State::Json(json) => json.is_one,
            State::Xml(xml) => self.is_alert(xml),
            State::Between => {
                self.line_ended();
                false
            }
            State::Picture => false,
        };
        if is_one {
            let cut = Malformed::new(Reason::Truncated, self.candidate());
            self.found.push_back(Err(cut));
        }
        *self = Self {
            found: core::mem::take(&mut self.found),
            ..Self::default()
        };
    }

    /// The next document, or what is left of one.
    #[expect(
        clippy::should_implement_trait,
        reason = "as with `Decoder`: more can come after `None`"
    )]
    pub fn next(&mut self) -> Option<Result<Document, Malformed>> {
        if self.found.is_empty() {
            self.scan();
        }
        self.found.pop_front()
    }

    /// Looks at bytes until something is found or there are no more.
    fn scan(&mut self) {
        while self.found.is_empty() && self.read < self.bytes.len() {
            match self.state {
                State::Between => self.between(),
                State::Picture => self.picture(),
                State::Json(json) => self.json(json),
                State::Xml(xml) => self.xml(xml),
            }
        }
    }

    /// Passes over what stands between documents, up to the beginning of one.
    fn between(&mut self) {
        while let Some(&byte) = self.bytes.get(self.read) {
            match byte {
                b'{' => return self.begin(State::Json(Json::default())),
                b'<' => return self.begin(State::Xml(Xml::default())),
                b'\n' => {
                    self.read += 1;
                    self.line_ended();
                    if self.state == State::Picture || !self.found.is_empty() {
                        break;
                    }
                }
                _ => {
                    self.read += 1;
                    self.lengthen_line(byte);
                }
            }
        }
        self.start = self.read;
    }

    fn begin(&mut self, state: State) {
        self.start = self.read;
        self.state = state;
    }

    /// What was read of the document at hand.
    fn candidate(&self) -> &[u8] {
        &self.bytes[self.start..self.read]
    }

    fn lengthen_line(&mut self, byte: u8) {
        if self.line.len() < LONGEST_LINE {
            self.line.push(byte);
        }
    }

    /// A line between documents is whole: a boundary, a header, or text that says something.
    fn line_ended(&mut self) {
        let line = core::mem::take(&mut self.line);
        let line = line.trim_ascii();
        if line.is_empty() {
            if self.is_picture && !self.boundaries[0].is_empty() {
                self.state = State::Picture;
            }
        } else if line.starts_with(b"--") {
            self.is_picture = false;
            self.note_boundary(line);
        } else if is_picture(line) {
            self.is_picture = true;
        } else if line == b"Heartbeat" || line.starts_with(b"Code=") {
            self.found.push_back(Ok(Document {
                kind: Kind::Line,
                label: Vec::new(),
                text: line.to_vec(),
            }));
        }
    }

    fn note_boundary(&mut self, line: &[u8]) {
        // The last one of a body has dashes behind it too.
        let is_last = |known: &Vec<u8>| line.strip_suffix(b"--") == Some(known);
        if self.boundaries[0].is_empty() {
            self.boundaries = [line.to_vec(), line.to_vec()];
        } else if !self.boundaries.iter().any(is_last) {
            self.boundaries[1] = line.to_vec();
        }
    }

    /// Passes over a picture, up to its boundary.
    fn picture(&mut self) {
        let bytes = &self.bytes[self.start..];
        let find = |boundary: &Vec<u8>| bytes.windows(boundary.len()).position(|window| window == boundary);
        let found = self.boundaries.iter().filter_map(find).min();
        if let Some(at) = found {
            self.state = State::Between;
            self.is_picture = false;
            self.start += at;
            self.read = self.start;
        } else {
            // The last bytes may be the beginning of a boundary.
            let longest = self.boundaries.iter().map(Vec::len).max().unwrap_or(0);
            self.start = self.bytes.len() - longest.min(bytes.len());
            self.read = self.bytes.len();
        }
    }

    fn json(&mut self, mut json: Json) {
        while let Some(&byte) = self.bytes.get(self.read) {
            self.read += 1;
            let length = self.read - self.start;
            let step = match json.step(byte, length) {
                Step::More if self.is_at_boundary(json.line_start) => {
                    return self.cut_off(json.is_one, json.line_start);
                }
                Step::More if length >= LONGEST_DOCUMENT => Step::Broken(Reason::TooLong),
                step => step,
            };
            match step {
                Step::More => {}
                Step::Whole => return self.whole(Kind::Json),
                Step::Nothing => return self.again(),
                Step::Broken(reason) => return self.broken(reason, json.is_one),
            }
        }
        self.state = State::Json(json);
    }

    fn xml(&mut self, mut xml: Xml) {
        while let Some(&byte) = self.bytes.get(self.read) {
            self.read += 1;
            let length = self.read - self.start;
            let step = match xml.step(byte, self.candidate()) {
                Step::More if self.is_at_boundary(xml.line_start) => {
                    return self.cut_off(self.is_alert(xml), xml.line_start);
                }
                Step::More if length >= LONGEST_DOCUMENT => Step::Broken(Reason::TooLong),
                step => step,
            };
            match step {
                Step::More => {}
                Step::Whole => return self.whole(Kind::Xml),
                Step::Nothing => return self.again(),
                Step::Broken(reason) => return self.broken(reason, self.is_alert(xml)),
            }
        }
        self.state = State::Xml(xml);
    }

    fn is_alert(&self, xml: Xml) -> bool {
        self.candidate().get(1..=xml.name) == Some(ALERT)
    }

    /// Whether the line that began there, inside of a document, is a boundary.
    fn is_at_boundary(&self, line_start: usize) -> bool {
        let line = self.candidate().get(line_start..).unwrap_or_default();
        line_start > 0 && !line.is_empty() && self.boundaries.iter().any(|boundary| boundary == line)
    }

    fn whole(&mut self, kind: Kind) {
        let text = self.candidate().to_vec();
        let label = core::mem::take(&mut self.line);
        self.begin(State::Between);
        self.found.push_back(Ok(Document { kind, label, text }));
    }

    /// What began is no document: what follows its first byte is looked at again.
    fn again(&mut self) {
        let first = self.bytes[self.start];
        self.read = self.start + 1;
        self.begin(State::Between);
        self.lengthen_line(first);
    }

    /// A document of which the rest cannot be found. One that is only too long may hold whole ones.
    fn broken(&mut self, reason: Reason, is_one: bool) {
        if is_one {
            let kept = Malformed::new(reason, self.candidate());
            self.found.push_back(Err(kept));
        }
        if reason == Reason::TooLong {
            return self.again();
        }
        self.line.clear();
        if !self.candidate().ends_with(b"\n") {
            // What follows is not the beginning of a line.
            self.line.push(b'?');
        }
        self.begin(State::Between);
    }

    /// A document that a boundary cuts off.
    fn cut_off(&mut self, is_one: bool, line_start: usize) {
        if is_one {
            let cut = Malformed::new(Reason::Truncated, &self.candidate()[..line_start]);
            self.found.push_back(Err(cut));
        }
        self.line.clear();
        self.read = self.start + line_start;
        self.begin(State::Between);
    }
}

/// Whether a header says that the part is nothing to be read.
fn is_picture(line: &[u8]) -> bool {
    let line = line.to_ascii_lowercase();
    let has = |text: &[u8]| line.windows(text.len()).any(|window| window == text);
    if let Some(kind) = line.strip_prefix(b"content-type:") {
        let kind = kind.trim_ascii_start();
        return [&b"image/"[..], b"video/", b"audio/"]
            .iter()
            .any(|other| kind.starts_with(other));
    }
    line.starts_with(b"content-disposition:") && [&b".jpg\""[..], b".jpeg\"", b".png\""].iter().any(|end| has(end))
}

impl Json {
    /// Reads a byte, the `read`th of the object.
    fn step(&mut self, byte: u8, read: usize) -> Step {
        if byte < b' ' && (self.in_string || !matches!(byte, b'\t' | b'\r' | b'\n')) {
            return match byte {
                b'\r' | b'\n' => Step::Broken(Reason::Truncated),
                _ => Step::Broken(Reason::ControlByte),
            };
        }
        if self.escaped {
            self.escaped = false;
        } else if self.in_string {
            self.escaped = byte == b'\\';
            self.in_string = byte != b'"';
        } else {
            return self.structure(byte, read);
        }
        Step::More
    }

    fn structure(&mut self, byte: u8, read: usize) -> Step {
        match byte {
            b'\n' => self.line_start = read,
            _ if byte.is_ascii_whitespace() => {}
            b'{' | b'[' if self.depth == DEEPEST_NESTING => return Step::Broken(Reason::TooDeep),
            b'{' if self.depth == 0 => self.depth = 1,
            b'}' if self.depth == 1 => return if self.is_one { Step::Whole } else { Step::Nothing },
            // An object begins with a name.
            b'"' if !self.is_one => (self.is_one, self.in_string) = (true, true),
            _ if !self.is_one => return Step::Nothing,
            b'"' => self.in_string = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1).max(1),
            _ => {}
        }
        Step::More
    }
}

impl Xml {
    /// Reads the last of the bytes that came since `<`.
    fn step(&mut self, byte: u8, read: &[u8]) -> Step {
        match byte {
            b'\n' => self.line_start = read.len(),
            b'\t' | b'\r' => {}
            _ if byte < b' ' => return Step::Broken(Reason::ControlByte),
            _ => {}
        }
        match read.len() {
            1 => return Step::More,
            2 if !byte.is_ascii_alphabetic() => return Step::Nothing,
            _ => {}
        }
        if self.name == 0 {
            if is_of_name(byte) && read.len() <= LONGEST_NAME {
                return Step::More;
            }
            if is_of_name(byte) {
                return Step::Nothing;
            }
            self.name = read.len() - 2;
        }
        if byte != b'>' {
            return Step::More;
        }
        let is_closed = if self.has_content {
            closes(read, &read[1..=self.name])
        } else {
            read.ends_with(b"/>")
        };
        self.has_content = true;
        if is_closed { Step::Whole } else { Step::More }
    }
}

const fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':')
}

/// Whether text that ends in `>` ends in the closing tag of that name.
fn closes(text: &[u8], name: &[u8]) -> bool {
    let tag = text.strip_suffix(b">").unwrap_or(text).trim_ascii_end();
    tag.strip_suffix(name).is_some_and(|before| before.ends_with(b"</"))
}
