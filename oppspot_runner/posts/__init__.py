"""Posts: what people write on platforms, and what can be read out of it. Knows no network."""
