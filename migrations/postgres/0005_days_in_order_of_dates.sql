-- Why: PostgreSQL keeps rows in the order in which they are written anyway, so only the room is made that an update needs
-- beside the row that it replaces: otherwise the new version of a day's row goes to another page.
-- Why it is safe: it concerns rows written from now on, and what no row says.
ALTER TABLE day SET (fillfactor = 70);
