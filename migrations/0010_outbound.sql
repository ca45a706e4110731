-- Outbound messages: what a customer is told, when, by which way, and what came of it; how they are reached, and what they
-- agreed to or took back.
--
-- A message is one row for each cause (a row of the outbox) and recipient: the database itself lets nobody be told twice. Its
-- words are fixed when it is written and held against their digest; only what came of it changes. Who was reached how,
-- consents taken back and letters are added and never changed.

-- 15 USC 7001(c): the newest row of a customer, of this and of esign_consents, says whether consent stands.
CREATE TABLE consent_ends (
    customer_id     uuid        NOT NULL REFERENCES customers,
    ended_at        timestamptz NOT NULL,
    -- Taken back by the customer, or in doubt because mail came back.
    why             text        NOT NULL CHECK (why IN ('withdrawn', 'bounced')),
    CONSTRAINT consent_ends_pkey PRIMARY KEY (customer_id, ended_at, why)
);

CREATE TABLE contact_changes (
    id              uuid        NOT NULL CONSTRAINT contact_changes_pkey PRIMARY KEY,
    customer_id     uuid        NOT NULL REFERENCES customers,
    changed_at      timestamptz NOT NULL,
    changed_by      jsonb       NOT NULL,
    former_email    text        NOT NULL,
    email           text        NOT NULL,
    former_phone    text        NOT NULL,
    phone           text        NOT NULL,
    -- The mailing address before it, where one was known; another one, where one came with it.
    former_postal   text[],
    postal          text[]
);
CREATE INDEX contact_changes_by_customer ON contact_changes (customer_id, changed_at DESC);

-- Where paper goes. The newest counts.
CREATE TABLE postal_addresses (
    customer_id     uuid        NOT NULL REFERENCES customers,
    n               bigint      GENERATED ALWAYS AS IDENTITY,
    recorded_at     timestamptz NOT NULL,
    lines           text[]      NOT NULL CHECK (cardinality(lines) BETWEEN 1 AND 5),
    CONSTRAINT postal_addresses_pkey PRIMARY KEY (customer_id, n)
);

-- Hours and ways at which a customer said they must not be asked for money (15 USC 1692c(a)(1), (3)). One mention is enough.
CREATE TABLE contact_limits (
    customer_id     uuid        NOT NULL REFERENCES customers,
    n               bigint      GENERATED ALWAYS AS IDENTITY,
    recorded_at     timestamptz NOT NULL,
    -- Not between these hours of their wall clock; or, without them, that the e-mail address is an employer's.
    not_from        time,
    not_until       time,
    CONSTRAINT contact_limits_pkey PRIMARY KEY (customer_id, n),
    CONSTRAINT contact_limits_whole CHECK ((not_from IS NULL) = (not_until IS NULL)),
    CONSTRAINT contact_limits_span CHECK (not_from < not_until)
);

CREATE TABLE outbound_messages (
    id              uuid        NOT NULL CONSTRAINT outbound_messages_pkey PRIMARY KEY,
    customer_id     uuid        NOT NULL REFERENCES customers,
    credit_line_id  uuid        REFERENCES credit_lines,
    cause           bigint      NOT NULL REFERENCES outbox (position),
    -- The customer as we reach them; of a change of address the one before and the one after, by e-mail and by letter.
    recipient       text        NOT NULL
        CHECK (recipient IN ('customer', 'former_address', 'new_address', 'former_street', 'new_street')),
    -- Where it was sent last, or is to be sent to.
    address         text        NOT NULL,
    -- Where paper of it goes: nowhere where there are no lines, and to the newest street where this is null.
    street          text[],
    kind            text        NOT NULL CHECK (kind <> ''),
    class           text        NOT NULL CHECK (class IN ('legal', 'alert', 'servicing', 'collection')),
    language        text        NOT NULL CHECK (language IN ('en', 'es')),
    template        text        NOT NULL,
    subject         text        NOT NULL CHECK (subject <> '' AND subject !~ '[\n\r]'),
    body            text        NOT NULL,
    html            text        NOT NULL,
    digest          bytea       NOT NULL CONSTRAINT outbound_messages_digest
        CHECK (digest = sha256(convert_to(subject || E'\n' || body || E'\n' || html, 'UTF8'))),
    -- The document that goes with it, or stands for it on paper: a statement by number, a decision by id.
    statement       bigint,
    decision_id     uuid        REFERENCES decisions,
    -- What it says, by the names of its template: of this a letter is made.
    said            jsonb       NOT NULL,
    state           text        NOT NULL
        CHECK (state IN ('waiting', 'sending', 'sent', 'deferred', 'bounced', 'on_paper', 'not_sent')),
    -- Why it waits, was put on paper or was not sent, as a stable word; what a mail server said, as its code.
    why             text,
    code            text,
    -- When it is looked at next; never again where there is none.
    next_at         timestamptz,
    attempts        integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    written_at      timestamptz NOT NULL,
    changed_at      timestamptz NOT NULL,
    sent_at         timestamptz,
    CONSTRAINT outbound_messages_once UNIQUE (cause, recipient),
    CONSTRAINT outbound_messages_next CHECK ((next_at IS NOT NULL) = (state IN ('waiting', 'sending', 'deferred')))
);
CREATE INDEX outbound_messages_due ON outbound_messages (next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX outbound_messages_by_customer ON outbound_messages (customer_id, written_at DESC, id DESC);

CREATE TABLE letters (
    message_id      uuid        NOT NULL CONSTRAINT letters_pkey PRIMARY KEY REFERENCES outbound_messages,
    address         text[]      NOT NULL CHECK (cardinality(address) BETWEEN 1 AND 6),
    template        text        NOT NULL,
    media_type      text        NOT NULL,
    bytes           bytea       NOT NULL,
    digest          bytea       NOT NULL CONSTRAINT letters_digest CHECK (digest = sha256(bytes)),
    queued_at       timestamptz NOT NULL,
    -- When the printer had it, and when it was last to have it and did not take it.
    printed_at      timestamptz,
    refused_at      timestamptz
);
CREATE INDEX letters_to_print ON letters (refused_at NULLS FIRST, queued_at, message_id) WHERE printed_at IS NULL;

-- How far the reports of mail that came back were read.
CREATE TABLE mail_cursors (
    name            text        NOT NULL CONSTRAINT mail_cursors_pkey PRIMARY KEY,
    sequence        bigint      NOT NULL CHECK (sequence >= 0)
);

-- What happened before there were messages is told to nobody.
INSERT INTO outbox_cursors (consumer, position)
SELECT 'messages', coalesce(max(position), 0) FROM outbox;

-- Rights ------------------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT ON consent_ends, contact_changes, postal_addresses, contact_limits, outbound_messages, letters,
    mail_cursors TO plumbline_app;
GRANT SELECT ON consent_ends, contact_changes, postal_addresses, contact_limits, outbound_messages, letters
    TO plumbline_audit;
-- A draw waits after such a change; to what it was changed is none of a model's business.
GRANT SELECT (customer_id, changed_at) ON contact_changes TO plumbline_turn;
GRANT UPDATE (email, phone) ON customers TO plumbline_app;
GRANT UPDATE (state, why, code, next_at, attempts, changed_at, sent_at, address) ON outbound_messages TO plumbline_app;
GRANT UPDATE (printed_at, refused_at) ON letters TO plumbline_app;
GRANT UPDATE (sequence) ON mail_cursors TO plumbline_app;
