# replay、recalculate 与 import --dry-run 说的话：每处差异一行，然后按单位和总数。
replay-line = { $change }　{ $date } { $name }（{ $person }）{ $about }：{ $before } → { $after }
replay-new = 新增
replay-worse = 变重
replay-restated = 表述不同
replay-better = 变轻
replay-gone = 消失
replay-nothing = 无
replay-said = { $kind }（{ $state }）
replay-said-minutes = { $kind } { $minutes } 分钟（{ $state }）
replay-unit = { $unit }：新增 { $new }，变重 { $worse }，表述不同 { $restated }，变轻 { $better }，消失 { $gone }
replay-counts = 共计：不变 { $unchanged }，新增 { $new }，变重 { $worse }，表述不同 { $restated }，变轻 { $better }，消失 { $gone }
replay-published = 其中 { $count } 条属于已通报的周：通报不会被改动，只会成为待发布的更正。
replay-decided = 其中 { $count } 条已有处理决定，变化后需要重新处理。
replay-summary = 重演 { $days } 个人日、{ $meetings } 次会议，库中 { $swipes } 次刷卡；另有 { $pending } 项等待重新判定。
replay-equal = 与记录完全一致。
replay-unequal = 与记录不一致，见上。
replay-other-versions = 部分记录由规则版本 { $versions } 判定，本程序为版本 { $version }；用 recalculate 查看重算的差异。
replay-no-facts = 当时（{ $at }）还没有录入任何制度与名册，因此没有可判定的人。
recalculate-summary = 试算 { $days } 个人日、{ $meetings } 次会议，其中 { $missing } 个此前没有判定过；没有写入任何内容。
recalculate-applied = 已安排 { $days } 个人日重新判定，由运行中的服务完成。

# rollcall escalations
escalations-flagged = { $date } { $name }（{ $person }）“{ $rule }”：{ $yields }
escalations-summary = 共 { $people } 人、{ $escalations } 次。没有写入任何内容。
escalations-none = 没有可用的累计规则：请在 escalations.toml 中写一条 [[escalation]]，或用 --with 指定文件。

# rollcall bulletin
bulletin-nothing-waits = 没有待发布的更正。
