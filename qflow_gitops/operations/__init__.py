"""The use cases, one a file: the order of steps. No library, no printing; they yield events."""
