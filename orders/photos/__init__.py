"""The photos of bouquets: signed links, responses with files, and the conversion of uploaded pictures."""
