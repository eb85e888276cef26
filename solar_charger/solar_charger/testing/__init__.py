"""Fakes of the far side that speak the real protocols over real sockets; not in the image.

One `House` with its `Car` stands behind all of them, so that a test or a demo moves one object
and every device tells the same story.
"""
