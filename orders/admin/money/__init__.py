"""The pages of the cash that couriers hand in, and of the day's till."""
