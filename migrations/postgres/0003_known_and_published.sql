-- Why: "as known at T" needs to know when an outage was written down; a week that was published is never changed silently,
-- so what judging finds of it later is kept as a correction; an escalation names the findings that it counts.
-- Why it is safe: it only adds tables, and columns that may be empty; no row is rewritten, and the program before this one
-- neither reads nor needs them.

-- When the beginning and the end of an outage were written down. Empty in rows of older programs: then an outage counts as
-- known since it began, and its end since it ended.
ALTER TABLE outage ADD COLUMN recorded_at_ms BIGINT;
ALTER TABLE outage ADD COLUMN closed_at_ms BIGINT;

CREATE TABLE publication (
    week            TEXT COLLATE "C"    NOT NULL PRIMARY KEY,
    first_date      TEXT COLLATE "C"    NOT NULL,
    until_date      TEXT COLLATE "C"    NOT NULL,
    number          TEXT COLLATE "C"    NOT NULL UNIQUE,
    published_at_ms BIGINT NOT NULL,
    published_by    TEXT COLLATE "C"    NOT NULL
);

-- What judging says of a finding of a published week, where that is not what was published. `settled_at_ms` is empty while
-- it waits; then it has the number of the notice that issued it, or none where it was overtaken by a later one or is true
-- no more.
CREATE TABLE correction (
    seq             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    week            TEXT COLLATE "C"    NOT NULL REFERENCES publication (week),
    found_at_ms     BIGINT NOT NULL,
    settled_at_ms   BIGINT,
    number          TEXT COLLATE "C",
    finding         TEXT COLLATE "C"    NOT NULL,
    person          TEXT COLLATE "C"    NOT NULL,
    unit            TEXT COLLATE "C",
    date            TEXT COLLATE "C"    NOT NULL,
    period          TEXT COLLATE "C",
    meeting         TEXT COLLATE "C",
    kind            TEXT COLLATE "C"    NOT NULL,
    state           TEXT COLLATE "C"    NOT NULL,
    length_ms       BIGINT,
    due_at_ms       BIGINT,
    actual_at_ms    BIGINT,
    since_at_ms     BIGINT,
    source          TEXT COLLATE "C",
    swipes          TEXT COLLATE "C"    NOT NULL,
    digest          TEXT COLLATE "C"    NOT NULL,
    revision        BIGINT NOT NULL,
    changed_at_ms   BIGINT NOT NULL,
    withdrawn_at_ms BIGINT,
    rules_version   BIGINT NOT NULL,
    facts_revision  BIGINT NOT NULL,
    review          TEXT COLLATE "C"    NOT NULL
);
CREATE UNIQUE INDEX correction_pending ON correction (finding) WHERE settled_at_ms IS NULL;
CREATE INDEX correction_waiting ON correction (person, date) WHERE settled_at_ms IS NULL;
CREATE INDEX correction_date ON correction (date, seq);

-- The findings that an escalation counts, in order.
CREATE TABLE counted (
    escalation TEXT COLLATE "C"    NOT NULL,
    position   BIGINT NOT NULL,
    finding    TEXT COLLATE "C"    NOT NULL,
    PRIMARY KEY (escalation, position)
);
-- What there is to count of whom, among all the findings that nobody confirmed.
CREATE INDEX finding_countable ON finding (person) WHERE withdrawn_at_ms IS NULL AND (review = 'confirmed' OR kind = 'escalation');
