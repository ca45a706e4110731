-- Servicing: who the customers are, what they asked for, what was permitted and what came of it.
--
-- Rights follow the roles of 0001. `plumbline_turn`, under which a model's turn runs, reads, records the turn, proposes
-- intents and opens what protects the customer; it has no INSERT on grants, receipts, payments, draws or postings.
-- Rows of the record (grants, receipts, decisions, steps, messages) have no UPDATE or DELETE for anybody but the owner.

-- People ------------------------------------------------------------------------------------------------------------

CREATE TABLE customers (
    id            uuid        NOT NULL CONSTRAINT customers_pkey PRIMARY KEY,
    name          text        NOT NULL CHECK (name <> ''),
    email         text        NOT NULL,
    phone         text        NOT NULL,
    state         text        NOT NULL CHECK (state ~ '^[A-Z]{2}$'),
    language      text        NOT NULL DEFAULT 'en' CHECK (language IN ('en', 'es')),
    -- Sandbox portfolio only: what kind of customer this is, for the sign-in page.
    archetype     text,
    summary       text,
    created_at    timestamptz NOT NULL
);

CREATE TABLE representatives (
    id            uuid        NOT NULL CONSTRAINT representatives_pkey PRIMARY KEY,
    name          text        NOT NULL CHECK (name <> ''),
    role          text        NOT NULL CHECK (role IN ('representative', 'compliance', 'engineer')),
    created_at    timestamptz NOT NULL
);

-- A login. Only the digest of its token is kept.
CREATE TABLE sessions (
    token_digest  bytea       NOT NULL CONSTRAINT sessions_pkey PRIMARY KEY CHECK (octet_length(token_digest) = 32),
    role          text        NOT NULL CHECK (role IN ('customer', 'representative', 'compliance', 'engineer')),
    actor_id      uuid        NOT NULL,
    level         smallint    NOT NULL CHECK (level BETWEEN 0 AND 3),
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    ended_at      timestamptz
);
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- Applications and decisions ----------------------------------------------------------------------------------------

CREATE TABLE applications (
    id                    uuid        NOT NULL CONSTRAINT applications_pkey PRIMARY KEY,
    customer_id           uuid        NOT NULL REFERENCES customers,
    product               text        NOT NULL,
    requested_limit_cents bigint      NOT NULL CHECK (requested_limit_cents > 0),
    inputs                jsonb       NOT NULL,
    inputs_digest         bytea       NOT NULL CHECK (octet_length(inputs_digest) = 32),
    completed_at          timestamptz NOT NULL
);
CREATE INDEX applications_by_customer ON applications (customer_id, completed_at DESC);

-- What was decided, on what, why, and the notice exactly as it was sent.
CREATE TABLE decisions (
    id                  uuid        NOT NULL CONSTRAINT decisions_pkey PRIMARY KEY,
    application_id      uuid        NOT NULL CONSTRAINT decisions_application_unique UNIQUE REFERENCES applications,
    customer_id         uuid        NOT NULL REFERENCES customers,
    outcome             text        NOT NULL CHECK (outcome IN ('approved', 'declined', 'counteroffered', 'incomplete')),
    decided_on          date        NOT NULL,
    decided_at          timestamptz NOT NULL,
    model               text        NOT NULL,
    policy              text        NOT NULL,
    inputs_digest       bytea       NOT NULL CHECK (octet_length(inputs_digest) = 32),
    contributions       jsonb       NOT NULL,
    reasons             jsonb       NOT NULL,
    terms               jsonb,
    notice              bytea       NOT NULL,
    notice_digest       bytea       NOT NULL CHECK (octet_length(notice_digest) = 32),
    legal_minimum_until date        NOT NULL
);
CREATE INDEX decisions_by_customer ON decisions (customer_id, decided_at DESC);

-- The line ----------------------------------------------------------------------------------------------------------

-- The line's head. Its history is in line_events, and its terms, copied from the product when it opened, in the first of them.
CREATE TABLE credit_lines (
    id              uuid        NOT NULL CONSTRAINT credit_lines_pkey PRIMARY KEY,
    customer_id     uuid        NOT NULL REFERENCES customers,
    decision_id     uuid        REFERENCES decisions,
    product         text        NOT NULL,
    -- The first day of our books of it; a line that came from another lender was opened before (boarded_lines, and its events).
    opened_on       date        NOT NULL,
    -- What the jobs look for: the next morning on which something may have to be posted.
    settles_next_on date        NOT NULL,
    created_at      timestamptz NOT NULL
);
-- An approval opens one line.
CREATE UNIQUE INDEX credit_lines_decision_unique ON credit_lines (decision_id) WHERE decision_id IS NOT NULL;
CREATE INDEX credit_lines_by_customer ON credit_lines (customer_id);
CREATE INDEX credit_lines_to_settle ON credit_lines (settles_next_on);

-- A bank account as anybody may see it.
CREATE TABLE bank_accounts (
    id               uuid        NOT NULL CONSTRAINT bank_accounts_pkey PRIMARY KEY,
    customer_id      uuid        NOT NULL REFERENCES customers,
    kind             text        NOT NULL CHECK (kind IN ('checking', 'savings')),
    bank_name        text        NOT NULL,
    ending           text        NOT NULL CHECK (ending ~ '^[0-9]{4}$'),
    status           text        NOT NULL CHECK (status IN ('verified', 'disabled')),
    added_at         timestamptz NOT NULL
);
CREATE INDEX bank_accounts_by_customer ON bank_accounts (customer_id);

-- Where it is, sealed by the application, read only by the role that writes rail files. A correction by the bank is a further
-- row: a file that is written again is written with what was known when it was made.
CREATE TABLE bank_account_numbers (
    bank_account_id  uuid        NOT NULL REFERENCES bank_accounts,
    n                bigint      GENERATED ALWAYS AS IDENTITY,
    sealed_at        timestamptz NOT NULL,
    -- Which key opens it.
    key_id           text        NOT NULL CHECK (key_id <> ''),
    sealed           bytea       NOT NULL CHECK (octet_length(sealed) > 28),
    CONSTRAINT bank_account_numbers_pkey PRIMARY KEY (bank_account_id, n)
);

-- What stops or routes (rule book 3.6). The line's event is the record; this is the reading of it, and for a person
-- without a line the only one.
CREATE TABLE flags (
    customer_id     uuid        NOT NULL REFERENCES customers,
    credit_line_id  uuid        REFERENCES credit_lines,
    kind            text        NOT NULL,
    raised_on       date        NOT NULL,
    raised_at       timestamptz NOT NULL,
    source          text        NOT NULL,
    cleared_on      date,
    cleared_at      timestamptz,
    CONSTRAINT flags_clear_whole CHECK ((cleared_on IS NULL) = (cleared_at IS NULL))
);
CREATE UNIQUE INDEX flags_raised_once ON flags (customer_id, kind) WHERE cleared_on IS NULL;

-- Conversations -----------------------------------------------------------------------------------------------------

CREATE TABLE conversations (
    id            uuid        NOT NULL CONSTRAINT conversations_pkey PRIMARY KEY,
    customer_id   uuid        NOT NULL REFERENCES customers,
    surface       text        NOT NULL CHECK (surface IN ('consumer', 'copilot')),
    status        text        NOT NULL CHECK (status IN ('assistant', 'waiting', 'representative', 'closed')),
    started_at    timestamptz NOT NULL
);
CREATE INDEX conversations_by_customer ON conversations (customer_id, started_at DESC);
CREATE INDEX conversations_by_start ON conversations (started_at DESC, id DESC);

CREATE TABLE turns (
    id                    uuid        NOT NULL CONSTRAINT turns_pkey PRIMARY KEY,
    conversation_id       uuid        NOT NULL REFERENCES conversations,
    n                     integer     NOT NULL CHECK (n > 0),
    status                text        NOT NULL
        CHECK (status IN ('running', 'done', 'handed_off', 'cancelled', 'out_of_budget', 'faulted')),
    served_configuration  jsonb       NOT NULL,
    attested              boolean     NOT NULL,
    -- How well the customer was known who began it (rule book 3.8).
    level                 smallint    NOT NULL CHECK (level BETWEEN 0 AND 3),
    started_at            timestamptz NOT NULL,
    ended_at              timestamptz,
    CONSTRAINT turns_n_unique UNIQUE (conversation_id, n)
);
-- One turn at a time in a conversation.
CREATE UNIQUE INDEX turns_one_running ON turns (conversation_id) WHERE status = 'running';

-- What the orchestrator was told and asked for, in order: the turn is a fold of its steps.
CREATE TABLE steps (
    turn_id       uuid        NOT NULL REFERENCES turns,
    n             integer     NOT NULL CHECK (n > 0),
    kind          text        NOT NULL,
    body          jsonb       NOT NULL,
    recorded_at   timestamptz NOT NULL,
    CONSTRAINT steps_pkey PRIMARY KEY (turn_id, n)
);

CREATE TABLE messages (
    id               uuid        NOT NULL CONSTRAINT messages_pkey PRIMARY KEY,
    conversation_id  uuid        NOT NULL REFERENCES conversations,
    n                integer     NOT NULL CHECK (n > 0),
    turn_id          uuid        REFERENCES turns,
    role             text        NOT NULL CHECK (role IN ('customer', 'assistant', 'representative', 'system')),
    author_id        uuid,
    text             text        NOT NULL,
    citations        jsonb       NOT NULL DEFAULT '[]',
    notices          jsonb       NOT NULL DEFAULT '[]',
    cases            jsonb       NOT NULL DEFAULT '[]',
    evidence         jsonb,
    at               timestamptz NOT NULL,
    CONSTRAINT messages_n_unique UNIQUE (conversation_id, n)
);
CREATE INDEX messages_by_turn ON messages (turn_id) WHERE turn_id IS NOT NULL;

-- Waits until nobody else writes to a conversation and holds it to the end of the transaction; answers the number of its next
-- message. What was decided and chained before stands only if nothing was recorded since: the newest leaf of the conversation
-- is the one that is named, and its status one that is named, where one is. A turn that records must still be running: one that
-- was ended records nothing more, whoever still drives it. Each statement in here sees what was committed by whoever held the
-- conversation before, which takes the isolation level `read committed`: every connection of ours sets it.
CREATE FUNCTION conversation_goes_on(held uuid, wanted text, recording uuid, tip_n bigint, tip_hash bytea) RETURNS integer
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    tip record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'a conversation is recorded in under read committed, not under %',
            current_setting('transaction_isolation') USING ERRCODE = 'feature_not_supported';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('conversation:' || held::text, 0));
    IF recording IS NOT NULL AND NOT EXISTS (SELECT FROM turns t WHERE t.id = recording AND t.status = 'running') THEN
        RAISE EXCEPTION 'turn % does not run', recording USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    SELECT h.n, h.leaf_hash INTO tip FROM audit_stream_head('conversation:' || held::text) h;
    IF tip.n IS DISTINCT FROM tip_n OR tip.leaf_hash IS DISTINCT FROM tip_hash
        OR (wanted IS NOT NULL AND NOT EXISTS (SELECT FROM conversations c WHERE c.id = held AND c.status = wanted))
    THEN
        RAISE EXCEPTION 'conversation % has gone on', held USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN (SELECT coalesce(max(m.n), 0) + 1 FROM messages m WHERE m.conversation_id = held);
END
$$;
GRANT EXECUTE ON FUNCTION conversation_goes_on TO plumbline_app, plumbline_turn;

-- What was proposed, permitted and done -----------------------------------------------------------------------------

-- A proposed effect: `arguments` are what would be done, resolved on the day it was proposed.
CREATE TABLE intents (
    id               uuid        NOT NULL CONSTRAINT intents_pkey PRIMARY KEY,
    customer_id      uuid        NOT NULL REFERENCES customers,
    credit_line_id   uuid        REFERENCES credit_lines,
    conversation_id  uuid        REFERENCES conversations,
    turn_id          uuid        REFERENCES turns,
    tool             text        NOT NULL,
    tool_version     text        NOT NULL,
    -- Proposals of one subject supersede each other.
    subject          text        NOT NULL,
    arguments        jsonb       NOT NULL,
    arguments_digest bytea       NOT NULL CHECK (octet_length(arguments_digest) = 32),
    title            text        NOT NULL,
    effect           text        NOT NULL,
    fields           jsonb       NOT NULL,
    limits           jsonb       NOT NULL,
    status           text        NOT NULL
        CHECK (status IN ('awaiting_confirmation', 'confirmed', 'refused', 'expired', 'superseded')),
    superseded_by    uuid        REFERENCES intents DEFERRABLE INITIALLY DEFERRED,
    proposed_at      timestamptz NOT NULL,
    expires_at       timestamptz NOT NULL,
    settled_at       timestamptz,
    CONSTRAINT intents_expire_after_proposal CHECK (expires_at > proposed_at),
    CONSTRAINT intents_settled_whole CHECK ((status = 'awaiting_confirmation') = (settled_at IS NULL))
);
CREATE INDEX intents_by_customer ON intents (customer_id, proposed_at DESC);
CREATE INDEX intents_by_turn ON intents (turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX intents_by_conversation ON intents (conversation_id) WHERE conversation_id IS NOT NULL;
CREATE UNIQUE INDEX intents_one_awaiting ON intents (customer_id, conversation_id, subject) NULLS NOT DISTINCT
    WHERE status = 'awaiting_confirmation';

-- A grant is permission for exactly one intent, given by a signed-in person, and is consumed by the effect it stands
-- beside: it is inserted with the receipt or not at all.
CREATE TABLE grants (
    id              uuid        NOT NULL CONSTRAINT grants_pkey PRIMARY KEY,
    intent_id       uuid        NOT NULL CONSTRAINT grants_intent_unique UNIQUE REFERENCES intents,
    actor           jsonb       NOT NULL,
    level           smallint    NOT NULL CHECK (level BETWEEN 0 AND 3),
    arguments_digest bytea      NOT NULL CHECK (octet_length(arguments_digest) = 32),
    granted_at      timestamptz NOT NULL
);

CREATE TABLE receipts (
    id              uuid        NOT NULL CONSTRAINT receipts_pkey PRIMARY KEY,
    customer_id     uuid        NOT NULL REFERENCES customers,
    credit_line_id  uuid        REFERENCES credit_lines,
    intent_id       uuid        CONSTRAINT receipts_intent_unique UNIQUE REFERENCES intents,
    kind            text        NOT NULL,
    reference       text        NOT NULL CONSTRAINT receipts_reference_unique UNIQUE,
    text            text        NOT NULL,
    fields          jsonb       NOT NULL,
    at              timestamptz NOT NULL
);
CREATE INDEX receipts_by_customer ON receipts (customer_id, at DESC);

-- Money in and out --------------------------------------------------------------------------------------------------

-- A file for the bank. Its text is not kept (it carries account numbers): it is built again from its rows, and `digest`
-- says whether it came out the same.
CREATE TABLE rail_files (
    key             text        NOT NULL CONSTRAINT rail_files_pkey PRIMARY KEY,
    number          integer     NOT NULL CONSTRAINT rail_files_number_unique UNIQUE CHECK (number > 0),
    created_at      timestamptz NOT NULL,
    effective_on    date        NOT NULL,
    entries         integer     NOT NULL CHECK (entries > 0),
    debit_cents     bigint      NOT NULL CHECK (debit_cents >= 0),
    credit_cents    bigint      NOT NULL CHECK (credit_cents >= 0),
    digest          bytea       CHECK (octet_length(digest) = 32),
    status          text        NOT NULL CHECK (status IN ('choosing', 'building', 'pending', 'accepted', 'refused', 'abandoned', 'late')),
    -- When it was last handed to the bank.
    handed_at       timestamptz,
    bank_reference  text,
    refusal         text,
    settled_at      timestamptz
);
CREATE INDEX rail_files_open ON rail_files (created_at) WHERE status IN ('building', 'pending');
-- One file of a day is filled at a time with payments, and one with draws.
CREATE UNIQUE INDEX rail_files_choosing ON rail_files (effective_on, (debit_cents > 0)) WHERE status = 'choosing';
CREATE INDEX rail_files_abandoned ON rail_files (settled_at) WHERE status = 'abandoned';
-- Which entries were in a file that was given up: they no longer name it, and their numbers are given anew.
CREATE INDEX outbox_given_back_of ON outbox ((payload ->> 'file_key'))
    WHERE kind IN ('payment.given_back', 'draw.given_back');
CREATE INDEX outbox_given_back ON outbox ((payload ->> 'trace_number'))
    WHERE kind IN ('payment.given_back', 'draw.given_back');
CREATE SEQUENCE rail_file_numbers AS integer;
-- Seven digits of a trace number: they come round again.
CREATE SEQUENCE rail_entry_numbers AS integer MAXVALUE 9999999 CYCLE;

-- How far the bank's list of returns has been read.
CREATE TABLE rail_cursors (
    name            text        NOT NULL CONSTRAINT rail_cursors_pkey PRIMARY KEY,
    cursor          text        NOT NULL
);

-- What banks told of our entries that is worked off once, however often it is read: another account, or the return of an entry that
-- is not on its way. By the entry's reference, and of one that we do not know, or that has not left, by its trace number.
CREATE TABLE rail_notices (
    entry           text        NOT NULL,
    code            text        NOT NULL,
    told_at         timestamptz NOT NULL,
    CONSTRAINT rail_notices_pkey PRIMARY KEY (entry, code)
);

CREATE TABLE payments (
    id               uuid        NOT NULL CONSTRAINT payments_pkey PRIMARY KEY,
    credit_line_id   uuid        NOT NULL REFERENCES credit_lines,
    customer_id      uuid        NOT NULL REFERENCES customers,
    bank_account_id  uuid        NOT NULL REFERENCES bank_accounts,
    reference        text        NOT NULL CONSTRAINT payments_reference_unique UNIQUE,
    amount_cents     bigint      NOT NULL CHECK (amount_cents > 0),
    amount_kind      text        NOT NULL CHECK (amount_kind IN ('exact', 'minimum', 'statement', 'payoff')),
    -- The day the customer chose and is credited for; the banking day on which the bank is asked.
    authorised_on    date        NOT NULL,
    debit_on         date        NOT NULL,
    status           text        NOT NULL
        CHECK (status IN ('scheduled', 'released', 'pending', 'settled', 'returned', 'held_back', 'cancelled')),
    file_key         text        REFERENCES rail_files,
    trace_number     text,
    received_seq     bigint,
    settle_on        date,
    return_code      text,
    returned_on      date,
    -- One retry at most; while it is still to be made, never before this day.
    retry_on         date,
    retry_of         uuid        CONSTRAINT payments_one_retry UNIQUE REFERENCES payments,
    -- Why it was cancelled or held back.
    cancel_reason    text,
    -- How often the bank refused a file with it.
    refusals         integer     NOT NULL DEFAULT 0 CHECK (refusals >= 0),
    authorised_at    timestamptz NOT NULL,
    changed_at       timestamptz NOT NULL,
    CONSTRAINT payments_trace_unique UNIQUE (trace_number, file_key),
    CONSTRAINT payments_debit_not_early CHECK (debit_on >= authorised_on),
    CONSTRAINT payments_return_whole CHECK ((status = 'returned') = (return_code IS NOT NULL)),
    CONSTRAINT payments_cancel_whole CHECK ((status IN ('held_back', 'cancelled')) = (cancel_reason IS NOT NULL)),
    -- Payments of a history that was loaded have gone through no file of ours.
    CONSTRAINT payments_in_file CHECK (status NOT IN ('pending', 'released') OR file_key IS NOT NULL)
);
CREATE INDEX payments_by_line ON payments (credit_line_id, authorised_at DESC);
CREATE INDEX payments_to_release ON payments (debit_on, credit_line_id, id) WHERE status = 'scheduled';
CREATE INDEX payments_to_settle ON payments (settle_on) WHERE status = 'released';
CREATE INDEX payments_by_bank_account ON payments (bank_account_id);
CREATE INDEX payments_by_file ON payments (file_key) WHERE file_key IS NOT NULL;

-- Money to a customer: held on the line first, charged to it when the bank has made it available.
CREATE TABLE draws (
    id               uuid        NOT NULL CONSTRAINT draws_pkey PRIMARY KEY,
    credit_line_id   uuid        NOT NULL REFERENCES credit_lines,
    customer_id      uuid        NOT NULL REFERENCES customers,
    bank_account_id  uuid        NOT NULL REFERENCES bank_accounts,
    reference        text        NOT NULL CONSTRAINT draws_reference_unique UNIQUE,
    amount_cents     bigint      NOT NULL CHECK (amount_cents > 0),
    fee_cents        bigint      NOT NULL CHECK (fee_cents >= 0),
    rail             text        NOT NULL CHECK (rail IN ('standard', 'instant')),
    status           text        NOT NULL
        CHECK (status IN ('held', 'pending', 'released', 'settled', 'refused', 'voided')),
    -- Whether a person has to look at it before it leaves, or has.
    review           text        CHECK (review IN ('waiting', 'set_aside', 'passed')),
    held_on          date        NOT NULL,
    -- The day of the file that is to take it up, and the day the customer was told to expect the money.
    leaves_on        date        NOT NULL,
    available_on     date        NOT NULL,
    file_key         text        REFERENCES rail_files,
    trace_number     text,
    -- When the bank was first asked for it on the instant rail.
    handed_at        timestamptz,
    -- The day the money was made available, from which it bears interest, and the line event that says so.
    drawn_on         date,
    drew_seq         bigint,
    return_code      text,
    -- Why the bank refused it, or why it was given up.
    refusal          text,
    -- How often the bank refused a file with it.
    refusals         integer     NOT NULL DEFAULT 0 CHECK (refusals >= 0),
    -- When the desk was told that nothing is known of it.
    told_at          timestamptz,
    held_at          timestamptz NOT NULL,
    changed_at       timestamptz NOT NULL,
    CONSTRAINT draws_trace_unique UNIQUE (trace_number, file_key),
    CONSTRAINT draws_made_whole CHECK ((drawn_on IS NULL) = (drew_seq IS NULL)),
    CONSTRAINT draws_settled_whole CHECK (status <> 'settled' OR drawn_on IS NOT NULL),
    CONSTRAINT draws_refusal_whole CHECK ((status IN ('refused', 'voided')) = (refusal IS NOT NULL))
);
CREATE INDEX draws_by_line ON draws (credit_line_id, held_at DESC);
CREATE INDEX draws_to_leave ON draws (leaves_on, credit_line_id, id) WHERE status = 'held';
CREATE INDEX draws_underway ON draws (rail, available_on) WHERE status IN ('held', 'pending', 'released');
CREATE INDEX draws_by_bank_account ON draws (bank_account_id);
CREATE INDEX draws_by_file ON draws (file_key) WHERE file_key IS NOT NULL;

-- Cases and hand-offs -----------------------------------------------------------------------------------------------

CREATE TABLE cases (
    id               uuid        NOT NULL CONSTRAINT cases_pkey PRIMARY KEY,
    reference        text        NOT NULL CONSTRAINT cases_reference_unique UNIQUE,
    customer_id      uuid        NOT NULL REFERENCES customers,
    credit_line_id   uuid        REFERENCES credit_lines,
    conversation_id  uuid        REFERENCES conversations,
    kind             text        NOT NULL,
    words            text        NOT NULL,
    status           text        NOT NULL CHECK (status IN ('open', 'closed')),
    opened_by        jsonb       NOT NULL,
    opened_at        timestamptz NOT NULL,
    due_on           date        NOT NULL,
    note             text,
    closed_by        jsonb,
    closed_at        timestamptz,
    CONSTRAINT cases_closed_whole CHECK ((status = 'closed') = (closed_at IS NOT NULL AND closed_by IS NOT NULL))
);
CREATE UNIQUE INDEX cases_open_once ON cases (customer_id, kind) WHERE status = 'open';
CREATE INDEX cases_open ON cases (due_on) WHERE status = 'open';

-- What came to an open case afterwards: more of its kind, and what the customer said again. Read with its words.
CREATE TABLE case_matters (
    n                bigint      GENERATED ALWAYS AS IDENTITY CONSTRAINT case_matters_pkey PRIMARY KEY,
    case_id          uuid        NOT NULL REFERENCES cases,
    words            text        NOT NULL,
    told_at          timestamptz NOT NULL
);
CREATE INDEX case_matters_by_case ON case_matters (case_id);

-- Leave to debit was taken back: nothing authorised up to then is taken any more. A fact, which closing a case does not undo.
CREATE TABLE revocations (
    customer_id      uuid        NOT NULL REFERENCES customers,
    revoked_at       timestamptz NOT NULL,
    source           text        NOT NULL,
    CONSTRAINT revocations_pkey PRIMARY KEY (customer_id, revoked_at)
);

CREATE TABLE hand_offs (
    id               uuid        NOT NULL CONSTRAINT hand_offs_pkey PRIMARY KEY,
    reference        text        NOT NULL CONSTRAINT hand_offs_reference_unique UNIQUE,
    customer_id      uuid        NOT NULL REFERENCES customers,
    conversation_id  uuid        NOT NULL REFERENCES conversations,
    reason           text        NOT NULL,
    summary          text        NOT NULL,
    status           text        NOT NULL CHECK (status IN ('waiting', 'claimed', 'released')),
    opened_at        timestamptz NOT NULL,
    claimed_by       uuid        REFERENCES representatives,
    claimed_at       timestamptz,
    released_at      timestamptz,
    CONSTRAINT hand_offs_claimed_whole CHECK ((claimed_by IS NULL) = (claimed_at IS NULL)),
    CONSTRAINT hand_offs_released_whole CHECK ((status = 'released') = (released_at IS NOT NULL))
);
CREATE UNIQUE INDEX hand_offs_one_open ON hand_offs (conversation_id) WHERE status <> 'released';

-- Sandbox -----------------------------------------------------------------------------------------------------------

-- The hand of the manual clock; no row in a real installation.
CREATE TABLE sandbox_clock (
    only_row     boolean     NOT NULL DEFAULT true CONSTRAINT sandbox_clock_pkey PRIMARY KEY CHECK (only_row),
    now_at       timestamptz NOT NULL
);

-- Rights ------------------------------------------------------------------------------------------------------------

GRANT SELECT ON customers, representatives, applications, decisions, credit_lines, bank_accounts, flags,
    conversations, turns, steps, messages, intents, grants, receipts, rail_files, rail_cursors, payments, draws, cases,
    hand_offs, sandbox_clock
    TO plumbline_app, plumbline_audit;
GRANT SELECT ON customers, applications, decisions, credit_lines, bank_accounts, flags, conversations, turns, steps,
    messages, intents, receipts, payments, draws, cases, hand_offs
    TO plumbline_turn;

GRANT INSERT ON customers, representatives, sessions, applications, decisions, credit_lines, bank_accounts,
    bank_account_numbers, flags, conversations, turns, steps, messages, intents, grants, receipts, rail_files,
    rail_cursors, payments, draws, cases, hand_offs, sandbox_clock
    TO plumbline_app;
GRANT SELECT, UPDATE (ended_at) ON sessions TO plumbline_app;
GRANT SELECT (token_digest, expires_at), DELETE ON sessions TO plumbline_purge;
GRANT UPDATE (settles_next_on) ON credit_lines TO plumbline_app;
GRANT UPDATE (status, kind, ending) ON bank_accounts TO plumbline_app;
GRANT UPDATE (cleared_on, cleared_at) ON flags TO plumbline_app;
GRANT UPDATE (status) ON conversations TO plumbline_app;
GRANT UPDATE (status, ended_at) ON turns TO plumbline_app;
GRANT UPDATE (status, superseded_by, settled_at) ON intents TO plumbline_app;
GRANT UPDATE (created_at, entries, debit_cents, credit_cents, digest, status, handed_at, bank_reference, refusal,
    settled_at) ON rail_files TO plumbline_app;
GRANT UPDATE (cursor) ON rail_cursors TO plumbline_app;
GRANT SELECT, INSERT ON rail_notices TO plumbline_app;
GRANT SELECT ON rail_notices TO plumbline_audit;
-- Whether a payment that came back is still tried again: not where it came back again.
GRANT SELECT (entry, code) ON rail_notices TO plumbline_turn;
ALTER TABLE rail_notices ENABLE ROW LEVEL SECURITY;
CREATE POLICY rail_notices_told ON rail_notices FOR ALL TO plumbline_app, plumbline_audit USING (true) WITH CHECK (true);
CREATE POLICY rail_notices_turn ON rail_notices FOR SELECT TO plumbline_turn USING (starts_with(code, 'returned_again'));
GRANT UPDATE (status, file_key, trace_number, received_seq, settle_on, debit_on, return_code, returned_on, retry_on,
    cancel_reason, refusals, changed_at) ON payments TO plumbline_app;
GRANT UPDATE (status, review, leaves_on, available_on, file_key, trace_number, handed_at, drawn_on, drew_seq,
    return_code, refusal, refusals, told_at, changed_at) ON draws TO plumbline_app;
GRANT UPDATE (status, note, closed_by, closed_at) ON cases TO plumbline_app;
GRANT UPDATE (status, claimed_by, claimed_at, released_at) ON hand_offs TO plumbline_app;
GRANT UPDATE (now_at) ON sandbox_clock TO plumbline_app;
GRANT USAGE ON SEQUENCE rail_file_numbers, rail_entry_numbers TO plumbline_app;
GRANT SELECT, INSERT ON revocations, case_matters TO plumbline_app, plumbline_turn;
GRANT SELECT ON revocations, case_matters TO plumbline_audit;

-- What a turn may write: its own record, proposals, and what protects the customer.
GRANT INSERT ON steps, messages, intents, cases, hand_offs, flags TO plumbline_turn;
GRANT UPDATE (status) ON conversations TO plumbline_turn;
GRANT UPDATE (status, ended_at) ON turns TO plumbline_turn;
GRANT UPDATE (status, superseded_by, settled_at) ON intents TO plumbline_turn;

GRANT SELECT ON bank_account_numbers, bank_accounts TO plumbline_rails;
-- To seal what an older key sealed with the key of today.
GRANT UPDATE (key_id, sealed) ON bank_account_numbers TO plumbline_rails;

-- A turn can only propose, and can only supersede or expire what it proposed: it cannot mark an intent confirmed.
ALTER TABLE intents ENABLE ROW LEVEL SECURITY;
CREATE POLICY intents_read ON intents FOR SELECT USING (true);
CREATE POLICY intents_app ON intents FOR ALL TO plumbline_app USING (true) WITH CHECK (true);
CREATE POLICY intents_turn_proposes ON intents FOR INSERT TO plumbline_turn
    WITH CHECK (status = 'awaiting_confirmation');
CREATE POLICY intents_turn_supersedes ON intents FOR UPDATE TO plumbline_turn
    USING (status = 'awaiting_confirmation') WITH CHECK (status IN ('superseded', 'expired'));

-- Nor can it put words into the mouth of a customer or of a representative.
ALTER TABLE messages ENABLE ROW LEVEL SECURITY;
CREATE POLICY messages_read ON messages FOR SELECT USING (true);
CREATE POLICY messages_app ON messages FOR INSERT TO plumbline_app WITH CHECK (true);
CREATE POLICY messages_turn ON messages FOR INSERT TO plumbline_turn WITH CHECK (role IN ('assistant', 'system'));
