"""The pages of reports, and the page of the peak days that they compare."""
