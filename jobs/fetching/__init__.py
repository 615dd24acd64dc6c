"""HTTP requests to URLs that users give, protected against SSRF: public addresses only.

One parser, one DNS resolution, one connection to a checked address, one deadline for everything:
docs/decisions/0014-ssrf-protection.md.
"""

from jobs.fetching.connecting import look_over
from jobs.fetching.download import Fetched, fetch
from jobs.fetching.errors import FetchRefusedError
from jobs.fetching.sending import Answer, send

__all__ = ["Answer", "FetchRefusedError", "Fetched", "fetch", "look_over", "send"]
