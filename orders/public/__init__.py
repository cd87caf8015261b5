"""The pages that customers open without signing in."""
