-- Why: the first schema: swipes, what was judged of them, slow facts, the audit chain, and who may look.
-- Why it is safe: it only creates; an empty database has nothing to lose.
--
-- The same tables as in the other folder. Instants are epoch milliseconds named *_at_ms, civil dates 'YYYY-MM-DD'.
-- STRICT, because SQLite would otherwise store whatever it is given in whatever column.

-- `seq` is the order of arrival. There is no index on `id`: it is a hash, so every insert would touch a page far from
-- the last one, and the cost of a swipe would grow with the swipes stored. `dedup_key` begins with the reader and grows
-- with the source's own number, so its index stays warm; it decides alone what is new.
CREATE TABLE swipe (
    seq            INTEGER PRIMARY KEY,
    id             TEXT    NOT NULL,
    dedup_key      TEXT    NOT NULL UNIQUE,
    reader         TEXT    NOT NULL,
    badge          TEXT    NOT NULL,
    raw_hex        TEXT,
    bits           INTEGER,
    happened_day   INTEGER NOT NULL,
    happened_at_ms INTEGER NOT NULL,
    received_at_ms INTEGER NOT NULL,
    sequence       INTEGER,
    faces          TEXT,
    quarantine     TEXT
) STRICT;
-- `happened_day` counts days of UTC from 1970-01-01 to 2099-12-31 (what a broken clock puts outside shares the first or the
-- last) and leads the index, so that the swipes of today are close together:
-- an index that began with the badge would touch a page for every person who comes in the morning.
CREATE INDEX swipe_day ON swipe (happened_day, badge, happened_at_ms);
CREATE INDEX swipe_received ON swipe (received_at_ms, seq);

-- Raw swipes are evidence: nothing edits one, and only retention may ever delete, which will need a migration to say so.
CREATE TRIGGER swipe_is_not_edited BEFORE UPDATE ON swipe
BEGIN SELECT RAISE(ABORT, 'swipes are append-only'); END;
CREATE TRIGGER swipe_is_not_deleted BEFORE DELETE ON swipe
BEGIN SELECT RAISE(ABORT, 'swipes are append-only'); END;

CREATE TABLE rejected_input (
    id             TEXT    NOT NULL PRIMARY KEY,
    reader         TEXT    NOT NULL,
    received_at_ms INTEGER NOT NULL,
    reason         TEXT    NOT NULL,
    raw_hex        TEXT    NOT NULL
) STRICT;
CREATE INDEX rejected_input_received ON rejected_input (received_at_ms);

CREATE TABLE day (
    person           TEXT    NOT NULL,
    date             TEXT    NOT NULL,
    judged_at_ms     INTEGER,
    next_check_at_ms INTEGER,
    rules_version    INTEGER NOT NULL,
    facts_revision   INTEGER NOT NULL,
    PRIMARY KEY (person, date)
) STRICT, WITHOUT ROWID;
CREATE INDEX day_date ON day (date, person);
CREATE INDEX day_next_check ON day (next_check_at_ms, person, date) WHERE next_check_at_ms IS NOT NULL;

CREATE TABLE finding (
    id              TEXT    NOT NULL PRIMARY KEY,
    person          TEXT    NOT NULL,
    unit            TEXT,
    date            TEXT    NOT NULL,
    period          TEXT,
    meeting         TEXT,
    kind            TEXT    NOT NULL,
    state           TEXT    NOT NULL,
    length_ms       INTEGER,
    due_at_ms       INTEGER,
    actual_at_ms    INTEGER,
    since_at_ms     INTEGER,
    swipes          TEXT    NOT NULL,
    digest          TEXT    NOT NULL,
    revision        INTEGER NOT NULL,
    changed_at_ms   INTEGER NOT NULL,
    withdrawn_at_ms INTEGER,
    rules_version   INTEGER NOT NULL,
    facts_revision  INTEGER NOT NULL,
    review          TEXT    NOT NULL
) STRICT;
CREATE INDEX finding_person ON finding (person, date);
CREATE INDEX finding_date ON finding (date);

-- What a finding said before it said what `finding` holds.
CREATE TABLE finding_history (
    finding         TEXT    NOT NULL REFERENCES finding (id),
    revision        INTEGER NOT NULL,
    changed_at_ms   INTEGER NOT NULL,
    kind            TEXT    NOT NULL,
    state           TEXT    NOT NULL,
    length_ms       INTEGER,
    due_at_ms       INTEGER,
    actual_at_ms    INTEGER,
    since_at_ms     INTEGER,
    swipes          TEXT    NOT NULL,
    digest          TEXT    NOT NULL,
    withdrawn_at_ms INTEGER,
    rules_version   INTEGER NOT NULL,
    facts_revision  INTEGER NOT NULL,
    PRIMARY KEY (finding, revision)
) STRICT, WITHOUT ROWID;

CREATE TABLE decision (
    seq            INTEGER PRIMARY KEY,
    id             TEXT    NOT NULL UNIQUE,
    finding        TEXT    NOT NULL REFERENCES finding (id),
    act            TEXT    NOT NULL,
    reason         TEXT    NOT NULL,
    actor          TEXT    NOT NULL,
    at_ms          INTEGER NOT NULL,
    digest         TEXT    NOT NULL,
    explanation_zh TEXT    NOT NULL,
    explanation_en TEXT    NOT NULL
) STRICT;
CREATE INDEX decision_finding ON decision (finding, seq);

-- `seq` has no gaps: each entry takes the number after the last one, inside the transaction that it records.
CREATE TABLE audit (
    seq           INTEGER PRIMARY KEY,
    at_ms         INTEGER NOT NULL,
    actor         TEXT    NOT NULL,
    act           TEXT    NOT NULL,
    subject       TEXT    NOT NULL,
    salt          TEXT    NOT NULL,
    body          TEXT    NOT NULL,
    body_hash     TEXT    NOT NULL,
    previous_hash TEXT    NOT NULL,
    hash          TEXT    NOT NULL
) STRICT;
CREATE TRIGGER audit_is_not_edited BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE counter (
    name  TEXT    NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO counter (name, value) VALUES ('facts_revision', 0);

CREATE TABLE edition (
    seq            INTEGER PRIMARY KEY,
    kind           TEXT    NOT NULL,
    effective_from TEXT    NOT NULL,
    recorded_at_ms INTEGER NOT NULL,
    recorded_by    TEXT    NOT NULL,
    body           TEXT    NOT NULL
) STRICT;
CREATE INDEX edition_kind ON edition (kind, effective_from, seq);

CREATE TABLE fact (
    seq              INTEGER PRIMARY KEY,
    id               TEXT    NOT NULL UNIQUE,
    file             TEXT    NOT NULL,
    cells            TEXT    NOT NULL,
    recorded_at_ms   INTEGER NOT NULL,
    recorded_by      TEXT    NOT NULL,
    superseded_at_ms INTEGER
) STRICT;
CREATE INDEX fact_in_force ON fact (file, seq) WHERE superseded_at_ms IS NULL;

CREATE TABLE outage (
    reader           TEXT    NOT NULL,
    down_from_at_ms  INTEGER NOT NULL,
    down_until_at_ms INTEGER,
    PRIMARY KEY (reader, down_from_at_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE account (
    name          TEXT    NOT NULL PRIMARY KEY,
    password_hash TEXT    NOT NULL,
    changed_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE session (
    token_hash    TEXT    NOT NULL PRIMARY KEY,
    account       TEXT    NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    created_at_ms INTEGER NOT NULL,
    seen_at_ms    INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    form_secret   TEXT    NOT NULL
) STRICT;
CREATE INDEX session_account ON session (account);

CREATE TABLE screen (
    id            TEXT    NOT NULL PRIMARY KEY,
    name          TEXT    NOT NULL,
    token_hash    TEXT    NOT NULL UNIQUE,
    created_at_ms INTEGER NOT NULL,
    seen_at_ms    INTEGER,
    revoked_at_ms INTEGER
) STRICT;

CREATE TABLE one_time_link (
    token_hash    TEXT    NOT NULL PRIMARY KEY,
    purpose       TEXT    NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    used_at_ms    INTEGER
) STRICT;
