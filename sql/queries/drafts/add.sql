-- A draft; when the task is repeated, the one that it wrote before.
WITH added AS (
    INSERT INTO drafts (org_id, stream_id, company_id, channel, language, tone, recipient, recipient_email, sender,
        subject, body, cta, claims, facts, written_by, model, repairs, prompt_hash, agent_id, task_id)
    SELECT %(org_id)s::uuid, %(stream_id)s::uuid, c.id, %(channel)s, %(language)s, %(tone)s, %(recipient)s,
        %(recipient_email)s, %(sender)s::jsonb, %(subject)s, %(body)s, %(cta)s, %(claims)s::jsonb, %(facts)s::jsonb,
        %(written_by)s, %(model)s, %(repairs)s, %(prompt_hash)s, %(agent_id)s::uuid, %(task_id)s::uuid
    FROM companies c
    WHERE c.id = %(company_id)s AND (c.org_id IS NULL OR c.org_id = %(org_id)s::uuid)
    ON CONFLICT DO NOTHING
    RETURNING id
)
SELECT id FROM added
UNION ALL
SELECT d.id FROM drafts d
WHERE d.company_id = %(company_id)s AND d.channel = %(channel)s AND d.status = 'draft'
  AND d.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
