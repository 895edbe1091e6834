-- Why: the first schema: swipes, what was judged of them, slow facts, the audit chain, and who may look.
-- Why it is safe: it only creates; an empty database has nothing to lose.
--
-- The same tables as in the other folder. Instants are epoch milliseconds named *_at_ms, civil dates 'YYYY-MM-DD'.
-- COLLATE "C" on every text, because rows are sorted and locked in the order of their bytes whatever the database's
-- own collation is.

-- `seq` is the order of arrival. There is no index on `id`: it is a hash, so every insert would touch a page far from
-- the last one, and the cost of a swipe would grow with the swipes stored. `dedup_key` begins with the reader and grows
-- with the source's own number, so its index stays warm; it decides alone what is new.
CREATE TABLE swipe (
    seq            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id             TEXT COLLATE "C" NOT NULL,
    dedup_key      TEXT COLLATE "C" NOT NULL UNIQUE,
    reader         TEXT COLLATE "C" NOT NULL,
    badge          TEXT COLLATE "C" NOT NULL,
    raw_hex        TEXT COLLATE "C",
    bits           BIGINT,
    happened_day   BIGINT NOT NULL,
    happened_at_ms BIGINT NOT NULL,
    received_at_ms BIGINT NOT NULL,
    sequence       BIGINT,
    faces          TEXT COLLATE "C",
    quarantine     TEXT COLLATE "C"
);
-- `happened_day` counts days of UTC from 1970-01-01 to 2099-12-31 (what a broken clock puts outside shares the first or the
-- last) and leads the index, so that the swipes of today are close together:
-- an index that began with the badge would touch a page for every person who comes in the morning.
CREATE INDEX swipe_day ON swipe (happened_day, badge, happened_at_ms);
CREATE INDEX swipe_received ON swipe (received_at_ms, seq);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

-- Raw swipes are evidence: nothing edits one, and only retention may ever delete, which will need a migration to say so.
CREATE TRIGGER swipe_is_not_edited BEFORE UPDATE ON swipe
FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER swipe_is_not_deleted BEFORE DELETE ON swipe
FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER swipe_is_not_emptied BEFORE TRUNCATE ON swipe
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE rejected_input (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    reader         TEXT COLLATE "C" NOT NULL,
    received_at_ms BIGINT NOT NULL,
    reason         TEXT COLLATE "C" NOT NULL,
    raw_hex        TEXT COLLATE "C" NOT NULL
);
CREATE INDEX rejected_input_received ON rejected_input (received_at_ms);

CREATE TABLE day (
    person           TEXT COLLATE "C" NOT NULL,
    date             TEXT COLLATE "C" NOT NULL,
    judged_at_ms     BIGINT,
    next_check_at_ms BIGINT,
    rules_version    BIGINT NOT NULL,
    facts_revision   BIGINT NOT NULL,
    PRIMARY KEY (person, date)
);
CREATE INDEX day_date ON day (date, person);
CREATE INDEX day_next_check ON day (next_check_at_ms, person, date) WHERE next_check_at_ms IS NOT NULL;

CREATE TABLE finding (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    person          TEXT COLLATE "C" NOT NULL,
    unit            TEXT COLLATE "C",
    date            TEXT COLLATE "C" NOT NULL,
    period          TEXT COLLATE "C",
    meeting         TEXT COLLATE "C",
    kind            TEXT COLLATE "C" NOT NULL,
    state           TEXT COLLATE "C" NOT NULL,
    length_ms       BIGINT,
    due_at_ms       BIGINT,
    actual_at_ms    BIGINT,
    since_at_ms     BIGINT,
    swipes          TEXT COLLATE "C" NOT NULL,
    digest          TEXT COLLATE "C" NOT NULL,
    revision        BIGINT NOT NULL,
    changed_at_ms   BIGINT NOT NULL,
    withdrawn_at_ms BIGINT,
    rules_version   BIGINT NOT NULL,
    facts_revision  BIGINT NOT NULL,
    review          TEXT COLLATE "C" NOT NULL
);
CREATE INDEX finding_person ON finding (person, date);
CREATE INDEX finding_date ON finding (date);

-- What a finding said before it said what `finding` holds.
CREATE TABLE finding_history (
    finding         TEXT COLLATE "C" NOT NULL REFERENCES finding (id),
    revision        BIGINT NOT NULL,
    changed_at_ms   BIGINT NOT NULL,
    kind            TEXT COLLATE "C" NOT NULL,
    state           TEXT COLLATE "C" NOT NULL,
    length_ms       BIGINT,
    due_at_ms       BIGINT,
    actual_at_ms    BIGINT,
    since_at_ms     BIGINT,
    swipes          TEXT COLLATE "C" NOT NULL,
    digest          TEXT COLLATE "C" NOT NULL,
    withdrawn_at_ms BIGINT,
    rules_version   BIGINT NOT NULL,
    facts_revision  BIGINT NOT NULL,
    PRIMARY KEY (finding, revision)
);

CREATE TABLE decision (
    seq            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id             TEXT COLLATE "C" NOT NULL UNIQUE,
    finding        TEXT COLLATE "C" NOT NULL REFERENCES finding (id),
    act            TEXT COLLATE "C" NOT NULL,
    reason         TEXT COLLATE "C" NOT NULL,
    actor          TEXT COLLATE "C" NOT NULL,
    at_ms          BIGINT NOT NULL,
    digest         TEXT COLLATE "C" NOT NULL,
    explanation_zh TEXT COLLATE "C" NOT NULL,
    explanation_en TEXT COLLATE "C" NOT NULL
);
CREATE INDEX decision_finding ON decision (finding, seq);

-- `seq` has no gaps: each entry takes the number after the last one, inside the transaction that it records.
CREATE TABLE audit (
    seq           BIGINT NOT NULL PRIMARY KEY,
    at_ms         BIGINT NOT NULL,
    actor         TEXT COLLATE "C" NOT NULL,
    act           TEXT COLLATE "C" NOT NULL,
    subject       TEXT COLLATE "C" NOT NULL,
    salt          TEXT COLLATE "C" NOT NULL,
    body          TEXT COLLATE "C" NOT NULL,
    body_hash     TEXT COLLATE "C" NOT NULL,
    previous_hash TEXT COLLATE "C" NOT NULL,
    hash          TEXT COLLATE "C" NOT NULL
);
CREATE TRIGGER audit_is_not_edited BEFORE UPDATE ON audit
FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE setting (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE counter (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('facts_revision', 0);

CREATE TABLE edition (
    seq            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           TEXT COLLATE "C" NOT NULL,
    effective_from TEXT COLLATE "C" NOT NULL,
    recorded_at_ms BIGINT NOT NULL,
    recorded_by    TEXT COLLATE "C" NOT NULL,
    body           TEXT COLLATE "C" NOT NULL
);
CREATE INDEX edition_kind ON edition (kind, effective_from, seq);

CREATE TABLE fact (
    seq              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id               TEXT COLLATE "C" NOT NULL UNIQUE,
    file             TEXT COLLATE "C" NOT NULL,
    cells            TEXT COLLATE "C" NOT NULL,
    recorded_at_ms   BIGINT NOT NULL,
    recorded_by      TEXT COLLATE "C" NOT NULL,
    superseded_at_ms BIGINT
);
CREATE INDEX fact_in_force ON fact (file, seq) WHERE superseded_at_ms IS NULL;

CREATE TABLE outage (
    reader        TEXT COLLATE "C" NOT NULL,
    down_from_at_ms  BIGINT NOT NULL,
    down_until_at_ms BIGINT,
    PRIMARY KEY (reader, down_from_at_ms)
);

CREATE TABLE account (
    name          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    password_hash TEXT COLLATE "C" NOT NULL,
    changed_at_ms BIGINT NOT NULL
);

CREATE TABLE session (
    token_hash    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    account       TEXT COLLATE "C" NOT NULL REFERENCES account (name) ON DELETE CASCADE,
    created_at_ms BIGINT NOT NULL,
    seen_at_ms    BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    form_secret   TEXT COLLATE "C" NOT NULL
);
CREATE INDEX session_account ON session (account);

CREATE TABLE screen (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name          TEXT COLLATE "C" NOT NULL,
    token_hash    TEXT COLLATE "C" NOT NULL UNIQUE,
    created_at_ms BIGINT NOT NULL,
    seen_at_ms    BIGINT,
    revoked_at_ms BIGINT
);

CREATE TABLE one_time_link (
    token_hash    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    purpose       TEXT COLLATE "C" NOT NULL,
    expires_at_ms BIGINT NOT NULL,
    used_at_ms    BIGINT
);
