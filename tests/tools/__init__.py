"""The tools behind the Makefile's targets, one module each."""
