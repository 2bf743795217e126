"""The faults that test_channel.py tries."""

from tests.faults.table import Fault

FAULTS: tuple[Fault, ...] = ()
