"""The Russian texts: extracting them from sources and compiling them. Only extracting needs GNU gettext."""
