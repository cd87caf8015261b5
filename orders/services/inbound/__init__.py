"""Services that apply data received from the site: orders, customers, products, reference data and deletions."""
