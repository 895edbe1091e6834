# 数据源：每台读卡器的状态与处理办法。
admin-nav-readers = 数据源
admin-readers-subtitle = 共 { $readers } 台读卡器，{ $waiting } 台需要处理
admin-readers-none = 还没有读卡器。请在 rollcall.toml 中写明 [[reader]]，并在 readers.csv 中登记位置。
admin-readers-hint = 数字为今日计数，重启后继续累计。重复：同一条记录再次送达，只计一次。待定时：时间存疑，已保存，核定时间后才参与判定。卡号只显示末几位。
admin-live = 实时更新
admin-live-lost = 连接中断，内容可能已过时
admin-live-over = 登录已过期，请刷新页面
admin-since = { $time } 起
admin-ago = { $length }前
admin-just-now = 刚刚
admin-length-seconds = { $seconds } 秒
admin-length-minutes = { $large } 分 { $small } 秒
admin-length-hours = { $large } 小时 { $small } 分
admin-length-days = { $large } 天 { $small } 小时
admin-clock-right = 准
admin-clock-ahead = 快 { $length }
admin-clock-behind = 慢 { $length }
admin-clock-ours = 读卡器不报时间，以本机收到的时间为准
admin-clock-unmeasured = 未测得；读卡器不报时间时以本机时间为准
admin-clock-measured = { $ahead }（{ $time } 测得）
admin-clock-held = { $ahead }（{ $time } 测得），超出容差，其记录暂不判定

# 状态，以及该做什么。
admin-reader-up = 正常
admin-reader-waiting = 等待首次数据
admin-reader-unconfigured = 未配置
admin-reader-catching-up = 正在补传
admin-reader-down = 无信号
admin-reader-down-advice = 检查电源、接线和网络；连接说明里写有原因。恢复之前，相关缺勤一律暂缓。
admin-reader-silent = 长时间无数据
admin-reader-silent-advice = 在这台读卡器上刷一次卡；没有反应时检查电源和网络。恢复之前，相关缺勤一律暂缓。
admin-reader-alarm = 报警
admin-reader-alarm-advice = 外壳被打开、被移动或供电异常，请到现场查看。
admin-reader-clock-off = 时钟不准
admin-reader-clock-off-advice = 校准读卡器时钟（终端可写 set_clock = true，或执行 rollcall terminal clock）。此前的记录在“待定时”中核定。
admin-reader-unregistered = 未登记
admin-reader-unregistered-advice = 在 readers.csv 中登记它的位置并导入。登记之前其记录已保存，不参与判定。
admin-reader-no-link = 未在 rollcall.toml 中配置
admin-reader-link = 连接
admin-reader-last = 最近刷卡
admin-reader-clock = 时钟
admin-reader-backlog = 待补传 { $records } 条
admin-reader-test = 请刷一张卡
admin-count-readings = 刷卡
admin-count-duplicates = 重复
admin-count-held = 待定时
admin-count-malformed = 无法识别
admin-held-clock-set = 终端时钟被调整过，记录的时间无法核对
admin-held-clock-off = 读卡器时钟超出容差
admin-held-before-since = 早于本单位启用日期
admin-held-ahead = 时间晚于收到的时间
admin-held-reader-unknown = 读卡器未登记
admin-nobodys-badge = 无人持有

# 一台读卡器的页面。
admin-reader-counts = 计数
admin-reader-today = 今日
admin-reader-why = 今日原因
admin-reader-run = 启动以来
admin-reader-recent = 最近读到的卡
admin-reader-no-recent = 还没有读到过卡。
admin-reader-lag = 与收到时间相比
admin-reader-bad = 最近无法识别的数据
admin-reader-outages = 无信号的时间
admin-reader-no-outages = 没有记录。
admin-outage-from = 从
admin-outage-until = 到
admin-outage-length = 时长
admin-outage-open = 尚未恢复
admin-fact-link = 连接
admin-fact-format = 格式
admin-fact-link-state = 连接状态
admin-link-up = 已连通（{ $since } 起）：{ $text }
admin-link-down = 不通（{ $since } 起）：{ $text }
admin-fact-heard = 最近活动
admin-fact-silent-after = 静默上限
admin-fact-clock = 时钟
admin-fact-backlog = 待补传
admin-fact-alarms = 报警
admin-alarm-none = 无
admin-alarm-tamper = 外壳被打开或被移动（{ $since } 起）
admin-alarm-power = 供电异常（{ $since } 起）
admin-alarm-both = 外壳被打开或被移动，且供电异常（{ $since } 起）

# 刷卡测试。
admin-test-waiting = 请在这台读卡器上刷一张卡，还剩 { $seconds } 秒
admin-test-over = { $seconds } 秒内没有读到卡。检查连接状态后再试一次
admin-test-read = 读到了
admin-test-bad = 收到了数据，但无法识别：
admin-test-holder = 持卡人
admin-test-raw = 原始数据
admin-test-decoder = 解码格式
admin-test-happened = 刷卡时间
admin-test-latency = 从收到到入库判定
admin-test-drift = 时钟
admin-test-outcome = 处理
admin-test-recorded = 已入库
admin-test-duplicate = 重复记录，此前已入库
admin-test-assign = 登记持卡人
admin-test-evidence = 测试只是查看：这次刷卡和平时一样入库并参与判定。

# rollcall readers。
readers-running = 服务正在运行；以下为 { $seconds } 秒前的状态
readers-stopped = 服务已停止（{ $seconds } 秒前）；以下为停止时的状态，以及数据库中今日的计数
readers-gone = 服务已 { $seconds } 秒没有写入状态：可能被强行结束或卡住；以下为最后的状态
readers-never-ran = 服务还没有运行过；以下来自配置和数据库

# 网桥。
admin-bridge = 网桥
admin-bridge-queue = 队列
admin-bridge-software = 版本
admin-bridge-up = 已连接
admin-bridge-down = 未连接
admin-bridge-never = 从未连接
admin-bridge-waiting = 待补传 { $records } 条
admin-bridge-readers = 当地可听到 { $readers } 台读卡器
admin-bridge-full = 队列或磁盘已满，当地读卡器正在等待。请查明记录为何传不过来，或加大队列。
