-- Infrastructure every use case stands on: roles, line event streams, the ledger, idempotency keys, outbox, jobs.
--
-- Roles belong to the whole cluster, so they are created only where missing. Nobody but the owner may update or
-- delete an event, a posting or an entry: history is corrected by adding to it. Tables of later migrations grant
-- their own rights, at the end of the file that creates them.

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['plumbline_app', 'plumbline_turn', 'plumbline_audit', 'plumbline_rails',
                              'plumbline_purge'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            -- No password: over TCP such a role cannot log in; on the private socket the file system decides.
            EXECUTE format('CREATE ROLE %I LOGIN', name);
        END IF;
        -- `SET ROLE` needs membership where the migrating user is no superuser.
        IF NOT pg_has_role(current_user, name, 'MEMBER') THEN
            EXECUTE format('GRANT %I TO CURRENT_USER', name);
        END IF;
    END LOOP;
END
$$;

-- A function is for those to whom it was granted. (Trigger functions are called by the table, and granted to nobody.)
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- Event streams -------------------------------------------------------------------------------------------------

-- One row per credit line: the seq of its newest event. Moving it is the optimistic lock.
CREATE TABLE line_heads (
    credit_line_id uuid PRIMARY KEY,
    seq bigint NOT NULL CHECK (seq > 0)
);

CREATE TABLE line_events (
    credit_line_id uuid NOT NULL REFERENCES line_heads,
    seq bigint NOT NULL CHECK (seq > 0),
    kind text NOT NULL GENERATED ALWAYS AS (body ->> 'kind') STORED,
    effective_on date NOT NULL,
    recorded_at timestamptz NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (credit_line_id, seq)
);

-- A line stands at its newest event and has one of every seq up to it, or nobody could continue it. As of postings, all rows
-- of a statement are looked at together, so that a head and its events arrive in one statement.
CREATE FUNCTION line_heads_at_newest_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong uuid;
BEGIN
    SELECT m.credit_line_id INTO wrong FROM moved m
     WHERE m.seq IS DISTINCT FROM (SELECT max(e.seq) FROM line_events e WHERE e.credit_line_id = m.credit_line_id)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'line % would not stand at its newest event', wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'line_heads_at_newest_event';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER line_heads_opened AFTER INSERT ON line_heads
    REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION line_heads_at_newest_event();
CREATE TRIGGER line_heads_moved AFTER UPDATE ON line_heads
    REFERENCING NEW TABLE AS moved FOR EACH STATEMENT EXECUTE FUNCTION line_heads_at_newest_event();

CREATE FUNCTION line_events_without_gap() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    SELECT a.credit_line_id, a.seq INTO wrong FROM added a
     WHERE a.seq > (SELECT h.seq FROM line_heads h WHERE h.credit_line_id = a.credit_line_id)
        OR a.seq > 1 AND (SELECT e.seq FROM line_events e
                           WHERE e.credit_line_id = a.credit_line_id AND e.seq = a.seq - 1) IS NULL
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'event % does not continue line %', wrong.seq, wrong.credit_line_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'line_events_without_gap';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER line_events_without_gap AFTER INSERT ON line_events
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION line_events_without_gap();

-- What replay found up to the end of a closed cycle, having seen events up to `seq`. Added, never overwritten.
CREATE TABLE line_snapshots (
    credit_line_id uuid NOT NULL REFERENCES line_heads,
    closed_on date NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    body jsonb NOT NULL,
    PRIMARY KEY (credit_line_id, closed_on, seq)
);

-- Ledger --------------------------------------------------------------------------------------------------------

-- What may be written here (balanced, whole, into an open month) is guarded by 0007_ledger.sql.
CREATE TABLE postings (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    credit_line_id uuid,
    event_seq bigint,
    -- The value date.
    effective_on date NOT NULL,
    -- The accounting date: the value date, or the first day of the open month where that lies in a closed one.
    booked_on date NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT postings_booked_not_before CHECK (booked_on >= effective_on),
    CONSTRAINT postings_event_whole CHECK (event_seq IS NULL OR credit_line_id IS NOT NULL),
    CONSTRAINT postings_event_known FOREIGN KEY (credit_line_id, event_seq) REFERENCES line_events (credit_line_id, seq)
);

-- One event posts one posting of a kind: a retry cannot post twice.
CREATE UNIQUE INDEX postings_event_unique ON postings (credit_line_id, event_seq, kind) WHERE event_seq IS NOT NULL;

CREATE TABLE entries (
    posting_id uuid NOT NULL,
    n smallint NOT NULL CHECK (n >= 0),
    account_code smallint NOT NULL CHECK (account_code > 0),
    side text NOT NULL CHECK (side IN ('debit', 'credit')),
    amount_cents bigint NOT NULL CHECK (amount_cents > 0),
    -- On entries of control accounts: whose line. A balance of a line's bucket is a sum over these.
    credit_line_id uuid,
    -- Both dates are those of the posting.
    effective_on date NOT NULL,
    booked_on date NOT NULL,
    PRIMARY KEY (posting_id, n)
);

CREATE INDEX entries_by_line ON entries (credit_line_id, account_code) WHERE credit_line_id IS NOT NULL;

-- Entries come nearly in the order of their months: a coarse index finds an open month and costs a posting nothing.
CREATE INDEX entries_by_month ON entries USING brin (booked_on) WITH (autosummarize = on);

-- Idempotency, outbox, jobs -------------------------------------------------------------------------------------

-- `scope` says who asked for what; the same key of another actor is another key.
CREATE TABLE idempotency_keys (
    scope text NOT NULL,
    key text NOT NULL,
    body_digest bytea NOT NULL CHECK (octet_length(body_digest) = 32),
    answer jsonb,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (scope, key)
);

-- Checked at commit: a key that committed without its answer would answer nobody for ever.
CREATE FUNCTION idempotency_answered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM idempotency_keys k WHERE k.scope = NEW.scope AND k.key = NEW.key AND k.answer IS NULL) THEN
        RAISE EXCEPTION 'idempotency key % of % has no answer', NEW.key, NEW.scope
            USING ERRCODE = 'check_violation', CONSTRAINT = 'idempotency_answered';
    END IF;
    RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER idempotency_answered AFTER INSERT ON idempotency_keys
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.answer IS NULL) EXECUTE FUNCTION idempotency_answered();

-- Events for the outside world. Writers never wait for each other: `position` is given after commit, by one
-- sequencer at a time, without gaps. Within a stream `id` already follows the order of the stream's lock.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    position bigint CONSTRAINT outbox_position_unique UNIQUE,
    stream text NOT NULL,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    recorded_at timestamptz NOT NULL
);

CREATE INDEX outbox_unsequenced ON outbox (id) WHERE position IS NULL;

-- How far each consumer of the outbox has delivered.
CREATE TABLE outbox_cursors (
    consumer text PRIMARY KEY,
    position bigint NOT NULL CHECK (position >= 0)
);

CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    -- Where given: only one job of the kind may ever carry it.
    key text,
    payload jsonb NOT NULL,
    run_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_error text,
    recorded_at timestamptz NOT NULL,
    -- Done, or given up on: then `failed` is true.
    finished_at timestamptz,
    failed boolean NOT NULL DEFAULT false,
    CONSTRAINT jobs_key_unique UNIQUE (kind, key),
    CONSTRAINT jobs_failed_finished CHECK (NOT failed OR finished_at IS NOT NULL)
);

-- For the purge: keys come in the order of time, so that a coarse index finds the old ones and costs next to nothing.
CREATE INDEX idempotency_keys_by_age ON idempotency_keys USING brin (recorded_at);

CREATE INDEX jobs_due ON jobs (run_at, id) WHERE finished_at IS NULL;

-- Rights --------------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT ON line_events, line_snapshots, postings, entries, outbox TO plumbline_app;
GRANT SELECT, INSERT, UPDATE (seq) ON line_heads TO plumbline_app;
GRANT SELECT, INSERT, UPDATE ON idempotency_keys, outbox_cursors, jobs TO plumbline_app;
-- It sees how old a key is, never what was answered.
GRANT SELECT (scope, key, recorded_at), DELETE ON idempotency_keys TO plumbline_purge;
GRANT UPDATE (position) ON outbox TO plumbline_app, plumbline_audit;

-- A model's turn reads, and may raise a flag on a line. It posts nothing and schedules nothing.
GRANT SELECT ON line_heads, line_events, line_snapshots, postings, entries, outbox TO plumbline_turn;
GRANT INSERT ON line_events, outbox TO plumbline_turn;
GRANT INSERT, UPDATE (seq) ON line_heads TO plumbline_turn;

GRANT SELECT ON line_heads, line_events, line_snapshots, postings, entries, outbox, jobs TO plumbline_audit;

ALTER TABLE line_events ENABLE ROW LEVEL SECURITY;
CREATE POLICY line_events_read ON line_events FOR SELECT USING (true);
CREATE POLICY line_events_app ON line_events FOR INSERT TO plumbline_app WITH CHECK (true);
CREATE POLICY line_events_turn ON line_events FOR INSERT TO plumbline_turn
    WITH CHECK (body ->> 'kind' = 'flag_raised');

-- All that a model's turn brings about. Of the rest, which a person, the bank or the engine does, it may not say that it
-- happened: what is new is beyond it until it comes here.
CREATE FUNCTION said_in_a_turn(kind text) RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN kind IN ('intent.proposed', 'case.opened', 'case.repeated', 'flag.raised', 'hand_off.opened');
GRANT EXECUTE ON FUNCTION said_in_a_turn TO plumbline_turn;

ALTER TABLE outbox ENABLE ROW LEVEL SECURITY;
CREATE POLICY outbox_read ON outbox FOR SELECT USING (true);
CREATE POLICY outbox_app ON outbox FOR ALL TO plumbline_app USING (true) WITH CHECK (true);
CREATE POLICY outbox_numbered ON outbox FOR UPDATE TO plumbline_audit USING (true) WITH CHECK (true);
CREATE POLICY outbox_turn ON outbox FOR INSERT TO plumbline_turn WITH CHECK (said_in_a_turn(kind));
