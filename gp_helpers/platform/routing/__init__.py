"""Routing: which agent works on a request."""
