"""The helpers behind the Golden Path investigation notebooks."""
