-- What a search for companies asks for in the form in which it is compared.

SET LOCAL lock_timeout = '30s';

-- The form of companies/scoring_sets.label_key: "Node.js" is "nodejs".
CREATE FUNCTION label_keys(p_labels text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS
$$ SELECT array(SELECT regexp_replace(lower(l), '[^[:alnum:]+#]', '', 'g') FROM unnest(p_labels) l) $$;

CREATE INDEX companies_tech_idx ON companies USING gin (label_keys(tech));

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (38, 'search', false, oppspot_now());
