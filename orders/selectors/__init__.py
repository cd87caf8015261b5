"""Queries for pages: each module reads what one page or panel shows, and writes nothing."""
