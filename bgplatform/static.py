"""Static files under names that hold their digest, so that browsers may keep them for ever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedModulesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # it ships no types
    """Also the imports between our ES modules get the digests: no page mixes two versions of a script."""

    support_js_module_import_aggregation = True
