"""The delivery pass: what is due for one destination. Knows ports and rules, no library."""
