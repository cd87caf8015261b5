"""Selectors: each module queries the data of one page or panel. They write nothing."""
