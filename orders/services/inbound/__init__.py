"""Services that apply what the site reports: orders, customers, products, reference data and deletions."""
