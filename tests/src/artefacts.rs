//! What a run leaves behind for people to look at: screenshots and logs under `artefacts/`, which git ignores.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::programs::repository;

/// The place of an artefact; its folder exists.
pub fn path(name: &str) -> Result<PathBuf> {
    let folder = std::env::var_os("ROLLCALL_ARTEFACTS").map_or_else(|| repository().join("artefacts"), PathBuf::from);
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    Ok(folder.join(name))
}

/// Keeps `bytes` under `name`.
pub fn keep(name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let path = path(name)?;
    std::fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path)
}
