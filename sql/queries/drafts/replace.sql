-- An open draft of other facts, or of an earlier task that is to be done anew, makes room.
UPDATE drafts d SET status = 'withdrawn', decided_by = %(agent)s, reason = 'a newer draft takes its place'
WHERE d.company_id = %(company_id)s AND d.channel = %(channel)s AND d.status = 'draft'
  AND d.org_id IS NOT DISTINCT FROM %(org_id)s::uuid
  AND (d.prompt_hash <> %(prompt_hash)s OR d.task_id IS DISTINCT FROM %(task_id)s::uuid)
