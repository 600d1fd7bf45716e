-- Keeps sums of calls, by days that are past; see keep_model_costs. What is older than `keep_s` is about to go.
SELECT keep_model_costs(((oppspot_now() - make_interval(secs => %(keep_s)s)) AT TIME ZONE 'UTC')::date) AS more
