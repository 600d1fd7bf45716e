-- Keeps sums of calls of the next day that is over; see keep_model_costs. What is older than `keep_s` is about to go.
SELECT keep_model_costs(((oppspot_now() - make_interval(secs => %(keep_s)s)) AT TIME ZONE 'UTC')::date) AS more
