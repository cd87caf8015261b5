"""The reports: periods, what is counted, and by what it is grouped. The pages are in `orders.admin.reports`.

A report is a declaration (`orders.reports.definitions`). Each table takes one SQL query, whose rows are plain values
with typed columns, so that other code can show or export them.
"""
