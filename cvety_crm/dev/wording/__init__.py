"""Check that retired words do not come back: `python -m cvety_crm.dev.wording`.

The words are in `terms.py`, each with the term to write in its place (docs/glossary.md explains the terms). Uses that
are older than the check are counted for each file in `baseline.txt`: the check fails when a count grows. After removing
uses run it with `--lower`, which writes the smaller counts.
"""
