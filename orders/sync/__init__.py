"""The pure functions of synchronisation: the synchronised fields, snapshots, freshness and the three-way merge."""
