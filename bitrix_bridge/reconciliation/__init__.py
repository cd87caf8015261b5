"""Both sides compared order by order, and repaired.

A run (`runs`) goes through the site's list and ours side by side (`walk`), writes down what differs (`comparison`), and
repairs it by the rules that webhooks follow (`repair`); what no rule can decide waits for a person (`decisions`). It
works in slices (`slices`), so that no worker is kept from its other jobs.
"""
