"""Housekeeping of the database, once a day."""
