"""The way to the providers: the one room that knows the openai SDK and what payloads really look like."""
