"""The presentation of orders to staff: numbers, dates, addresses, links, and the entries of the timeline."""
