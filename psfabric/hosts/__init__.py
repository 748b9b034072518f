"""The hosts that drive the engine: `faust` for the pure stages, `aio` for those that call other systems.

Beside them `polling` (sources that are read, not told) and `keeping` (the reference loader), which have no engine:
they store what they read and remember how far they are.
"""
