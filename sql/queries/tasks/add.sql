-- Rows travel as one JSON text: a list as an array takes the driver longer than the server takes to
-- insert it. What a row does not say, the row of options in front of them says.
SELECT coalesce(array_agg(a.id ORDER BY a.place) FILTER (WHERE a.fault IS NULL), '{}') AS ids,
       count(*) FILTER (WHERE a.outcome = 'added') AS added,
       count(*) FILTER (WHERE a.outcome = 'skipped') AS skipped,
       count(*) FILTER (WHERE a.outcome = 'replaced') AS replaced,
       coalesce(array_agg(a.place ORDER BY a.place) FILTER (WHERE a.fault IS NOT NULL), '{}') AS fault_places,
       coalesce(array_agg(a.outcome ORDER BY a.place) FILTER (WHERE a.fault IS NOT NULL), '{}') AS fault_kinds,
       coalesce(array_agg(a.fault ORDER BY a.place) FILTER (WHERE a.fault IS NOT NULL), '{}') AS faults
FROM add_tasks(ARRAY(
    SELECT t FROM json_populate_recordset((
        CASE WHEN %(agent)s::text IS NOT NULL THEN find_agent(%(agent)s::text, %(org_id)s::uuid) END, NULL,
        %(priority)s::integer, %(scheduled_for)s::timestamptz, %(stream_id)s::uuid, NULL, %(max_retries)s::integer,
        %(requested_by)s::text, %(task_type)s::text, %(org_id)s::uuid, %(limit_key)s::text,
        NULL, NULL, NULL, NULL, NULL)::task_to_add,
        %(rows)s::json) t), on_conflict => %(on_conflict)s::text) a
