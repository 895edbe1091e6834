# What replay, recalculate and import --dry-run say: a line for each difference, then by unit and in all.
replay-line = { $change }: { $date } { $name } ({ $person }), { $about }: { $before } → { $after }
replay-new = new
replay-worse = worse
replay-restated = restated
replay-better = better
replay-gone = gone
replay-nothing = nothing
replay-said = { $kind } ({ $state })
replay-said-minutes = { $kind }, { $minutes } min ({ $state })
replay-unit = { $unit }: { $new } new, { $worse } worse, { $restated } restated, { $better } better, { $gone } gone
replay-counts = In all: { $unchanged } unchanged, { $new } new, { $worse } worse, { $restated } restated, { $better } better, { $gone } gone
replay-published = { $count } of them are in published weeks: what was published stays as it is, and they become corrections that wait to be issued.
replay-decided = { $count } of them have been decided on, and will have to be decided on again.
replay-summary = Replayed { $days } person-days and { $meetings } meetings from { $swipes } stored swipes; { $pending } more wait to be judged again.
replay-equal = The record is the same.
replay-unequal = The record is not the same; see above.
replay-other-versions = Some of the record was judged by rules version { $versions }, this program has { $version }; `rollcall recalculate` shows what judging again would change.
replay-no-facts = At that time ({ $at }) no facts had been recorded, so there is nobody to judge.
recalculate-summary = Tried { $days } person-days and { $meetings } meetings, { $missing } of them not judged before; nothing was written.
recalculate-applied = { $days } person-days are due to be judged again; the running daemon does it.

# rollcall escalations
escalations-flagged = { $date } { $name } ({ $person }), “{ $rule }”: { $yields }
escalations-summary = { $people } people, { $escalations } times. Nothing was written.
escalations-none = There is no usable rule: write an [[escalation]] in escalations.toml, or name a file with --with.

# rollcall bulletin
bulletin-nothing-waits = No correction waits.
