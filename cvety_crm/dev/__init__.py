"""Development only: the private PostgreSQL, the supervisor of `make run`, the first `.env`, checks of the source."""
