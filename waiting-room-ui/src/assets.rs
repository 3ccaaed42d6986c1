//! The files beside the pages, named by their content.
//!
//! A changed file has a new name, so each may be cached for a year and no visitor ever meets an
//! old script with a new page. The hash is FNV-1a: it tells versions apart, it guards nothing.

use std::sync::LazyLock;

/// One script, written in four parts that share one scope.
const SCRIPT: &str = concat!(
    include_str!("../assets/script/words.js"),
    include_str!("../assets/script/line.js"),
    include_str!("../assets/script/show.js"),
    include_str!("../assets/script/start.js"),
);
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
    fn new(stem: &str, extension: &str, media_type: &'static str, content: &str) -> Self {
        let content = slim(content);
        let hash = fnv1a(content.as_bytes());
        let name = format!("{stem}-{hash:016x}.{extension}");
        Self {
            path: format!("/_wr/assets/{name}"),
            etag: format!("\"{hash:016x}\""),
            bytes: content.leak().as_bytes(),
            media_type,
            name,
        }
    }
}

/// Without indentation and whole-line comments: a third less for a phone to fetch, and still to be
/// read line by line. Neither file has a string or template that spans lines.
fn slim(source: &str) -> String {
    let lines = source.lines().map(str::trim);
    let mut out = String::with_capacity(source.len());
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with("//")) {
        out.push_str(line);
        out.push('\n');
    }
    out
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
        let script = &assets()[0].bytes;
        assert!(script.len() < 12 * 1024, "{} bytes", script.len());
        for file in [SCRIPT, STYLE] {
            assert!(!file.contains("http:") && !file.contains("https:"));
            assert!(!file.contains("@import") && !file.contains("eval("));
        }
    }
}
