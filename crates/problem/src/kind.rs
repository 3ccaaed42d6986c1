//! Every kind of refusal: its slug, its status, its words.

use http::StatusCode;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $slug:literal, $status:ident, $title:literal, $help:literal;)*) => {
        /// What kind of refusal. The slug is part of the contract.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Kind { $(
            #[doc = $title]
            $name,
        )* }

        impl Kind {
            /// All of them, for the pages and the tests.
            pub const ALL: &'static [Kind] = &[$(Kind::$name),*];

            /// Last segment of the type URI.
            pub fn slug(self) -> &'static str { match self { $(Kind::$name => $slug),* } }
            /// The usual status.
            pub fn status(self) -> StatusCode { match self { $(Kind::$name => StatusCode::$status),* } }
            /// A short name for a person.
            pub fn title(self) -> &'static str { match self { $(Kind::$name => $title),* } }
            /// What it means and what to do, for the problem's own page.
            pub fn help(self) -> &'static str { match self { $(Kind::$name => $help),* } }
        }
    };
}

kinds! {
    NotAdmitted = "not-admitted", SERVICE_UNAVAILABLE, "Not admitted yet",
        "This page is behind a waiting room. Join the line and come back with the entry pass.";
    NoPass = "no-pass", UNAUTHORIZED, "No entry pass",
        "Buying needs an entry pass that is still running. Join the line again to get one.";
    OtherPass = "other-pass", FORBIDDEN, "The entry pass does not fit",
        "The entry pass belongs to another person or another room.";
    Limited = "limited", TOO_MANY_REQUESTS, "Too many requests",
        "More requests came than one person may send. Wait for as long as Retry-After says.";
    SoldOut = "sold-out", CONFLICT, "Sold out",
        "Nothing is left. Units come back when a basket is not paid for or an order is refunded.";
    NotEnough = "not-enough", CONFLICT, "Not enough left",
        "Fewer units are left than were asked for, and none were taken. The answer says how many.";
    LimitReached = "limit-reached", CONFLICT, "Limit per person reached",
        "One person may hold or buy only so many of this product.";
    Expired = "expired", GONE, "Expired",
        "The time for this step is over and the units went back to the others.";
    HoldLost = "hold-lost", GONE, "The hold was lost",
        "The store that kept this hold was wiped. Nothing was charged by us; reserve again.";
    Cancelled = "cancelled", CONFLICT, "Already cancelled",
        "This reservation was cancelled before.";
    Confirmed = "confirmed", CONFLICT, "Already confirmed",
        "This reservation is an order already and can only be refunded.";
    OtherPayment = "other-payment", CONFLICT, "Confirmed with another payment",
        "The reservation was confirmed with a different payment reference.";
    KeyMissing = "key-missing", BAD_REQUEST, "Idempotency-Key missing",
        "Reserving needs an Idempotency-Key header, so that a repeated request is one reservation.";
    KeyReused = "key-reused", UNPROCESSABLE_ENTITY, "Idempotency-Key reused",
        "The same key came before with another body. A new attempt needs a new key.";
    UnknownRoom = "unknown-room", NOT_FOUND, "Unknown room",
        "There is no waiting room of this name here.";
    UnknownSku = "unknown-sku", NOT_FOUND, "Unknown product",
        "This sale has no product of this name.";
    UnknownSale = "unknown-sale", NOT_FOUND, "Unknown sale",
        "There is no sale of this name here.";
    NotFound = "not-found", NOT_FOUND, "Not found",
        "There is nothing at this address, or it belongs to somebody else.";
    NoTicket = "no-ticket", NOT_FOUND, "No ticket",
        "You are not in line yet, or the ticket is not one of ours. Join the line.";
    NotOffered = "not-offered", CONFLICT, "Not your turn yet",
        "The place has not been offered yet, or the offer ran out. Ask for the ticket's state.";
    Invalid = "invalid", BAD_REQUEST, "Invalid request",
        "The request cannot be understood. The member field says which part.";
    TooLarge = "too-large", PAYLOAD_TOO_LARGE, "Too large",
        "The body is larger than this address takes.";
    UnsupportedType = "unsupported-type", UNSUPPORTED_MEDIA_TYPE, "Unsupported media type",
        "This address takes application/json.";
    MethodNotAllowed = "method-not-allowed", METHOD_NOT_ALLOWED, "Method not allowed",
        "This address does not take that method. The Allow header names those it takes.";
    Unauthorized = "unauthorized", UNAUTHORIZED, "Operator token needed",
        "This address is for operators, who send their bearer token.";
    Forbidden = "forbidden", FORBIDDEN, "Not yours to do",
        "This step is left to the shop's payment service.";
    BelowCommitted = "below-committed", CONFLICT, "Below what is held and sold",
        "The supply cannot be set below the units that are held and sold already.";
    WrongState = "wrong-state", CONFLICT, "Wrong state",
        "The reservation is in a state that does not allow this step.";
    StoreAway = "store-away", SERVICE_UNAVAILABLE, "The store is away",
        "A store cannot be reached at the moment. Places and orders are kept; ask again shortly.";
    Restarting = "restarting", SERVICE_UNAVAILABLE, "Checking the stock",
        "The stock store came back and is being compared with the ledger. Selling goes on shortly.";
    UpstreamAway = "upstream-away", BAD_GATEWAY, "The shop does not answer",
        "The shop behind this gateway cannot be reached at the moment.";
    UpstreamSlow = "upstream-slow", GATEWAY_TIMEOUT, "The shop takes too long",
        "The shop behind this gateway did not answer in time.";
    Closed = "closed", CONFLICT, "The room is closed",
        "This waiting room takes no more visitors.";
    Busy = "busy", SERVICE_UNAVAILABLE, "Busy",
        "More is being worked on than this server takes at once.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "A mistake of ours",
        "Something went wrong on our side. Nothing was lost; it is in the log.";
}
