"""The faults that test_store.py tries."""

from tests.faults.table import Fault

FAULTS: tuple[Fault, ...] = ()
