-- Writes how a call ended, and charges budgets; see end_model_call.
SELECT end_model_call(jsonb_populate_record(NULL::model_calls, %(call)s::jsonb)) AS ours
