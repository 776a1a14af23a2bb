"""The auth service: accounts, passwords, tokens, and who may ask about them."""
