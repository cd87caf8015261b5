"""For development only: the private PostgreSQL, the supervisor of `make run`, and the first `.env`."""
