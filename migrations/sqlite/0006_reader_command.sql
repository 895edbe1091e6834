-- Why: terminals that call us fetch what they are asked to do; what an operator asks must outlive the daemon, and be seen afterwards.
-- Why it is safe: it only creates; a program before it does not know the table and does not need it.

-- `starts` and `until` are civil times at the terminal, 'YYYY-MM-DD HH:MM:SS'.
CREATE TABLE reader_command (
    seq         INTEGER PRIMARY KEY,
    reader      TEXT    NOT NULL,
    command     TEXT    NOT NULL,
    starts      TEXT,
    until       TEXT,
    asked_at_ms INTEGER NOT NULL,
    asked_by    TEXT    NOT NULL,
    sent_at_ms  INTEGER,
    sends       INTEGER NOT NULL,
    done_at_ms  INTEGER,
    code        INTEGER
) STRICT;
CREATE INDEX reader_command_open ON reader_command (reader, seq) WHERE done_at_ms IS NULL;
