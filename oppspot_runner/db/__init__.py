"""Postgres itself: connections, statements, migrations, listening, the embedded server."""
