"""Notices in words: the room that knows Jinja2, and draws the curve."""
