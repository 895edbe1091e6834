-- Why: a swipe writes the row of its day again, and the people who come through a gate within a moment are any people. Rows kept
-- by person lay a page apart for each of them, and so did the index of when to look again; rows in the order in which the
-- dates were opened lie together, and the index holds short numbers. A morning commits a few pages a batch instead of hundreds.
-- Why it is safe: the table is copied whole inside the transaction of this migration, and nothing refers to it by name but
-- statements that say the same of the copy.
CREATE TABLE day_opened (
    seq              INTEGER PRIMARY KEY,
    person           TEXT    NOT NULL,
    date             TEXT    NOT NULL,
    judged_at_ms     INTEGER,
    next_check_at_ms INTEGER,
    rules_version    INTEGER NOT NULL,
    facts_revision   INTEGER NOT NULL,
    UNIQUE (person, date)
) STRICT;
INSERT INTO day_opened (person, date, judged_at_ms, next_check_at_ms, rules_version, facts_revision)
SELECT person, date, judged_at_ms, next_check_at_ms, rules_version, facts_revision FROM day ORDER BY date, person;
DROP TABLE day;
ALTER TABLE day_opened RENAME TO day;
CREATE INDEX day_date ON day (date, person);
CREATE INDEX day_next_check ON day (next_check_at_ms) WHERE next_check_at_ms IS NOT NULL;
