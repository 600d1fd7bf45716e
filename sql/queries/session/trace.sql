-- Tasks and runs that the transaction makes from here on belong to that trace.
SELECT set_config('oppspot.traceparent', %(traceparent)s::text, true) AS traceparent
