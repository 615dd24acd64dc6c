"""The expected state after a storm: every picture finished once, for its own reason; files and rows agree."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.faults.parts import BUCKET

# The expected end of each kind of picture: its state, and the acceptable error codes.
OWN_END = {
    "good": ("done", {""}),
    "broken": ("failed", {"truncated_picture", "broken_picture"}),
    "text": ("failed", {"unsupported_format"}),
    "killer": ("failed", {"worker_lost"}),
    "hanger": ("failed", {"worker_lost"}),
}


@dataclass
class Verdict:
    """Counts to print, and problems in `wrong`."""

    counts: dict[str, object] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def must(self, name: str, value: object, expected: object) -> None:
        """Record a value that must equal `expected`."""
        self.counts[name] = value
        if value != expected:
            self.wrong.append(f"{name} is {value}, not {expected}")


def judge_rows(expected: Counter[str], verdict: Verdict) -> None:
    """Check pictures, mattes, renditions and jobs. expected: the number of submitted pictures, by kind."""
    from django.conf import settings
    from django.db.models import Count, Max

    from jobs.models import Job, Matte, Picture, Rendition

    pictures = list(Picture.objects.values_list("name", "state", "error_code", "attempts"))
    verdict.must("pictures", len(pictures), expected.total())
    verdict.must("names", len({name for name, *_ in pictures}), expected.total())
    kinds = Counter(name.split("-")[0] for name, *_ in pictures)
    verdict.must("by kind", dict(sorted(kinds.items())), dict(sorted(expected.items())))
    ends = Counter(f"{state} {code}".strip() for _, state, code, _ in pictures)
    verdict.counts["ends"] = dict(sorted(ends.items()))
    strange = [row for row in pictures if row[1] != OWN_END[row[0].split("-")[0]][0]]
    strange += [row for row in pictures if row[2] not in OWN_END[row[0].split("-")[0]][1]]
    verdict.must("not ended for a reason of their own", sorted(set(strange))[:20], [])
    verdict.counts["attempts"] = dict(sorted(Counter(row[3] for row in pictures).items()))
    most = Picture.objects.aggregate(most=Max("attempts"))["most"]
    if most > settings.MAX_ATTEMPTS:
        verdict.wrong.append(f"a picture was tried {most} times")
    done = Picture.objects.filter(state="done")
    for name, model in (("mattes", Matte), ("renditions", Rendition)):
        verdict.must(name, model.objects.count(), done.count())
        several = model.objects.values("picture").annotate(n=Count("pk")).exclude(n=1).count()
        verdict.must(f"pictures with several {name}", several, 0)
    verdict.must("mattes that are not revision 1", Matte.objects.exclude(revision=1).count(), 0)
    verdict.must("jobs not finished", Job.objects.exclude(state="finished").count(), 0)


def judge_files(client: Any, verdict: Verdict, *, label: str) -> None:
    """Compare the bucket with the rows. `client` bypasses the platform. label: the moment of the check."""
    there = {
        one["Key"]: one["Size"]
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        for one in page.get("Contents", [])
    }
    named = named_keys()
    verdict.counts[f"files {label}"] = len(there)
    verdict.counts[f"orphans {label}"] = len(there.keys() - named.keys())
    missing = sorted(key for key in named if key not in there)
    verdict.must(f"rows without their file {label}", missing[:20], [])
    sizes = [key for key, size in named.items() if size is not None and there.get(key) != size]
    verdict.must(f"files of another size than their row says {label}", sizes[:20], [])


def named_keys() -> dict[str, int | None]:
    """Returns every key in the rows, with its size where known."""
    from jobs.models import Matte, Picture, Rendition, Upload

    keys: dict[str, int | None] = {}
    for source, size, thumb in Picture.objects.values_list("source_key", "source_size", "thumb_key"):
        keys |= {source: size, thumb: None}
    for upload in Upload.objects.filter(state="uploaded"):
        keys[upload.key] = upload.size
    keys |= dict.fromkeys(Matte.objects.values_list("key", flat=True))
    for key, size, preview in Rendition.objects.values_list("key", "size", "preview_key"):
        keys |= {key: size, preview: None}
    keys.pop("", None)
    return keys
