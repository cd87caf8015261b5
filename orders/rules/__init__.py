"""The rules of the shop: visibility, lateness, the hold period, photo states and discounts."""
