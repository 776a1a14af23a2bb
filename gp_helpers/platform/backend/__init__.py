"""The backend: REST routes, token validation, start-up, diagnostics, and the gateway's host."""
