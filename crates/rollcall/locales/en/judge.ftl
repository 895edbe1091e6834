# What “rollcall judge” prints without --json.
judge-finding = { $date } { $name } ({ $person }), { $about }: { $kind } ({ $state })
judge-finding-minutes = { $date } { $name } ({ $person }), { $about }: { $kind }, { $minutes } min ({ $state })
judge-fine = { $date } { $name } ({ $person }), { $about }: fine
judge-proposal = { $at } { $name } ({ $person }) came to “{ $meeting }” without being on its roster; “{ $unit }” is short, so this is a proposed substitute, to be accepted.
judge-unlisted = { $at } { $name } ({ $person }) came to “{ $meeting }” without being on its roster; it is on record.
judge-summary = Judged at { $as_of }, dates from { $from } and before { $until }: findings { $findings }, problems in the files { $problems }.
