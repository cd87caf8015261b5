"""How orders are shown: numbers, dates, addresses, links, the timeline as text."""
