"""The rows of the order list: their columns, and the update of rows on an open page."""
