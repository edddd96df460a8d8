"""A method, a suite, an observer and a wrapper for mtlbench."""
