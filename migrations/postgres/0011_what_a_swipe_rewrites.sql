-- Why: a swipe rewrites when its day was judged and when to look at it again, and with them it wrote whose day it is and of which date, and
-- the indexes by those anew. Days are looked up by date first, because those of the dates at hand then lie together in the index, however many
-- dates there were before.
-- Why it is safe: every column is copied inside the transaction of this migration, and a day has the row beside it from its first moment on,
-- because a trigger makes it. A program before it does not start with this schema, and one that still runs is refused its next batch and ends, having
-- acknowledged nothing of it.
ALTER TABLE day ADD COLUMN seq BIGINT GENERATED ALWAYS AS IDENTITY, DROP CONSTRAINT day_pkey;
DROP INDEX day_date;
ALTER TABLE day ADD PRIMARY KEY (seq), ADD UNIQUE (date, person);
CREATE INDEX day_person ON day (person, date);
CREATE TABLE day_check (
    day              BIGINT PRIMARY KEY REFERENCES day (seq),
    judged_at_ms     BIGINT,
    next_check_at_ms BIGINT,
    rules_version    BIGINT NOT NULL,
    facts_revision   BIGINT NOT NULL
) WITH (fillfactor = 70);
INSERT INTO day_check (day, judged_at_ms, next_check_at_ms, rules_version, facts_revision)
SELECT seq, judged_at_ms, next_check_at_ms, rules_version, facts_revision FROM day ORDER BY seq;
CREATE INDEX day_check_next ON day_check (next_check_at_ms, day) WHERE next_check_at_ms IS NOT NULL;

DROP INDEX day_next_check;
ALTER TABLE day RESET (fillfactor), DROP COLUMN judged_at_ms, DROP COLUMN next_check_at_ms, DROP COLUMN rules_version, DROP COLUMN facts_revision;

-- A new day was never judged and is due at once.
CREATE FUNCTION day_is_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO day_check (day, next_check_at_ms, rules_version, facts_revision) VALUES (NEW.seq, 0, 0, 0);
    RETURN NULL;
END $$;
CREATE TRIGGER day_is_due AFTER INSERT ON day FOR EACH ROW EXECUTE FUNCTION day_is_due();

-- Why: swipes of a whole day shared a part of the index by badges, so that a swipe of the evening wrote a page among those of the morning. Parts of
-- four hours hold a third as many, and a page of them is written again and again while it is at hand.
-- Why it is safe: the column says what `happened_at_ms` says, only coarser, and no other is touched; the table is written anew as a whole, which no
-- trigger of its rows concerns, and takes as much room again as the swipes do.
DROP INDEX swipe_day;
ALTER TABLE swipe RENAME COLUMN happened_day TO happened_part;
-- Parts of UTC, counted from 1970-01-01 to 2099-12-31; what a broken clock puts outside shares the first or the last.
ALTER TABLE swipe ALTER COLUMN happened_part TYPE BIGINT USING CASE
    WHEN happened_at_ms < 0 THEN 0
    WHEN happened_at_ms >= 4102444800000 THEN 284891
    ELSE happened_at_ms / 14400000
END;
CREATE INDEX swipe_part ON swipe (happened_part, badge);
