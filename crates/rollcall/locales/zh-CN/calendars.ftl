# 节假日与会议日历的导入。
calendar-kind-holiday = 放假
calendar-kind-workday = 上班
calendar-kind-morning_off = 上午放假
calendar-kind-afternoon_off = 下午放假
calendar-kind-ordinary = 按周作息
calendar-change = { $date }　{ $name }：{ $before } → { $after }
calendar-difference = { $sources }：新增 { $added } 天，取消 { $removed } 天，改变 { $changed } 天，不变 { $unchanged } 天
calendar-affected = 涉及 { $people } 人；重新判定 { $days } 个人日，其中已处理的情形 { $decided } 件
meetings-act-added = 新增　{ $starts }　{ $title }（{ $place }，{ $people } 人）
meetings-act-changed = 变更　{ $starts }　{ $title }（{ $place }，{ $people } 人）
meetings-act-withdrawn = 撤销　{ $starts }　{ $title }（{ $place }，{ $people } 人）
meetings-difference = { $source }：新增 { $added } 个会议，变更 { $changed } 个，撤销 { $withdrawn } 个，不变 { $unchanged } 个，日历中已无而保留 { $kept } 个；{ $without_people } 个日程没有本单位的参会人；涉及 { $people } 人

# `rollcall calendar` 与 `rollcall sources`。
calendar-day = { $date }　{ $kind }　{ $name }　{ $source }
calendar-shipped = 内置节假日到 { $last } 为止；此后的请在通知发布后导入（rollcall import calendar）。
calendar-edition = { $at }　{ $actor } 导入 { $sources }：新增 { $added } 天，取消 { $removed } 天，改变 { $changed } 天（{ $from } 至 { $through }）
source-never = { $id }：守护进程还没有读取过。
source-reached = { $id }（{ $place }）：{ $seen } 读取正常，{ $imported } 导入；窗口内 { $meetings } 个会议；错误 { $errors } 处，提示 { $warnings } 处
source-away = { $id }（{ $place }）：{ $seen } 读取失败，上次导入 { $imported }；已导入的会议保持不变
