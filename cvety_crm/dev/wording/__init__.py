"""Check that retired words are not used again: `python -m cvety_crm.dev.wording`.

`terms.py` has the words, each with the term to use instead (docs/glossary.md explains the terms). `baseline.txt` counts
the uses in each file that are older than the check; the check fails when a count grows. After removing uses, run the
check with `--lower`, which writes the smaller counts.
"""
