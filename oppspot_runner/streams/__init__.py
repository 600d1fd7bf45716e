"""The domain tables: agents, streams, companies, facts, items, insights. Knows no queue."""
