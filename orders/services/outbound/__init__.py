"""Services that record what the site answered: the results of pushes and of comparisons."""
