-- Boarding: which lines came from another lender, under which name, and what was told with them.
--
-- The name of the portfolio and the other lender's reference are the idempotency key of a row: whoever boards the file again,
-- or goes on after a process was killed, finds here what is done. Rows are added and never changed.

CREATE TABLE boarded_lines (
    portfolio       text        NOT NULL CHECK (portfolio <> ''),
    reference       text        NOT NULL CHECK (reference <> ''),
    -- Of the row, without the number of the bank account: the same reference with other figures is not the same row.
    row_digest      bytea       NOT NULL CHECK (octet_length(row_digest) = 32),
    -- The line is written after its claim, in the same transaction.
    credit_line_id  uuid        NOT NULL CONSTRAINT boarded_lines_line_unique UNIQUE
                                CONSTRAINT boarded_lines_line REFERENCES credit_lines DEFERRABLE INITIALLY DEFERRED,
    -- By the other lender; our books begin on the day after its last close.
    opened_on       date        NOT NULL,
    as_of           date        NOT NULL,
    -- When the other lender gave the account-opening record (12 CFR 1026.6(b)), where it says so.
    opening_record_given_on date,
    boarded_at      timestamptz NOT NULL,
    CONSTRAINT boarded_lines_pkey PRIMARY KEY (portfolio, reference)
);

GRANT SELECT, INSERT ON boarded_lines TO plumbline_app;
GRANT SELECT ON boarded_lines TO plumbline_audit;
-- Whether a draw would be possible is asked in a turn as well.
GRANT SELECT (credit_line_id, opening_record_given_on) ON boarded_lines TO plumbline_turn;
