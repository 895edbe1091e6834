//! Terminals and controllers that the daemon calls.

use anyhow::Result;

use crate::device::Device;

/// Switches one on that wants this key (0: none) and shows this local time, `YYYY-MM-DDTHH:MM:SS`. It is told `punch PIN`,
/// `record PIN TIME`, `cut`.
pub async fn called_terminal(key: u32, clock: &str) -> Result<Device> {
    Device::start("zk-terminal", &["0", &key.to_string(), clock], "calling ").await
}

/// Switches on a controller that is called and shows this time (RFC 3339). It is told `punch WHO`, `record WHO TIME`, `cut`.
pub async fn called_controller(clock: &str) -> Result<Device> {
    Device::start("controller", &["0", clock], "calling ").await
}
