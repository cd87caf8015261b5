"""Printed documents: the florist's work order, the courier's route sheet, the postcard.

Each has a module that returns its texts, and a layout in `layouts/` that places them on the paper.
"""
