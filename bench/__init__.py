"""The benchmark (`make bench`): the rate of webhooks, and the cost of each. README.md in this folder explains it."""
