# 管理页面。
admin-brand = 工作纪律
admin-skip = 跳到正文
admin-navigation = 主导航
admin-nav-today = 今日
admin-nav-review = 周审核
admin-demo = 演示
admin-language = 语言
admin-log-in = 登录
admin-log-out = 退出

# 日期与判定。
admin-day = { $month }月{ $day }日
admin-weekday = { $number ->
    [1] 周一
    [2] 周二
    [3] 周三
    [4] 周四
    [5] 周五
    [6] 周六
   *[7] 周日
}
admin-day-and-weekday = { $day } { $weekday }
admin-verdict = { $kind } { $minutes } 分
admin-verdict-since = { $kind } { $time } 起
admin-verdict-in = { $place } · { $verdict }
admin-in = 进
admin-out = 出
admin-undetermined = 刷卡
admin-absence-leave = 请假
admin-absence-trip = 出差
admin-absence-errand = 公出
admin-half-holiday = 放假半天
admin-permission = 批准离场
admin-grace = 宽限
admin-in-order = 正常
admin-away = 请假公出
admin-state-withdrawn = 已撤回

# 登录与账号。
admin-name = 账号
admin-password = 密码
admin-login-hint = 忘记密码时，请在服务器上运行：
admin-login-fresh = 还没有账号。请打开服务启动日志里的一次性链接，创建第一个账号。
admin-login-wrong = 账号或密码不对。
admin-login-wait = 连续输错次数过多，请在 { $seconds } 秒后再试。
admin-setup-title = 创建第一个账号
admin-setup-lead = 此链接只能使用一次。
admin-setup-create = 创建并登录
admin-new-password = 新密码
admin-password-again = 再输一次新密码
admin-password-hint = 至少 12 个字符，越长越好；不得包含账号。
admin-current-password = 当前密码
admin-account-title = 修改密码
admin-account-lead = 修改后，此账号的其他登录全部失效。
admin-account-change = 修改密码
admin-account-done = 密码已修改，其他登录已失效。
admin-account-name-unfit = 账号须为 1 至 64 个字符，首尾不能有空格。
admin-account-name-taken = 已有同名账号。
admin-account-password-short = 密码至少 12 个字符。
admin-account-password-long = 密码过长，最多 256 字节。
admin-account-password-easy = 密码过于简单：不能包含账号，也不能只重复一个字符。
admin-account-passwords-differ = 两次输入的新密码不一致。
admin-account-current-wrong = 当前密码不对。

# 出错。
admin-error-title = 无法完成
admin-error-back = 返回首页
admin-error-request = 请求编号
admin-error-unauthenticated = 请先登录。
admin-error-not-found = 没有这个页面，或链接已失效。
admin-error-foreign-origin = 请求不是从本系统页面发出的，已拒绝。请用系统公布的地址打开页面后再试。
admin-error-stale-form = 页面已过期，未作任何改动。请返回并刷新后再试。
admin-error-malformed = 提交的内容无法识别。
admin-error-busy = 系统正忙，请稍后再试。
admin-error-unavailable = 数据库暂时不可用，未作任何改动。请稍后再试。
admin-error-internal = 系统出错，未作任何改动。请把请求编号告诉管理员。

# 今日。
admin-today-review = 审核本周
admin-today-findings = 今日情形
admin-today-nothing = 今天还没有任何情形。
admin-no-unit = 无单位
admin-count-late = 迟到
admin-count-early = 早退
admin-count-absent = 未到与缺勤
admin-count-missing = 缺卡
admin-count-walk = 脱岗与离场
admin-count-withheld = 暂缓
admin-count-swipes = 今日刷卡
admin-count-measure-findings = 条
admin-count-measure-swipes = 次
admin-today-sources = 数据源
admin-today-no-sources = 还没有登记读卡器。
admin-source-reader = 读卡器
admin-source-place = 位置
admin-source-state = 状态
admin-source-swipes = 刷卡
admin-source-last = 最近
admin-source-up = 正常
admin-source-down = { $since } 起无信号
admin-source-unknown = 未登记
admin-today-rejected = 今日未能识别的数据
admin-today-rejected-hint = 数据原样保存，不计入判定。下面是最近几条的原始字节。
admin-today-none-rejected = 没有。
admin-today-unknown = 今日未登记的卡
admin-today-unknown-hint = 刷卡记录已保存；登记持卡人后，系统自动重新判定。
admin-today-none-unknown = 没有。
admin-unknown-badge = 卡号
admin-unknown-times = 次数
admin-unknown-more = 另有 { $count } 张。

# 周审核。
admin-week-title = { $year } 年第 { $week } 周
admin-week-dates = { $from } – { $until }，共 { $count } 条
admin-week-decided = 已处理 { $decided } / { $count } 条
admin-week-previous = 上一周
admin-week-next = 下一周
admin-list = 情形列表
admin-tabs = 按处理状态
admin-tab-open = 待审
admin-tab-unsettled = 未定
admin-tab-changed = 有变化
admin-tab-confirmed = 已确认
admin-tab-waived = 已免责
admin-filter-unit = 单位
admin-filter-kind = 情形
admin-filter-date = 日期
admin-filter-person = 姓名或工号
admin-filter-all-units = 全部单位
admin-filter-all-kinds = 全部情形
admin-filter-all-days = 全部日期
admin-filter-apply = 筛选
admin-filter-clear = 清除筛选
admin-list-empty = 这里没有情形。
admin-list-pages = 第 { $page } / { $pages } 页
admin-list-pages-label = 列表分页
admin-detail-none = 从左侧选择一条，查看当日时间线和判定依据。
admin-detail-subtitle = { $unit } · 工号 { $person } · { $day }
admin-detail-position = 第 { $number } / { $count } 条
admin-detail-earlier = 上一条
admin-detail-later = 下一条
admin-picture = 当日时间线
admin-picture-legend = ● 进 · ○ 出 · 斜线格为宽限
admin-picture-title = { $name } { $day } 时间线
admin-picture-nothing = 当日没有应在岗时段，也没有刷卡。
admin-picture-table = 同样的内容，列成表
admin-row-expected = 应在岗
admin-row-meetings = 会议
admin-row-absences = 请假公出
admin-row-swipes = 刷卡
admin-row-verdict = 判定
admin-fact-what = 内容
admin-fact-when = 时间
admin-fact-more = 说明
admin-why = { $place }：为什么判定为{ $kind }
admin-why-withheld = { $place }：为什么暂缓判定{ $kind }
admin-why-fine = { $place }：为什么正常
admin-judged = 规则第 { $rules } 版 · { $when } 判定
admin-decide = 处理
admin-decide-again = 处理之后此条内容有变化，请重新处理。变化见下面的判定历史。
admin-confirm = 确认判定
admin-waive = 免责
admin-reason = 免责原因
admin-reason-hint = 免责必须写明原因，并记入审计日志。
admin-reason-queue = 闸机排队
admin-reason-errand = 临时公务，已补手续
admin-reason-badge = 忘带卡，同事证明在岗
admin-reason-weather = 恶劣天气或交通中断
admin-decisions = 处理记录
admin-decisions-none = 还没有人处理。
admin-decided-confirm = { $actor } 确认
admin-decided-waive = { $actor } 免责
admin-history = 判定历史
admin-done-confirmed = 上一条已确认。
admin-done-waived = 上一条已免责。
admin-undecidable-withdrawn = 此条已不成立并已撤回，无需处理。
admin-undecidable-decided = 此条已处理。内容如有变化，会重新列入待审。
admin-undecidable-withheld = 暂缓：相关读卡器当时无信号。补传数据或确认数据丢失之后，才能处理。
admin-undecidable-provisional = 尚未定论：随着时间推移还可能变化，定论后才能处理。
admin-conflict-decided = { $actor } 刚刚处理了此条，您的操作未生效。
admin-conflict-changed = 此条内容刚刚有变化，您的操作未生效。请看过新内容后再作决定。
admin-conflict-unjudged = 相关事实刚刚有变化，系统正在重新判定，您的操作未生效。请稍后刷新。
admin-conflict-reason-missing = 免责必须写明原因，您的操作未生效。
admin-conflict-reason-long = 原因最多 500 个字符，您的操作未生效。
admin-keys-move = 下一条 / 上一条
admin-keys-confirm = 确认
admin-keys-waive = 写免责原因
admin-keys-switch = 单键快捷键

# 无法读取的原因。
admin-rejected-noise = 杂波，无法识别
admin-rejected-truncated = 不完整
admin-rejected-too-long = 过长
admin-rejected-length = 长度不对
admin-rejected-bad-character = 非法字符
admin-rejected-checksum = 校验和不符
admin-rejected-parity = 奇偶校验不符
admin-rejected-ambiguous = 含义不明确
admin-rejected-collision = 多卡重叠
admin-rejected-payment-card = 银行卡，未保存任何内容
admin-rejected-out-of-range = 数值超出范围
admin-rejected-not-utf8 = 不是 UTF-8
admin-rejected-control-byte = 含控制字符
admin-rejected-empty-badge = 卡号为空
admin-rejected-too-many-fields = 字段过多
admin-rejected-bad-instant = 时间无法识别
admin-rejected-bad-direction = 方向无法识别
admin-rejected-not-json = 不是 JSON
admin-rejected-too-deep = 嵌套过深
admin-rejected-bad-field = 字段有误
admin-clause-office = 规则 { $rule }
admin-clause-meeting = 会议规则
admin-clause-time = 时间规则
admin-clause-swipes = 刷卡规则
admin-clause-coverage = 读卡器规则
admin-clause-words = 作息日历
