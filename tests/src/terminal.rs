//! A ZKTeco terminal that the daemon calls.

use anyhow::Result;

use crate::device::Device;

/// Switches one on that wants this key (0: none) and shows this local time, `YYYY-MM-DDTHH:MM:SS`. It is told `punch PIN`,
/// `record PIN TIME`, `cut`.
pub async fn called_terminal(key: u32, clock: &str) -> Result<Device> {
    Device::start("zk-terminal", &["0", &key.to_string(), clock], "calling ").await
}
