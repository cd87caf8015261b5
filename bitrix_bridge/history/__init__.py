"""The history: orders read once from a MySQL copy of Bitrix, over a read-only session, and taken over as if each had
just been announced by a webhook.

`source` reads, `documents` makes of rows what a webhook would have brought, `applying` hands it to `orders.services`,
`walk` goes through all of them.
"""
