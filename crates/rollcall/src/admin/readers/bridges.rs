//! Bridges, below the readers that they hear.

use super::parts::Writer;
use crate::admin::error::AdminError;
use crate::admin::show;
use crate::bridges::BridgeStatus;
use crate::words::{self, Value};

/// A bridge as a row of the list.
pub struct BridgeRow {
    pub name: String,
    /// `up` or `down`, a class of the style sheet.
    pub condition: &'static str,
    pub condition_text: String,
    /// Since when it is connected, or when it was last heard.
    pub since: String,
    /// What is wrong with it, if anything.
    pub advice: Option<String>,
    /// Records that it has and we do not.
    pub waiting: String,
    /// How its clock was found.
    pub drift: String,
    pub software: String,
    /// How many of its readers can be heard there.
    pub readers: String,
}

/// The bridges that have a key, and those that have connected since the daemon started, by name.
pub async fn bridges(writer: &Writer<'_>) -> Result<Vec<BridgeRow>, AdminError> {
    let shared = &writer.reviewer.app.shared;
    let mut known = shared.bridges.list();
    for row in shared.ledger.bridges().await? {
        if known.iter().all(|status| status.name != row.name) {
            known.push(BridgeStatus {
                name: row.name,
                heard_at: row.seen_at,
                ..BridgeStatus::default()
            });
        }
    }
    known.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(known.iter().map(|status| row(writer, status)).collect())
}

fn row(writer: &Writer<'_>, status: &BridgeStatus) -> BridgeRow {
    let is_up = status.connected_since.is_some();
    let since = status.connected_since.or(status.heard_at);
    let heard = status.readers.iter().filter(|reader| reader.up).count();
    let advice = match (is_up && status.is_full, status.losses.first().filter(|_| is_up)) {
        (true, _) => Some(writer.text("admin-bridge-full")),
        (false, Some(loss)) => Some(show::plain(loss)),
        (false, None) => status.last_error.as_deref().map(show::plain),
    };
    let counted = |key, name, count: u64| words::text(writer.language(), key, &[(name, Value::from(count))]);
    BridgeRow {
        name: show::plain(&status.name),
        condition: if is_up { "up" } else { "down" },
        condition_text: writer.text(if is_up { "admin-bridge-up" } else { "admin-bridge-down" }),
        since: since.map_or_else(
            || writer.text("admin-bridge-never"),
            |at| {
                let time = Value::from(writer.when(at.as_ms()));
                words::text(writer.language(), "admin-since", &[("time", time)])
            },
        ),
        advice,
        waiting: if is_up {
            counted("admin-bridge-waiting", "records", status.waiting)
        } else {
            String::new()
        },
        drift: status
            .clock_ahead
            .map_or_else(String::new, |ahead| writer.ahead(ahead.as_ms())),
        software: show::plain(&status.software),
        readers: counted(
            "admin-bridge-readers",
            "readers",
            u64::try_from(heard).unwrap_or(u64::MAX),
        ),
    }
}
