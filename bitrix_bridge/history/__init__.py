"""The import of the history: orders read from a MySQL copy of Bitrix, over a read-only session, and applied as those of
webhooks are.

`source` reads rows, `documents` turns them into the document of a webhook, `applying` passes it to `orders.services`,
`walk` goes through all orders, and `runs` and `slices` say how it uses `cvety_crm.long_runs`.
"""
