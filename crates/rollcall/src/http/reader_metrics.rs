//! What `/metrics` says of each reader.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::sources::SourceState;

/// What a metric says of one reader: its further labels and its value, several where it is told apart by reason.
type Values = Vec<(Option<String>, i64)>;

struct Metric {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    values: fn(&SourceState) -> Values,
}

const METRICS: [Metric; 9] = [
    Metric {
        name: "rollcall_reader_covered",
        kind: "gauge",
        help: "1 while judging takes the reader as heard.",
        values: |state| one(i64::from(state.down_since_ms.is_none())),
    },
    Metric {
        name: "rollcall_reader_link_up",
        kind: "gauge",
        help: "1 while the link to the reader is up.",
        values: |state| state.link.iter().map(|link| (None, i64::from(link.up))).collect(),
    },
    Metric {
        name: "rollcall_reader_heard_seconds",
        kind: "gauge",
        help: "Judging time of the last sign of life.",
        values: |state| state.heard_at_ms.iter().map(|ms| (None, ms / 1_000)).collect(),
    },
    Metric {
        name: "rollcall_reader_clock_ahead_milliseconds",
        kind: "gauge",
        help: "How far the reader's clock was ahead when it was last compared.",
        values: |state| state.drift.iter().map(|drift| (None, drift.ahead_ms)).collect(),
    },
    Metric {
        name: "rollcall_reader_alarm",
        kind: "gauge",
        help: "1 while the reader says that it is open, was moved, or has no power.",
        values: |state| {
            let alarms = state.alarms.iter();
            alarms
                .map(|alarms| (None, i64::from(alarms.tamper || alarms.power)))
                .collect()
        },
    },
    Metric {
        name: "rollcall_reader_readings_total",
        kind: "counter",
        help: "Swipes of the reader that were new, held ones too.",
        values: |state| one(signed(state.run.readings)),
    },
    Metric {
        name: "rollcall_reader_duplicates_total",
        kind: "counter",
        help: "Swipes of the reader that were here already.",
        values: |state| one(signed(state.run.duplicates)),
    },
    Metric {
        name: "rollcall_reader_held_total",
        kind: "counter",
        help: "Swipes of the reader that are held, by why.",
        values: |state| by_reason(&state.run.held),
    },
    Metric {
        name: "rollcall_reader_malformed_total",
        kind: "counter",
        help: "Inputs of the reader that could not be read, by why.",
        values: |state| by_reason(&state.run.malformed),
    },
];

fn one(value: i64) -> Values {
    vec![(None, value)]
}

fn by_reason(counts: &BTreeMap<String, u64>) -> Values {
    let counts = counts.iter();
    counts
        .map(|(reason, count)| (Some(reason.clone()), signed(*count)))
        .collect()
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Writes the metrics of every reader.
pub(super) fn write(text: &mut String, readers: &[SourceState]) {
    for Metric {
        name,
        kind,
        help,
        values,
    } in METRICS
    {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for state in readers {
            let reader = escaped(&state.reader);
            for (reason, value) in values(state) {
                let reason = reason.map_or_else(String::new, |reason| format!(",reason=\"{}\"", escaped(&reason)));
                let _ = writeln!(text, "{name}{{reader=\"{reader}\"{reason}}} {value}");
            }
        }
    }
}

/// A label's value, as the text format has it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Counts;

    #[test]
    fn each_reader_has_its_lines_and_a_name_cannot_end_its_label() {
        let state = SourceState {
            reader: "a\"b".to_owned(),
            down_since_ms: Some(5),
            run: Counts {
                readings: 7,
                malformed: BTreeMap::from([("checksum".to_owned(), 2)]),
                ..Counts::default()
            },
            ..SourceState::default()
        };
        let mut text = String::new();
        write(&mut text, &[state]);
        for line in [
            "rollcall_reader_covered{reader=\"a\\\"b\"} 0",
            "rollcall_reader_readings_total{reader=\"a\\\"b\"} 7",
            "rollcall_reader_malformed_total{reader=\"a\\\"b\",reason=\"checksum\"} 2",
        ] {
            assert!(text.lines().any(|written| written == line), "{line} is not in {text}");
        }
        assert!(
            !text.contains("rollcall_reader_link_up{"),
            "a reader that calls has no link"
        );
    }
}
