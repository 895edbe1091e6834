-- Why: "as known at T" needs to know when an outage was written down; a week that was published is never changed silently,
-- so what judging finds of it later is kept as a correction; an escalation names the findings that it counts.
-- Why it is safe: it only adds tables, and columns that may be empty; no row is rewritten, and the program before this one
-- neither reads nor needs them.

-- When the beginning and the end of an outage were written down. Empty in rows of older programs: then an outage counts as
-- known since it began, and its end since it ended.
ALTER TABLE outage ADD COLUMN recorded_at_ms INTEGER;
ALTER TABLE outage ADD COLUMN closed_at_ms INTEGER;

CREATE TABLE publication (
    week            TEXT    NOT NULL PRIMARY KEY,
    first_date      TEXT    NOT NULL,
    until_date      TEXT    NOT NULL,
    number          TEXT    NOT NULL UNIQUE,
    published_at_ms INTEGER NOT NULL,
    published_by    TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- What judging says of a finding of a published week, where that is not what was published. `settled_at_ms` is empty while
-- it waits; then it has the number of the notice that issued it, or none where it was overtaken by a later one or is true
-- no more.
CREATE TABLE correction (
    seq             INTEGER PRIMARY KEY,
    week            TEXT    NOT NULL REFERENCES publication (week),
    found_at_ms     INTEGER NOT NULL,
    settled_at_ms   INTEGER,
    number          TEXT,
    finding         TEXT    NOT NULL,
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
    source          TEXT,
    swipes          TEXT    NOT NULL,
    digest          TEXT    NOT NULL,
    revision        INTEGER NOT NULL,
    changed_at_ms   INTEGER NOT NULL,
    withdrawn_at_ms INTEGER,
    rules_version   INTEGER NOT NULL,
    facts_revision  INTEGER NOT NULL,
    review          TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX correction_pending ON correction (finding) WHERE settled_at_ms IS NULL;
CREATE INDEX correction_waiting ON correction (person, date) WHERE settled_at_ms IS NULL;
CREATE INDEX correction_date ON correction (date, seq);

-- The findings that an escalation counts, in order.
CREATE TABLE counted (
    escalation TEXT    NOT NULL,
    position   INTEGER NOT NULL,
    finding    TEXT    NOT NULL,
    PRIMARY KEY (escalation, position)
) STRICT, WITHOUT ROWID;
-- What there is to count of whom, among all the findings that nobody confirmed.
CREATE INDEX finding_countable ON finding (person) WHERE withdrawn_at_ms IS NULL AND (review = 'confirmed' OR kind = 'escalation');
