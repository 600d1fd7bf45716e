-- Whoever is forgotten is taken out of what is seen of their companies later, and looked for in answers that are kept.

SET LOCAL lock_timeout = '30s';

-- Answers are bytes; those that are no UTF-8 are read letter by letter.
CREATE FUNCTION text_of(body bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT AS
$$
BEGIN
    RETURN convert_from(body, 'UTF8');
EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
    RETURN encode(body, 'escape');
END
$$;
COMMENT ON FUNCTION text_of IS 'The text of a kept answer.';

COMMENT ON FUNCTION forgotten_digest IS
    'What stands in suppressions for `email jo@example.com`, `id ID` of the register, `born NAME_NORM YEAR-MONTH`, `at COMPANY_ID FIRST LAST`, or `contact NAME_NORM of COMPANY_NORM`.';

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (51, 'forgotten_mentions', false, oppspot_now());
