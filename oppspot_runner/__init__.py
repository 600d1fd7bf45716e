"""oppspot_runner: a Postgres-backed task runner for AI and business-intelligence agents."""
