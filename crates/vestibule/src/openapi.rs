//! The OpenAPI document of both sides, as it is served and as it is committed.
//!
//! Each service describes its own routes; whoever talks to an installation sees one host, so they are
//! one document here. Operators' routes are in it with the server and the security that are theirs.

use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

/// Both sides' routes in one document.
fn document() -> Value {
    let mut document: OpenApi = gateway::openapi();
    "Vestibule".clone_into(&mut document.info.title);
    document.info.description = Some(
        "The line under `/_wr/`, the stock under `/v1/`. All instants are Unix milliseconds. \
         Refusals are problem documents (RFC 9457). A head that is no HTTP or larger than a server \
         takes is refused with 400 or 431 and no body, before any of this."
            .to_owned(),
    );
    document.merge(purchase::openapi());
    document.merge(crate::operator::openapi());
    let mut document = serde_json::to_value(document).unwrap_or_default();
    problem::openapi::finish(&mut document);
    links(&mut document);
    document
}

/// What to do next with an answer: a client reads it, and a tool follows it.
fn links(document: &mut Value) {
    let held = "/paths/~1v1~1reservations/post/responses/201";
    let confirmed = "/paths/~1v1~1reservations~1{id}~1confirm/post/responses/200";
    for (answer, operation, id) in [
        (held, "readReservation", "$response.body#/id"),
        (held, "confirm", "$response.body#/id"),
        (held, "cancel", "$response.body#/id"),
        (confirmed, "readOrder", "$response.body#/order/id"),
        (
            confirmed,
            "readReservation",
            "$response.body#/order/reservation",
        ),
        (confirmed, "refund", "$response.body#/order/id"),
    ] {
        if let Some(answer) = document.pointer_mut(answer) {
            answer["links"][operation] =
                json!({ "operationId": operation, "parameters": { "id": id } });
        }
    }
}

/// The document as text, as the committed file has it.
pub(crate) fn text() -> String {
    let mut text = serde_json::to_string_pretty(&document()).unwrap_or_default();
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
    fn every_refusal_has_a_body_and_every_route_a_place_and_a_lock() {
        let document = document();
        let paths = document["paths"].as_object().unwrap();
        for path in [
            "/_wr/ticket/{room}",
            "/_wr/claim/{room}",
            "/v1/reservations",
            "/v1/sales/{sale}",
            "/readyz",
        ] {
            assert!(paths.contains_key(path), "{path}");
        }
        for (path, item) in paths {
            for (method, operation) in item.as_object().unwrap() {
                let what = format!("{method} {path}");
                assert!(operation["servers"][0]["url"].is_string(), "{what}");
                for (status, answer) in operation["responses"].as_object().unwrap() {
                    let problem = &answer["content"]["application/problem+json"];
                    let refused = status.as_str() >= "400" && path != "/readyz";
                    assert_eq!(problem.is_object(), refused, "{what} {status}");
                }
                let open = path.starts_with("/_wr/") || path.ends_with('z');
                let locked = operation["security"].as_array().is_some_and(|locks| {
                    !locks.is_empty() && locks.iter().all(|lock| lock != &json!({}))
                });
                assert_eq!(locked, !open, "{what}");
            }
        }
    }
}
