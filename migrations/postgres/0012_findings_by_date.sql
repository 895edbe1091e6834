-- Why: the id of a finding is a keyed hash, so its index, and the one of the history, were written at a page of its own for every finding
-- that was new, withdrawn or said something else: the more findings there were, the dearer the minutes in which people are late. A finding has a number
-- now, by which its history and what was decided on it name it, and an id is unique within its date, whose findings lie together. An id alone
-- is looked for date by date, the latest first: some tens of milliseconds where there are ten years of them; lists are asked for by date and id.
-- Why it is safe: every row is kept or copied inside the transaction of this migration. A program before it does not start with this schema, and
-- one that still runs is refused its next findings and ends, having acknowledged nothing of them.
ALTER TABLE finding_history DROP CONSTRAINT finding_history_finding_fkey;
ALTER TABLE decision DROP CONSTRAINT decision_finding_fkey;
ALTER TABLE finding ADD COLUMN seq BIGINT GENERATED ALWAYS AS IDENTITY, DROP CONSTRAINT finding_pkey;
ALTER TABLE finding ADD PRIMARY KEY (seq), ADD UNIQUE (date, id);

ALTER TABLE finding_history RENAME TO finding_said;
ALTER TABLE finding_said RENAME CONSTRAINT finding_history_pkey TO finding_said_pkey;
CREATE TABLE finding_history (
    finding         BIGINT NOT NULL REFERENCES finding (seq),
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
INSERT INTO finding_history (finding, revision, changed_at_ms, kind, state, length_ms, due_at_ms, actual_at_ms, since_at_ms, swipes, digest,
    withdrawn_at_ms, rules_version, facts_revision)
SELECT finding.seq, said.revision, said.changed_at_ms, said.kind, said.state, said.length_ms, said.due_at_ms, said.actual_at_ms,
    said.since_at_ms, said.swipes, said.digest, said.withdrawn_at_ms, said.rules_version, said.facts_revision
FROM finding_said said JOIN finding ON finding.id = said.finding ORDER BY finding.seq, said.revision;
DROP TABLE finding_said;

ALTER TABLE decision ADD COLUMN finding_seq BIGINT CONSTRAINT decision_finding_fkey REFERENCES finding (seq);
UPDATE decision SET finding_seq = finding.seq FROM finding WHERE finding.id = decision.finding;
ALTER TABLE decision DROP COLUMN finding;
ALTER TABLE decision RENAME COLUMN finding_seq TO finding;
ALTER TABLE decision ALTER COLUMN finding SET NOT NULL;
CREATE INDEX decision_finding ON decision (finding, seq);

-- As before, but for the number.
CREATE OR REPLACE FUNCTION keep_what_a_finding_said() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO finding_history (finding, revision, changed_at_ms, kind, state, length_ms, due_at_ms, actual_at_ms, since_at_ms, swipes,
        digest, withdrawn_at_ms, rules_version, facts_revision)
    VALUES (OLD.seq, OLD.revision, OLD.changed_at_ms, OLD.kind, OLD.state, OLD.length_ms, OLD.due_at_ms, OLD.actual_at_ms, OLD.since_at_ms,
        OLD.swipes, OLD.digest, OLD.withdrawn_at_ms, OLD.rules_version, OLD.facts_revision)
    ON CONFLICT (finding, revision) DO NOTHING;
    RETURN NEW;
END $$;
