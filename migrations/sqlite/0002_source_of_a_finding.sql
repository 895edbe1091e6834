-- Why: findings of duties and of what inspectors saw are told apart by the duty or observation from which they come.
-- Why it is safe: it adds a column that is empty in every row there is, and nothing reads rows without naming columns.

ALTER TABLE finding ADD COLUMN source TEXT;
