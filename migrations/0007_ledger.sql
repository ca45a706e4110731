-- The ledger's rules: what balances, what month it falls in, and what of interest is accrued and not yet billed.
--
-- Nothing here is a row that postings share: a posting reads which month is open under a lock in memory that all posters
-- hold together, and only the close of a month asks for it alone.

-- Accounting months ---------------------------------------------------------------------------------------------

-- A closed month. Its balances are kept in a second step, so that nobody waits while they are added up.
CREATE TABLE ledger_periods (
    month date PRIMARY KEY CHECK (month = date_trunc('month', month)::date),
    closed_at timestamptz NOT NULL,
    -- When its balances were kept, and when the newest posting in them was recorded.
    balanced_at timestamptz,
    known_at timestamptz,
    CONSTRAINT ledger_periods_known CHECK (known_at IS NULL OR balanced_at IS NOT NULL)
);

-- All entries of an account up to the end of a closed month.
CREATE TABLE ledger_balances (
    month date NOT NULL REFERENCES ledger_periods,
    account_code smallint NOT NULL CHECK (account_code > 0),
    debits_cents bigint NOT NULL CHECK (debits_cents >= 0),
    credits_cents bigint NOT NULL CHECK (credits_cents >= 0),
    PRIMARY KEY (month, account_code)
);

-- The first day that may be booked on. Whoever asked may post to it until the transaction ends: a close waits for that.
-- Under a stricter isolation level the answer could be older than the lock, so it is not given.
CREATE FUNCTION ledger_open_from() RETURNS date LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the ledger is posted to and closed under read committed, not under %',
            current_setting('transaction_isolation') USING ERRCODE = 'feature_not_supported';
    END IF;
    PERFORM pg_advisory_xact_lock_shared(7264007);
    RETURN (SELECT coalesce((max(p.month) + interval '1 month')::date, '-infinity') FROM ledger_periods p);
END
$$;

-- One month after the other, each once, and never past entries of an open one.
CREATE FUNCTION ledger_periods_in_order() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    open_from date;
BEGIN
    -- Whoever posts has committed after this, and nobody begins to before we have.
    PERFORM pg_advisory_xact_lock(7264007);
    open_from := ledger_open_from();
    IF NEW.month < open_from OR EXISTS (SELECT FROM entries e WHERE e.booked_on >= open_from AND e.booked_on < NEW.month)
       OR (open_from > '-infinity' AND NEW.month <> open_from) THEN
        RAISE EXCEPTION 'months are closed one after the other: % is not the next', NEW.month
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_periods_in_order';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER ledger_periods_in_order BEFORE INSERT ON ledger_periods
    FOR EACH ROW EXECUTE FUNCTION ledger_periods_in_order();

-- What a posting is ---------------------------------------------------------------------------------------------

-- Both checks look at all rows of a statement at once, so that a batch of any size costs one check. Therefore a posting
-- and its entries arrive in one statement. What is added to a posting later must balance by itself.
CREATE FUNCTION entries_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
    open_from date := ledger_open_from();
BEGIN
    SELECT a.posting_id, a.off_by, a.first_on, p.id AS known INTO wrong
      FROM (SELECT posting_id, sum(CASE side WHEN 'debit' THEN amount_cents ELSE -amount_cents END) AS off_by,
                   min(booked_on) AS first_on, max(booked_on) AS last_on,
                   min(effective_on) AS first_value_on, max(effective_on) AS last_value_on
              FROM added GROUP BY posting_id) a
      LEFT JOIN postings p ON p.id = a.posting_id
     WHERE a.off_by <> 0 OR p.id IS NULL OR a.first_on < open_from
        OR p.booked_on <> a.first_on OR p.booked_on <> a.last_on
        OR p.effective_on <> a.first_value_on OR p.effective_on <> a.last_value_on
     LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    ELSIF wrong.off_by <> 0 THEN
        RAISE EXCEPTION 'posting % does not balance', wrong.posting_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entries_balance';
    ELSIF wrong.known IS NULL THEN
        RAISE EXCEPTION 'there is no posting %', wrong.posting_id
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'entries_posting_known';
    ELSIF wrong.first_on < open_from THEN
        RAISE EXCEPTION 'posting % is booked on %, in a closed month', wrong.posting_id, wrong.first_on
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entries_month_open';
    ELSE
        RAISE EXCEPTION 'an entry of posting % has other dates than the posting', wrong.posting_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'entries_dated_as_posting';
    END IF;
END
$$;

CREATE TRIGGER entries_balance AFTER INSERT ON entries
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION entries_balance();

-- A posting without entries says nothing.
CREATE FUNCTION postings_have_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong uuid;
BEGIN
    SELECT a.id INTO wrong FROM added a WHERE NOT EXISTS (SELECT FROM entries e WHERE e.posting_id = a.id) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'posting % has no entries', wrong
            USING ERRCODE = 'check_violation', CONSTRAINT = 'postings_have_entries';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER postings_have_entries AFTER INSERT ON postings
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION postings_have_entries();

-- Interest accrued and not yet billed ---------------------------------------------------------------------------

-- What a line tells the sum of all lines: principal of a group that is more, or less, from a day on. Numerators are of
-- the engine's denominator (docs/ledger.md).
CREATE TABLE accrual_deltas (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    credit_line_id uuid NOT NULL,
    product text NOT NULL,
    owner text NOT NULL,
    day_basis text NOT NULL,
    apr_ppm integer NOT NULL CHECK (apr_ppm >= 0),
    effective_on date NOT NULL,
    change_cents bigint NOT NULL,
    -- Billed beyond what was estimated.
    true_up numeric(39, 0) NOT NULL DEFAULT 0,
    recorded_at timestamptz NOT NULL,
    -- The day whose accrual took it up.
    folded_on date,
    CONSTRAINT accrual_deltas_say_something CHECK (change_cents <> 0 OR true_up <> 0),
    CONSTRAINT accrual_deltas_in_time CHECK (folded_on >= effective_on)
);

CREATE INDEX accrual_deltas_waiting ON accrual_deltas (effective_on) WHERE folded_on IS NULL;
CREATE INDEX accrual_deltas_by_line ON accrual_deltas (credit_line_id, effective_on);

-- A day is accrued once, and after the day before it: what has run comes from there. Whoever comes second waits for the
-- first and finds it done.
CREATE TABLE accrual_runs (
    day date PRIMARY KEY,
    -- Nothing before the very first.
    follows date UNIQUE REFERENCES accrual_runs,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT accrual_runs_leave_out_no_day CHECK (follows = day - 1)
);

CREATE UNIQUE INDEX accrual_runs_begin_once ON accrual_runs ((follows IS NULL)) WHERE follows IS NULL;

-- A group at the end of an accrued day.
CREATE TABLE accrual_days (
    day date NOT NULL REFERENCES accrual_runs,
    product text NOT NULL,
    owner text NOT NULL,
    day_basis text NOT NULL,
    apr_ppm integer NOT NULL,
    base_cents bigint NOT NULL,
    unbilled numeric(39, 0) NOT NULL,
    posted_cents bigint NOT NULL,
    true_up numeric(39, 0) NOT NULL,
    trued_up_cents bigint NOT NULL,
    PRIMARY KEY (day, product, owner, day_basis, apr_ppm)
);

-- Rights --------------------------------------------------------------------------------------------------------

REVOKE EXECUTE ON FUNCTION ledger_open_from(), ledger_periods_in_order(), entries_balance(), postings_have_entries()
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_open_from() TO plumbline_app;
GRANT SELECT, INSERT ON ledger_periods, ledger_balances, accrual_deltas, accrual_runs, accrual_days TO plumbline_app;
GRANT UPDATE (balanced_at, known_at) ON ledger_periods TO plumbline_app;
GRANT UPDATE (folded_on) ON accrual_deltas TO plumbline_app;
GRANT SELECT ON ledger_periods, ledger_balances, accrual_deltas, accrual_runs, accrual_days TO plumbline_audit;
