"""The embedded model server: OpenAI-compatible, answers computed from the tool's data."""
