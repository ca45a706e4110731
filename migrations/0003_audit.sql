-- The transparency log: leaves, their erasable payloads, tiles and checkpoints (docs/audit.md).
--
-- A leaf is inserted by the transaction whose effect it records, without an index. One sequencer at a time gives
-- committed leaves their index (`idx`), in an order that follows every stream, and folds them into the tiles.
-- Nobody may change or delete a leaf or a checkpoint; only a payload can be erased, and only by plumbline_audit.

CREATE TABLE audit_leaves (
    id uuid PRIMARY KEY,
    -- Follows the order of each stream's lock, so sorting by it never puts a leaf before its predecessor.
    arrival bigint GENERATED ALWAYS AS IDENTITY,
    stream text NOT NULL,
    n bigint NOT NULL CHECK (n >= 0),
    kind text NOT NULL CHECK (kind <> ''),
    recorded_at timestamptz NOT NULL,
    -- The exact bytes that the tree hashes; the columns beside it repeat what is inside.
    entry bytea NOT NULL,
    leaf_hash bytea NOT NULL,
    idx bigint CHECK (idx >= 0),
    CONSTRAINT audit_leaves_stream_unique UNIQUE (stream, n),
    CONSTRAINT audit_leaves_hash CHECK (leaf_hash = sha256('\x00'::bytea || entry))
);

CREATE UNIQUE INDEX audit_leaves_idx_unique ON audit_leaves (idx) WHERE idx IS NOT NULL;
CREATE INDEX audit_leaves_unsequenced ON audit_leaves (arrival) WHERE idx IS NULL;

CREATE TABLE audit_payloads (
    leaf_id uuid PRIMARY KEY REFERENCES audit_leaves,
    salt bytea NOT NULL CHECK (octet_length(salt) = 32),
    -- Canonical JSON, as text: `jsonb` would not give back the bytes that were hashed.
    payload text NOT NULL
);

-- Waits for the stream's other writers to commit, then tells the newest leaf: one round trip. It runs with the
-- owner's rights, so that a writer need not be able to read the log.
CREATE FUNCTION audit_stream_head(of_stream text) RETURNS TABLE (n bigint, leaf_hash bytea)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(of_stream, 6962));
    RETURN QUERY
        SELECT l.n, l.leaf_hash FROM audit_leaves l WHERE l.stream = of_stream ORDER BY l.n DESC LIMIT 1;
END
$$;

-- The same without waiting, for whoever will have it checked when they write.
CREATE FUNCTION audit_stream_tip(of_stream text) RETURNS TABLE (n bigint, leaf_hash bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN QUERY
        SELECT l.n, l.leaf_hash FROM audit_leaves l WHERE l.stream = of_stream ORDER BY l.n DESC LIMIT 1;
END
$$;

-- Adds leaves of one stream, column by column, in the order of their numbers.
CREATE FUNCTION audit_append(of_stream text, ids uuid[], numbers bigint[], kinds text[], instants timestamptz[],
                             entries bytea[], hashes bytea[], salts bytea[], payloads text[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    WITH leaf AS (
        INSERT INTO audit_leaves (id, stream, n, kind, recorded_at, entry, leaf_hash)
        SELECT new.id, of_stream, new.n, new.kind, new.recorded_at, new.entry, new.leaf_hash
        FROM unnest(ids, numbers, kinds, instants, entries, hashes)
             AS new (id, n, kind, recorded_at, entry, leaf_hash)
        ORDER BY new.n)
    INSERT INTO audit_payloads (leaf_id, salt, payload)
    SELECT new.id, new.salt, new.payload FROM unnest(ids, salts, payloads) AS new (id, salt, payload);
END
$$;

-- A leaf continues its stream by exactly one, arrives after the one before it, and is born without an index.
CREATE FUNCTION audit_leaves_continue() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    wrong audit_leaves%ROWTYPE;
BEGIN
    SELECT a.* INTO wrong FROM added a WHERE a.idx IS NOT NULL LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'leaf % carries an index that only the sequencer may give', wrong.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_leaves_unsequenced';
    END IF;
    SELECT a.* INTO wrong FROM added a
     WHERE a.n > 0 AND NOT EXISTS (SELECT FROM audit_leaves l
                                    WHERE l.stream = a.stream AND l.n = a.n - 1 AND l.arrival < a.arrival)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'leaf % would leave a gap in stream %', wrong.id, wrong.stream
            USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_leaves_gapless';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER audit_leaves_continue AFTER INSERT ON audit_leaves
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION audit_leaves_continue();

-- The only change a leaf ever sees: it gets its index, once.
CREATE FUNCTION audit_leaf_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.idx IS NOT NULL OR NEW.idx IS NULL
        OR (NEW.id, NEW.arrival, NEW.stream, NEW.n, NEW.kind, NEW.recorded_at, NEW.entry)
           IS DISTINCT FROM (OLD.id, OLD.arrival, OLD.stream, OLD.n, OLD.kind, OLD.recorded_at, OLD.entry)
    THEN
        RAISE EXCEPTION 'leaf % cannot be changed', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'audit_leaves_immutable';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER audit_leaf_sealed BEFORE UPDATE ON audit_leaves FOR EACH ROW EXECUTE FUNCTION audit_leaf_sealed();

-- C2SP tlog-tiles: `hashes` is up to 256 hashes of 32 bytes. A tile grows at its end until it is full.
CREATE TABLE audit_tiles (
    level smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
    n bigint NOT NULL CHECK (n >= 0),
    hashes bytea NOT NULL CHECK (octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0),
    PRIMARY KEY (level, n)
);

CREATE TABLE audit_checkpoints (
    tree_size bigint PRIMARY KEY CHECK (tree_size >= 0),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    -- The signed note, byte for byte.
    note text NOT NULL,
    recorded_at timestamptz NOT NULL
);

GRANT EXECUTE ON FUNCTION audit_stream_head, audit_stream_tip, audit_append
    TO plumbline_app, plumbline_turn, plumbline_audit;
GRANT INSERT ON audit_leaves, audit_payloads TO plumbline_app, plumbline_turn, plumbline_audit;
GRANT SELECT ON audit_leaves, audit_payloads, audit_tiles, audit_checkpoints TO plumbline_app, plumbline_audit;
GRANT UPDATE (idx) ON audit_leaves TO plumbline_audit;
GRANT DELETE ON audit_payloads TO plumbline_audit;
GRANT INSERT ON audit_tiles, audit_checkpoints TO plumbline_audit;
GRANT UPDATE (hashes) ON audit_tiles TO plumbline_audit;

ALTER TABLE audit_leaves ENABLE ROW LEVEL SECURITY;
CREATE POLICY audit_leaves_kept ON audit_leaves FOR ALL TO plumbline_app, plumbline_audit
    USING (true) WITH CHECK (true);
-- Of the turn itself all but what the customer said (`turn.message_received`).
CREATE POLICY audit_leaves_turn ON audit_leaves FOR INSERT TO plumbline_turn
    WITH CHECK (said_in_a_turn(kind) OR kind IN (
        'turn.model_asked', 'turn.tool_called', 'turn.released', 'turn.ended', 'turn.faulted'));
