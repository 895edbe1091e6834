//! How a bridge gets its key: for a one-time code that an operator reads out.

use rules::time::{Instant, Span};
use serde_json::json;
use store::rows::{AuditRecord, OneTimeLink};
use store::{Ledger, StoreError};

use crate::lobby::token_hash;

/// How long a code is good.
pub const CODE_MINUTES: i64 = 30;

/// What a code is for, before the bridge's name.
const PURPOSE: &str = "bridge:";

/// Letters and digits that cannot be taken for others.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A new code for a bridge of that name: 100 random bits in four groups.
pub async fn new_code(ledger: &dyn Ledger, name: &str, actor: &str, now: Instant) -> anyhow::Result<String> {
    let mut random = [0_u8; 20];
    getrandom::fill(&mut random).map_err(|error| anyhow::anyhow!("no random numbers from the system: {error}"))?;
    let letters = random.map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    let groups: Vec<String> = letters.chunks(5).map(|group| group.iter().collect()).collect();
    let code = groups.join("-");
    let mut transaction = ledger.begin().await?;
    transaction
        .add_link(&OneTimeLink {
            token_hash: token_hash(&bare(&code)),
            purpose: format!("{PURPOSE}{name}"),
            expires_at: now + Span::from_minutes(CODE_MINUTES),
            used_at: None,
        })
        .await?;
    transaction
        .append_audit(&record("bridge.code", name, actor, now))
        .await?;
    transaction.commit().await?;
    Ok(code)
}

/// Gives a bridge a key for a code; `None` where the code is not good. The bridge's name comes from the code.
pub(super) async fn enrol(
    ledger: &dyn Ledger,
    code: &str,
    key_hash: &str,
    now: Instant,
) -> Result<Option<String>, StoreError> {
    let hash = token_hash(&bare(code));
    let Some(link) = ledger.link(&hash).await? else {
        return Ok(None);
    };
    let Some(name) = link.purpose.strip_prefix(PURPOSE) else {
        return Ok(None);
    };
    let mut transaction = ledger.begin().await?;
    if !transaction.consume_link(&hash, &link.purpose, now).await? {
        return Ok(None);
    }
    transaction.enrol_bridge(name, key_hash, now).await?;
    transaction
        .append_audit(&record("bridge.enrol", name, name, now))
        .await?;
    transaction.commit().await?;
    Ok(Some(name.to_owned()))
}

/// A code as it is hashed: people leave out hyphens, and write small letters.
fn bare(code: &str) -> String {
    let letters = code.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|letter| letter.to_ascii_uppercase()).collect()
}

fn record(act: &str, name: &str, actor: &str, now: Instant) -> AuditRecord {
    AuditRecord {
        at: now,
        actor: actor.to_owned(),
        act: act.to_owned(),
        subject: name.to_owned(),
        body: json!({}).to_string(),
    }
}
