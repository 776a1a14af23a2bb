"""Small programs that `make` runs on the repository itself; no part of the installed package."""
