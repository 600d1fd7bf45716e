"""People: who holds which office where, who knows whom, and how strong that is. No I/O."""
