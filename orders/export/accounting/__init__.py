"""Exports for accountants: a table that 1C imports (`workbook`), and CommerceML (`commerceml`)."""
