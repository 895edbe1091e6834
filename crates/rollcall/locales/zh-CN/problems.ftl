# 问题出在哪里。
place-file = { $file }：{ $what }
place-row = { $file } 第 { $row } 行：{ $what }
place-key = { $file } 第 { $row } 行，{ $key }：{ $what }

# 站点文件夹里有什么问题，该怎么办。
problem-file_unreadable = 文件无法读取（{ $reason }）。请确认它是普通文件，并且有读取权限。
problem-file_unknown = 站点文件夹里没有这个名称的文件，未予读取。请核对文件名。
problem-not_utf8 = 编码不是 UTF-8。请另存为 UTF-8（在电子表格中选“CSV UTF-8”）。
problem-column_unknown = 不认识的列“{ $column }”，未予读取。本文件可用的列：{ $known }。
problem-column_missing = 缺少“{ $column }”列，整个文件的各行都不能生效。请在表头补上。
problem-column_duplicate = 表头中“{ $column }”列出现两次，只读取第一个。请删去一个。
problem-row_too_long = 本行有 { $cells } 个单元格，表头只有 { $columns } 列。值里若有逗号，请加引号。
problem-quote_unclosed = 引号没有在本行内闭合。请补上引号；值里的引号要写两遍。
problem-toml_malformed = 不符合 TOML 格式：{ $reason }。请改正此行，其余内容仍会读取。
problem-key_unknown = 不认识的键“{ $column }”，未予读取。此处可用的键：{ $known }。
problem-value_missing = “{ $column }”为空或缺失。请填写。
problem-value_invalid = “{ $column }”不能写成“{ $value }”。可以写：{ $allowed }。
problem-number_invalid = “{ $column }”不能写成“{ $value }”。请写 { $least } 到 { $most } 之间的整数。
problem-instant_invalid = “{ $column }”的值“{ $value }”不是时刻。请写成 2026-09-16 08:30 或 2026-09-16T08:30:00+08:00。
problem-date_invalid = “{ $column }”的值“{ $value }”不是日期。请写成 2026-09-16。
problem-time_invalid = “{ $column }”不能写成“{ $value }”。请写成 08:30，次日写成 06:00+1。
problem-interval_empty = 从 { $from } 到 { $until } 没有时间。请让结束晚于开始。
problem-duplicate = 与第 { $first } 行重复，以第 { $first } 行为准。请删去一行。
problem-unit_unknown = units.csv 里没有单位“{ $value }”。请在那里补上，或在此改正。
problem-unit_cycle = “{ $value }”不能隶属于“{ $parent }”：后者已经在它之下。请改正其中一个上级单位。
problem-person_unknown = people.csv 里没有人员“{ $value }”。请在那里补上，或在此改正。
problem-place_unknown = places.csv 里没有位置“{ $value }”。请在那里补上，或在此改正。
problem-reader_unknown = readers.csv 里没有读卡器“{ $value }”。请在那里补上；它报来的记录都已保留，补上后即生效。
problem-reader_unplaced = 读卡器“{ $value }”在 { $at } 没有所在位置。请在 readers.csv 补上这段时间；刷卡记录已保留。
problem-badge_unknown = badges.csv 里没有卡号“{ $value }”。请在那里补上；刷卡记录都已保留，补上后即生效。
problem-badge_unowned = 卡号“{ $value }”在 { $at } 不属于任何人。请在 badges.csv 补上这段时间；刷卡记录已保留。
problem-schedule_unknown = schedules.toml 里没有作息“{ $value }”。请在那里补上，或在此改正；不考勤写“none”。
problem-meeting_unknown = meetings.toml 里没有会议“{ $value }”。请在那里补上，或在此改正。
problem-not_on_roster = “{ $value }”不在这次会议的参会名单（meeting_roster.csv）里，无从代会。请先列入名单，或在此改正。
problem-substitute_not_allowed = 这次会议不接受“{ $value }”代会：不能是本人，也要符合 meetings.toml 里的 substitutes（none 不许代会，within_unit 只限被代人本单位及其下属单位）。请改正此行或该设置。
problem-duty_unknown = duties.csv 里没有值班“{ $value }”。请在那里补上，或在此改正。
problem-decision_unmatched = 这条决定没有对应的已定情形，不计入累计：没有判定出它，或它还会变化。请核对 subject、date、period 或 meeting、kind。
problem-not_imported = 文件已检查，但不导入：情形由人在周审核里处理。
problem-check_outside_duty = { $value } 时没有人值“{ $duty }”这一班。查岗时间须在该班起止时间之内，请改正。
problem-duty_too_long = 值班到 { $value } 才结束，超过了 { $most } 天，多半是日期写错了。请改正，或分成几班。
problem-swipe_quarantined = { $reason ->
    [before_since] 时间 { $at } 早于 site.toml 的 since，卡号“{ $value }”的这次刷卡予以保留，暂不判定。请校准读卡器时钟，或改早 since。
   *[ahead_of_receipt] 时间 { $at } 晚于接收时间，超出 clock_tolerance_seconds 所允许的范围，卡号“{ $value }”的这次刷卡予以保留，暂不判定。请校准读卡器时钟，并改正时间。
}
problem-punch_unreadable = { $reason ->
    [bad_instant] 时间无法识别。请写成 2026-09-16 08:30:00，年份在前。
    [empty_badge] 没有卡号。请填写卡号或工号。
    [bad_field] 数字有误，或电子表格把卡号变成了 1.2E+09 这样的数。请把该列设为文本后重新导出。
    [bad_direction] 方向无法识别。请写 in、out 或 both。
    [not_utf8] 不是 UTF-8 编码。请把文件另存为 UTF-8。
    [control_byte] 含有控制字符。请重新导出文件。
   *[other] 不是一条记录（{ $reason }）。请与前后各行比较。
}此行原样保存，其余各行照常导入。
problem-calendar_malformed = 不是日历文件。请从日历软件导出 iCalendar（.ics）文件，节假日也可以用 holiday-cn 的 JSON 或 calendar.csv 格式。
problem-calendar_answer = 这是某人对会议邀请的答复，不含参会名单，未予采用。请导入邀请或整个日历。
problem-calendar_cut = 日历不完整：末尾缺少 END:VCALENDAR。此文件未予采用，也不撤销任何会议。请提供完整的文件。
problem-calendar_empty = 日历里一个日程也没有。已导入的会议保持不变；若确实都已取消，请逐个标为取消，或手工删除。
problem-calendar_incomplete = 有日程连标识（UID）都读不出，因此这一次不撤销任何会议。请改正上面列出的日程。
problem-calendar_unreachable = 取不到日历（{ $reason }）。已导入的会议保持不变，稍后再试。
problem-event_without_start = 日程“{ $value }”没有可读的时间，未予采用。请在日历里改正。
problem-event_without_end = 日程“{ $value }”没有晚于开始的结束时间（或超过 31 天），未予采用。请在日历里改正。
problem-event_zone_unknown = 日程“{ $value }”的时区“{ $reason }”无从得知，未予采用。请改用 Asia/Shanghai 之类的时区。
problem-event_rule_unusable = 日程“{ $value }”的重复规则不能采用（{ $reason }）。请在日历里改成按天、周、月或年重复。
problem-event_too_many = 日历太大：日程超过 { $count } 个，或展开耗时过长。请缩短时间范围，或拆成几个日历。
problem-event_place_unknown = 日程“{ $value }”的地点“{ $reason }”与 places.csv 的位置都对不上，未予采用。请改正地点，或在 [[meeting_calendar]] 里写 place，或用 --place。
problem-event_all_day = 日程“{ $value }”是全天日程，没有开会时间，未予采用。请写明时间，或在 [[meeting_calendar]] 里写 all_day = "09:00-17:00"。
problem-event_elsewhere = 日程“{ $value }”已由日历“{ $reason }”导入，以那个日历为准。
problem-attendee_unknown = people.csv 里没有人用邮箱“{ $value }”（{ $count } 个会议），未列入名单。本单位的人请补上 mail 列。
problem-attendee_ambiguous = people.csv 里有几个人用同一邮箱“{ $value }”，未列入名单。请改正。
problem-attendee_declined = “{ $value }”谢绝了 { $count } 个会议，按可选参会列入，不作判定。须到会的请在 meeting_roster.csv 里写明。
problem-day_none = 文件里一天也没有：通知可能尚未发布。现行日历保持不变。
problem-day_by_hand = { $value } 由手工写定，不按导入的日历更改。
problem-day_partly = 日程“{ $value }”既不是整天，也不是以 12:00 为界的半天，未予采用。请写成全天，或到 12:00 为止、从 12:00 开始。
problem-day_unmarked = 有 { $count } 个日程没有注明休或班（例如“{ $value }”），未予采用：同一日历里别的日程是注明了的。
problem-problems_left_out = “{ $problem }”类问题另有 { $count } 处没有列出。请先改正已列出的，再检查一次。
