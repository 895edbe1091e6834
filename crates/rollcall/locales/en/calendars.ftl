# What the import of holidays and of meetings says.
calendar-kind-holiday = day off
calendar-kind-workday = workday
calendar-kind-morning_off = morning off
calendar-kind-afternoon_off = afternoon off
calendar-kind-ordinary = as the week says
calendar-change = { $date } { $name }: { $before } → { $after }
calendar-difference = { $sources }: { $added } dates new, { $removed } taken back, { $changed } changed, { $unchanged } unchanged
calendar-affected = { $people } people concerned; { $days } of their days are judged again, with { $decided } decided findings
meetings-act-added = new       { $starts } { $title } ({ $place }, { $people } people)
meetings-act-changed = changed   { $starts } { $title } ({ $place }, { $people } people)
meetings-act-withdrawn = withdrawn { $starts } { $title } ({ $place }, { $people } people)
meetings-difference = { $source }: { $added } meetings new, { $changed } changed, { $withdrawn } withdrawn, { $unchanged } unchanged, { $kept } no longer in the calendar and kept; { $without_people } entries ask nobody of the bureau; { $people } people concerned

# `rollcall calendar` and `rollcall sources`.
calendar-day = { $date } { $kind } { $name } { $source }
calendar-shipped = The calendar that comes with Rollcall ends on { $last }; import what follows once it is announced (rollcall import calendar).
calendar-edition = { $at } { $actor } imported { $sources }: { $added } dates new, { $removed } taken back, { $changed } changed ({ $from } to { $through })
source-never = { $id }: the daemon has not looked at it yet.
source-reached = { $id } ({ $place }): looked at { $seen }, imported { $imported }; { $meetings } meetings in the window; { $errors } errors, { $warnings } warnings
source-away = { $id } ({ $place }): could not be had at { $seen }, last imported { $imported }; what was imported stays
