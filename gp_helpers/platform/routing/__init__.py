"""Routing: which agent works on a request, when, where, and whom it hands the request on to."""
