"""Synchronisation as pure functions: the synchronised fields, snapshots of the site, the three-way merge."""
