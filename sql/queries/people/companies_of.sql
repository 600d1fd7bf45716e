-- Companies in which these people are or were in office, and where these contacts work.
SELECT DISTINCT a.company_id, a.company_number FROM appointments a WHERE a.person_id = ANY (%(people)s::uuid[])
UNION
SELECT w.company_id, w.company_number FROM contact_companies w WHERE w.contact_id = ANY (%(contacts)s::uuid[])
