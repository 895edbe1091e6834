# Where a problem is.
place-file = { $file }: { $what }
place-row = { $file }, row { $row }: { $what }
place-key = { $file }, line { $row }, { $key }: { $what }

# What is wrong in a site folder, and what to do about it.
problem-file_unreadable = the file cannot be read ({ $reason }). Check that it is a plain file and that you may read it.
problem-file_unknown = no file of this name belongs to a site folder, so it is not read. Check its spelling.
problem-not_utf8 = this is not UTF-8. Save the file as UTF-8 (in a spreadsheet: “CSV UTF-8”).
problem-column_unknown = the column “{ $column }” means nothing here and is not read. Columns of this file: { $known }.
problem-column_missing = the column “{ $column }” is missing, so no row of the file counts. Add it to the header.
problem-column_duplicate = the header has the column “{ $column }” twice; the first one is read. Remove one.
problem-row_too_long = { $cells } cells under { $columns } columns. Put quotation marks around a value that holds a comma.
problem-quote_unclosed = a quotation mark is not closed on its line. Close it; write a quotation mark inside a value twice.
problem-toml_malformed = this is not TOML: { $reason }. Correct the line; what stands elsewhere is still read.
problem-key_unknown = the key “{ $column }” means nothing here and is not read. Keys that stand here: { $known }.
problem-value_missing = “{ $column }” is empty or missing. Write a value.
problem-value_invalid = “{ $value }” cannot stand for “{ $column }”. Write one of: { $allowed }.
problem-number_invalid = “{ $value }” cannot stand for “{ $column }”. Write a whole number from { $least } to { $most }.
problem-instant_invalid = “{ $value }” for “{ $column }” is no instant. Write 2026-09-16 08:30, or 2026-09-16T08:30:00+08:00.
problem-date_invalid = “{ $value }” for “{ $column }” is no date. Write it as 2026-09-16.
problem-time_invalid = “{ $value }” cannot stand for “{ $column }”. Write a time as 08:30, or 06:00+1 for the next day.
problem-interval_empty = from { $from } until { $until } nothing lies between. Write an end that is later than the start.
problem-duplicate = this is there already, on line { $first }, and that one counts. Remove one of the two.
problem-unit_unknown = the unit “{ $value }” is not in units.csv. Add it there or correct it here.
problem-unit_cycle = “{ $value }” cannot be below “{ $parent }”, which is below it already. Correct one of the parents.
problem-person_unknown = the person “{ $value }” is not in people.csv. Add them there or correct it here.
problem-place_unknown = the place “{ $value }” is not in places.csv. Add it there or correct it here.
problem-reader_unknown = the reader “{ $value }” is not in readers.csv. Add it there; what it reported is kept and counts from then on.
problem-reader_unplaced = the reader “{ $value }” stands nowhere at { $at }. Extend a row of readers.csv; the swipe is kept until then.
problem-badge_unknown = the badge “{ $value }” is not in badges.csv. Add it there; its swipes are kept and count from then on.
problem-badge_unowned = the badge “{ $value }” belongs to nobody at { $at }. Extend a row of badges.csv; the swipe is kept until then.
problem-schedule_unknown = the schedule “{ $value }” is not in schedules.toml. Add it there or correct it here; “none” means no office hours.
problem-meeting_unknown = the meeting “{ $value }” is not in meetings.toml. Add it there or correct it here.
problem-not_on_roster = “{ $value }” is not on the roster of this meeting (meeting_roster.csv), so nobody can stand in for them. Add them to the roster or correct this row.
problem-substitute_not_allowed = this meeting does not take “{ $value }” as a substitute: it must be another person, and “substitutes” in meetings.toml must allow it (none: nobody; within_unit: only people of the named person's unit and those below it). Correct this row or that setting.
problem-duty_unknown = the duty “{ $value }” is not in duties.csv. Add it there or correct it here.
problem-decision_unmatched = there is no final finding for this decision, so it is not counted: nothing of the kind was found, or it can still change. Check subject, date, period or meeting, and kind.
problem-not_imported = the file is checked and not imported: people decide on findings in the weekly review.
problem-check_outside_duty = nobody is on the duty “{ $duty }” at { $value }. Write a time within that duty.
problem-duty_too_long = the duty ends only at { $value }, after more than { $most } days, which is likely a mistyped date. Correct it, or write several duties.
problem-swipe_quarantined = { $reason ->
    [before_since] the time { $at } lies before “since” of site.toml, so the swipe of badge “{ $value }” is kept and not judged. Set the reader's clock, or move “since”.
   *[ahead_of_receipt] the time { $at } lies further after “received_at” than “clock_tolerance_seconds” allows, so the swipe of badge “{ $value }” is kept and not judged. Set the reader's clock and correct the time.
}
problem-punch_unreadable = { $reason ->
    [bad_instant] the time is none. Write it as 2026-09-16 08:30:00, the year first.
    [empty_badge] there is no badge. Write the badge or PIN.
    [bad_field] a number is none, or a spreadsheet turned a badge into one like 1.2E+09. Export again with the column as text.
    [bad_direction] the direction is none. Write in, out or both.
    [not_utf8] this is not UTF-8. Save the file as UTF-8.
    [control_byte] a control character stands inside. Export the file again.
   *[other] this is no record ({ $reason }). Compare it with the lines around it.
} The line is kept as it came; the others count.
problem-calendar_malformed = this is no calendar file. Export iCalendar (.ics) from the calendar program; holidays may also be the JSON of holiday-cn, or in the form of calendar.csv.
problem-calendar_answer = this is somebody's answer to an invitation and does not say who is asked; it is left out. Import the invitation, or the whole calendar.
problem-calendar_cut = the calendar ends in the middle: the line END:VCALENDAR is missing. Nothing is taken from it and no meeting is withdrawn. Bring the whole file.
problem-calendar_empty = the calendar has no entry at all. What was imported stays; if everything is called off, mark the meetings as cancelled, or remove them by hand.
problem-calendar_incomplete = an entry cannot even be told by its UID, so this time no meeting is withdrawn. Correct the entries above.
problem-calendar_unreachable = the calendar cannot be had ({ $reason }). What was imported stays, and it is tried again later.
problem-event_without_start = the entry “{ $value }” has no time that can be read and is left out. Correct it in the calendar.
problem-event_without_end = the entry “{ $value }” does not end after it starts (or lasts more than 31 days) and is left out. Correct it in the calendar.
problem-event_zone_unknown = nobody can know the time zone “{ $reason }” of the entry “{ $value }”; it is left out. Use a zone such as Asia/Shanghai.
problem-event_rule_unusable = the entry “{ $value }” comes again by a rule that cannot be followed ({ $reason }). Let it come again by days, weeks, months or years.
problem-event_too_many = the calendar is too large: more than { $count } entries, or it takes too long to expand. Shorten the window, or split the calendar.
problem-event_place_unknown = the location “{ $reason }” of the entry “{ $value }” is no place of places.csv; it is left out. Correct the location, write place in [[meeting_calendar]], or use --place.
problem-event_all_day = the entry “{ $value }” lasts all day and says no time to meet; it is left out. Write the time, or all_day = "09:00-17:00" in [[meeting_calendar]].
problem-event_elsewhere = the entry “{ $value }” was brought by the calendar “{ $reason }” already, and that one counts.
problem-attendee_unknown = nobody in people.csv has the mail address “{ $value }” ({ $count } meetings), so it is on no roster. Fill in the column mail if it is one of yours.
problem-attendee_ambiguous = several people in people.csv have the mail address “{ $value }”, so it is on no roster. Correct it there.
problem-attendee_declined = “{ $value }” has declined { $count } meetings and is on their rosters as optional, which is not judged. Who must come all the same belongs into meeting_roster.csv.
problem-day_none = the file has no day: the notice may not be out yet. The calendar in force stays as it is.
problem-day_by_hand = { $value } was written by hand and stays as it is, whatever the imported calendar says.
problem-day_partly = the entry “{ $value }” is neither whole days nor a half that ends or begins at 12:00; it is left out. Make it all day, or a half.
problem-day_unmarked = { $count } entries (such as “{ $value }”) do not say whether they are days off or workdays and are left out, because others of the same calendar do.
problem-problems_left_out = { $count } more of the kind “{ $problem }” are not listed. Correct those that are, and look again.
