# What the import of holidays and of meetings says.
calendar-kind-holiday = day off
calendar-kind-workday = workday
calendar-kind-morning_off = morning off
calendar-kind-afternoon_off = afternoon off
calendar-kind-ordinary = as the week says
calendar-change = { $date } { $name }: { $before } → { $after }
calendar-difference = { $sources }: { $added } dates new, { $removed } taken back, { $changed } changed, { $unchanged } unchanged
calendar-affected = { $people } people concerned; { $days } of their days are judged again, with { $decided } decided findings
meetings-added = new       { $starts } { $title } ({ $place }, { $people } people)
meetings-changed = changed   { $starts } { $title } ({ $place }, { $people } people)
meetings-withdrawn = withdrawn { $starts } { $title } ({ $place }, { $people } people)
meetings-difference = { $source }: { $added } meetings new, { $changed } changed, { $withdrawn } withdrawn, { $unchanged } unchanged, { $kept } no longer in the calendar and kept; { $without_people } entries ask nobody of the bureau; { $people } people concerned
