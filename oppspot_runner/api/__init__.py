"""HTTP: the interface for programs, the dashboard, metrics and health. Loaded only when served."""
