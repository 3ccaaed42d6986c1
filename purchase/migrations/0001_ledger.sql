-- The ledger: what happened, and what is true of orders. The same text serves SQLite and PostgreSQL.
-- All times are Unix milliseconds. Lists of numbers are joined by commas.
-- Columns: first what names the row, then what never changes, then what may change, then bookkeeping.
-- Each says what it is in a comment of its own line; PostgreSQL is told the same (COMMENT ON).

-- One row per stock event. Append-only: a row here means the event's effect is in the tables below,
-- because both are written in one transaction.
CREATE TABLE stock_events (
    sale            TEXT   NOT NULL,    -- which sale
    event_id        TEXT   NOT NULL,    -- id in the sale's stream, "{ms}-{seq}"
    event_ms        BIGINT NOT NULL,    -- first half of the id, for order
    event_seq       BIGINT NOT NULL,    -- second half
    kind            TEXT   NOT NULL,    -- reserved confirmed cancelled expired refunded supplied reopened
    sku             TEXT,               -- of what; none for reopened
    reservation_id  TEXT,               -- whose units; none for supplied and reopened
    person          TEXT,               -- of whom
    quantity        BIGINT,             -- how many
    detail          TEXT   NOT NULL,    -- the kind's own facts, JSON
    happened_at     BIGINT NOT NULL,    -- by the stock store's clock
    recorded_at     BIGINT NOT NULL,    -- by the recorder's clock
    PRIMARY KEY (sale, event_id)
);
CREATE INDEX stock_events_in_order ON stock_events (sale, event_ms, event_seq);
CREATE INDEX stock_events_of_reservation ON stock_events (reservation_id);

-- Every reservation that was ever made.
CREATE TABLE holds (
    reservation_id  TEXT   NOT NULL PRIMARY KEY, -- id of the reservation, "r.{sale}.{32 hex digits}"
    sale            TEXT   NOT NULL,    -- which sale
    sku             TEXT   NOT NULL,    -- of what
    quantity        BIGINT NOT NULL CHECK (quantity > 0), -- how many units
    person          TEXT   NOT NULL,    -- whose: the pass's sub
    units           TEXT   NOT NULL,    -- unit numbers
    slots           TEXT   NOT NULL,    -- the person's slots, as many as units
    reserved_at     BIGINT NOT NULL,    -- when the units were taken
    expires_at      BIGINT NOT NULL,    -- as answered; time the sale was closed is not counted
    idempotency_key TEXT   NOT NULL,    -- what the request called itself
    body_hash       TEXT   NOT NULL,    -- of the request
    answer          TEXT   NOT NULL,    -- the bytes that were answered
    state           TEXT   NOT NULL     -- what became of it
        CHECK (state IN ('held', 'confirmed', 'cancelled', 'expired', 'refunded')),
    settled_at      BIGINT              -- when the state last changed
);
CREATE INDEX holds_of_person ON holds (sale, person);
CREATE INDEX holds_by_state ON holds (sale, state);

-- Confirmed reservations.
CREATE TABLE orders (
    id              TEXT   NOT NULL PRIMARY KEY, -- id of the order: its reservation's with an o in front
    reservation_id  TEXT   NOT NULL UNIQUE, -- the reservation it was
    sale            TEXT   NOT NULL,    -- which sale
    sku             TEXT   NOT NULL,    -- of what
    quantity        BIGINT NOT NULL CHECK (quantity > 0), -- how many units
    person          TEXT   NOT NULL,    -- whose: the pass's sub
    units           TEXT   NOT NULL,    -- unit numbers
    slots           TEXT   NOT NULL,    -- the person's slots, as many as units
    payment_ref     TEXT   NOT NULL,    -- the payment service's name for the payment
    confirmed_at    BIGINT NOT NULL,    -- when the stock store made it a sale
    refunded_at     BIGINT              -- when it was taken back; none: the order stands
);
CREATE INDEX orders_of_person ON orders (sale, person);

-- One row per sold unit. The two indexes refuse an oversell, and one too many per person, even if
-- the stock store were wrong.
CREATE TABLE order_units (
    order_id        TEXT   NOT NULL,    -- the order
    sale            TEXT   NOT NULL,    -- which sale
    sku             TEXT   NOT NULL,    -- of what
    unit            BIGINT NOT NULL,    -- the unit's number
    person          TEXT   NOT NULL,    -- whose: the pass's sub
    slot            BIGINT NOT NULL,    -- which of the person's slots, 1 to the limit
    refunded_at     BIGINT,             -- when it was taken back; none: it is sold
    PRIMARY KEY (order_id, unit)
);
CREATE UNIQUE INDEX one_standing_order_per_unit
    ON order_units (sale, sku, unit) WHERE refunded_at IS NULL;
CREATE UNIQUE INDEX one_standing_order_per_slot
    ON order_units (sale, sku, person, slot) WHERE refunded_at IS NULL;

-- What is supplied, as last said.
CREATE TABLE supply (
    sale             TEXT   NOT NULL,   -- which sale
    sku              TEXT   NOT NULL,   -- of what
    supplied         BIGINT NOT NULL CHECK (supplied >= 0), -- units in all
    limit_per_person BIGINT NOT NULL CHECK (limit_per_person > 0), -- most units per person
    event_id         TEXT   NOT NULL,   -- the event that said so
    changed_at       BIGINT NOT NULL,   -- when that was
    PRIMARY KEY (sale, sku)
);

-- Events that could not be recorded, with everything needed to try again.
CREATE TABLE dead_letters (
    sale            TEXT   NOT NULL,    -- which sale
    event_id        TEXT   NOT NULL,    -- id in the sale's stream
    fields          TEXT   NOT NULL,    -- the entry as it stood in the stream, JSON
    reason          TEXT   NOT NULL,    -- what the ledger said when it was last tried
    tries           BIGINT NOT NULL,    -- how often it was tried
    set_aside_at    BIGINT NOT NULL,    -- when it was set aside, by the recorder's clock
    discarded_at    BIGINT,             -- when it was discarded, settled by hand: it is never recorded; null: it waits
    PRIMARY KEY (sale, event_id)
);

-- Who may record: a recorder of a lower term slept through the end of its lease.
CREATE TABLE recorder_terms (
    sale            TEXT   NOT NULL PRIMARY KEY, -- which sale
    term            BIGINT NOT NULL     -- highest term that recorded; a lower one is refused
);
