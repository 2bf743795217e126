"""tunewatch: watches fine-tuning jobs, keeps their history, tells people when they end."""

__version__ = "0.1.0"
