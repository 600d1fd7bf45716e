-- The host answers again, or somebody says that it does.
DELETE FROM host_breakers WHERE host = %(host)s::text AND (%(source)s::text IS NULL OR source = %(source)s::text) RETURNING source, opened_at
