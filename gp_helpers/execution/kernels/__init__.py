"""Kernels: a keeper process that starts them cold or warm and outlives none of them."""
