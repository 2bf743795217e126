"""The way out to people: the one room that knows Apprise."""
