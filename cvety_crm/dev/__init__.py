"""Code for development only: the private PostgreSQL, the supervisor of `make run`, the first `.env`, source checks."""
