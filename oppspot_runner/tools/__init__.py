"""Tools: what models and agents may call, with a schema, limits, and a code for each failure."""
