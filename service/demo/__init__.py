"""The demo: simulator, daemon and two inboxes in one process, and what they do shown as it happens."""
