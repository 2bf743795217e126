"""The daemon killed again and again at the worst moments, and what must hold all the same.

`python -m tests.torture` is the whole campaign, `python -m tests.torture.soak` a long quiet run.
"""
