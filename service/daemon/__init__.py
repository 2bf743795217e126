"""The daemon: what runs when, and how everything ends. The one room that knows APScheduler."""
