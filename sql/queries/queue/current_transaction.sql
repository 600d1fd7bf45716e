-- Which transaction is open: save_results may have ended ours and begun another (see hold).
SELECT pg_current_xact_id_if_assigned()::text AS transaction
