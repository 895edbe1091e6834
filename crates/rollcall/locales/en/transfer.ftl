# What an import says: a line for each file, and at the end what was done.
transfer-error = error: { $text }
transfer-warning = warning: { $text }
transfer-file = { $file }: { $added } new, { $unchanged } unchanged, { $superseded } no longer in force, { $refused } refused
transfer-applied = Imported.
transfer-applied-good-rows = Imported what was good; { $errors } errors above were left out.
transfer-dry-run = Dry run: nothing was written.
transfer-dry-run-errors = Dry run: nothing was written. With { $errors } errors, nothing would be without --accept-good-rows.
transfer-refused = Nothing was written because of { $errors } errors. Correct them and import again, or take the good rows with --accept-good-rows.
