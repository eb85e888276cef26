"""The decisions: measurements, memory and now go in, a decision with its reason comes out.

Nothing in this package does I/O, reads a clock or draws a random number.
"""
