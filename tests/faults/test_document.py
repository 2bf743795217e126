"""docs/faults.md says what the tests have seen."""

from tests.faults import document


def test_the_tables_are_those_that_the_tests_try() -> None:
    """Otherwise: python -m tests.faults"""
    assert document.PATH.read_text(encoding="utf-8") == document.renewed()


def test_no_fault_stands_twice() -> None:
    for faults in document.TABLES.values():
        names = [fault.name for fault in faults]
        assert len(set(names)) == len(names)
