"""Rules of the shop: what a user may see, when an order is late, the hold period, how a discount is spread."""
