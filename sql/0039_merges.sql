-- The same company twice: what was merged into what and why, so that it can be undone, and what only
-- may be the same, for people to look at.
--
-- A company that turned out to be another one keeps its row, which points to that one. Its facts and its
-- places in streams follow; what the other did not know is filled in. All of that is in `undo`.

SET LOCAL lock_timeout = '30s';

CREATE TABLE company_merges (
    id uuid PRIMARY KEY DEFAULT oppspot_uuid(),
    company_id uuid NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    merged_into uuid NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    reason text NOT NULL,
    merged_by text,
    merged_at timestamptz NOT NULL DEFAULT oppspot_now(),
    undone_at timestamptz,
    undo jsonb NOT NULL,
    CONSTRAINT company_merges_companies_check CHECK (company_id <> merged_into),
    CONSTRAINT company_merges_reason_check CHECK (reason <> '' AND length(reason) <= 200)
);
COMMENT ON TABLE company_merges IS 'Which company turned out to be which other one, and what that changed.';
COMMENT ON COLUMN company_merges.reason IS 'domain, name and country, or what somebody said.';
COMMENT ON COLUMN company_merges.undo IS
    'The facts and items that moved, the items that went, the values that were filled in.';
CREATE UNIQUE INDEX company_merges_open_key ON company_merges (company_id) WHERE undone_at IS NULL;
CREATE INDEX company_merges_into_idx ON company_merges (merged_into);

CREATE TABLE possible_duplicates (
    company_id uuid NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    other_id uuid NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    likeness real NOT NULL,
    found_at timestamptz NOT NULL DEFAULT oppspot_now(),
    dismissed_at timestamptz,
    PRIMARY KEY (company_id, other_id),
    CONSTRAINT possible_duplicates_order_check CHECK (company_id < other_id),
    CONSTRAINT possible_duplicates_likeness_check CHECK (likeness BETWEEN 0 AND 100)
);
COMMENT ON TABLE possible_duplicates IS 'Companies of one country and town with names so alike that somebody should look.';
COMMENT ON COLUMN possible_duplicates.dismissed_at IS 'When somebody said that they are two companies; they are not shown again.';
CREATE INDEX possible_duplicates_other_idx ON possible_duplicates (other_id);

-- Merges a company into another one; the id of the record of it. Both are locked in one order.
CREATE FUNCTION merge_companies(company uuid, into_company uuid, reason text DEFAULT 'by hand', merged_by text DEFAULT NULL)
RETURNS uuid LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
#variable_conflict use_column
DECLARE
    gone companies;
    kept companies;
    filled jsonb;
    below uuid[];
    facts_moved bigint[];
    items_moved uuid[];
    items_gone jsonb;
    merge_id uuid := oppspot_uuid();
BEGIN
    PERFORM FROM companies c WHERE c.id IN (merge_companies.company, into_company) ORDER BY c.id FOR UPDATE;
    SELECT * INTO gone FROM companies c WHERE c.id = merge_companies.company;
    SELECT * INTO kept FROM companies c WHERE c.id = into_company;
    IF gone.id IS NULL OR kept.id IS NULL THEN
        RAISE EXCEPTION 'there is no company %', CASE WHEN gone.id IS NULL THEN merge_companies.company ELSE into_company END
            USING ERRCODE = 'no_data_found';
    ELSIF gone.id = kept.id THEN
        RAISE EXCEPTION 'a company cannot be merged into itself' USING ERRCODE = 'invalid_parameter_value';
    ELSIF gone.org_id IS DISTINCT FROM kept.org_id THEN
        RAISE EXCEPTION 'companies of different organisations are never merged'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    ELSIF gone.merged_into IS NOT NULL OR kept.merged_into IS NOT NULL THEN
        RAISE EXCEPTION '% is merged into another company already', CASE WHEN gone.merged_into IS NULL THEN kept.name ELSE gone.name END
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Unmerge it first, or name the other company.';
    END IF;

    WITH moved AS (UPDATE companies c SET merged_into = kept.id WHERE c.merged_into = gone.id RETURNING c.id)
    SELECT coalesce(array_agg(id), '{}') INTO below FROM moved;
    -- What both sources said alike stays where it is: nothing is lost by that.
    WITH moved AS (
        UPDATE facts f SET company_id = kept.id
        WHERE f.company_id = gone.id AND NOT EXISTS (
            SELECT FROM facts k WHERE k.company_id = kept.id AND k.field = f.field AND k.source = f.source
              AND k.org_id IS NOT DISTINCT FROM f.org_id AND k.value = f.value)
        RETURNING f.id)
    SELECT coalesce(array_agg(id), '{}') INTO facts_moved FROM moved;

    SELECT coalesce(jsonb_object_agg(g.key, g.value), '{}') INTO filled
    FROM jsonb_each(to_jsonb(gone)) g JOIN jsonb_each(to_jsonb(kept)) k USING (key)
    WHERE g.key = ANY ('{company_number,domain,status,country,region,town,sic_codes,industries,employees,employees_band,
        founded_year,incorporated,description,website,linkedin_url,phone,email,tech}')
      AND k.value IN ('null', '[]') AND g.value NOT IN ('null', '[]');
    -- A number is that of one row only.
    UPDATE companies c SET merged_into = kept.id, updated_at = oppspot_now(),
        company_number = CASE WHEN filled ? 'company_number' THEN NULL ELSE c.company_number END
    WHERE c.id = gone.id;
    PERFORM fill_company(kept.id, filled, gone.links || kept.links);

    WITH twice AS (
        SELECT CASE WHEN g.quality_score > k.quality_score OR k.quality_score IS NULL AND g.quality_score IS NOT NULL
                    THEN k.id ELSE g.id END AS id
        FROM stream_items g JOIN stream_items k ON k.stream_id = g.stream_id AND k.company_id = kept.id
        WHERE g.company_id = gone.id
    ), worse AS (
        DELETE FROM stream_items i USING twice t WHERE i.id = t.id RETURNING to_jsonb(i) AS item)
    SELECT coalesce(jsonb_agg(item), '[]') INTO items_gone FROM worse;
    WITH moved AS (
        UPDATE stream_items i SET company_id = kept.id, updated_at = oppspot_now() WHERE i.company_id = gone.id RETURNING i.id)
    SELECT coalesce(array_agg(id), '{}') INTO items_moved FROM moved;

    INSERT INTO company_merges (id, company_id, merged_into, reason, merged_by, undo)
    VALUES (merge_id, gone.id, kept.id, merge_companies.reason, merge_companies.merged_by, jsonb_build_object(
        'below', below, 'facts', facts_moved, 'filled', filled, 'links', gone.links - array(SELECT jsonb_object_keys(kept.links)),
        'items_moved', items_moved, 'items_gone', items_gone));
    RETURN merge_id;
END
$$;

-- Puts values into a company by the names of their columns; null and [] empty a column.
CREATE FUNCTION fill_company(p_company uuid, p_values jsonb, p_links jsonb) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT AS
$$
    UPDATE companies c SET
        (company_number, domain, status, country, region, town, sic_codes, industries, employees, employees_band,
        founded_year, incorporated, description, website, linkedin_url, phone, email, tech) =
        (SELECT v.company_number, v.domain, v.status, v.country, v.region, v.town, v.sic_codes, v.industries, v.employees,
        v.employees_band, v.founded_year, v.incorporated, v.description, v.website, v.linkedin_url, v.phone, v.email, v.tech
         FROM jsonb_populate_record(c, p_values) v),
        links = p_links, updated_at = oppspot_now()
    WHERE c.id = p_company
$$;

-- Takes the merge of a company back. What changed since stays: a value that was filled in and is another
-- one now, a fact that came later, an item that somebody removed.
CREATE FUNCTION unmerge_company(company uuid) RETURNS uuid
LANGUAGE plpgsql SET search_path FROM CURRENT AS
$$
#variable_conflict use_column
DECLARE
    merge company_merges;
    kept companies;
    emptied jsonb;
    added text[];
BEGIN
    SELECT * INTO merge FROM company_merges m WHERE m.company_id = unmerge_company.company AND m.undone_at IS NULL FOR UPDATE;
    IF merge.id IS NULL THEN
        RAISE EXCEPTION 'the company % is not merged into another one', unmerge_company.company USING ERRCODE = 'no_data_found';
    END IF;
    PERFORM FROM companies c WHERE c.id IN (merge.company_id, merge.merged_into) ORDER BY c.id FOR UPDATE;
    SELECT * INTO kept FROM companies c WHERE c.id = merge.merged_into;
    IF kept.merged_into IS NOT NULL THEN
        RAISE EXCEPTION '% was merged into another company afterwards', kept.name
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = format('Unmerge %s first.', kept.id);
    END IF;
    SELECT coalesce(jsonb_object_agg(f.key, CASE jsonb_typeof(f.value) WHEN 'array' THEN '[]' ELSE 'null' END::jsonb), '{}')
    INTO emptied FROM jsonb_each(merge.undo -> 'filled') f WHERE to_jsonb(kept) -> f.key = f.value;
    SELECT coalesce(array_agg(l.key), '{}') INTO added
    FROM jsonb_each(merge.undo -> 'links') l WHERE kept.links -> l.key = l.value;
    PERFORM fill_company(kept.id, emptied, kept.links - added);
    UPDATE companies c SET merged_into = NULL, updated_at = oppspot_now(),
        company_number = coalesce(c.company_number,
            CASE WHEN emptied ? 'company_number' THEN merge.undo -> 'filled' ->> 'company_number' END)
    WHERE c.id = merge.company_id;
    UPDATE companies c SET merged_into = merge.company_id
    FROM jsonb_array_elements_text(merge.undo -> 'below') b WHERE c.id = b::uuid AND c.merged_into = kept.id;
    UPDATE facts f SET company_id = merge.company_id
    FROM jsonb_array_elements_text(merge.undo -> 'facts') m WHERE f.id = m::bigint AND f.company_id = kept.id;
    UPDATE stream_items i SET company_id = merge.company_id, updated_at = oppspot_now()
    FROM jsonb_array_elements_text(merge.undo -> 'items_moved') m WHERE i.id = m::uuid AND i.company_id = kept.id;
    INSERT INTO stream_items
    SELECT i.* FROM jsonb_array_elements(merge.undo -> 'items_gone') g
    CROSS JOIN LATERAL jsonb_populate_record(NULL::stream_items, g || jsonb_build_object('agent_id',
        (SELECT a.id FROM ai_agents a WHERE a.id = (g ->> 'agent_id')::uuid))) i
    WHERE EXISTS (SELECT FROM streams s WHERE s.id = i.stream_id)
    ON CONFLICT DO NOTHING;
    UPDATE company_merges m SET undone_at = oppspot_now() WHERE m.id = merge.id;
    RETURN kept.id;
END
$$;

INSERT INTO oppspot_migrations (number, name, breaking, applied_at)
VALUES (39, 'merges', false, oppspot_now());
