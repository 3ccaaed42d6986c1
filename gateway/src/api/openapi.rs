//! The OpenAPI document of the visitor's side, generated from the handlers.

use utoipa::{
    OpenApi,
    openapi::{
        ContentBuilder, Header, Ref, RefOr, Required, Response, ServerBuilder,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// What every route here may answer beside its own.
const EVERY: [(&str, &str); 4] = [
    ("400", "invalid: the path, the host or the body"),
    ("408", "invalid: the body did not come"),
    ("414", "invalid: the path is too long"),
    ("503", "busy"),
];
/// What a route for one visitor may: those are limited.
const PERSONAL: [(&str, &str); 1] = [("429", "limited")];
/// What a route that reads a body may.
const WITH_BODY: [(&str, &str); 2] = [("413", "too-large"), ("415", "unsupported-type")];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Vestibule, visitor side",
        description = "Join the line, see where you stand, take up the offer, leave. All instants \
                       are Unix milliseconds.",
        license(name = "MIT OR Apache-2.0")
    ),
    paths(
        super::documents::status,
        super::documents::page,
        super::documents::jwks,
        super::documents::openapi,
        super::documents::problem,
        super::ticket::join,
        super::ticket::look,
        super::claim::claim,
        super::leave::leave,
        super::leave::delete,
    ),
    tags((name = "public", description = "The same bytes for everybody"))
)]
struct Document;

/// The document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            complete(operation);
        }
    }
    let ticket = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("wr-ticket+jwt")
        .description(Some(
            "The ticket's token, for apps that keep no cookies. A browser sends the ticket cookie.",
        ))
        .build();
    document
        .components
        .get_or_insert_default()
        .add_security_scheme("ticket", SecurityScheme::Http(ticket));
    document
}

/// The document as a gateway without a purchase side serves it.
pub(crate) fn own_document() -> String {
    let mut document = serde_json::to_value(openapi()).unwrap_or_default();
    problem::openapi::finish(&mut document);
    document.to_string()
}

fn complete(operation: &mut Operation) {
    let personal = operation.tags.iter().flatten().any(|tag| tag == "visitor");
    let mut further = EVERY.to_vec();
    if personal {
        further.extend(PERSONAL);
        further.extend(WITH_BODY);
        let answers = operation.responses.responses.iter_mut();
        for (_, answer) in answers.filter(|(status, _)| status.as_str() < "400") {
            say_what_is_left(answer);
        }
    }
    for (status, description) in further {
        let answers = &mut operation.responses.responses;
        answers
            .entry(status.to_owned())
            .or_insert_with(|| RefOr::T(Response::new(description)));
    }
    // Every body of ours may be left out. An `Option` would say so, and allow a literal `null` too.
    if let Some(body) = &mut operation.request_body {
        body.required = Some(Required::False);
        let form = ContentBuilder::new().schema(Some(Ref::from_schema_name("Wish")));
        body.content
            .insert("application/x-www-form-urlencoded".to_owned(), form.build());
    }
    let server = ServerBuilder::new()
        .url("/")
        .description(Some("The gateway"));
    operation.servers = Some(vec![server.build()]);
}

/// Answers to one visitor carry the state of that visitor's bucket.
fn say_what_is_left(answer: &mut RefOr<Response>) {
    if let RefOr::T(answer) = answer {
        for (name, description) in [
            (
                "RateLimit-Policy",
                "The limit and its window in seconds: `\"personal\";q=50;w=5`",
            ),
            ("RateLimit", "What is left of it: `\"personal\";r=49`"),
        ] {
            let mut header = Header::default();
            header.description = Some(description.to_owned());
            answer.headers.insert(name.to_owned(), header);
        }
    }
}
