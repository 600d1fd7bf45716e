"""The task table and its state machine. Knows no agent and no stream."""
