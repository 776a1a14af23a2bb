"""The agents: they answer from the asking user's own data, through a tool call to the model."""
