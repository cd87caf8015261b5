"""Orders as a table: its columns (`columns`), its rows (`rows`), and the files (`xlsx`, `csv`)."""
