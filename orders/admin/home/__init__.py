"""The home page: which blocks a user sees, and what they contain."""
