"""The page that creates an order by hand."""
