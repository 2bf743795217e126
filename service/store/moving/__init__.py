"""The history on its way out as files, and in from another database."""
