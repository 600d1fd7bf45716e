-- Drafts for people to read, the newest first, from the one after `before` on. Companies are looked up for those of the
-- page alone.
WITH page AS MATERIALIZED (
    SELECT d.* FROM drafts d
    WHERE d.id < coalesce(%(before)s::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
      AND (%(status)s::text IS NULL OR d.status = %(status)s) AND (%(channel)s::text IS NULL OR d.channel = %(channel)s)
      AND (%(company_id)s::uuid IS NULL OR d.company_id = %(company_id)s)
      AND (%(stream_id)s::uuid IS NULL OR d.stream_id = %(stream_id)s)
    ORDER BY d.id DESC LIMIT %(limit)s
)
SELECT d.id, d.org_id, d.stream_id, d.company_id, c.name AS company, d.channel, d.recipient, d.recipient_email,
    d.subject, d.status, d.written_by, d.model, d.decided_by, d.decided_at, d.created_at
FROM page d JOIN companies c ON c.id = d.company_id
ORDER BY d.id DESC
