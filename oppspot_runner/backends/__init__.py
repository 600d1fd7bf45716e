"""Where the body of an agent runs: in the event loop, a thread, or a child process."""
