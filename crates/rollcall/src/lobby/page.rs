//! The page's files, embedded. Their URL holds a hash of them all, so that a browser may keep them for ever.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// One embedded file.
pub struct Asset {
    /// Its name in the URL.
    pub name: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its bytes.
    pub body: &'static str,
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// Every file but the page itself.
pub static ASSETS: [Asset; 7] = [
    Asset {
        name: "mark.svg",
        media_type: "image/svg+xml",
        body: include_str!("../../assets/screen/mark.svg"),
    },
    Asset {
        name: "screen.css",
        media_type: "text/css; charset=utf-8",
        body: include_str!("../../assets/screen/screen.css"),
    },
    Asset {
        name: "screen.js",
        media_type: JAVASCRIPT,
        body: include_str!("../../assets/screen/screen.js"),
    },
    Asset {
        name: "link.js",
        media_type: JAVASCRIPT,
        body: include_str!("../../assets/screen/link.js"),
    },
    Asset {
        name: "model.js",
        media_type: JAVASCRIPT,
        body: include_str!("../../assets/screen/model.js"),
    },
    Asset {
        name: "paint.js",
        media_type: JAVASCRIPT,
        body: include_str!("../../assets/screen/paint.js"),
    },
    Asset {
        name: "words.js",
        media_type: JAVASCRIPT,
        body: include_str!("../../assets/screen/words.js"),
    },
];

const HTML: &str = include_str!("../../assets/screen/screen.html");

/// Names this edition of the page: a hash of its files.
pub static BUILD: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for text in ASSETS.iter().flat_map(|asset| [asset.name, asset.body]).chain([HTML]) {
        hash.update(text.as_bytes());
        hash.update([0]);
    }
    hex::encode(&hash.finalize()[..6])
});

/// The page, with its build filled in.
pub static PAGE: LazyLock<String> = LazyLock::new(|| HTML.replace("{build}", &BUILD));
