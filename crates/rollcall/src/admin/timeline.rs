//! The picture of one person's day: where everything goes. Pure arithmetic; the template only writes it down as SVG.
//!
//! *Invariant:* no two labels of a drawing overlap, and nothing lies outside it. Labels that would touch go to another line,
//! and the drawing grows.

use chrono::Timelike;
use chrono_tz::Tz;
use rules::model::Facing;
use rules::time::{Instant, Interval, Span};

/// Width of the drawing, in its own units: CSS pixels when it is shown at full size.
pub const WIDTH: f64 = 770.0;
/// Where the hours begin; the names of the rows stand left of it.
const LEFT: f64 = 78.0;
/// Where the hours end.
const RIGHT: f64 = WIDTH - 10.0;
/// Baseline of the hours' numbers.
const HOURS_BASELINE: f64 = 14.0;
/// Top of the first row.
const FIRST_ROW: f64 = 30.0;
const BAR_HEIGHT: f64 = 24.0;
const ROW_GAP: f64 = 12.0;
const LINE_HEIGHT: f64 = 17.0;
const DOT_RADIUS: f64 = 5.0;
/// Free space between two labels on a line, and between a label and the ends of its bar.
const LABEL_GAP: f64 = 6.0;
/// No bar is narrower, so that a minute can be seen.
const NARROWEST_BAR: f64 = 2.0;
/// The most hours that get a number of their own; longer pictures number every second, third, … hour.
const MOST_TICKS: i64 = 14;
/// The most swipes that are drawn; the table below the drawing has them all.
pub const MOST_SWIPES: usize = 40;

/// What is to be drawn.
#[derive(Clone, Debug, Default)]
pub struct Day {
    /// What fills time.
    pub blocks: Vec<Block>,
    /// What happened at a moment.
    pub marks: Vec<Mark>,
}

/// Something that fills time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// In which row.
    pub row: Row,
    /// When.
    pub interval: Interval,
    /// How it looks: a class of the style sheet.
    pub class: &'static str,
    /// What it says; may be empty.
    pub label: String,
}

/// The rows, from the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Row {
    /// 应在岗
    Expected,
    /// 会议
    Meetings,
    /// 值班, with its checks; it is there only where there is a duty.
    Duties,
    /// 请假公出
    Absences,
    /// 判定
    Verdict,
}

/// A swipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at: Instant,
    /// Which way.
    pub faces: Facing,
    /// What it says.
    pub label: String,
}

/// Where everything goes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drawing {
    /// Height, in the units of [`WIDTH`].
    pub height: f64,
    /// Where the lines of the hours end.
    pub floor: f64,
    /// The hours.
    pub ticks: Vec<Tick>,
    /// Blocks.
    pub bars: Vec<Bar>,
    /// Swipes.
    pub dots: Vec<Dot>,
    /// All words but the names of the rows.
    pub labels: Vec<Label>,
    /// Baselines of the rows' names: expected, meetings, absences, swipes, verdict.
    pub names: [f64; 5],
    /// That of the duties, where there are any.
    pub duties_name: Option<f64>,
}

/// An hour.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Across.
    pub x: f64,
    /// `08`.
    pub hour: String,
}

/// A block.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Left edge.
    pub x: f64,
    /// Top edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Class of the style sheet.
    pub class: &'static str,
    /// What a pointer over it says.
    pub title: String,
}

impl Bar {
    /// The pattern that fills it, so that colour is never alone; plain ones are filled by the style sheet.
    pub fn pattern(&self) -> Option<&'static str> {
        match self.class {
            "grace" => Some("hatch-grace"),
            "v-late" => Some("hatch-late"),
            "v-walk" => Some("hatch-walk"),
            "v-absent" | "check-missed" => Some("hatch-absent"),
            "v-missing" => Some("hatch-missing"),
            "v-withheld" => Some("hatch-withheld"),
            _ => None,
        }
    }
}

/// A swipe.
#[derive(Clone, Debug, PartialEq)]
pub struct Dot {
    /// Centre.
    pub x: f64,
    /// Centre.
    pub y: f64,
    /// Class of the style sheet: in filled, out hollow, undetermined half.
    pub class: &'static str,
}

/// Words.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Where they begin.
    pub x: f64,
    /// Baseline.
    pub y: f64,
    /// How wide they are at most.
    pub width: f64,
    /// Class of the style sheet.
    pub class: &'static str,
    /// The words.
    pub text: String,
}

/// Height of a bar.
pub const fn bar_height() -> f64 {
    BAR_HEIGHT
}

/// Radius of a dot.
pub const fn dot_radius() -> f64 {
    DOT_RADIUS
}

/// Draws a day; `None` if there is nothing to draw.
pub fn draw(day: &Day, zone: Tz) -> Option<Drawing> {
    let axis = Axis::around(day, zone)?;
    let mut drawing = Drawing {
        ticks: axis.ticks(zone),
        ..Drawing::default()
    };
    let mut top = FIRST_ROW;
    for (name, row) in [Row::Expected, Row::Meetings, Row::Absences].into_iter().enumerate() {
        drawing.names[name] = top + 16.0;
        top = draw_row(&mut drawing, day, row, &axis, top) + ROW_GAP;
        let has_duties = row == Row::Meetings && day.blocks.iter().any(|block| block.row == Row::Duties);
        if has_duties {
            drawing.duties_name = Some(top + 16.0);
            top = draw_row(&mut drawing, day, Row::Duties, &axis, top) + ROW_GAP;
        }
    }
    drawing.names[3] = top + 10.0;
    top = draw_marks(&mut drawing, day, &axis, top) + ROW_GAP;
    drawing.names[4] = top + 16.0;
    let bars_end = draw_row(&mut drawing, day, Row::Verdict, &axis, top);
    drawing.floor = bars_end;
    drawing.height = draw_verdicts(&mut drawing, day, &axis, bars_end) + 6.0;
    Some(drawing)
}

/// Bars of one row, overlapping ones below each other. Returns where it ends.
fn draw_row(drawing: &mut Drawing, day: &Day, row: Row, axis: &Axis, top: f64) -> f64 {
    let mut lanes: Vec<Instant> = Vec::new();
    for block in day.blocks.iter().filter(|block| block.row == row) {
        // A piece inside another block, such as its grace, lies over it.
        let inset = is_inset(block);
        let free = lanes.iter().position(|&ends| ends <= block.interval.from);
        let lane = if inset { 0 } else { free.unwrap_or(lanes.len()) };
        if lane == lanes.len() {
            lanes.push(block.interval.until);
        } else if !inset {
            lanes[lane] = block.interval.until;
        }
        let grace = day
            .blocks
            .iter()
            .find(|other| is_inset(other) && other.row == row && covers_label(other, block, axis));
        let label_from = grace
            .filter(|_| !inset)
            .map_or(block.interval.from, |grace| grace.interval.until);
        draw_bar(drawing, block, axis, top + lane_offset(lane), label_from);
    }
    top + lane_offset(lanes.len().max(1)) - 3.0
}

#[expect(clippy::cast_precision_loss, reason = "there are at most some dozens of lanes")]
fn lane_offset(lane: usize) -> f64 {
    lane as f64 * (BAR_HEIGHT + 3.0)
}

/// Whether an inset piece lies where the label of its block would begin.
fn covers_label(inset: &Block, block: &Block, axis: &Axis) -> bool {
    let label_ends = axis.x(block.interval.from) + LABEL_GAP + width_of(&block.label) + LABEL_GAP;
    block.interval.contains(inset.interval.from) && axis.x(inset.interval.from) < label_ends
}

/// The grace of a period and the checks of a duty lie over them.
pub fn is_inset(block: &Block) -> bool {
    matches!(block.class, "grace" | "check-met" | "check-missed")
}

/// A bar, and from `label_from` on what it says.
fn draw_bar(drawing: &mut Drawing, block: &Block, axis: &Axis, y: f64, label_from: Instant) {
    let (x, end) = (axis.x(block.interval.from), axis.x(block.interval.until));
    let width = (end - x).max(NARROWEST_BAR);
    drawing.bars.push(Bar {
        x,
        y,
        width,
        class: block.class,
        title: block.label.clone(),
    });
    let label_x = axis.x(label_from) + LABEL_GAP;
    let room = x + width - LABEL_GAP - label_x;
    if !is_inset(block) && (block.row != Row::Verdict || is_plain(block.class)) {
        let text = shortened(&block.label, room);
        if !text.is_empty() {
            let class = if block.row == Row::Verdict {
                "bar-label light"
            } else {
                "bar-label"
            };
            drawing.labels.push(Label {
                x: label_x,
                y: y + 16.0,
                width: width_of(&text),
                class,
                text,
            });
        }
    }
}

/// Whether a piece of the verdict row says what it is inside its bar; the others say it below, where there is room.
fn is_plain(class: &str) -> bool {
    matches!(class, "v-fine" | "v-away")
}

/// Swipes and their labels below them. Returns where they end.
fn draw_marks(drawing: &mut Drawing, day: &Day, axis: &Axis, top: f64) -> f64 {
    let mut marks: Vec<&Mark> = day.marks.iter().take(MOST_SWIPES).collect();
    marks.sort_by_key(|mark| mark.at);
    let y = top + DOT_RADIUS + 1.0;
    drawing.dots.extend(marks.iter().map(|mark| Dot {
        x: axis.x(mark.at),
        y,
        class: mark_class(mark.faces),
    }));
    let wanted = marks
        .iter()
        .map(|mark| (axis.x(mark.at), "mark-label", mark.label.clone()))
        .collect();
    place_below(drawing, wanted, y + DOT_RADIUS)
}

const fn mark_class(faces: Facing) -> &'static str {
    match faces {
        Facing::In => "mark-in",
        Facing::Out => "mark-out",
        Facing::Both => "mark-both",
    }
}

fn draw_verdicts(drawing: &mut Drawing, day: &Day, axis: &Axis, top: f64) -> f64 {
    let said = day
        .blocks
        .iter()
        .filter(|block| block.row == Row::Verdict && !is_plain(block.class));
    let mut wanted: Vec<_> = said
        .filter(|block| !block.label.is_empty())
        .map(|block| {
            let middle = f64::midpoint(axis.x(block.interval.from), axis.x(block.interval.until));
            (middle, block.class, block.label.clone())
        })
        .collect();
    wanted.sort_by(|left, right| left.0.total_cmp(&right.0));
    place_below(drawing, wanted, top)
}

/// Puts labels centred below `top` at their places, sorted from the left, on as many lines as it takes. Returns where they end.
fn place_below(drawing: &mut Drawing, wanted: Vec<(f64, &'static str, String)>, top: f64) -> f64 {
    let mut line_ends: Vec<f64> = Vec::new();
    for (middle, class, text) in wanted {
        let text = shortened(&text, RIGHT - LEFT);
        let width = width_of(&text);
        let x = (middle - width / 2.0).min(RIGHT - width).max(LEFT);
        let line = line_ends
            .iter()
            .position(|&end| end + LABEL_GAP <= x)
            .unwrap_or(line_ends.len());
        if line == line_ends.len() {
            line_ends.push(0.0);
        }
        line_ends[line] = x + width;
        #[expect(clippy::cast_precision_loss, reason = "there are at most as many lines as labels")]
        let y = top + LINE_HEIGHT * (line as f64 + 1.0);
        drawing.labels.push(Label {
            x,
            y,
            width,
            class,
            text,
        });
    }
    #[expect(clippy::cast_precision_loss, reason = "there are at most as many lines as labels")]
    let lines = line_ends.len() as f64;
    top + LINE_HEIGHT * lines + 4.0
}

/// How wide words are at most, at 12 px: an em for Chinese, and what the widest of our fonts takes for Latin.
fn width_of(text: &str) -> f64 {
    text.chars()
        .map(|letter| if letter.is_ascii() { 7.0 } else { 12.5 })
        .sum()
}

/// The words, or as much of them as there is room for, with an ellipsis; nothing if not even three letters fit.
fn shortened(text: &str, room: f64) -> String {
    if width_of(text) <= room {
        return text.to_owned();
    }
    let mut short = String::new();
    for letter in text.chars() {
        short.push(letter);
        if width_of(&short) + 12.5 > room {
            short.pop();
            break;
        }
    }
    if short.chars().count() < 3 {
        String::new()
    } else {
        short.trim_end().to_owned() + "…"
    }
}

/// Whole hours around everything that is drawn.
struct Axis {
    shown: Interval,
}

impl Axis {
    fn around(day: &Day, zone: Tz) -> Option<Self> {
        let blocks = day.blocks.iter().map(|block| block.interval);
        let marks = day
            .marks
            .iter()
            .take(MOST_SWIPES)
            .map(|mark| Interval::new(mark.at, mark.at.next()));
        let all = blocks
            .chain(marks)
            .reduce(|all, one| Interval::new(all.from.min(one.from), all.until.max(one.until)))?;
        let from = hour_start(all.from, zone);
        let until = hour_start(all.until + Span::from_minutes(60), zone);
        Some(Self {
            shown: Interval::new(from, until),
        })
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of a few days are exact in an f64"
    )]
    fn x(&self, at: Instant) -> f64 {
        let share = (at - self.shown.from).as_ms() as f64 / self.shown.length().as_ms().max(1) as f64;
        LEFT + share.clamp(0.0, 1.0) * (RIGHT - LEFT)
    }

    fn ticks(&self, zone: Tz) -> Vec<Tick> {
        let hours = self.shown.length().as_ms() / 3_600_000;
        let step = hours / MOST_TICKS + 1;
        let every = (0..=hours).step_by(usize::try_from(step).unwrap_or(1));
        let instants = every.map(|hour| self.shown.from + Span::from_minutes(hour * 60));
        instants
            .map(|at| Tick {
                x: self.x(at),
                hour: format!("{:02}", at.to_utc().with_timezone(&zone).hour()),
            })
            .collect()
    }
}

fn hour_start(at: Instant, zone: Tz) -> Instant {
    let local = at.to_utc().with_timezone(&zone);
    let past_hour = i64::from(local.minute()) * 60_000 + i64::from(local.second()) * 1_000;
    at - Span::from_ms(past_hour + at.as_ms().rem_euclid(1_000))
}

/// Baseline of the hours' numbers, for the template.
pub const fn hours_baseline() -> f64 {
    HOURS_BASELINE
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rules::time::Interval;

    use super::*;

    fn at(minutes: i64) -> Instant {
        // 2026-09-09 00:00 in Shanghai.
        Instant::from_ms(1_788_883_200_000) + Span::from_minutes(minutes)
    }

    fn block(row: Row, from: i64, until: i64, class: &'static str, label: &str) -> Block {
        Block {
            row,
            interval: Interval::new(at(from), at(until)),
            class,
            label: label.into(),
        }
    }

    fn overlap(one: &Label, other: &Label) -> bool {
        let across = one.x < other.x + other.width && other.x < one.x + one.width;
        across && (one.y - other.y).abs() < 12.0
    }

    fn assert_tidy(drawing: &Drawing) {
        for (number, one) in drawing.labels.iter().enumerate() {
            assert!(
                one.x >= LEFT && one.x + one.width <= WIDTH && one.y <= drawing.height,
                "{one:?} is outside"
            );
            for other in &drawing.labels[number + 1..] {
                assert!(!overlap(one, other), "{one:?} overlaps {other:?}");
            }
        }
        for bar in &drawing.bars {
            assert!(
                bar.x >= LEFT && bar.x + bar.width <= WIDTH && bar.y + BAR_HEIGHT <= drawing.height,
                "{bar:?} is outside"
            );
        }
    }

    #[test]
    fn a_usual_day_reads_from_eight_to_six() {
        let day = Day {
            blocks: vec![
                block(Row::Expected, 510, 720, "expected", "08:30–12:00"),
                block(Row::Expected, 810, 1050, "expected", "13:30–17:30"),
            ],
            marks: vec![Mark {
                at: at(527),
                faces: Facing::In,
                label: "08:47 进".into(),
            }],
        };
        let drawing = draw(&day, chrono_tz::Asia::Shanghai).expect("something to draw");
        let hours: Vec<_> = drawing.ticks.iter().map(|tick| tick.hour.as_str()).collect();
        assert_eq!(
            hours,
            ["08", "09", "10", "11", "12", "13", "14", "15", "16", "17", "18"]
        );
        assert_eq!(drawing.dots[0].class, "mark-in");
        assert_tidy(&drawing);
    }

    #[test]
    fn a_duty_has_a_row_of_its_own_with_its_checks_over_it() {
        let blocks = vec![
            block(Row::Duties, 1_080, 1_920, "duty", "值班（带班领导）"),
            block(Row::Duties, 1_310, 1_330, "check-met", "查岗 22:00 在岗"),
            block(Row::Duties, 1_610, 1_630, "check-missed", "查岗 03:00 无刷卡"),
        ];
        let drawing = draw(
            &Day {
                blocks,
                marks: Vec::new(),
            },
            chrono_tz::Asia::Shanghai,
        )
        .expect("something to draw");
        let tops: Vec<f64> = drawing.bars.iter().map(|bar| bar.y).collect();
        assert_eq!(tops, [tops[0]; 3]);
        assert!(
            drawing
                .duties_name
                .is_some_and(|name| drawing.names[1] < name && name < drawing.names[2])
        );
        assert_eq!(
            drawing.labels.len(),
            1,
            "checks say what they are to a pointer and in the table"
        );
        assert_tidy(&drawing);
    }

    #[test]
    fn nothing_to_draw_is_no_drawing() {
        assert_eq!(draw(&Day::default(), chrono_tz::Asia::Shanghai), None);
    }

    #[test]
    fn labels_of_neighbouring_swipes_go_to_lines_of_their_own() {
        let marks = [662, 663, 664].map(|minute| Mark {
            at: at(minute),
            faces: Facing::Out,
            label: "11:02 出".into(),
        });
        let day = Day {
            blocks: vec![block(Row::Expected, 510, 720, "expected", "")],
            marks: marks.into(),
        };
        let drawing = draw(&day, chrono_tz::Asia::Shanghai).expect("something to draw");
        let mut lines: Vec<_> = drawing.labels.iter().map(|label| label.y.to_bits()).collect();
        lines.dedup();
        assert_eq!(lines.len(), 3);
        assert_tidy(&drawing);
    }

    #[test]
    fn words_are_cut_to_their_bar() {
        assert_eq!(shortened("重点工作推进会", 200.0), "重点工作推进会");
        assert_eq!(shortened("重点工作推进会", 60.0), "重点工…");
        assert_eq!(shortened("重点工作推进会", 30.0), "");
    }

    proptest! {
        #[test]
        fn no_label_overlaps_another(
            blocks in proptest::collection::vec((0usize..6, -300i64..1800, 1i64..600, "[ a-z重点工作推进会]{0,30}"), 0..12),
            marks in proptest::collection::vec((-300i64..1800, 0usize..3), 1..60),
        ) {
            let rows = [(Row::Expected, "expected"), (Row::Meetings, "meeting"), (Row::Absences, "absence"), (Row::Verdict, "v-late"), (Row::Duties, "duty"), (Row::Duties, "check-met")];
            let mut blocks: Vec<_> = blocks.into_iter().map(|(row, from, length, label)| block(rows[row].0, from, from + length, rows[row].1, &label)).collect();
            blocks.sort_by_key(|block| block.interval.from);
            let facing = [Facing::In, Facing::Out, Facing::Both];
            let marks = marks.into_iter().map(|(minute, way)| Mark { at: at(minute), faces: facing[way], label: "08:47 in".into() }).collect();
            assert_tidy(&draw(&Day { blocks, marks }, chrono_tz::Asia::Shanghai).expect("something to draw"));
        }
    }
}
