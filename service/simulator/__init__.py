"""A local server that speaks the OpenAI fine-tuning API, for tests, demo and trial runs.

It imports nothing else of the house: a mistake in the client must not be mirrored in its double.
"""

from .api import Quirks
from .failures import FAILURES
from .project import Account
from .simulator import Simulator

__all__ = ["FAILURES", "Account", "Quirks", "Simulator"]
