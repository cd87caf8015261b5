"""The printed documents: the florist's work order, the courier's route sheet and the postcard.

Each document has a module that returns its texts, and a layout in `layouts/` that places the texts on the paper.
"""
