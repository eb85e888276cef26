"""Fakes of the proxy's far sides, a wallbox and a central system, for tests, demo and bench.

They speak OCPP 1.6-J over real sockets and need the extra `testing`; the image leaves them out.
"""
