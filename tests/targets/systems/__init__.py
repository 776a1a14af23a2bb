"""Systems from PyPI, unmodified, started on loopback for the tests."""
