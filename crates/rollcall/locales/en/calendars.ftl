# What the import of holidays and of meetings says.
calendar-kind-holiday = day off
calendar-kind-workday = workday
calendar-kind-morning_off = morning off
calendar-kind-afternoon_off = afternoon off
calendar-kind-ordinary = as the week says
calendar-change = { $date } { $name }: { $before } → { $after }
calendar-difference = { $sources }: { $added } dates new, { $removed } taken back, { $changed } changed, { $unchanged } unchanged
calendar-affected = { $people } people concerned; { $days } of their days are judged again, with { $decided } decided findings
