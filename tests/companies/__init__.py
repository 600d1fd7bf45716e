"""What is known about companies in general: pure functions, and the tables."""
