"""The door for webhooks: authenticate, bound, stamp, store; the caller hears 2xx only after the broker acknowledged.

Nothing of a request is parsed before its source verified it, and nothing that a caller sends under our names gets in:
the headers of a stored record are the ones listed in `intake.door`.
"""

from psfabric.intake.app import Store, app
from psfabric.intake.server import serve, until_signal

__all__ = ["Store", "app", "serve", "until_signal"]
