"""Static files under hashed names, which browsers may cache forever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedModulesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it ships no types
    """Also hashes the imports between our ES modules, so that no page mixes two versions of a script."""

    support_js_module_import_aggregation = True
