"""Where the body of an agent runs."""
