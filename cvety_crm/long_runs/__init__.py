"""Runs that take minutes or hours: imports, comparisons, exports.

A run is a row (`model.LongRun`) that says how far it is, so that any process can resume it. `engine.RunEngine` is its
life: one process holds it under a lease, records progress, and finishes it, fails it or loses it. A worker works on a
run slice by slice (`slices.SliceTask`), a terminal works on it to its end (`command.LongRunCommand`), and staff see and
control it in the admin (`admin.LongRunAdmin`).
"""
