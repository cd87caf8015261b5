"""Import orders from the copy of the site's database. They are applied in the same way as orders of webhooks.

`source` reads rows over a read-only session, `documents` converts them to the payload of a webhook, and `applying`
passes the order to `orders.services`. `importing` processes all orders, and `runs` and `slices` connect the import to
`cvety_crm.long_runs`.
"""
