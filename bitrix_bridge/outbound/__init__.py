"""Queue pushes, split them into requests and deliver them to the site."""
