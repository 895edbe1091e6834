# 导入的结果：每个文件一行，最后一行说做了什么。
transfer-error = 错误　{ $text }
transfer-warning = 提示　{ $text }
transfer-file = { $file }：新增 { $added }，未变 { $unchanged }，失效 { $superseded }，未采用 { $refused }
transfer-applied = 已导入。
transfer-applied-good-rows = 已导入正确的行；另有 { $errors } 处错误未采用，见上。
transfer-dry-run = 试运行：没有写入任何内容。
transfer-dry-run-errors = 试运行：没有写入任何内容。有 { $errors } 处错误，不加 --accept-good-rows 将不会导入。
transfer-refused = 有 { $errors } 处错误，没有写入任何内容。请改正后重新导入，或加 --accept-good-rows 只导入正确的行。
