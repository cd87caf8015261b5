"""Django's database backend for PostgreSQL, with a check of persistent connections that needs no statement."""
