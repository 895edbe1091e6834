# 情形名称：公示、看板和导出都用这一套说法。
kind-not_arrived = 未到岗
kind-late = 迟到
kind-seriously_late = 严重迟到
kind-absent = 缺勤
kind-early_leave = 早退
kind-missing_arrival = 上班缺卡
kind-missing_departure = 下班缺卡
kind-step_out = 脱岗
kind-overstayed_leave = 假期逾期
kind-duty_late = 值班迟到
kind-duty_absent = 值班缺岗
kind-duty_left = 值班脱岗
kind-handover_missing = 未交接班
kind-meeting_late = 会议迟到
kind-meeting_absent = 会议缺席
kind-meeting_early_leave = 会议早退
kind-walk_out = 中途离场
kind-walking_about = 随意走动
kind-seating = 座次不符
kind-conduct = 会风
kind-unit_absent = 单位缺席
kind-unit_short = 单位人数不足
kind-unit_rank = 单位参会职级不符
kind-escalation = 累计

# 状态。
state-provisional = 待定
state-final = 已定
state-withheld = 暂缓

# 情形所属，除时段和会议外。
about-duty = 值班
about-duty-role = 值班（{ $role }）
duty-role-leader = 带班领导
about-date = 当日
