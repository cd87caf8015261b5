"""Photos of bouquets: signed links, files, checked pictures."""
