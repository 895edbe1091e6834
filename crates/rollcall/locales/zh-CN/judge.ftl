# “rollcall judge”不带 --json 时的输出。
judge-finding = { $date } { $name }（{ $person }）{ $about }：{ $kind }（{ $state }）
judge-finding-minutes = { $date } { $name }（{ $person }）{ $about }：{ $kind } { $minutes } 分钟（{ $state }）
judge-fine = { $date } { $name }（{ $person }）{ $about }：正常
judge-proposal = { $at } { $name }（{ $person }）到会“{ $meeting }”而不在名单上，“{ $unit }”人数不足，可作代会，待确认。
judge-unlisted = { $at } { $name }（{ $person }）到会“{ $meeting }”而不在名单上，已登记。
judge-summary = 截至 { $as_of } 判定，日期从 { $from } 起、{ $until } 之前：情形 { $findings } 条，文件问题 { $problems } 处。
