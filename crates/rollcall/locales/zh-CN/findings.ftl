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
kind-meeting_late = 会议迟到
kind-meeting_absent = 会议缺席
kind-meeting_early_leave = 会议早退
kind-walk_out = 中途离场
kind-walking_about = 随意走动

# 状态。
state-provisional = 待定
state-final = 已定
state-withheld = 暂缓
