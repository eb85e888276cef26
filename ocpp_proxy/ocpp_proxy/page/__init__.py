"""The page for a person: who is connected, what is said, who was refused and why.

Imported only when the page is on.
"""
