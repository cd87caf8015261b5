"""The dispatcher's page: the day's deliveries without a courier, and the couriers with their stops."""
