"""The defects: as-reported components, one module a suite, and the catalogue that describes them."""
