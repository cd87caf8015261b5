"""Check that retired words are not used again. `python -m cvety_crm.dev.wording` runs the check.

`terms.py` contains the words, each with the term to use instead (docs/glossary.md explains the terms).
"""
