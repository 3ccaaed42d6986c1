//! The OpenAPI document of both sides, as it is served and as it is committed.
//!
//! Each service describes its own routes; whoever talks to an installation sees one host, so the two
//! are one document here.

use utoipa::openapi::OpenApi;

/// Both sides' routes in one document.
pub(crate) fn document() -> OpenApi {
    let mut document = gateway::openapi();
    "Vestibule".clone_into(&mut document.info.title);
    document.info.description = Some(
        "The line under `/_wr/`, the stock under `/v1/`. All instants are Unix milliseconds."
            .to_owned(),
    );
    document.merge(purchase::openapi());
    document
}

/// The document as text, as the committed file has it.
pub(crate) fn text() -> String {
    let mut text = document().to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_document_is_the_one_that_is_served() {
        let committed = include_str!("../../../docs/openapi.json");
        assert!(
            committed == text(),
            "docs/openapi.json is out of date: vestibule openapi > docs/openapi.json"
        );
    }

    #[test]
    fn both_sides_are_in_it() {
        let document = document();
        for path in [
            "/_wr/ticket/{room}",
            "/_wr/claim/{room}",
            "/v1/reservations",
        ] {
            assert!(document.paths.paths.contains_key(path), "{path}");
        }
    }
}
