//! Files that the pages load, embedded. Their addresses carry a hash of their content, so that browsers may keep them for good.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::error::AdminError;

/// An embedded file.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    content: &'static [u8],
}

const ASSETS: [Asset; 5] = [
    Asset {
        name: "admin.css",
        media_type: "text/css; charset=utf-8",
        content: include_bytes!("../../assets/admin/admin.css"),
    },
    Asset {
        name: "keys.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_bytes!("../../assets/admin/keys.js"),
    },
    Asset {
        name: "live.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_bytes!("../../assets/admin/live.js"),
    },
    Asset {
        name: "file.js",
        media_type: "text/javascript; charset=utf-8",
        content: include_bytes!("../../assets/admin/file.js"),
    },
    Asset {
        name: "icon.svg",
        media_type: "image/svg+xml",
        content: include_bytes!("../../assets/admin/icon.svg"),
    },
];

static HASHED_NAMES: LazyLock<[String; 5]> = LazyLock::new(|| {
    ASSETS.each_ref().map(|asset| {
        let hash = hex::encode(Sha256::digest(asset.content));
        format!("{}-{}", &hash[..16], asset.name)
    })
});

/// The address of a file.
pub fn address(name: &str) -> String {
    let position = ASSETS.iter().position(|asset| asset.name == name);
    debug_assert!(position.is_some(), "there is no embedded file {name}");
    position.map_or_else(String::new, |position| {
        format!("/assets/admin/{}", HASHED_NAMES[position])
    })
}

/// `GET /assets/admin/{hash}-{name}`
pub async fn serve(name: Result<Path<String>, PathRejection>) -> Result<Response, AdminError> {
    let Path(name) = name?;
    let position = HASHED_NAMES
        .iter()
        .position(|hashed| *hashed == name)
        .ok_or(AdminError::NotFound)?;
    let asset = &ASSETS[position];
    let headers = [
        (CONTENT_TYPE, asset.media_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, asset.content).into_response())
}
