-- Why: terminals that call us fetch what they are asked to do; what an operator asks must outlive the daemon, and be seen afterwards.
-- Why it is safe: it only creates; a program before it does not know the table and does not need it.

-- `starts` and `until` are civil times at the terminal, 'YYYY-MM-DD HH:MM:SS'.
CREATE TABLE reader_command (
    seq         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reader      TEXT COLLATE "C" NOT NULL,
    command     TEXT COLLATE "C" NOT NULL,
    starts      TEXT COLLATE "C",
    until       TEXT COLLATE "C",
    asked_at_ms BIGINT NOT NULL,
    asked_by    TEXT COLLATE "C" NOT NULL,
    sent_at_ms  BIGINT,
    sends       BIGINT NOT NULL,
    done_at_ms  BIGINT,
    code        BIGINT
);
CREATE INDEX reader_command_open ON reader_command (reader, seq) WHERE done_at_ms IS NULL;
