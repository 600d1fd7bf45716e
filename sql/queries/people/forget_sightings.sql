-- What events are called at their sources, where that says the name: a digest of it, by which the event is known again.
UPDATE signal_sightings s SET key = encode(sha256(convert_to(s.key, 'UTF8')), 'hex') WHERE s.key ~* %(pattern)s
