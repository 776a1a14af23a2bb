"""The defects: as-reported components, a module a suite, and their catalogue."""
