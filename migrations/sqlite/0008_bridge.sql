-- Why: a rollcall-bridge shows a key of which only the hash is kept here, and is told how far the daemon has its queue. `acknowledged` is
-- never ahead of what is committed: it may be behind, and then the bridge sends again what counts once.
-- Why it is safe: it only creates; a program before it does not know the table and does not need it.

-- `queue` names the bridge's queue, whose numbers `acknowledged` is one of.
CREATE TABLE bridge (
    name           TEXT    PRIMARY KEY,
    key_hash       TEXT    NOT NULL UNIQUE,
    enrolled_at_ms INTEGER NOT NULL,
    seen_at_ms     INTEGER,
    revoked_at_ms  INTEGER,
    queue          TEXT,
    acknowledged   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
