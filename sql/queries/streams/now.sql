-- The database's clock, for ages of facts.
SELECT oppspot_now() AS now
