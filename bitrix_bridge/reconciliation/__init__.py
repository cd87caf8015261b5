"""Compare the orders in the CRM with the orders on the site, and repair the differences.

A run (`runs`) reads the site's list and the CRM's orders in parallel (`comparing`), finds the differences
(`comparison`), and repairs them by the rules for webhooks (`repair`). If no rule applies to a difference, staff choose
the CRM's value or the site's value (`decisions`). A run is split into slices (`slices`), so that the worker can run
other tasks in between.
"""
