"""The selectors. Each module queries the data of one page or panel, and writes nothing."""
