-- Embeddings of our own policy passages, so that a start does not embed what an earlier one did.
--
-- A cache: any row may be deleted at any time. Only passages are kept, never what a customer asked, because
-- a vector gives away much of its text. `embedder` names the model; vectors of two models are never compared.

CREATE TABLE passage_embeddings (
    embedder text NOT NULL CHECK (embedder <> ''),
    -- SHA-256 of the text embedded.
    text_digest bytea NOT NULL CHECK (octet_length(text_digest) = 32),
    vector real[] NOT NULL CHECK (array_ndims(vector) = 1),
    PRIMARY KEY (embedder, text_digest)
);

GRANT SELECT, INSERT, DELETE ON passage_embeddings TO plumbline_app;
