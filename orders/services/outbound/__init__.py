"""Services that record the results of pushes and of comparisons."""
