# Readers: how each of them is, and what to do.
admin-nav-readers = Readers
admin-readers-subtitle = { $readers } readers, { $waiting } to look after
admin-readers-none = No readers yet. Write a [[reader]] into rollcall.toml and its place into readers.csv.
admin-readers-hint = Numbers count today and go on after a restart. Repeats: the same record delivered again, counted once. Held: its time is in doubt; it is stored, and judged once somebody has placed it in time. Of badge numbers only the end is shown.
admin-live = Live
admin-live-lost = Connection lost: this may be out of date
admin-live-over = The login has ended: reload the page
admin-since = since { $time }
admin-ago = { $length } ago
admin-just-now = just now
admin-length-seconds = { $seconds } s
admin-length-minutes = { $large } min { $small } s
admin-length-hours = { $large } h { $small } min
admin-length-days = { $large } d { $small } h
admin-clock-right = right
admin-clock-ahead = { $length } fast
admin-clock-behind = { $length } slow
admin-clock-ours = the reader tells no time: that of receipt by our clock
admin-clock-unmeasured = not measured; a reader that tells no time goes by our clock
admin-clock-measured = { $ahead } (measured { $time })
admin-clock-held = { $ahead } (measured { $time }): more than is tolerated, so its records are held

# Conditions, and what to do.
admin-reader-up = Well
admin-reader-waiting = Waiting for a first word
admin-reader-unconfigured = Not configured
admin-reader-catching-up = Catching up
admin-reader-down = Not heard
admin-reader-down-advice = Check power, cable and network; the text of the link says why. Until it is back, absences that it could disprove are withheld.
admin-reader-silent = Silent for too long
admin-reader-silent-advice = Present a card there; if nothing happens, check power and network. Until it is back, absences that it could disprove are withheld.
admin-reader-alarm = Alarm
admin-reader-alarm-advice = It was opened or moved, or its power fails: go and look.
admin-reader-clock-off = Clock is off
admin-reader-clock-off-advice = Set its clock (set_clock = true, or rollcall terminal clock). Records held until then are placed under “Held”.
admin-reader-unregistered = Not registered
admin-reader-unregistered-advice = Write its place into readers.csv and import. Until then its records are stored and not judged.
admin-reader-no-link = not in rollcall.toml
admin-reader-link = Link
admin-reader-last = Last badge
admin-reader-clock = Clock
admin-reader-backlog = { $records } to come
admin-reader-test = Present a card
admin-count-readings = Swipes
admin-count-duplicates = Repeats
admin-count-held = Held
admin-count-malformed = Unreadable
admin-held-clock-set = its terminal's clock was set, and its time cannot be compared
admin-held-clock-off = its reader's clock is off by more than is tolerated
admin-held-before-since = before the bureau's first day
admin-held-ahead = later than it was received
admin-held-reader-unknown = its reader is not registered
admin-nobodys-badge = nobody has this badge

# The page of one reader.
admin-reader-counts = Counts
admin-reader-today = Today
admin-reader-why = Why, today
admin-reader-run = Since start
admin-reader-recent = Badges read last
admin-reader-no-recent = No badge has been read yet.
admin-reader-lag = Against receipt
admin-reader-bad = What could not be read
admin-reader-outages = Times without signal
admin-reader-no-outages = None on record.
admin-outage-from = From
admin-outage-until = Until
admin-outage-length = Length
admin-outage-open = not back yet
admin-fact-link = Link
admin-fact-format = Format
admin-fact-link-state = Link state
admin-link-up = up since { $since }: { $text }
admin-link-down = down since { $since }: { $text }
admin-fact-heard = Last sign of life
admin-fact-silent-after = Longest silence
admin-fact-clock = Clock
admin-fact-backlog = Still to come
admin-fact-alarms = Alarms
admin-alarm-none = none
admin-alarm-tamper = opened or moved, since { $since }
admin-alarm-power = power fails, since { $since }
admin-alarm-both = opened or moved, and power fails, since { $since }

# The card test.
admin-test-waiting = Present a card at this reader: { $seconds } seconds left
admin-test-over = No card was read within { $seconds } seconds. Look at the link state and try again
admin-test-read = Read
admin-test-bad = Something came that could not be read:
admin-test-holder = Holder
admin-test-raw = Raw
admin-test-decoder = Decoder
admin-test-happened = Read at
admin-test-latency = From receipt to stored and judged
admin-test-drift = Clock
admin-test-outcome = Outcome
admin-test-recorded = stored
admin-test-duplicate = a repeat of a record that was here before
admin-test-assign = Give it to somebody
admin-test-evidence = A test only looks on: this swipe is stored and judged like any other.

# rollcall readers.
readers-running = The daemon runs; this is how things were { $seconds } s ago
readers-stopped = The daemon has stopped ({ $seconds } s ago); this is what it knew then, with the day's counts of the database
readers-gone = The daemon has written nothing for { $seconds } s: it was killed, or hangs; this is what it wrote last
readers-never-ran = The daemon has not run yet; this is from the configuration and the database

# Bridges.
admin-bridge = Bridge
admin-bridge-queue = Queue
admin-bridge-software = Version
admin-bridge-up = Connected
admin-bridge-down = Not connected
admin-bridge-never = never heard
admin-bridge-waiting = { $records } to come
admin-bridge-readers = { $readers } readers heard there
admin-bridge-full = Its queue or its disk is full: readers there are told to wait. See what keeps its records from coming, or give it a larger queue.
