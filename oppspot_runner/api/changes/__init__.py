"""What people change by HTTP, each with its record: for endpoints and for pages alike."""
