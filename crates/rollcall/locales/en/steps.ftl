# Why a verdict is what it is: one sentence a step, in the order in which a clerk would tell the day.

length-hours = { $number } h
length-minutes = { $number } min
length-seconds = { $number } s
length-still-growing = still going on

weekday-mon = Monday
weekday-tue = Tuesday
weekday-wed = Wednesday
weekday-thu = Thursday
weekday-fri = Friday
weekday-sat = Saturday
weekday-sun = Sunday

facing-in = in
facing-out = out
facing-both = no direction
side-arrival = arrival
side-departure = departure
words-of-unit = the unit
words-of-person = the person
words-calendar = calendar
words-and = { " and " }
absence-leave = leave
absence-trip = trip
absence-errand = errand

# What applies.
step-schedule = By the schedule “{ $schedule }” (assigned to { $who } “{ $name }”) the period { $period } is { $interval }.
step-schedule-edition = By the schedule “{ $schedule }”, edition in force from { $edition } (assigned to { $who } “{ $name }”), the period { $period } is { $interval }.
step-calendar-holiday = { $date } is a holiday ({ $name }).
step-calendar-workday = { $date } is a makeup workday ({ $name }) with the periods of a { $weekday }.
step-calendar-morning-off = The morning of { $date } is off ({ $name }): the time before 12:00 does not count.
step-calendar-afternoon-off = The afternoon of { $date } is off ({ $name }): the time from 12:00 does not count.
step-joined = { $periods } are one stay: only the first arrival and the last departure are judged.
step-morning-off = The morning is off: { $interval } does not count.
step-afternoon-off = The afternoon is off: { $interval } does not count.
step-absence = An approved absence ({ $kind }, “{ $absence }”) covers { $interval }, which does not count.
step-absence-shortened = An approved absence ({ $kind }, “{ $absence }”), until { $approved } at first, was ended early and covers { $interval }, which does not count.
step-no-absence = Leave, errands and trips were checked: there is none.
step-meeting-taken = Attending the meeting “{ $meeting }” takes { $interval } out of the period.
step-meeting-assumed = On the roster of the meeting “{ $meeting }” and taken as attending until late there: { $interval } does not count for now.
step-duty-taken = On duty ({ $role }), which takes { $interval } out of the period.
step-duty-assumed = Down for duty ({ $role }) and taken as there until late for it: { $interval } does not count for now.
step-effective = Expected there: { $pieces }.
step-excused = The whole of it is excused.
step-windows = Arrivals count from { $arrive_from } (swipes without direction until { $arrive_until }), departures until { $leave_until } (swipes without direction from { $leave_from }).
step-break-earlier = The break before { $neighbour } ({ $interval }) is shared: swipes out belong here, swipes in to the later period.
step-break-later = The break after { $neighbour } ({ $interval }) is shared: swipes in belong here, swipes out to the earlier period.

# What was seen.
step-swipe = Swipe at { $at } at { $place } ({ $reader }, { $faces }).
step-repeats = { $count ->
    [one] One repeated reading after it, at { $at }, does not count by itself.
   *[other] { $count } repeated readings after it, until { $at }, do not count by themselves.
}
step-read-as-in = The swipe at { $at } has no direction; the person had gone out before, so it counts as coming in.
step-seen-at-meeting = Sign-in at { $at } at the meeting “{ $meeting }” shows that the person came.
step-seen-on-duty = Arrival for duty ({ $role }) at { $at } shows that the person came.
step-no-swipe = There is no swipe.
step-arrival = Arrived at { $at }, the earliest swipe.
step-arrival-after-going-out = Arrival at { $at }; the person had been there before and gone out at { $out }.
step-arrival-first-of-several = Arrival at { $at }: nothing in the first half, so the first of several swipes of no direction in the second.
step-no-arrival = No swipe can be an arrival.
step-departure = Left at { $at }, the latest swipe.
step-departure-from-meeting = Departure at { $at }, on leaving the meeting “{ $meeting }”.
step-departure-from-duty = Departure at { $at }, on leaving the place of duty.
step-no-departure = No swipe can be a departure.
step-came-back = In again at { $at }, so what came before is no departure.
step-another-visit = What follows from { $at } is another visit and is not looked at.
step-satisfied-by-meeting = The meeting “{ $meeting }” covers the { $side }, which needs no swipe.
step-satisfied-by-duty = The duty ({ $role }) covers the { $side }, which needs no swipe.
step-side-free = No { $side } swipe is asked for, so it is not judged.

# What follows from it.
step-due = Due at { $due }.
step-due-meeting = Due at the meeting at { $due }.
step-due-duty = Due for duty at { $due }.
step-due-flex = With { $flex } of flexible time, due at { $due } at the latest.
step-due-late-stay = Late stay on { $date } (left at { $left }, after { $left_after }): due at { $due } on this, the next working day.
step-required-end = Expected to stay until { $at }.
step-required-end-moved = Came { $moved } later within the flexible time, so to stay until { $at }.
measure-lateness = Lateness
measure-not-there = Not there
measure-left-early = Left early
measure-open-gap = Out
step-not-late = Came in time.
step-not-early = Left after the required time was over.
step-length = { $what }: from { $from } to { $to } is { $length }.
step-length-covered = { $what }: from { $from } to { $to }, less { $not_counted } that does not count, is { $length }.
step-length-open = { $what }: since { $from }, still going on.
step-length-open-covered = { $what }: since { $from }, less { $not_counted } that does not count, still going on.
limit-grace-late = grace for lateness
limit-grace-early = grace for leaving early
limit-serious-after = limit of serious lateness
limit-absent-after = limit of absence
limit-late-absent-after = limit from which lateness is absence
limit-step-out-allowance = time allowed outside
limit-early-leave-shown-after = wait before an early leave is shown
limit-exit-allowance = time allowed out of the meeting
step-exceeds = { $length } is more than the { $what } of { $allowed }.
step-exceeds-nothing = { $length }: there is no { $what }, so all of it counts.
step-exceeds-nothing-already = There is no { $what }, so it counts already.
step-within = { $length } is within the { $what } of { $allowed }.
step-exceeds-already = More than the { $what } of { $allowed } already.
step-within-so-far = Within the { $what } of { $allowed } so far.
step-counted-from-grace-end = Counted from the end of the grace of { $grace }: { $length }.
step-gap = Out at { $from }, back at { $to }: { $length }, within what is allowed.
step-gap-counts = Out at { $from }, back at { $to }: { $length }, longer than allowed.
step-ended-before-arrival = This period was over at { $ended }, before the arrival at { $arrived }.
step-not-seen-since-absence = No office swipe since the absence “{ $absence }” ended at { $ended }.
step-sign-of-presence = A swipe at { $at } shows that the person came, so only the departure is missing.

# Meetings.
step-meeting = The meeting “{ $meeting }”, { $interval }, at { $place }; sign-in from { $sign_in_opens }.
step-optional-role = The role is optional: shown and never judged.
step-permission = Permitted to be out: { $interval }.
step-at-other-meeting = At the meeting “{ $meeting }” during { $interval }, which does not count.
step-carried-over = In since { $came_in } without going out, so present from { $present_from }.
step-opening = In at { $at }.
step-closing = Out at { $at }.
step-wrong-room = The swipe at { $at } at { $place } is at another room and changes nothing.
step-exit = Out at { $from }, back at { $to }: { $length }, within what is allowed.
step-exit-counts = Out at { $from }, back at { $to }: { $length }, longer than allowed.
step-exit-open = Out at { $from } and not back ({ $length }), within what is allowed.
step-exit-open-counts = Out at { $from } and not back ({ $length }), longer than allowed.
step-exits = Went out and came back { $count ->
    [one] once
   *[other] { $count } times
}; { $allowed } allowed.
step-exits-too-many = Went out and came back { $count ->
    [one] once
   *[other] { $count } times
}, more than the { $allowed } allowed.

step-meeting-extended = The meeting was extended until { $until }, for those who were present at its announced end.
step-meeting-closed-early = The meeting was closed early, at { $at }.
step-stands-in = { $person } stands in: their presence counts as this person's.
step-stands-in-accepted-by = { $person } stands in, accepted by { $by }: their presence counts as this person's.
step-stands-in-accepted = { $person } stands in, accepted by { $by } at { $at }: their presence counts as this person's.

# Units.
step-obligation = “{ $unit }” has to send { $at_least }; people of the units below it count.
step-obligation-head = “{ $unit }” has to send { $at_least }; people of the units below it count. Its head must come in person.
step-obligation-rank = “{ $unit }” has to send { $at_least }; people of the units below it count. One of them must be of rank { $rank } or above.
step-obligation-rank-head = “{ $unit }” has to send { $at_least }; people of the units below it count. One of them must be of rank { $rank } or above, and its head must come in person.
step-came-for-unit = { $person } came at { $at }.
step-came-for-unit-instead = { $person } came at { $at }, for { $named }.
step-unit-count = { $arrived } came of { $at_least }: enough.
step-unit-count-short = { $arrived } came of { $at_least }: too few.
step-unit-rank = The highest rank among those who came is { $highest }, which is enough for the { $rank } asked.
step-unit-rank-low = The highest rank among those who came is { $highest }, below the { $rank } asked.
step-unit-no-rank = No rank is on record for anybody who came; { $rank } or above is asked.
step-unit-head = The head, { $person }, came.
step-unit-no-head = The unit's head did not come.

# Inspectors.
step-observed = Written down on the spot by { $observer } at { $at }.
step-observed-note = Written down on the spot by { $observer } at { $at }: “{ $note }”.
# Duties.
duty-role-none = officer on duty
step-duty = Duty { $interval } at { $place }, { $role }: { $person }; arrivals count from { $sign_in_opens }.
step-still-there = Came for the duty before ({ $role }) at { $came_in }, did not go out and stays for this one.
step-proof = Check at { $check }: a swipe at the place at { $at } shows that the person was there.
step-proof-missed = Check at { $check }: no swipe at the place during { $interval }, so the person was not there.
step-hands-over = To be handed over to { $person } ({ $role }).
step-successor-came = The successor came at { $at }.
step-no-successor = The successor was not seen coming (looked for until { $until }).
step-left-before-successor = Left at { $left }; the successor came only at { $came }, so the two did not meet.

# How certain it is.
step-withheld = The reader “{ $reader }” was down from { $from } to { $until } and may have missed a swipe: withheld.
step-withheld-still = The reader “{ $reader }” has been down since { $from } and may have missed a swipe: withheld.
step-covered = Every reader that matters was up during { $interval }.
step-provisional-until = Provisional: it may still change until { $at }.
step-provisional = Provisional: it may still change until the meeting is over.
step-final = Final, unless new facts come to light.
step-not-over = Not over yet: swipes until { $until } still count.
step-nothing-wrong = Nothing is wrong.
step-concluded = Verdict: { $kind }.
step-concluded-withheld = Withheld: the verdict is “{ $kind }” only if no swipe was missed.
step-concluded-length = Verdict: { $kind }, { $minutes } min (a begun minute counts as one).
step-concluded-by-lateness = Verdict: { $kind } by lateness of { $minutes } min (a begun minute counts as one).

# Counting
step-escalation = Under “{ $name }”: { $count } times { $kinds } { $window }.
step-escalation-since = Under “{ $name }”, in force from { $from }: { $count } times { $kinds } { $window }.
step-escalation-of-units = Under “{ $name }”, for { $units }: { $count } times { $kinds } { $window }.
step-escalation-since-of-units = Under “{ $name }”, in force from { $from }, for { $units }: { $count } times { $kinds } { $window }.
step-counted = No. { $number }: { $date }, { $place }: { $kind }.
step-counted-date = No. { $number }: { $date }: { $kind }.
step-count-reached = From { $first } to { $date } there were { $count }: { $yields }.
words-or = { " or " }
window-month = within a calendar month
window-quarter = within a calendar quarter
window-year = within a calendar year
window-days = within { $days } days
