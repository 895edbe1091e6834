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
step-schedule = 按作息“{ $schedule }”（{ $who }“{ $name }”适用），{ $period }为 { $interval }。
step-schedule-edition = 按作息“{ $schedule }”{ $edition } 起施行的版本（{ $who }“{ $name }”适用），{ $period }为 { $interval }。
step-calendar-holiday = { $date } 放假（{ $name }）。
step-calendar-workday = { $date } 调休上班（{ $name }），按{ $weekday }的作息。
step-calendar-morning-off = { $date } 上午放假（{ $name }），12:00 以前不计。
step-calendar-afternoon-off = { $date } 下午放假（{ $name }），12:00 起不计。
step-joined = { $periods } 连成一段，只看这一段开始时的上班和结束时的下班。
step-morning-off = 上午放假，{ $interval } 不计。
step-afternoon-off = 下午放假，{ $interval } 不计。
step-absence = 有经批准的{ $kind }“{ $absence }”（{ $interval }），这段时间不计。
step-absence-shortened = 有经批准的{ $kind }“{ $absence }”，原批到 { $approved }，已提前销假，按 { $interval } 计，这段时间不计。
step-no-absence = 查请假、公出、出差记录：没有。
step-meeting-taken = 参加会议“{ $meeting }”，{ $interval } 不计入在岗时间。
step-meeting-assumed = 在会议“{ $meeting }”参会名单上，认定会议迟到之前视同在会，{ $interval } 暂不计入在岗时间。
step-duty-taken = 正在值班（{ $role }），{ $interval } 不计入在岗时间。
step-duty-assumed = 排有值班（{ $role }），认定值班迟到之前视同已到，{ $interval } 暂不计入在岗时间。
step-effective = 应在岗的时间为 { $pieces }。
step-excused = 整段都有正当事由，不作考勤要求。
step-windows = { $arrive_from } 起的刷卡可算上班（不分进出的，到 { $arrive_until } 为止）；{ $leave_until } 前的刷卡可算下班（不分进出的，从 { $leave_from } 起）。
step-break-earlier = 与{ $neighbour }之间的休息时间（{ $interval }）前后两段共用：其间出去的刷卡算本段，进来的算后一段。
step-break-later = 与{ $neighbour }之间的休息时间（{ $interval }）前后两段共用：其间进来的刷卡算本段，出去的算前一段。

# 看到什么。
step-swipe = { $at } 在{ $place }刷卡（{ $reader }，{ $faces }）。
step-repeats = 随后又重复刷卡 { $count } 次，到 { $at } 为止，不另计。
step-read-as-in = { $at } 的刷卡不分进出；此前人已出去，这次算进来。
step-seen-at-meeting = { $at } 在会议“{ $meeting }”签到，说明人已到岗。
step-seen-on-duty = { $at } 到岗值班（{ $role }），说明人已到岗。
step-no-swipe = 没有刷卡记录。
step-arrival = { $at } 到达，取最早的一次刷卡。
step-arrival-after-going-out = { $at } 到达；此前来过，{ $out } 又出去了。
step-arrival-first-of-several = { $at } 到达；前半段没有刷卡，取后半段几次不分进出的刷卡中最早的一次。
step-no-arrival = 没有可以算作到达的刷卡。
step-departure = { $at } 离开，取最晚的一次刷卡。
step-departure-from-meeting = { $at } 离开会议“{ $meeting }”，以此为离开时间。
step-departure-from-duty = { $at } 离开值班地点，以此为离开时间。
step-no-departure = 没有可以算作离开的刷卡。
step-came-back = { $at } 又进来了，此前的出去不算下班。
step-another-visit = { $at } 起是另一次进入，与本段无关。
step-satisfied-by-meeting = { $side }时间正在会议“{ $meeting }”期间，{ $side }不用刷卡。
step-satisfied-by-duty = { $side }时间正在值班（{ $role }），{ $side }不用刷卡。
step-side-free = { $side }不用刷卡，不作判定。

# 由此得出什么。
step-due = 应到时刻为 { $due }。
step-due-meeting = 会议应到时刻为 { $due }。
step-due-duty = 值班应到时刻为 { $due }。
step-due-flex = 弹性时间 { $flex }，最迟 { $due } 应到。
step-due-late-stay = { $date } 下班晚（{ $left } 离开，晚于 { $left_after }），下一个工作日可以晚到，应到时刻为 { $due }。
step-required-end = 应在岗至 { $at }。
step-required-end-moved = 弹性时间内晚到 { $moved }，在岗时间相应顺延至 { $at }。
measure-lateness = 迟到
measure-not-there = 未到
measure-left-early = 早离
measure-open-gap = 离开
step-not-late = 按时到达。
step-not-early = 离开时，应在岗的时间已满。
step-length = { $what }时长：{ $from } 到 { $to }，计 { $length }。
step-length-covered = { $what }时长：{ $from } 到 { $to }，减去不计的 { $not_counted }，计 { $length }。
step-length-open = { $what }时长：从 { $from } 起，尚在继续。
step-length-open-covered = { $what }时长：从 { $from } 起，减去不计的 { $not_counted }，尚在继续。
limit-grace-late = 迟到宽限
limit-grace-early = 早退宽限
limit-serious-after = 严重迟到的时限
limit-absent-after = 按缺勤计的时限
limit-late-absent-after = 迟到按缺席计的时限
limit-step-out-allowance = 允许外出的时间
limit-early-leave-shown-after = 早退公示前的等待时间
limit-exit-allowance = 允许离场的时间
step-exceeds = { $length }，超过{ $what }（{ $allowed }）。
step-exceeds-nothing = 未设{ $what }，{ $length } 全部计入。
step-exceeds-nothing-already = 未设{ $what }，已经计入。
step-within = { $length }，没有超过{ $what }（{ $allowed }）。
step-exceeds-already = 已超过{ $what }（{ $allowed }）。
step-within-so-far = 目前没有超过{ $what }（{ $allowed }）。
step-counted-from-grace-end = 按规定从宽限（{ $grace }）期满算起，计 { $length }。
step-gap = { $from } 出去，{ $to } 回来，共 { $length }，没有超过允许的时间。
step-gap-counts = { $from } 出去，{ $to } 回来，共 { $length }，超过允许的时间。
step-ended-before-arrival = 本段 { $ended } 已经结束，人 { $arrived } 才到。
step-not-seen-since-absence = “{ $absence }”{ $ended } 期满后，没有在办公场所刷过卡。
step-sign-of-presence = { $at } 刷过卡，说明人来过，只是缺下班刷卡。

# 会议。
step-meeting = 会议“{ $meeting }”，{ $interval }，地点{ $place }，{ $sign_in_opens } 开始签到。
step-optional-role = 列席人员，只作显示，不作判定。
step-permission = 经批准，{ $interval } 可不在场。
step-at-other-meeting = { $interval } 在参加会议“{ $meeting }”，不计。
step-carried-over = { $came_in } 已进入会场且没有离开，从 { $present_from } 起算在场。
step-opening = { $at } 进入会场。
step-closing = { $at } 离开会场。
step-wrong-room = { $at } 在{ $place }刷卡，那里不是本次会议的会场，不计。
step-exit = { $from } 离场，{ $to } 返回，共 { $length }，没有超过允许的时间。
step-exit-counts = { $from } 离场，{ $to } 返回，共 { $length }，超过允许的时间。
step-exit-open = { $from } 离场，没有返回（{ $length }），目前没有超过允许的时间。
step-exit-open-counts = { $from } 离场，没有返回（{ $length }），超过允许的时间。
step-exits = 离场后又返回 { $count } 次，允许 { $allowed } 次。
step-exits-too-many = 离场后又返回 { $count } 次，超过允许的 { $allowed } 次。

step-meeting-extended = 会议延长至 { $until }，只对原定结束时在场的人有效。
step-meeting-closed-early = 会议于 { $at } 提前结束。
step-stands-in = { $person }代会，其在场视同本人在场。
step-stands-in-accepted-by = 经{ $by }同意，{ $person }代会，其在场视同本人在场。
step-stands-in-accepted = { $by }于 { $at } 同意{ $person }代会，其在场视同本人在场。

# 单位。
step-obligation = “{ $unit }”应到 { $at_least } 人，下属单位的人一并计入。
step-obligation-head = “{ $unit }”应到 { $at_least } 人，下属单位的人一并计入；本单位负责人须亲自到会。
step-obligation-rank = “{ $unit }”应到 { $at_least } 人，下属单位的人一并计入；其中须有职级 { $rank } 及以上的人。
step-obligation-rank-head = “{ $unit }”应到 { $at_least } 人，下属单位的人一并计入；其中须有职级 { $rank } 及以上的人，本单位负责人须亲自到会。
step-came-for-unit = { $person } { $at } 到会。
step-came-for-unit-instead = { $person } { $at } 到会，代{ $named }。
step-unit-count = 应到 { $at_least } 人，实到 { $arrived } 人，已达到。
step-unit-count-short = 应到 { $at_least } 人，实到 { $arrived } 人，人数不足。
step-unit-rank = 到会的人中最高职级为 { $highest }，达到要求的 { $rank }。
step-unit-rank-low = 到会的人中最高职级为 { $highest }，低于要求的 { $rank }。
step-unit-no-rank = 到会的人没有职级记载，要求职级 { $rank } 及以上。
step-unit-head = 负责人{ $person }已到会。
step-unit-no-head = 本单位负责人没有到会。

# 督查。
step-observed = { $observer }于 { $at } 现场记录。
step-observed-note = { $observer }于 { $at } 现场记录：“{ $note }”。
# 值班。
duty-role-none = 值班人员
step-duty = 值班 { $interval }，地点{ $place }，{ $role }：{ $person }；{ $sign_in_opens } 起的刷卡可算到岗。
step-still-there = 上一班（{ $role }）{ $came_in } 到岗后没有离开，接着值本班。
step-proof = { $check } 查岗：{ $at } 在值班地点刷卡，在岗。
step-proof-missed = { $check } 查岗：{ $interval } 在值班地点没有刷卡，不在岗。
step-hands-over = 本班应交给下一班的{ $person }（{ $role }）。
step-successor-came = 接班人 { $at } 到岗。
step-no-successor = 没有见到接班人到岗（看到 { $until } 为止）。
step-left-before-successor = { $left } 离开，接班人 { $came } 才到岗，两人没有碰面。

# 有多大把握。
step-withheld = 读卡器“{ $reader }”{ $from } 到 { $until } 无信号，可能有刷卡没有记下，暂缓判定。
step-withheld-still = 读卡器“{ $reader }”{ $from } 起无信号，可能有刷卡没有记下，暂缓判定。
step-covered = { $interval } 相关读卡器全部正常。
step-provisional-until = 待定：{ $at } 之前还可能变化。
step-provisional = 待定：会议结束之前还可能变化。
step-final = 已定：除非出现新的事实，不再变化。
step-not-over = 本段尚未结束，{ $until } 之前的刷卡仍会计入。
step-nothing-wrong = 正常。
step-concluded = 判定：{ $kind }。
step-concluded-withheld = 暂缓：确认没有漏记的刷卡之后，才判定为{ $kind }。
step-concluded-length = 判定：{ $kind } { $minutes } 分钟（不足一分钟的按一分钟计）。
step-concluded-by-lateness = 判定：{ $kind }，因迟到 { $minutes } 分钟（不足一分钟的按一分钟计）。

# 累计
step-escalation = 依据“{ $name }”：{ $window }{ $kinds }满 { $count } 次。
step-escalation-since = 依据“{ $name }”（自 { $from } 起施行）：{ $window }{ $kinds }满 { $count } 次。
step-escalation-of-units = 依据“{ $name }”（适用于{ $units }）：{ $window }{ $kinds }满 { $count } 次。
step-escalation-since-of-units = 依据“{ $name }”（自 { $from } 起施行，适用于{ $units }）：{ $window }{ $kinds }满 { $count } 次。
step-counted = 第 { $number } 次：{ $date } { $place } { $kind }。
step-counted-date = 第 { $number } 次：{ $date } { $kind }。
step-count-reached = 自 { $first } 起至 { $date } 已满 { $count } 次，应予：{ $yields }。
words-or = 、
window-month = 一个自然月内
window-quarter = 一个自然季度内
window-year = 一个自然年内
window-days = 连续 { $days } 天内
