//! The files beside the pages, named by their content.
//!
//! A changed file has a new name, so each may be cached for a year and no visitor ever meets an
//! old script with a new page. The hash is FNV-1a: it tells versions apart, it guards nothing.

use std::sync::LazyLock;

const SCRIPT: &str = include_str!("../assets/room.js");
const STYLE: &str = include_str!("../assets/room.css");

/// One file of the pages, to be served at its path with `Cache-Control: public, max-age=31536000,
/// immutable`.
#[derive(Debug)]
pub struct Asset {
    /// Last segment of the path, with the content's hash in it.
    pub name: String,
    /// `/_wr/assets/{name}`.
    pub path: String,
    /// For `Content-Type`.
    pub media_type: &'static str,
    /// For `ETag`, with its quotes.
    pub etag: String,
    /// The content.
    pub bytes: &'static [u8],
}

static ASSETS: LazyLock<[Asset; 2]> = LazyLock::new(|| {
    [
        Asset::new("room", "js", "text/javascript; charset=utf-8", SCRIPT),
        Asset::new("room", "css", "text/css; charset=utf-8", STYLE),
    ]
});

/// Every file the pages load.
pub fn assets() -> &'static [Asset] {
    &*ASSETS
}

/// The file of this name.
pub fn asset(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

pub(crate) fn script_path() -> &'static str {
    &ASSETS[0].path
}

pub(crate) fn style_path() -> &'static str {
    &ASSETS[1].path
}

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, content: &'static str) -> Self {
        let hash = fnv1a(content.as_bytes());
        let name = format!("{stem}-{hash:016x}.{extension}");
        Self {
            path: format!("/_wr/assets/{name}"),
            etag: format!("\"{hash:016x}\""),
            bytes: content.as_bytes(),
            media_type,
            name,
        }
    }
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_by_the_name_its_content_gives_it() {
        for file in assets() {
            assert_eq!(asset(&file.name).unwrap().bytes, file.bytes);
            assert!(file.path.ends_with(&file.name));
        }
        assert_ne!(fnv1a(b"one"), fnv1a(b"two"));
        assert!(asset("room.js").is_none());
    }

    #[test]
    fn the_script_stays_small_and_loads_nothing_from_elsewhere() {
        assert!(SCRIPT.len() < 12 * 1024, "{} bytes", SCRIPT.len());
        for file in [SCRIPT, STYLE] {
            assert!(!file.contains("http:") && !file.contains("https:"));
            assert!(!file.contains("@import") && !file.contains("eval("));
        }
    }
}
