"""Policy: who sees what, when an order is late, how long a status is held back, how a discount is spread."""
