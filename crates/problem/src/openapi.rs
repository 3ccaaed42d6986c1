//! What refusals look like in an OpenAPI document.
//!
//! A handler says with each status which kinds it may be, by their slugs: "sold-out, not-enough:
//! …". From that every refusal here gets its body and the headers that always come with it, in both
//! services the same. So the text a person reads and the schema a tool checks cannot differ, and a
//! kind nobody named is a difference that the tool finds.

use serde_json::{Map, Value, json};

use crate::{Kind, MEDIA_TYPE};

/// Completes a document: bodies and headers of refusals, and that bodies of requests take no other
/// members than those named.
pub fn finish(document: &mut Value) {
    let (mut bodies, mut schemas) = (Vec::new(), Map::new());
    for operation in operations(document) {
        if let Some(content) = operation.pointer_mut("/requestBody/content") {
            let media = content
                .as_object_mut()
                .into_iter()
                .flat_map(Map::values_mut);
            bodies.extend(
                media.filter_map(|media| Some(media["schema"]["$ref"].as_str()?.to_owned())),
            );
        }
        let Some(responses) = operation["responses"].as_object_mut() else {
            continue;
        };
        for (status, response) in responses {
            if let Ok(status) = status.parse() {
                answer(status, response, &mut schemas);
            }
        }
    }
    for reference in bodies {
        if let Some(schema) = document.pointer_mut(reference.trim_start_matches('#')) {
            schema["additionalProperties"] = false.into();
        }
    }
    let components = &mut document["components"];
    components["headers"] = headers();
    for (name, schema) in schemas {
        components["schemas"][name] = schema;
    }
    components["schemas"]["Problem"] = schema();
}

/// The headers that come with certain answers, by their names. Where they are named they are always
/// there.
fn headers() -> Value {
    let header = |description: &str, schema: Value| json!({ "description": description, "required": true, "schema": schema });
    let text = || json!({ "type": "string", "minLength": 1 });
    json!({
        "Allow": header("The methods that would do.", text()),
        "Cache-Control": header("Never kept.", json!({ "type": "string", "const": "no-store" })),
        "Location": header("Where to: a path of this site.", json!({ "type": "string", "pattern": "^/" })),
        "RateLimit": header("What is left of the limit, and seconds until there is more.", text()),
        "RateLimit-Policy": header("The limit that was reached and its window in seconds.", text()),
        "Retry-After": header("Seconds until it is worth asking again.", json!({ "type": "integer", "minimum": 1 })),
        "WWW-Authenticate": header("What would do.", text()),
    })
}

/// Every operation of a document.
pub fn operations(document: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = document["paths"]
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut);
    paths
        .filter_map(Value::as_object_mut)
        .flat_map(Map::iter_mut)
        .filter(|(method, _)| {
            matches!(method.as_str(), "get" | "put" | "post" | "delete" | "patch")
        })
        .map(|(_, operation)| operation)
}

/// The kinds a description names that are answered with this status.
fn kinds(status: u16, description: &str) -> Vec<&'static str> {
    let words: Vec<&str> = description
        .split(|c: char| !(c.is_ascii_lowercase() || c == '-'))
        .collect();
    // Bad input has a status of its own where HTTP has one for it.
    let fits = |kind: &Kind| {
        kind.status().as_u16() == status
            || (*kind == Kind::Invalid && matches!(status, 400 | 408 | 414))
    };
    let named = Kind::ALL
        .iter()
        .filter(|kind| fits(kind) && words.contains(&kind.slug()));
    named.map(|kind| kind.slug()).collect()
}

/// Gives one answer its headers and, if it is a refusal, its body; new schemas go to `schemas`.
fn answer(status: u16, response: &mut Value, schemas: &mut Map<String, Value>) {
    // A header that a handler names is always there, which utoipa cannot say.
    let named = response.get_mut("headers").and_then(Value::as_object_mut);
    for header in named.into_iter().flat_map(Map::values_mut) {
        header["required"] = true.into();
    }
    let kinds = kinds(status, response["description"].as_str().unwrap_or_default());
    let refused = status >= 400 && !kinds.is_empty();
    let mut with: Vec<&str> = match status {
        202 | 503 => vec!["Retry-After"],
        303 => vec!["Location"],
        401 => vec!["WWW-Authenticate"],
        405 => vec!["Allow"],
        429 => vec!["Retry-After", "RateLimit", "RateLimit-Policy"],
        _ => Vec::new(),
    };
    if refused {
        with.push("Cache-Control");
    }
    for name in with {
        response["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
    }
    if !refused {
        return;
    }
    let name = format!("Problem.{status}.{}", kinds.join("."));
    response["content"] =
        json!({ MEDIA_TYPE: { "schema": { "$ref": format!("#/components/schemas/{name}") } } });
    let types: Vec<String> = kinds
        .iter()
        .map(|slug| format!("/_wr/problems/{slug}"))
        .collect();
    let this =
        json!({ "properties": { "status": { "const": status }, "type": { "enum": types } } });
    schemas.insert(
        name,
        json!({ "allOf": [{ "$ref": "#/components/schemas/Problem" }, this] }),
    );
}

/// A problem document. Further members may be added; readers ignore those they do not know.
fn schema() -> Value {
    let whole =
        |description: &str| json!({ "type": "integer", "minimum": 0, "description": description });
    let text = |description: &str| json!({ "type": "string", "description": description });
    let slugs: Vec<String> = Kind::ALL
        .iter()
        .map(|kind| format!("/_wr/problems/{}", kind.slug()))
        .collect();
    json!({
        "type": "object",
        "description": "A refusal (RFC 9457). `type` is what to act on; each has a page of that address.",
        "required": ["type", "title", "status"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "enum": slugs },
            "title": text("A short name for a person."),
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": text("What happened this time, in one sentence for a person."),
            "field": text("Which part of the request: a member of the body, a header, or `body`."),
            "retry_after_s": whole("As in Retry-After."),
            "available": whole("Of not-enough and sold-out: units that can be reserved now."),
            "held": whole("Of sold-out: units in other baskets that may come back."),
            "limit": { "type": ["integer", "string"],
                "description": "Of limit-reached: most per person. Of limited: which limit it was." },
            "taken": whole("Of limit-reached: units this person holds or bought."),
            "committed": whole("Of below-committed: units held and sold."),
            "state": text("Of wrong-state: the state it is in."),
            "room": text("Of not-admitted: the room to wait in."),
            "status_url": text("Of not-admitted: the room's public status."),
            "until": whole("Of forbidden: when one may join again, Unix ms."),
        },
        "example": { "type": "/_wr/problems/not-enough", "title": "Not enough left", "status": 409, "available": 2 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_the_body_of_the_kinds_it_names_and_the_headers_of_its_status() {
        let mut document = json!({
            "paths": { "/x": { "post": {
                "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/In" } } } },
                "responses": {
                    "200": { "description": "sold-out is no word here" },
                    "409": { "description": "sold-out, not-enough (with available)" },
                    "408": { "description": "invalid: too slow" },
                    "503": { "description": "busy; with Retry-After" },
                },
            } } },
            "components": { "schemas": { "In": { "type": "object" } } },
        });
        finish(&mut document);
        let responses = &document["paths"]["/x"]["post"]["responses"];
        assert_eq!(responses["200"].get("content"), None);
        let of = |status: &str| {
            let name = &responses[status]["content"][MEDIA_TYPE]["schema"]["$ref"];
            let schema = document
                .pointer(name.as_str().unwrap().trim_start_matches('#'))
                .unwrap();
            schema["allOf"][1]["properties"]["type"]["enum"].clone()
        };
        assert_eq!(
            of("409"),
            json!(["/_wr/problems/sold-out", "/_wr/problems/not-enough"])
        );
        assert_eq!(of("408"), json!(["/_wr/problems/invalid"]));
        assert_eq!(
            responses["503"]["headers"]["Retry-After"]["$ref"],
            "#/components/headers/Retry-After"
        );
        assert_eq!(
            document["components"]["schemas"]["In"]["additionalProperties"],
            false
        );
    }
}
