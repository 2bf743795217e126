"""The faults that test_provider.py tries."""

from tests.faults.table import Fault

FAULTS: tuple[Fault, ...] = ()
