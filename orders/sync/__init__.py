"""What both sides agree on: the synchronised fields, snapshots of the site, the three-way merge."""
