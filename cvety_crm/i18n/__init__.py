"""Extract and compile the texts of the Russian catalogue. Only extracting needs GNU gettext."""
