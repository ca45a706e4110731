-- Servicing of a line by its customer and by staff: automatic payments, disputes, refunds of a credit balance.

-- Automatic payments ------------------------------------------------------------------------------------------------

-- Leave to debit month by month, as it was signed (12 CFR 1005.10(b)): the bytes, and how it ended. One stands at a time.
CREATE TABLE autopays (
    id               uuid        NOT NULL CONSTRAINT autopays_pkey PRIMARY KEY,
    credit_line_id   uuid        NOT NULL REFERENCES credit_lines,
    customer_id      uuid        NOT NULL REFERENCES customers,
    bank_account_id  uuid        NOT NULL REFERENCES bank_accounts,
    amount_kind      text        NOT NULL CHECK (amount_kind IN ('minimum', 'statement', 'exact')),
    -- Of a fixed amount.
    amount_cents     bigint      CHECK (amount_cents > 0),
    template         text        NOT NULL,
    media_type       text        NOT NULL,
    bytes            bytea       NOT NULL,
    digest           bytea       NOT NULL CONSTRAINT autopays_digest CHECK (digest = sha256(bytes)),
    authorised_at    timestamptz NOT NULL,
    -- The next morning on which something may be to do.
    looks_next_on    date        NOT NULL,
    ended_at         timestamptz,
    end_reason       text,
    CONSTRAINT autopays_fixed_whole CHECK ((amount_kind = 'exact') = (amount_cents IS NOT NULL)),
    CONSTRAINT autopays_end_whole CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE UNIQUE INDEX autopays_one_stands ON autopays (credit_line_id) WHERE ended_at IS NULL;
CREATE INDEX autopays_to_look_at ON autopays (looks_next_on) WHERE ended_at IS NULL;
CREATE INDEX autopays_by_line ON autopays (credit_line_id, authorised_at DESC);

-- What becomes of a statement: one debit at most, and why there was none.
CREATE TABLE autopay_debits (
    credit_line_id   uuid        NOT NULL REFERENCES credit_lines,
    statement_number bigint      NOT NULL CHECK (statement_number > 0),
    autopay_id       uuid        NOT NULL REFERENCES autopays,
    -- The day the customer is credited for: the due date as it was printed.
    pays_on          date        NOT NULL,
    status           text        NOT NULL
        CHECK (status IN ('planned', 'skipped', 'made', 'nothing_due', 'not_made')),
    -- The notice of a varying amount (12 CFR 1005.10(d)). No more than it says is taken.
    noticed_at       timestamptz,
    noticed_cents    bigint      CHECK (noticed_cents > 0),
    payment_id       uuid        CONSTRAINT autopay_debits_payment_unique UNIQUE REFERENCES payments,
    -- Why it was not made.
    why              text,
    changed_at       timestamptz NOT NULL,
    CONSTRAINT autopay_debits_pkey PRIMARY KEY (credit_line_id, statement_number),
    CONSTRAINT autopay_debits_notice_whole CHECK ((noticed_at IS NULL) = (noticed_cents IS NULL)),
    CONSTRAINT autopay_debits_made_whole CHECK ((status = 'made') = (payment_id IS NOT NULL)),
    CONSTRAINT autopay_debits_why_whole CHECK ((status = 'not_made') = (why IS NOT NULL)),
    CONSTRAINT autopay_debits_made_with_notice CHECK (status <> 'made' OR noticed_at IS NOT NULL)
);
CREATE INDEX autopay_debits_by_autopay ON autopay_debits (autopay_id);

-- Disputes ----------------------------------------------------------------------------------------------------------

-- A billing-error notice (12 CFR 1026.13) with its clocks. What it does to the line is in the line's events.
CREATE TABLE disputes (
    id               uuid        NOT NULL CONSTRAINT disputes_pkey PRIMARY KEY,
    case_id          uuid        NOT NULL REFERENCES cases,
    customer_id      uuid        NOT NULL REFERENCES customers,
    credit_line_id   uuid        NOT NULL REFERENCES credit_lines,
    subject          jsonb       NOT NULL,
    amount_cents     bigint      NOT NULL CHECK (amount_cents > 0),
    words            text        NOT NULL,
    -- The first statement that shows it, where one has been issued.
    statement_number bigint      CHECK (statement_number > 0),
    received_at      timestamptz NOT NULL,
    acknowledge_by   date        NOT NULL,
    resolve_by       date        NOT NULL,
    resolved_at      timestamptz,
    resolved_by      jsonb,
    -- How much of it was our error, and what the customer is told.
    error_cents      bigint      CHECK (error_cents >= 0),
    explanation      text,
    -- What the customer owed less by it, interest and fees that went back with the error included.
    given_back_cents bigint      CHECK (given_back_cents >= 0),
    CONSTRAINT disputes_error_within CHECK (error_cents <= amount_cents),
    CONSTRAINT disputes_resolved_whole CHECK (
        (resolved_at IS NULL) = (error_cents IS NULL) AND (resolved_at IS NULL) = (explanation IS NULL)
        AND (resolved_at IS NULL) = (resolved_by IS NULL) AND (resolved_at IS NULL) = (given_back_cents IS NULL))
);
CREATE INDEX disputes_by_customer ON disputes (customer_id, received_at DESC);
CREATE INDEX disputes_open ON disputes (resolve_by) WHERE resolved_at IS NULL;

-- Refunds -----------------------------------------------------------------------------------------------------------

-- A credit balance that goes back to the customer (12 CFR 1026.11(a)). The line is charged when the bank has sent it.
CREATE TABLE refunds (
    id               uuid        NOT NULL CONSTRAINT refunds_pkey PRIMARY KEY,
    credit_line_id   uuid        NOT NULL REFERENCES credit_lines,
    customer_id      uuid        NOT NULL REFERENCES customers,
    bank_account_id  uuid        NOT NULL REFERENCES bank_accounts,
    reference        text        NOT NULL CONSTRAINT refunds_reference_unique UNIQUE,
    amount_cents     bigint      NOT NULL CHECK (amount_cents > 0),
    cause            text        NOT NULL CHECK (cause IN ('asked', 'six_months')),
    status           text        NOT NULL CHECK (status IN ('requested', 'pending', 'sent', 'refused')),
    requested_at     timestamptz NOT NULL,
    pay_by           date        NOT NULL,
    handed_at        timestamptz,
    event_seq        bigint,
    refusal          text,
    changed_at       timestamptz NOT NULL,
    CONSTRAINT refunds_sent_whole CHECK ((status = 'sent') = (event_seq IS NOT NULL)),
    CONSTRAINT refunds_refusal_whole CHECK ((status = 'refused') = (refusal IS NOT NULL))
);
CREATE UNIQUE INDEX refunds_one_underway ON refunds (credit_line_id) WHERE status IN ('requested', 'pending');
CREATE INDEX refunds_underway ON refunds (pay_by) WHERE status IN ('requested', 'pending');

-- The same by cheque, where the bank will not have it. The line is charged with it on the day it is sent; one that nobody cashed is
-- void, and the credit balance is the customer's as if it had never left.
CREATE TABLE refund_cheques (
    id               uuid        NOT NULL CONSTRAINT refund_cheques_pkey PRIMARY KEY,
    case_id          uuid        NOT NULL REFERENCES cases,
    credit_line_id   uuid        NOT NULL REFERENCES credit_lines,
    customer_id      uuid        NOT NULL REFERENCES customers,
    number           text        NOT NULL CHECK (number ~ '^[0-9]{1,20}$'),
    amount_cents     bigint      NOT NULL CHECK (amount_cents > 0),
    -- Of one that waits for a second person: the day it was asked for.
    sent_on          date        NOT NULL,
    status           text        NOT NULL CHECK (status IN ('waiting', 'sent', 'refused', 'voided')),
    recorded_by      jsonb       NOT NULL,
    recorded_at      timestamptz NOT NULL,
    -- The line events that charged it and gave it back.
    event_seq        bigint,
    void_seq         bigint,
    void_reason      text,
    changed_at       timestamptz NOT NULL,
    CONSTRAINT refund_cheques_sent_whole CHECK ((status IN ('sent', 'voided')) = (event_seq IS NOT NULL)),
    CONSTRAINT refund_cheques_void_whole CHECK (
        (status = 'voided') = (void_seq IS NOT NULL) AND (status = 'voided') = (void_reason IS NOT NULL))
);
-- One cheque is recorded once, whoever does it.
CREATE UNIQUE INDEX refund_cheques_number_once ON refund_cheques (number) WHERE status <> 'refused';
CREATE UNIQUE INDEX refund_cheques_one_waits ON refund_cheques (credit_line_id) WHERE status = 'waiting';
CREATE INDEX refund_cheques_by_customer ON refund_cheques (customer_id, recorded_at DESC);

-- The days on which old credit balances were looked for: once a day, by whoever comes first.
CREATE TABLE refund_days (
    looked_on        date        NOT NULL CONSTRAINT refund_days_pkey PRIMARY KEY
);

-- What the lender owed on a line when it was last settled; the next day on which that is to go back unasked (nothing: it is too little,
-- or a person has it); how often that was tried. Another balance begins anew.
ALTER TABLE credit_lines
    ADD COLUMN credit_cents bigint NOT NULL DEFAULT 0 CHECK (credit_cents >= 0),
    ADD COLUMN refund_on date,
    ADD COLUMN refund_tries smallint NOT NULL DEFAULT 0 CHECK (refund_tries >= 0);
CREATE INDEX credit_lines_to_refund ON credit_lines (refund_on) WHERE refund_on IS NOT NULL;

-- When a line's credit balance last moved (account 2100: credit balances).
CREATE INDEX entries_of_credit_balances ON entries (credit_line_id, effective_on) WHERE account_code = 2100;

-- Two people --------------------------------------------------------------------------------------------------------

-- What one member of staff asks for and another does: a payment taken back as our own mistake, what was found of a dispute, a credit
-- balance sent by cheque.
CREATE TABLE countersignatures (
    id               uuid        NOT NULL CONSTRAINT countersignatures_pkey PRIMARY KEY,
    payment_id       uuid        REFERENCES payments,
    dispute_id       uuid        REFERENCES disputes,
    cheque_id        uuid        REFERENCES refund_cheques,
    customer_id      uuid        NOT NULL REFERENCES customers,
    credit_line_id   uuid        NOT NULL REFERENCES credit_lines,
    amount_cents     bigint      NOT NULL CHECK (amount_cents > 0),
    -- With what goes back beside it, as it was reckoned when it was asked for.
    in_all_cents     bigint      NOT NULL CHECK (in_all_cents >= 0),
    reason           text        NOT NULL CHECK (reason <> ''),
    asked_by         uuid        NOT NULL REFERENCES representatives,
    asked_at         timestamptz NOT NULL,
    decided_by       uuid        REFERENCES representatives,
    decided_at       timestamptz,
    outcome          text        CHECK (outcome IN ('done', 'refused')),
    note             text,
    CONSTRAINT countersignatures_of_one_thing CHECK (num_nonnulls(payment_id, dispute_id, cheque_id) = 1),
    CONSTRAINT countersignatures_two_people CHECK (outcome IS DISTINCT FROM 'done' OR decided_by <> asked_by),
    CONSTRAINT countersignatures_decided_whole CHECK (
        (outcome IS NULL) = (decided_by IS NULL) AND (outcome IS NULL) = (decided_at IS NULL)
        AND (outcome IS NULL) = (note IS NULL))
);
CREATE UNIQUE INDEX countersignatures_payment_once ON countersignatures (payment_id) WHERE outcome IS DISTINCT FROM 'refused';
CREATE UNIQUE INDEX countersignatures_dispute_once ON countersignatures (dispute_id) WHERE outcome IS DISTINCT FROM 'refused';
CREATE UNIQUE INDEX countersignatures_cheque_once ON countersignatures (cheque_id) WHERE outcome IS DISTINCT FROM 'refused';
CREATE INDEX countersignatures_by_customer ON countersignatures (customer_id, asked_at DESC);
CREATE INDEX countersignatures_waiting ON countersignatures (asked_at) WHERE outcome IS NULL;

-- Rights ------------------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT ON autopays, autopay_debits, disputes, refunds, refund_cheques, refund_days, countersignatures
    TO plumbline_app;
GRANT UPDATE (looks_next_on, ended_at, end_reason) ON autopays TO plumbline_app;
GRANT UPDATE (autopay_id, pays_on, status, noticed_at, noticed_cents, payment_id, why, changed_at)
    ON autopay_debits TO plumbline_app;
GRANT UPDATE (resolved_at, resolved_by, error_cents, explanation, given_back_cents) ON disputes TO plumbline_app;
GRANT UPDATE (status, handed_at, event_seq, refusal, changed_at) ON refunds TO plumbline_app;
GRANT UPDATE (status, sent_on, event_seq, void_seq, void_reason, changed_at) ON refund_cheques TO plumbline_app;
GRANT UPDATE (outcome, note, decided_by, decided_at) ON countersignatures TO plumbline_app;
GRANT UPDATE (credit_cents, refund_on, refund_tries) ON credit_lines TO plumbline_app;
GRANT SELECT ON autopays, autopay_debits, disputes, refunds, refund_cheques, countersignatures TO plumbline_audit;
-- Whether a draw is possible is asked in a turn too, and a refund that is on its way counts.
GRANT SELECT ON refunds TO plumbline_turn;
-- Whether a payment would be taken is asked in a turn as well.
-- Whether a returned payment counts against the account: not where it was our mistake.
GRANT SELECT (payment_id, outcome) ON countersignatures TO plumbline_turn;
GRANT SELECT (id, credit_line_id, authorised_at, ended_at, end_reason) ON autopays TO plumbline_turn;
GRANT SELECT (credit_line_id, autopay_id, payment_id, changed_at) ON autopay_debits TO plumbline_turn;
