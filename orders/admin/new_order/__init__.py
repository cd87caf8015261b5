"""The page on which staff create an order."""
