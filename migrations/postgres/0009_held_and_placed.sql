-- Why: the page of readers lists what could not be read of one reader and the swipes that are held because their time is not believed;
-- a person who places such a swipe in time makes a new swipe of it, and that it was placed, from which, by whom and why is kept here.
-- Why it is safe: it only creates; a program before it does not know the table and does not need it. The index of held swipes holds
-- those alone, so storing any other swipe costs what it did.

CREATE INDEX rejected_input_reader ON rejected_input (reader, received_at_ms);
CREATE INDEX swipe_held ON swipe (received_at_ms, seq) WHERE quarantine IS NOT NULL;

-- `swipe` is the swipe that was made, `original` the held one. One that was withdrawn is judged no more; both swipes stay.
CREATE TABLE placement (
    swipe           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    original        TEXT COLLATE "C" NOT NULL,
    reader          TEXT COLLATE "C" NOT NULL,
    badge           TEXT COLLATE "C" NOT NULL,
    happened_at_ms  BIGINT NOT NULL,
    placed_at_ms    BIGINT NOT NULL,
    placed_by       TEXT COLLATE "C" NOT NULL,
    reason          TEXT COLLATE "C" NOT NULL,
    withdrawn_at_ms BIGINT,
    withdrawn_by    TEXT COLLATE "C"
);
CREATE INDEX placement_original ON placement (original, placed_at_ms);
