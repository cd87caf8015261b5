"""Extract and compile the messages of the Russian message file. Only the extraction needs GNU gettext."""
