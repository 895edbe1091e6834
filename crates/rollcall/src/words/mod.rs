//! Everything that people read, in zh-CN and English, from embedded Fluent files.
