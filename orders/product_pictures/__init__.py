"""The pictures of products: their URLs, and small copies that are fetched from the site on demand and cached on disk.

Browsers and printed documents never use the address on the site: they get the small copy from the CRM.
"""
