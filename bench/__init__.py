"""The benchmark (`make bench`) measures the rate and the cost of webhooks. README.md in this folder explains it."""
