# 判定依据：按办事员说明一天经过的顺序，一步一句。

length-hours = { $number } 小时
length-minutes = { $number } 分
length-seconds = { $number } 秒
length-still-growing = 尚在继续

weekday-mon = 星期一
weekday-tue = 星期二
weekday-wed = 星期三
weekday-thu = 星期四
weekday-fri = 星期五
weekday-sat = 星期六
weekday-sun = 星期日

facing-in = 进
facing-out = 出
facing-both = 不分进出
side-arrival = 上班
side-departure = 下班
words-of-unit = 单位
words-of-person = 本人
words-calendar = 日历
words-and = 、
absence-leave = 请假
absence-trip = 出差
absence-errand = 公出

# 适用什么。
step-schedule = 按作息“{ $schedule }”（适用于{ $who }“{ $name }”），{ $period }为 { $interval }。
step-schedule-edition = 按作息“{ $schedule }”{ $edition } 起施行的版本（适用于{ $who }“{ $name }”），{ $period }为 { $interval }。
step-calendar-holiday = { $date } 放假（{ $name }）。
step-calendar-workday = { $date } 调休上班（{ $name }），按{ $weekday }的作息。
step-calendar-morning-off = { $date } 上午放假（{ $name }），12:00 以前不计。
step-calendar-afternoon-off = { $date } 下午放假（{ $name }），12:00 起不计。
step-joined = { $periods } 连为一段，只看第一段的上班和最后一段的下班。
step-morning-off = 上午放假，{ $interval } 不计。
step-afternoon-off = 下午放假，{ $interval } 不计。
step-absence = 有已批准的{ $kind }“{ $absence }”（{ $interval }），其间不计。
step-absence-shortened = 有已批准的{ $kind }“{ $absence }”，原批至 { $approved }，已提前销假，按 { $interval } 计，其间不计。
step-no-absence = 已查请假、公出、出差：没有。
step-meeting-taken = 参加会议“{ $meeting }”，{ $interval } 不计入办公时段。
step-meeting-assumed = 列入会议“{ $meeting }”的名单，会议迟到未成立前视同在会，{ $interval } 暂不计入办公时段。
step-effective = 应在岗的时间为 { $pieces }。
step-excused = 全段都有正当事由，免予考勤。
step-windows = { $arrive_from } 起的刷卡可作上班（不分进出的到 { $arrive_until } 止），下班刷卡到 { $leave_until } 止（不分进出的从 { $leave_from } 起）。
step-break-earlier = 与 { $date } { $neighbour }之间的间歇（{ $interval }）两段共用：其间出去的刷卡归本段，进来的归后一段。
step-break-later = 与 { $date } { $neighbour }之间的间歇（{ $interval }）两段共用：其间进来的刷卡归本段，出去的归前一段。

# 看到什么。
step-swipe = { $at } 在“{ $reader }”刷卡（{ $faces }）。
step-repeats = 其后有 { $count } 次重复刷卡，至 { $at }，不单独计。
step-read-as-in = { $at } 的刷卡不分进出；此前已经出去，按进来看。
step-seen-at-meeting = { $at } 在会议“{ $meeting }”签到，说明人已到。
step-no-swipe = 没有任何刷卡记录。
step-arrival = { $at } 到，是最早的一次。
step-arrival-after-going-out = { $at } 到；此前来过，{ $out } 又出去了。
step-arrival-first-of-several = { $at } 到；前半段没有刷卡，取后半段几次不分进出的刷卡中的第一次。
step-no-arrival = 没有可作上班的刷卡。
step-departure = { $at } 离开，是最后一次。
step-departure-from-meeting = { $at } 从会议“{ $meeting }”退场，按此时离开。
step-no-departure = 没有可作下班的刷卡。
step-came-back = { $at } 又进来了，此前的出去不作下班。
step-another-visit = { $at } 起是另一次进入，不看。
step-satisfied-by-meeting = 会议“{ $meeting }”覆盖了{ $side }时刻，{ $side }免刷卡。
step-side-free = { $side }免刷卡，不判定。

# 由此得出什么。
step-due = 应到时刻为 { $due }。
step-due-meeting = 会议应到时刻为 { $due }。
step-due-flex = 弹性时间 { $flex }，最迟应到时刻为 { $due }。
step-due-late-stay = { $date } 晚走（{ $left } 离开，晚于 { $left_after }），下一工作日可晚到，应到时刻为 { $due }。
step-required-end = 应在岗至 { $at }。
step-required-end-moved = 弹性晚到，应在岗顺延 { $moved }，至 { $at }。
measure-lateness = 迟到
measure-not-there = 未到
measure-left-early = 早离
measure-open-gap = 离开
step-not-late = 到达不晚于应到时刻。
step-not-early = 离开时应在岗的时间已满。
step-length = { $what }时长：{ $from } 到 { $to }，计 { $length }。
step-length-covered = { $what }时长：{ $from } 到 { $to }，扣除不计的 { $not_counted }，计 { $length }。
step-length-open = { $what }时长：从 { $from } 起，尚在继续。
step-length-open-covered = { $what }时长：从 { $from } 起，扣除不计的 { $not_counted }，尚在继续。
limit-grace-late = 迟到宽限
limit-grace-early = 早退宽限
limit-serious-after = 严重迟到的界限
limit-absent-after = 缺勤的界限
limit-late-absent-after = 迟到按缺席计的界限
limit-step-out-allowance = 外出限时
limit-early-leave-shown-after = 早退公示前的等待时间
limit-exit-allowance = 离场限时
step-exceeds = { $length }，超过{ $what } { $allowed }。
step-exceeds-nothing = { $length }，{ $what }为零，计入。
step-exceeds-nothing-already = { $what }为零，已计入。
step-within = { $length }，未超过{ $what } { $allowed }。
step-exceeds-already = 已超过{ $what } { $allowed }。
step-within-so-far = 目前未超过{ $what } { $allowed }。
step-counted-from-grace-end = 按规定扣除宽限 { $grace }，计 { $length }。
step-gap = { $from } 出去，{ $to } 回来，计 { $length }，在限时以内。
step-gap-counts = { $from } 出去，{ $to } 回来，计 { $length }，超过限时。
step-ended-before-arrival = 本段 { $ended } 已结束，{ $arrived } 才到。
step-not-seen-since-absence = “{ $absence }”{ $ended } 期满后，没有在办公处所刷卡。
step-sign-of-presence = { $at } 有刷卡，说明人来过，只缺下班刷卡。

# 会议。
step-meeting = 会议“{ $meeting }”，{ $interval }，地点{ $place }，{ $sign_in_opens } 起签到。
step-optional-role = 列席人员，只显示，不判定。
step-permission = 经批准，{ $interval } 可不在场。
step-at-other-meeting = { $interval } 在参加会议“{ $meeting }”，不计。
step-carried-over = { $came_in } 已进入会场，没有出去，从 { $present_from } 起算在场。
step-opening = { $at } 入场。
step-closing = { $at } 出场。
step-wrong-room = { $at } 在{ $place }刷卡，不是本会议的会场，不计。
step-exit = { $from } 离场，{ $to } 返回，计 { $length }，在限时以内。
step-exit-counts = { $from } 离场，{ $to } 返回，计 { $length }，超过限时。
step-exit-open = { $from } 离场，没有返回，计 { $length }，目前在限时以内。
step-exit-open-counts = { $from } 离场，没有返回，计 { $length }，超过限时。
step-exits = 离场后返回 { $count } 次，允许 { $allowed } 次。
step-exits-too-many = 离场后返回 { $count } 次，超过允许的 { $allowed } 次。

# 有多大把握。
step-withheld = 读卡器“{ $reader }”{ $from } 到 { $until } 中断，可能漏记，暂缓判定。
step-withheld-still = 读卡器“{ $reader }”从 { $from } 起中断，可能漏记，暂缓判定。
step-covered = { $interval } 有关读卡器都正常。
step-provisional-until = 待定，{ $at } 前可能变化。
step-provisional = 待定，会议结束前可能变化。
step-final = 已定，除非有新的事实。
step-not-over = 尚未结束，看到 { $until } 为止。
step-nothing-wrong = 正常。
step-concluded = 判定：{ $kind }。
step-concluded-length = 判定：{ $kind } { $minutes } 分钟（不足一分钟的按一分钟计）。
step-concluded-by-lateness = 判定：{ $kind }，因迟到 { $minutes } 分钟（不足一分钟的按一分钟计）。
