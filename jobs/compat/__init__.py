"""Other people's APIs on our wire: remove.bg's and rembg's.

docs/decisions/0016-compatible-apis.md says what was decided where their documents are silent.
"""
