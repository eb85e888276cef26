"""Enphase IQ Gateway ("Envoy"): what it says (`answers`, `figures`), how it lets us in (`token`,
`cloud`, `gateway`) and how it is read (`source`, `stream`).
"""
