-- Why: what a finding said before is kept by the table itself, so that nothing that writes findings can forget it, and a batch says less to
-- the database. Its rows lie in the order in which they come, and findings are found by date and then person: a batch changes findings
-- of a few dates and of any people, and wrote a page for each of them.
-- Why it is safe: history is copied whole inside the transaction of this migration, and nothing refers to its rows; the two indexes
-- that go are replaced by one that finds the days of a batch and the dates of a list. A program before it does not start with this schema; one that is
-- running already writes history itself, which is then there once.
CREATE TABLE finding_said (
    seq             INTEGER PRIMARY KEY,
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
    UNIQUE (finding, revision)
) STRICT;
INSERT INTO finding_said (finding, revision, changed_at_ms, kind, state, length_ms, due_at_ms, actual_at_ms, since_at_ms, swipes, digest,
    withdrawn_at_ms, rules_version, facts_revision)
SELECT finding, revision, changed_at_ms, kind, state, length_ms, due_at_ms, actual_at_ms, since_at_ms, swipes, digest,
    withdrawn_at_ms, rules_version, facts_revision FROM finding_history ORDER BY changed_at_ms, finding;
DROP TABLE finding_history;
ALTER TABLE finding_said RENAME TO finding_history;

CREATE TRIGGER finding_keeps_what_it_said BEFORE UPDATE ON finding WHEN OLD.revision <> NEW.revision
BEGIN
    INSERT INTO finding_history (finding, revision, changed_at_ms, kind, state, length_ms, due_at_ms, actual_at_ms, since_at_ms, swipes,
        digest, withdrawn_at_ms, rules_version, facts_revision)
    VALUES (OLD.id, OLD.revision, OLD.changed_at_ms, OLD.kind, OLD.state, OLD.length_ms, OLD.due_at_ms, OLD.actual_at_ms, OLD.since_at_ms,
        OLD.swipes, OLD.digest, OLD.withdrawn_at_ms, OLD.rules_version, OLD.facts_revision)
    ON CONFLICT (finding, revision) DO NOTHING;
END;

DROP INDEX finding_person;
DROP INDEX finding_date;
CREATE INDEX finding_date ON finding (date, person);

-- Why: a swipe moves the instant at which its day is to be looked at again, from one that it shares with everybody to another one, and an
-- index of those instants wrote two pages for it. Days that wait for an instant are few, those of a date or two: which they are is
-- kept, and their instants are read. Days that are due at once may be all there are, and have an index that no other day is in.
-- Why it is safe: it only adds what can be read from the rows of `day`, and keeps it by triggers.
DROP INDEX day_next_check;
CREATE INDEX day_due ON day (seq) WHERE next_check_at_ms = 0;
CREATE TABLE open_day (
    day INTEGER PRIMARY KEY REFERENCES day (seq) ON DELETE CASCADE
) STRICT;
INSERT INTO open_day (day) SELECT seq FROM day WHERE next_check_at_ms IS NOT NULL;

CREATE TRIGGER day_is_opened AFTER INSERT ON day WHEN NEW.next_check_at_ms IS NOT NULL
BEGIN
    INSERT INTO open_day (day) VALUES (NEW.seq);
END;
CREATE TRIGGER day_is_opened_again AFTER UPDATE OF next_check_at_ms ON day
WHEN OLD.next_check_at_ms IS NULL AND NEW.next_check_at_ms IS NOT NULL
BEGIN
    INSERT INTO open_day (day) VALUES (NEW.seq);
END;
CREATE TRIGGER day_is_closed AFTER UPDATE OF next_check_at_ms ON day
WHEN OLD.next_check_at_ms IS NOT NULL AND NEW.next_check_at_ms IS NULL
BEGIN
    DELETE FROM open_day WHERE day = NEW.seq;
END;

-- Why: who asks for a badge's swipes of a day reads their rows anyway; without the instant a third more entries fit on a page, and every swipe
-- of a morning writes one of them.
-- Why it is safe: an index says nothing that its table does not.
DROP INDEX swipe_day;
CREATE INDEX swipe_day ON swipe (happened_day, badge);
