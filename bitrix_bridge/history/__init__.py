"""The import of the history: orders are read from a MySQL copy of Bitrix over a read-only session, and applied in the
same way as orders of webhooks.

`source` reads rows, `documents` turns them into the document of a webhook, `applying` passes it to `orders.services`,
`importing` goes through all orders, and `runs` and `slices` connect the import to `cvety_crm.long_runs`.
"""
