-- Why: what a finding said before is kept by the table itself, so that nothing that writes findings can forget it, and a batch says less to
-- the database. Findings are found by date and then person: a batch changes findings of a few dates and of any people.
-- Why it is safe: no row is rewritten; the two indexes that go are replaced by one that finds the days of a batch and the dates of a list. A program before it
-- does not start with this schema.
CREATE FUNCTION keep_what_a_finding_said() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO finding_history (finding, revision, changed_at_ms, kind, state, length_ms, due_at_ms, actual_at_ms, since_at_ms, swipes,
        digest, withdrawn_at_ms, rules_version, facts_revision)
    VALUES (OLD.id, OLD.revision, OLD.changed_at_ms, OLD.kind, OLD.state, OLD.length_ms, OLD.due_at_ms, OLD.actual_at_ms, OLD.since_at_ms,
        OLD.swipes, OLD.digest, OLD.withdrawn_at_ms, OLD.rules_version, OLD.facts_revision)
    ON CONFLICT (finding, revision) DO NOTHING;
    RETURN NEW;
END $$;
CREATE TRIGGER finding_keeps_what_it_said BEFORE UPDATE ON finding
FOR EACH ROW WHEN (OLD.revision <> NEW.revision) EXECUTE FUNCTION keep_what_a_finding_said();

DROP INDEX finding_person;
DROP INDEX finding_date;
CREATE INDEX finding_date ON finding (date, person);

-- Why: who asks for a badge's swipes of a day reads their rows anyway; without the instant a third more entries fit on a page, and every swipe
-- of a morning writes one of them.
-- Why it is safe: an index says nothing that its table does not.
DROP INDEX swipe_day;
CREATE INDEX swipe_day ON swipe (happened_day, badge);
