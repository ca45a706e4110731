-- Documents: what a customer was given, byte for byte, and the consent under which it was given on a screen.
--
-- Nothing here is ever changed: no role but the owner may update or delete a row. The database itself holds each digest
-- against its bytes.

-- Consent to records in electronic form (15 USC 7001(c)). The newest one of a customer is the one that stands.
CREATE TABLE esign_consents (
    id              uuid        NOT NULL CONSTRAINT esign_consents_pkey PRIMARY KEY,
    customer_id     uuid        NOT NULL REFERENCES customers,
    -- Which text was agreed to, and how it was shown that the customer can open what we send.
    version         text        NOT NULL CHECK (version <> ''),
    evidence        text        NOT NULL CHECK (evidence <> ''),
    given_at        timestamptz NOT NULL
);
CREATE INDEX esign_consents_by_customer ON esign_consents (customer_id, given_at DESC);

-- The account-opening record of a line (12 CFR 1026.6(b)), made when it opened.
CREATE TABLE opening_records (
    credit_line_id  uuid        NOT NULL CONSTRAINT opening_records_pkey PRIMARY KEY REFERENCES credit_lines,
    template        text        NOT NULL,
    media_type      text        NOT NULL,
    -- The product and its version, and the digest of the terms as they were copied.
    config          text        NOT NULL,
    terms_digest    bytea       NOT NULL CHECK (octet_length(terms_digest) = 32),
    bytes           bytea       NOT NULL,
    digest          bytea       NOT NULL CONSTRAINT opening_records_digest CHECK (digest = sha256(bytes)),
    rendered_at     timestamptz NOT NULL
);

-- That it was given, and under which consent. Without this row there is no draw.
CREATE TABLE opening_deliveries (
    credit_line_id  uuid        NOT NULL CONSTRAINT opening_deliveries_pkey PRIMARY KEY REFERENCES opening_records,
    consent_id      uuid        NOT NULL REFERENCES esign_consents,
    delivered_at    timestamptz NOT NULL
);

-- A statement as it was first opened. The data it was made of is the event.
CREATE TABLE statement_documents (
    credit_line_id  uuid        NOT NULL,
    number          bigint      NOT NULL CHECK (number > 0),
    format          text        NOT NULL CHECK (format IN ('html', 'pdf')),
    event_seq       bigint      NOT NULL,
    template        text        NOT NULL,
    media_type      text        NOT NULL,
    bytes           bytea       NOT NULL,
    digest          bytea       NOT NULL CONSTRAINT statement_documents_digest CHECK (digest = sha256(bytes)),
    rendered_at     timestamptz NOT NULL,
    CONSTRAINT statement_documents_pkey PRIMARY KEY (credit_line_id, number, format),
    CONSTRAINT statement_documents_issued FOREIGN KEY (credit_line_id, event_seq)
        REFERENCES line_events (credit_line_id, seq)
);

GRANT SELECT, INSERT ON esign_consents, opening_records, opening_deliveries, statement_documents TO plumbline_app;
GRANT SELECT ON esign_consents, opening_records, opening_deliveries, statement_documents TO plumbline_audit;
-- Whether a draw would be possible is asked in a turn as well.
GRANT SELECT ON opening_deliveries TO plumbline_turn;
