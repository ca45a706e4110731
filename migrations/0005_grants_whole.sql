-- A grant stands beside what it permitted, or it is none.
--
-- It was inserted with its receipt by the one use case that gives grants; now nothing else can leave one behind: not
-- another use case, not whoever holds the application's role.

CREATE FUNCTION grants_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM intents i JOIN receipts r ON r.intent_id = i.id AND r.customer_id = i.customer_id
         WHERE i.id = NEW.intent_id AND i.status = 'confirmed' AND i.arguments_digest = NEW.arguments_digest
    ) THEN
        RAISE EXCEPTION 'grant % has no receipt, or permits something else', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'grants_whole';
    END IF;
    RETURN NULL;
END
$$;

-- At commit: the grant is written first and the receipt last.
CREATE CONSTRAINT TRIGGER grants_whole AFTER INSERT ON grants
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION grants_whole();
