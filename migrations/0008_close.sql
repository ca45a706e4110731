-- The day close (docs/close.md): lines with something due, taken in chunks by any number of processes.
--
-- The lease of a line is the lock on its head: whoever is killed lets go of it, and what was not committed never was.
-- What a day brought is on the lines' own streams; here stands only how a line stood when it was last looked at, which
-- lines could not be worked out, and which days are closed.

-- How the line stood with its minimums when it was last settled (`credit::Standing`); nothing: as on the day it opened.
-- A change of it is told exactly once, in the transaction that writes it here.
ALTER TABLE credit_lines ADD COLUMN standing jsonb;

-- Read from its beginning, in order: what was settled has moved on to a later day.
DROP INDEX credit_lines_to_settle;
CREATE INDEX credit_lines_to_settle ON credit_lines (settles_next_on, id);

-- Lines that could not be worked out, with the reason, until a run works them out.
CREATE TABLE lines_put_aside (
    credit_line_id uuid        NOT NULL CONSTRAINT lines_put_aside_pkey PRIMARY KEY REFERENCES credit_lines,
    -- The day on which something was due.
    due_on         date        NOT NULL,
    reason         text        NOT NULL CHECK (reason <> ''),
    first_at       timestamptz NOT NULL,
    last_at        timestamptz NOT NULL,
    attempts       integer     NOT NULL DEFAULT 1 CHECK (attempts > 0)
);

-- Days that were closed. A later day closes the ones before it too.
CREATE TABLE days_closed (
    closed_on   date        NOT NULL CONSTRAINT days_closed_pkey PRIMARY KEY,
    closed_at   timestamptz NOT NULL,
    -- What the run that closed it did; runs that were killed before had done their part.
    report      jsonb       NOT NULL
);

-- Holds those of the streams that nobody else holds, and tells the newest leaf of each that has one. Whoever holds a lease on many
-- lines must not wait for anybody. It runs with the owner's rights, as `audit_stream_head` does.
CREATE FUNCTION audit_streams_free(streams text[]) RETURNS TABLE (stream text, n bigint, leaf_hash bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    held text[];
BEGIN
    held := ARRAY(SELECT s FROM unnest(streams) AS s WHERE pg_try_advisory_xact_lock(hashtextextended(s, 6962)));
    -- A statement of its own: it sees what was committed before the locks were had.
    RETURN QUERY
        SELECT s, newest.n, newest.leaf_hash
          FROM unnest(held) AS s
          LEFT JOIN LATERAL (SELECT l.n, l.leaf_hash FROM audit_leaves l WHERE l.stream = s ORDER BY l.n DESC LIMIT 1) newest
            ON true;
END
$$;

-- Adds leaves of many streams, column by column, those of a stream in the order of their numbers.
CREATE FUNCTION audit_append_many(streams text[], ids uuid[], numbers bigint[], kinds text[], instants timestamptz[],
                                  entries bytea[], hashes bytea[], salts bytea[], payloads text[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    WITH leaf AS (
        INSERT INTO audit_leaves (id, stream, n, kind, recorded_at, entry, leaf_hash)
        SELECT new.id, new.stream, new.n, new.kind, new.recorded_at, new.entry, new.leaf_hash
        FROM unnest(streams, ids, numbers, kinds, instants, entries, hashes) WITH ORDINALITY
             AS new (stream, id, n, kind, recorded_at, entry, leaf_hash, place)
        ORDER BY new.place)
    INSERT INTO audit_payloads (leaf_id, salt, payload)
    SELECT new.id, new.salt, new.payload FROM unnest(ids, salts, payloads) AS new (id, salt, payload);
END
$$;

REVOKE EXECUTE ON FUNCTION audit_streams_free(text[]) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION audit_append_many(text[], uuid[], bigint[], text[], timestamptz[], bytea[], bytea[], bytea[],
                                             text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit_streams_free(text[]) TO plumbline_app;
GRANT EXECUTE ON FUNCTION audit_append_many(text[], uuid[], bigint[], text[], timestamptz[], bytea[], bytea[], bytea[],
                                            text[]) TO plumbline_app;
GRANT UPDATE (standing) ON credit_lines TO plumbline_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON lines_put_aside TO plumbline_app;
GRANT SELECT, INSERT, UPDATE ON days_closed TO plumbline_app;
GRANT SELECT ON lines_put_aside, days_closed TO plumbline_audit;
