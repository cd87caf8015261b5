"""The road out: pushes are queued, split into requests, and delivered."""
