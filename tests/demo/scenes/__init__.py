"""One module per app: starts the real app, simulates its far side and judges what happened.

A scene is a program of its own, run in the app's environment. It prints `@ready`, the address of
the app's page and what is simulated, separated by tabs; after that one readable line per event.
SIGTERM ends it; it leaves with 0 only if the app did its job meanwhile.
"""
