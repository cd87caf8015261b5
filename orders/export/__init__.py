"""The export of orders as a table: its columns (`columns`), its rows (`rows`), and its files (`xlsx`, `csv`)."""
