//! The core stories again, on PostgreSQL.

use acceptance::postgres::Postgres;
use anyhow::Result;

use super::{lines, screens, webhook};

#[tokio::test]
async fn the_core_stories_hold_on_postgresql() -> Result<()> {
    let server = Postgres::start()?;
    webhook::recorded_once_and_quarantined_when_in_doubt(Some(&server.database("webhook")?)).await?;
    lines::each_line_is_answered_once_it_is_stored(Some(&server.database("lines")?)).await?;
    screens::a_late_badge_is_seen_within_a_second(Some(&server.database("screens")?)).await
}
