"""One file for each target system: the class that makes an event's effect durable there, and says precisely why not.

A target too large for one file keeps its rooms in a package beside it (`tryton.py` and `tryton_erp/`).
"""
