"""Pure values: phones, delivery slots, texts, names of staff. Nothing here reads the database."""
