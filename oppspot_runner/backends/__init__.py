"""Where the body of an agent runs: in the event loop, or in a thread."""
