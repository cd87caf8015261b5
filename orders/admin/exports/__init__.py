"""The pages of exports: the choice of columns, the list of exports, and the files."""
