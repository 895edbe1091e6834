-- Why: the id of a finding is a keyed hash, so its index, and the one of the history, were written at a page of its own for every finding
-- that was new, withdrawn or said something else: the more findings there were, the dearer the minutes in which people are late. A finding has a number
-- now, by which its history and what was decided on it name it, and an id is unique within its date, whose findings lie together. An id alone
-- is looked for date by date, the latest first: a few milliseconds where there are ten years of them; lists are asked for by date and id.
-- Why it is safe: every row is copied inside the transaction of this migration, and each finding keeps the place that it had. A program before
-- it does not start with this schema, and one that still runs is refused its next findings and ends, having acknowledged nothing of them.
CREATE TABLE finding_numbered (
    seq             INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL,
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
    review          TEXT    NOT NULL,
    UNIQUE (date, id)
) STRICT;
INSERT INTO finding_numbered (seq, id, person, unit, date, period, meeting, kind, state, length_ms, due_at_ms, actual_at_ms, since_at_ms, source,
    swipes, digest, revision, changed_at_ms, withdrawn_at_ms, rules_version, facts_revision, review)
SELECT rowid, id, person, unit, date, period, meeting, kind, state, length_ms, due_at_ms, actual_at_ms, since_at_ms, source,
    swipes, digest, revision, changed_at_ms, withdrawn_at_ms, rules_version, facts_revision, review FROM finding ORDER BY rowid;

CREATE TABLE finding_said (
    seq             INTEGER PRIMARY KEY,
    finding         INTEGER NOT NULL REFERENCES finding_numbered (seq),
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
    UNIQUE (finding, revision)
) STRICT;
INSERT INTO finding_said (seq, finding, revision, changed_at_ms, kind, state, length_ms, due_at_ms, actual_at_ms, since_at_ms, swipes, digest,
    withdrawn_at_ms, rules_version, facts_revision)
SELECT said.seq, finding.rowid, said.revision, said.changed_at_ms, said.kind, said.state, said.length_ms, said.due_at_ms, said.actual_at_ms,
    said.since_at_ms, said.swipes, said.digest, said.withdrawn_at_ms, said.rules_version, said.facts_revision
FROM finding_history said CROSS JOIN finding ON finding.id = said.finding ORDER BY said.seq;

CREATE TABLE decision_numbered (
    seq            INTEGER PRIMARY KEY,
    id             TEXT    NOT NULL UNIQUE,
    finding        INTEGER NOT NULL REFERENCES finding_numbered (seq),
    act            TEXT    NOT NULL,
    reason         TEXT    NOT NULL,
    actor          TEXT    NOT NULL,
    at_ms          INTEGER NOT NULL,
    digest         TEXT    NOT NULL,
    explanation_zh TEXT    NOT NULL,
    explanation_en TEXT    NOT NULL
) STRICT;
INSERT INTO decision_numbered (seq, id, finding, act, reason, actor, at_ms, digest, explanation_zh, explanation_en)
SELECT decision.seq, decision.id, finding.rowid, act, reason, actor, at_ms, decision.digest, explanation_zh, explanation_en
FROM decision CROSS JOIN finding ON finding.id = decision.finding ORDER BY decision.seq;

DROP TABLE decision;
DROP TABLE finding_history;
DROP TABLE finding;
ALTER TABLE finding_numbered RENAME TO finding;
ALTER TABLE finding_said RENAME TO finding_history;
ALTER TABLE decision_numbered RENAME TO decision;

-- As before, but for the number.
CREATE INDEX finding_date ON finding (date, person);
CREATE INDEX finding_countable ON finding (person) WHERE withdrawn_at_ms IS NULL AND (review = 'confirmed' OR kind = 'escalation');
CREATE INDEX decision_finding ON decision (finding, seq);
CREATE TRIGGER finding_keeps_what_it_said BEFORE UPDATE ON finding WHEN OLD.revision <> NEW.revision
BEGIN
    INSERT INTO finding_history (finding, revision, changed_at_ms, kind, state, length_ms, due_at_ms, actual_at_ms, since_at_ms, swipes,
        digest, withdrawn_at_ms, rules_version, facts_revision)
    VALUES (OLD.seq, OLD.revision, OLD.changed_at_ms, OLD.kind, OLD.state, OLD.length_ms, OLD.due_at_ms, OLD.actual_at_ms, OLD.since_at_ms,
        OLD.swipes, OLD.digest, OLD.withdrawn_at_ms, OLD.rules_version, OLD.facts_revision)
    ON CONFLICT (finding, revision) DO NOTHING;
END;
