"""Runs that take minutes or hours: imports, comparisons and bulk actions.

A run is a row (`model.LongRun`) that stores its progress, so that any process can resume it. `engine.RunEngine` changes
its state: one process has the lease, records progress, and finishes or fails the run, or loses the lease. A worker
works on a run slice by slice (`slices.SliceTask`), a management command works on it to its end
(`command.LongRunCommand`), and staff see and control it in the admin (`admin.LongRunAdmin`).
"""
