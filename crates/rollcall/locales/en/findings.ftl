# Kinds of findings: boards, lists and exports all use these names.
kind-not_arrived = not arrived
kind-late = late
kind-seriously_late = seriously late
kind-absent = absent
kind-early_leave = left early
kind-missing_arrival = arrival missing
kind-missing_departure = departure missing
kind-step_out = stepped out
kind-overstayed_leave = leave overstayed
kind-duty_late = late for duty
kind-duty_absent = absent from duty
kind-duty_left = left duty
kind-handover_missing = handover missing
kind-meeting_late = late for the meeting
kind-meeting_absent = absent from the meeting
kind-meeting_early_leave = left the meeting early
kind-walk_out = walked out
kind-walking_about = walked about
kind-seating = seating
kind-conduct = conduct
kind-unit_absent = unit absent
kind-unit_short = unit sent too few
kind-unit_rank = unit sent nobody of rank
kind-escalation = repeated

# States.
state-provisional = provisional
state-final = final
state-withheld = withheld

# What a finding is about, besides periods and meetings.
about-duty = duty
about-duty-role = duty ({ $role })
duty-role-leader = leader on duty
about-date = the day
