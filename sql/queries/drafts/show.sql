-- A draft with all that there is of it, and the time by which its facts are judged.
SELECT d.*, c.name AS company, oppspot_now() AS now FROM drafts d JOIN companies c ON c.id = d.company_id
WHERE d.id = %(draft_id)s
