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
kind-meeting_late = late for the meeting
kind-meeting_absent = absent from the meeting
kind-meeting_early_leave = left the meeting early
kind-walk_out = walked out
kind-walking_about = walked about

# States.
state-provisional = provisional
state-final = final
state-withheld = withheld
