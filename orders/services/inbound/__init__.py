"""Services for what the site reports: orders, customers, products, reference data, deletions."""
