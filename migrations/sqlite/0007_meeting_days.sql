-- Why: units are judged by meeting, not by person and date, and their rows say when to look again as day rows do. `meeting` is empty for
-- what inspectors saw of units outside meetings. A finding of a unit has an empty `person`, which no person can have for an id.
-- Why it is safe: it only creates; the daemon fills the table at its next start.

CREATE TABLE meeting_day (
    date             TEXT    NOT NULL,
    meeting          TEXT    NOT NULL,
    judged_at_ms     INTEGER,
    next_check_at_ms INTEGER,
    rules_version    INTEGER NOT NULL,
    facts_revision   INTEGER NOT NULL,
    PRIMARY KEY (date, meeting)
) STRICT, WITHOUT ROWID;
CREATE INDEX meeting_day_next_check ON meeting_day (next_check_at_ms, date, meeting) WHERE next_check_at_ms IS NOT NULL;
