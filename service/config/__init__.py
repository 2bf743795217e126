"""The configuration: one TOML file, every mistake in it found at once."""
