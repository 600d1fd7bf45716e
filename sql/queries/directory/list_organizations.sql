-- Organisations by name, with how many agents, streams and good tokens each has.
SELECT o.id, o.name, o.created_at,
       (SELECT count(*) FROM ai_agents a WHERE a.org_id = o.id)::integer AS agents,
       (SELECT count(*) FROM streams s WHERE s.org_id = o.id)::integer AS streams,
       (SELECT count(*) FROM api_tokens t WHERE t.org_id = o.id AND t.revoked_at IS NULL
          AND (t.expires_at IS NULL OR t.expires_at > oppspot_now()))::integer AS tokens
FROM organizations o ORDER BY o.name, o.id
