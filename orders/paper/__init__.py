"""What is printed: the florist's work order, the courier's route sheet, the postcard.

Each is a module that says what stands on the paper, in words, and a layout in `layouts/` that says where it stands.
"""
