"""The poll pass: read an account, compare, record. Knows ports and rules, no library."""
