"""Pages that customers open without signing in."""
