"""Speaking to addresses that users gave: to the internet only, never to a network of our own.

One parser, one resolution, one connection to an address that was looked at, one deadline over all of it:
docs/decisions/0014-ssrf-protection.md.
"""

from jobs.fetching.connecting import look_over
from jobs.fetching.download import Fetched, fetch
from jobs.fetching.errors import FetchRefusedError
from jobs.fetching.sending import Answer, send

__all__ = ["Answer", "FetchRefusedError", "Fetched", "fetch", "look_over", "send"]
