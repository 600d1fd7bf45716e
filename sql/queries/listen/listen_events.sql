-- For those who follow runs; the payload is the id of a run that has new events.
LISTEN oppspot_events
