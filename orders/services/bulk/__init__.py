"""Bulk actions: one action on each order of a selection.

A few orders are changed at once (`actions`). For many orders a run (`runs`) is started, which the worker does slice by
slice (`slices`), and which another run can undo (`undoing`). Each order is one transaction, in which its result is also
saved, so no order is changed twice.
"""
