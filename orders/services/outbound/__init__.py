"""Services for what the site answered: results of pushes and of comparisons."""
