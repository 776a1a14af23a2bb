"""Measurements that the documentation quotes; `make bench` runs them."""
