# Admin pages.
admin-brand = Rollcall
admin-skip = Skip to content
admin-navigation = Main
admin-nav-today = Today
admin-nav-review = Weekly review
admin-demo = Demo
admin-language = Language
admin-log-in = Log in
admin-log-out = Log out

# Dates and verdicts.
admin-day = { $day } { $month ->
    [1] Jan
    [2] Feb
    [3] Mar
    [4] Apr
    [5] May
    [6] Jun
    [7] Jul
    [8] Aug
    [9] Sep
    [10] Oct
    [11] Nov
   *[12] Dec
}
admin-weekday = { $number ->
    [1] Mon
    [2] Tue
    [3] Wed
    [4] Thu
    [5] Fri
    [6] Sat
   *[7] Sun
}
admin-day-and-weekday = { $weekday } { $day }
admin-verdict = { $kind } { $minutes } min
admin-verdict-since = { $kind } since { $time }
admin-verdict-in = { $place } · { $verdict }
admin-in = in
admin-out = out
admin-undetermined = swipe
admin-absence-leave = Leave
admin-absence-trip = Business trip
admin-absence-errand = Official errand
admin-half-holiday = Half holiday
admin-permission = Allowed out
admin-grace = Grace
admin-check-met = Check { $time } answered
admin-check-missed = Check { $time } missed
admin-in-order = In order
admin-away = Excused
admin-state-withdrawn = withdrawn

# Login and accounts.
admin-name = Account
admin-password = Password
admin-login-hint = Forgot the password? On the server, run:
admin-login-fresh = There is no account yet. Open the one-time link in the start-up log to create the first one.
admin-login-wrong = The account or the password is wrong.
admin-login-wait = Too many wrong passwords. Try again in { $seconds } s.
admin-setup-title = Create the first account
admin-setup-lead = This link works once.
admin-setup-create = Create and log in
admin-new-password = New password
admin-password-again = New password again
admin-password-hint = At least 12 characters, the longer the better; not containing the account name.
admin-current-password = Current password
admin-account-title = Change password
admin-account-lead = All other logins of this account will end.
admin-account-change = Change password
admin-account-done = The password is changed and all other logins have ended.
admin-account-name-unfit = The account name needs 1 to 64 characters, without blanks at its ends.
admin-account-name-taken = There is an account of that name.
admin-account-password-short = The password needs at least 12 characters.
admin-account-password-long = The password is too long: at most 256 bytes.
admin-account-password-easy = The password is too easy: it must not contain the account name nor repeat one character.
admin-account-passwords-differ = The two new passwords differ.
admin-account-current-wrong = The current password is wrong.

# Errors.
admin-error-title = That did not work
admin-error-back = Back to the start
admin-error-request = Request
admin-error-unauthenticated = Please log in first.
admin-error-not-found = There is no such page, or the link is no longer valid.
admin-error-foreign-origin = The request did not come from our own pages and was refused. Open the pages at their public address and try again.
admin-error-stale-form = The page was outdated and nothing was changed. Go back, reload it and try again.
admin-error-malformed = What was sent could not be understood.
admin-error-busy = The system is busy. Try again in a moment.
admin-error-unavailable = The database does not answer at the moment and nothing was changed. Try again in a moment.
admin-error-internal = Something failed in the system and nothing was changed. Tell the operator the request number.

# Today.
admin-today-review = Review this week
admin-today-duties = On duty
admin-duty-who = Who
admin-duty-when = When
admin-duty-state = State
admin-duty-expected = not due yet
admin-duty-present = there since { $time }
admin-duty-out = out since { $time }
admin-duty-missing = not there
admin-duty-withheld = withheld
admin-duty-excused = on leave
admin-today-findings = Findings of today
admin-today-nothing = Nothing has been found today so far.
admin-no-unit = No unit
admin-count-late = late
admin-count-early = left early
admin-count-absent = not arrived, absent
admin-count-missing = swipe missing
admin-count-walk = stepped or walked out
admin-count-withheld = withheld
admin-count-swipes = swipes today
admin-count-measure-findings = { "" }
admin-count-measure-swipes = { "" }
admin-today-sources = Sources
admin-today-no-sources = No reader is on record.
admin-today-feeds = Meeting calendars
admin-feed-name = Calendar
admin-feed-meetings = Meetings
admin-feed-seen = Looked at
admin-feed-faulty = { $errors } errors
admin-feed-away = cannot be had
admin-source-reader = Reader
admin-source-place = Place
admin-source-state = State
admin-source-swipes = Swipes
admin-source-last = Last
admin-source-up = OK
admin-source-down = no signal since { $since }
admin-source-unknown = not on record
admin-today-rejected = Unreadable input today
admin-today-rejected-hint = Kept as it came, and not judged. The raw bytes of the newest:
admin-today-none-rejected = None.
admin-today-unknown = Unknown badges today
admin-today-unknown-hint = Their swipes are kept, and judged once somebody owns the badge.
admin-today-none-unknown = None.
admin-unknown-badge = Badge
admin-unknown-times = Times
admin-unknown-more = { $count } more.

# Weekly review.
admin-week-title = Week { $week }, { $year }
admin-week-dates = { $from } – { $until }, { $count } findings
admin-week-decided = { $decided } of { $count } decided
admin-week-previous = Week before
admin-week-next = Week after
admin-list = Findings
admin-tabs = By state of review
admin-tab-open = Open
admin-tab-unsettled = Unsettled
admin-tab-changed = Changed
admin-tab-confirmed = Confirmed
admin-tab-waived = Waived
admin-filter-unit = Unit
admin-filter-kind = Kind
admin-filter-date = Date
admin-filter-person = Name or number
admin-filter-all-units = All units
admin-filter-all-kinds = All kinds
admin-filter-all-days = All days
admin-filter-apply = Filter
admin-filter-clear = Clear
admin-list-empty = Nothing here.
admin-list-pages = Page { $page } of { $pages }
admin-list-pages-label = Pages of the list
admin-detail-none = Choose a finding on the left to see its day and its reasons.
admin-detail-subtitle = { $unit } · no. { $person } · { $day }
admin-detail-position = { $number } of { $count }
admin-detail-earlier = Finding before
admin-detail-later = Finding after
admin-picture = The day
admin-picture-legend = ● in · ○ out · hatched: grace
admin-picture-title = { $name }, { $day }
admin-picture-nothing = Nothing was asked of this person that day, and there were no swipes.
admin-picture-table = The same as a table
admin-row-expected = Expected
admin-row-meetings = Meetings
admin-row-duties = Duty
admin-row-absences = Absences
admin-row-swipes = Swipes
admin-row-verdict = Verdict
admin-fact-what = What
admin-fact-when = When
admin-fact-more = Details
admin-why = { $place }: why “{ $kind }”
admin-why-withheld = { $place }: why “{ $kind }” is withheld
admin-why-fine = { $place }: why nothing is wrong
admin-judged = Rules version { $rules } · judged { $when }
admin-decide = Decide
admin-decide-again = What this says has changed since it was decided, as the history below shows. Decide again.
admin-confirm = Confirm
admin-waive = Waive
admin-reason = Reason to waive
admin-reason-hint = A waiver needs a reason, which goes into the audit log.
admin-reason-queue = Queue at the gate
admin-reason-errand = Urgent errand, papers handed in later
admin-reason-badge = Badge forgotten, colleagues confirm presence
admin-reason-weather = Severe weather or traffic disruption
admin-decisions = Decisions
admin-decisions-none = Nobody has decided yet.
admin-decided-confirm = { $actor } confirmed
admin-decided-waive = { $actor } waived
admin-history = History of the verdict
admin-done-confirmed = Confirmed.
admin-done-waived = Waived.
admin-undecidable-withdrawn = This no longer holds and was withdrawn; there is nothing to decide.
admin-undecidable-decided = This is decided. It is open again when what it says changes.
admin-undecidable-withheld = Withheld: a reader that could have shown it was not heard. Decide once its data has come, or is declared lost.
admin-undecidable-provisional = Not settled: time alone can still change it. Decide once it is final.
admin-conflict-decided = { $actor } has just decided this; your action had no effect.
admin-conflict-changed = What this says has just changed; your action had no effect. Look again before deciding.
admin-conflict-unjudged = The facts have just changed and are being judged again; your action had no effect. Reload in a moment.
admin-conflict-reason-missing = A waiver needs a reason; your action had no effect.
admin-conflict-reason-long = The reason may have at most 500 characters; your action had no effect.
admin-keys-move = next, previous
admin-keys-confirm = confirm
admin-keys-waive = write a reason
admin-keys-switch = Single-key shortcuts

# Why input could not be read.
admin-rejected-noise = noise
admin-rejected-truncated = cut off
admin-rejected-too-long = too long
admin-rejected-length = wrong length
admin-rejected-bad-character = bad character
admin-rejected-checksum = wrong checksum
admin-rejected-parity = wrong parity
admin-rejected-ambiguous = ambiguous
admin-rejected-collision = several cards at once
admin-rejected-payment-card = payment card; nothing of it is kept
admin-rejected-out-of-range = out of range
admin-rejected-not-utf8 = not UTF-8
admin-rejected-control-byte = control character
admin-rejected-empty-badge = no badge number
admin-rejected-too-many-fields = too many fields
admin-rejected-bad-instant = unreadable time
admin-rejected-bad-direction = unreadable direction
admin-rejected-not-json = not JSON
admin-rejected-not-xml = not XML
admin-rejected-too-deep = nested too deeply
admin-rejected-foreign-table = a terminal in access control mode
admin-rejected-unknown-terminal = a terminal that is not configured
admin-rejected-wrong-comm-key = a terminal with another key
admin-rejected-not-authenticated = somebody was not let in or not recognised: no swipe
admin-rejected-unknown-event = an event of which nobody knows what it means
admin-rejected-unknown-controller = an access controller that is not configured
admin-rejected-wrong-push-key = an access controller with another key
admin-rejected-wrong-address = an access controller at another address
admin-rejected-bad-field = bad field
admin-rejected-serial-format = no serial_format is set
admin-rejected-undated = waited, and has no time
admin-clause-office = rule { $rule }
admin-clause-meeting = meeting rules
admin-clause-duty = duty rules
admin-clause-time = time rules
admin-clause-swipes = swipe rules
admin-clause-coverage = reader rules
admin-clause-counting = counting
admin-clause-words = schedule, calendar

# The page of rules: counting, and a trial
admin-nav-rules = Rules
admin-rules-title = Counting
admin-rules-sub = Confirmed findings that add up become a finding of their own, on which somebody decides.
admin-rules-in-force = In force
admin-rules-none = There is no rule yet. Write one in escalations.toml and import it.
admin-rules-name = Name
admin-rules-what = Counts
admin-rules-yields = Yields
admin-rules-of = Units
admin-rules-since = In force
admin-rules-counts = { $count } times { $kinds } { $window }
admin-rules-trial = Try a rule
admin-rules-trial-hint = Whom would this rule have flagged? A trial writes nothing.
admin-rules-kinds = What counts
admin-rules-count = How many
admin-rules-within = Within
admin-rules-days = within a number of days
admin-rules-number-of-days = Days (for “within a number of days”)
admin-rules-from = From
admin-rules-until = Before
admin-rules-counting = Which findings
admin-rules-final = every final one that is not waived
admin-rules-confirmed = only those confirmed
admin-rules-try = Try
admin-rules-tried = the rule tried
admin-rules-outcome = This rule would have flagged { $people } people, { $times } times
admin-rules-last = Look at the last one
admin-rules-wrong-kinds = Choose at least one kind of finding.
admin-rules-wrong-count = “How many” must be a whole number from 1 to 10000.
admin-rules-wrong-days = “Days” must be a whole number from 1 to 3660.
admin-rules-wrong-unit = There is no such unit; choose one from the list.
admin-rules-wrong-dates = Write dates as 2026-07-01, with “Before” later than “From”.
admin-verdict-escalation = { $rule }: { $yields }
admin-week-published = Published ({ $number })
admin-week-published-waiting = Published ({ $number }), corrections waiting: { $count }

# The page of a meeting.
admin-meeting-units = What units sent
admin-meeting-no-units = No unit has to send anybody to this meeting.
admin-meeting-asked = Asked
admin-meeting-came = Came
admin-meeting-proposals = Proposed substitutes
admin-meeting-proposals-hint = Who came without being on the roster while their unit is short. Once accepted, their presence counts as the named person's, and everything is judged again at once.
admin-meeting-nobody-open = Nobody of that unit on the roster is missing, so nobody needs a substitute.
admin-meeting-for = For whom
admin-meeting-reason = Reason (optional)
admin-meeting-accept = Accept
admin-meeting-unlisted = Came without being on the roster
admin-meeting-observations = Seen on the spot
admin-meeting-subject = Unit or person
admin-meeting-at = Time
admin-meeting-note = Note (optional)
admin-meeting-observe = Write down
admin-meeting-accepted = Accepted; judging again.
admin-meeting-observed = Written down; judging again.
admin-meeting-nobody = There is no such person, and nothing was recorded. Choose again.
admin-meeting-not-allowed = This meeting does not take such a substitute, or it was accepted before; nothing was recorded. See the meeting's “substitutes” setting.
admin-meeting-not-observed = Whom, which kind or when is not right, and nothing was recorded. Write the time as 10:20.
admin-meeting-stands-in = { $substitute } for { $person } (accepted by { $by })
admin-meeting-seen = { $at } { $subject }: { $kind } { $note } ({ $observer })
admin-meeting-roster = Who is to come
admin-meeting-no-roster = Nobody is named for this meeting.
admin-meeting-who = Person
admin-meeting-seat = Seat
admin-meeting-role = Role
admin-meeting-chair = Chair
admin-meeting-required = Required
admin-meeting-optional = Optional
admin-meeting-end = End
admin-meeting-later = Extended until
admin-meeting-earlier = Closed at
admin-meeting-move-end = Move the end
admin-meeting-until-later = extended until { $at }
admin-meeting-closed-earlier = closed at { $at }
admin-meeting-end-is = The meeting was { $moves } ({ $by })
admin-meeting-end-moved = The end is moved; judging again.
admin-meeting-end-not-moved = The end was not moved. An extension must lie after the announced end, an early close between the start and the end.
admin-meeting-permissions = Allowed to be out
admin-meeting-permit = Allow
admin-meeting-out-from = From
admin-meeting-out-until = Until
admin-meeting-may-be-out = { $person }: { $from } to { $until }
admin-meeting-permitted = Allowed; judging again.
admin-meeting-not-permitted = Who or when is not right, and nothing was recorded. The end must be later than the beginning.
admin-meeting-take-back = Take back
admin-meeting-taken-back = Taken back; judging again.
admin-meeting-gone = That was taken back or replaced before; nothing was recorded.
