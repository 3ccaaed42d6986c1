//! The OpenAPI document of `/v1/`, made from the handlers.
//!
//! Two listeners serve it: visitors' routes come through the gateway, which may refuse them for
//! reasons of its own, operators' routes are on an address of theirs with a bearer token. Confirm and
//! cancel are on both.

use utoipa::{
    OpenApi,
    openapi::{
        RefOr, Response, ServerBuilder, ServerVariableBuilder,
        path::Operation,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// What the gateway may answer in the service's place, and what every route of it may.
const THROUGH_THE_GATEWAY: [(&str, &str); 9] = [
    ("400", "invalid: the path or the host"),
    ("403", "other-pass: the pass of another person"),
    ("408", "invalid: the body did not come"),
    ("413", "too-large"),
    ("414", "invalid: the path is too long"),
    ("429", "limited"),
    ("502", "upstream-away"),
    ("503", "busy"),
    ("504", "upstream-slow"),
];

#[derive(OpenApi)]
#[openapi(
    info(title = "Vestibule purchase service", description = "Reserve, confirm and cancel units of a sale. Refusals are problem documents (RFC 9457). Times are Unix milliseconds."),
    paths(
        crate::reservation::reserve::reserve,
        crate::reservation::confirm::confirm,
        crate::reservation::own::cancel,
        crate::reservation::own::read,
        crate::reservation::own::read_order,
        crate::operator::set_supply,
        crate::operator::read_sale,
        crate::operator::refund,
    ),
    tags(
        (name = "visitor", description = "For one visitor: in line with a ticket, buying with an entry pass"),
        (name = "operator", description = "On the operator listener, with its bearer token"),
    ),
)]
struct Document;

/// The document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post];
        for operation in operations.into_iter().flatten() {
            place(operation);
        }
    }
    let components = document.components.get_or_insert_default();
    let pass = ApiKeyValue::with_description(
        "X-Entry-Pass",
        "The entry pass. In a browser the gateway takes it from the pass cookie by itself.",
    );
    let bearer = |form: &str, description: &str| {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format(form)
            .description(Some(description));
        SecurityScheme::Http(scheme.build())
    };
    components.add_security_scheme("entryPass", SecurityScheme::ApiKey(ApiKey::Header(pass)));
    components.add_security_scheme("entryPassBearer", bearer("wr-pass+jwt", "The entry pass."));
    components.add_security_scheme("operatorToken", bearer("opaque", "The operator token."));
    document
}

/// Where an operation is served, and what the gateway adds to its answers.
fn place(operation: &mut Operation) {
    let tags = operation.tags.clone().unwrap_or_default();
    let of = |name: &str| tags.iter().any(|tag| tag == name);
    let mut servers = Vec::new();
    if of("visitor") {
        servers.push(
            ServerBuilder::new()
                .url("/")
                .description(Some("The gateway"))
                .build(),
        );
        for (status, description) in THROUGH_THE_GATEWAY {
            let answers = &mut operation.responses.responses;
            answers
                .entry(status.to_owned())
                .and_modify(|answer| also(answer, description))
                .or_insert_with(|| RefOr::T(Response::new(description)));
        }
    }
    if of("operator") {
        let address = ServerVariableBuilder::new()
            .default_value("http://127.0.0.1:9080")
            .description(Some("`listen.operator`; never open it to visitors"));
        let server = ServerBuilder::new()
            .url("{operator}")
            .description(Some("The operator listener"))
            .parameter("operator", address);
        servers.push(server.build());
    }
    operation.servers = Some(servers);
}

fn also(answer: &mut RefOr<Response>, description: &str) {
    if let RefOr::T(answer) = answer {
        answer.description = format!("{}; through the gateway {description}", answer.description);
    }
}
