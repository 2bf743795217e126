"""`python -m tests.faults`: renews the tables of docs/faults.md from the faults that the tests try."""

from tests.faults import document

if __name__ == "__main__":
    document.PATH.write_text(document.renewed(), encoding="utf-8")
