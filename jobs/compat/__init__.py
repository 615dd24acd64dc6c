"""The compatible APIs: those of remove.bg and rembg.

docs/decisions/0016-compatible-apis.md records the decisions where their documentation is silent.
"""
