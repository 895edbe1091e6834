-- Why: a swipe rewrites when its day was judged and when to look at it again, and with them it wrote whose day it is and of which date.
-- Without those half as many pages hold the days of a date, and every commit of a morning writes most of them. Days are looked up by date first,
-- because those of the dates at hand then lie together in the index, however many dates there were before.
-- Why it is safe: every column is copied inside the transaction of this migration, and a day has the row beside it from its first moment on,
-- because a trigger makes it. A program before it does not start with this schema, and one that still runs is refused its next batch and ends, having
-- acknowledged nothing of it.
CREATE TABLE day_named (
    seq    INTEGER PRIMARY KEY,
    person TEXT NOT NULL,
    date   TEXT NOT NULL,
    UNIQUE (date, person)
) STRICT;
INSERT INTO day_named (seq, person, date) SELECT seq, person, date FROM day ORDER BY seq;
CREATE TABLE day_check (
    day              INTEGER PRIMARY KEY REFERENCES day_named (seq),
    judged_at_ms     INTEGER,
    next_check_at_ms INTEGER,
    rules_version    INTEGER NOT NULL,
    facts_revision   INTEGER NOT NULL
) STRICT;
INSERT INTO day_check (day, judged_at_ms, next_check_at_ms, rules_version, facts_revision)
SELECT seq, judged_at_ms, next_check_at_ms, rules_version, facts_revision FROM day ORDER BY seq;
DROP TABLE open_day;
DROP TABLE day;
ALTER TABLE day_named RENAME TO day;
CREATE INDEX day_person ON day (person, date);
CREATE TRIGGER day_is_due AFTER INSERT ON day
BEGIN
    -- A new day was never judged and is due at once.
    INSERT INTO day_check (day, next_check_at_ms, rules_version, facts_revision) VALUES (NEW.seq, 0, 0, 0);
END;

-- The days that wait for an instant, and an index of those that are due at once, as before.
CREATE INDEX day_check_due ON day_check (day) WHERE next_check_at_ms = 0;
CREATE TABLE open_day (
    day INTEGER PRIMARY KEY REFERENCES day_check (day) ON DELETE CASCADE
) STRICT;
INSERT INTO open_day (day) SELECT day FROM day_check WHERE next_check_at_ms IS NOT NULL;
CREATE TRIGGER day_is_opened AFTER INSERT ON day_check WHEN NEW.next_check_at_ms IS NOT NULL
BEGIN
    INSERT INTO open_day (day) VALUES (NEW.day);
END;
CREATE TRIGGER day_is_opened_again AFTER UPDATE OF next_check_at_ms ON day_check
WHEN OLD.next_check_at_ms IS NULL AND NEW.next_check_at_ms IS NOT NULL
BEGIN
    INSERT INTO open_day (day) VALUES (NEW.day);
END;
CREATE TRIGGER day_is_closed AFTER UPDATE OF next_check_at_ms ON day_check
WHEN OLD.next_check_at_ms IS NOT NULL AND NEW.next_check_at_ms IS NULL
BEGIN
    DELETE FROM open_day WHERE day = NEW.day;
END;

-- Why: swipes of a whole day shared a part of the index by badges, so that a swipe of the evening wrote a page among those of the morning. Parts of
-- four hours hold a third as many, and a page of them is written again and again while it is at hand.
-- Why it is safe: the column says what `happened_at_ms` says, only coarser, and no other is touched; the trigger that keeps swipes from being edited
-- is back before anybody else sees them. Every row is written once: this takes as much room in the log as the swipes take in the file.
DROP INDEX swipe_day;
DROP TRIGGER swipe_is_not_edited;
ALTER TABLE swipe RENAME COLUMN happened_day TO happened_part;
-- Parts of UTC, counted from 1970-01-01 to 2099-12-31; what a broken clock puts outside shares the first or the last.
UPDATE swipe SET happened_part = CASE
    WHEN happened_at_ms < 0 THEN 0
    WHEN happened_at_ms >= 4102444800000 THEN 284891
    ELSE happened_at_ms / 14400000
END;
CREATE TRIGGER swipe_is_not_edited BEFORE UPDATE ON swipe
BEGIN SELECT RAISE(ABORT, 'swipes are append-only'); END;
CREATE INDEX swipe_part ON swipe (happened_part, badge);
