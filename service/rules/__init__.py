"""The decisions, as pure functions: no clock, no network, no file; time comes in as an argument."""
