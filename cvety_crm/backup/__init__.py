"""Backups of the database, the uploaded files and the settings, their retention, and the proof that they restore.

A backup is one file, a tar archive that may be encrypted with age. It is stored in a folder or in an S3-compatible
bucket. A drill restores the latest one into a database of its own and compares the number of rows of each table.
"""
