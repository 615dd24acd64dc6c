"""How users share the workers for renditions: a plan's weight, and 600 users behind one who asked first.

Part of `make fairness`, on the same platform. Only counts decide.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from tests.waiting import until

CROWD: Final = 600
EACH: Final = 2
MANY: Final = 1_000
WEIGHT: Final = 3
COMPARED: Final = 60
MOST_BETWEEN: Final = 40


@dataclass(frozen=True)
class RenditionFairness:
    """ratio: renditions of a user of weight 3 for each of a user of weight 1, while both wait.

    served: users of the crowd that got a rendition. between: renditions of the user who asked first, from the
    crowd's arrival to the first rendition of the crowd's last user. seconds: that time.
    """

    ratio: float
    served: int
    between: int
    seconds: float

    @property
    def fair(self) -> bool:
        """Whether all figures are within their limits."""
        weighted = WEIGHT / 1.5 <= self.ratio <= WEIGHT * 1.5
        return weighted and self.served == CROWD and self.between < MOST_BETWEEN

    @property
    def sentence(self) -> str:
        """The figures for people."""
        return (
            f"Renditions: a plan of weight {WEIGHT} gets {self.ratio:.1f} for each of weight 1 (must be "
            f"{WEIGHT / 1.5:.1f} to {WEIGHT * 1.5:.1f}). {CROWD} users ask while one has {MANY} waiting: "
            f"{self.served} have their first after {self.seconds:.1f} s, and {self.between} of the one's "
            f"were done meanwhile (must be less than {MOST_BETWEEN})."
        )


def measure(owner: Any) -> RenditionFairness:
    """Run it on a platform whose worker runs; `owner` has a finished picture, and pictures that wait."""
    from accounts.models import Plan, User
    from jobs import clock
    from jobs.models import Job, Matte, RenditionRequest
    from jobs.services import lines, removal

    for job in Job.objects.filter(user=owner, state=Job.State.ACTIVE):
        removal.cancel(job)
    matte = Matte.objects.filter(picture__user=owner).select_related("picture").latest("created_at")
    colours = iter(range(1, 0xFFFFFF))
    plan = Plan.objects.create(name="Heavy", weight=WEIGHT)
    heavy, light = (
        User.objects.create_user(f"{name}@example.org", None, plan=chosen)
        for name, chosen in (("heavy", plan), ("light", None))
    )
    asked = {user: ask(user, matte, colours, COMPARED * WEIGHT * 2) for user in (heavy, light)}
    for user in asked:
        lines.RENDITIONS.top_up(user.pk)
    until(lambda: len(made(asked[light])) >= COMPARED, "renditions of the light user are done", 240)
    moment = made(asked[light])[COMPARED - 1]
    ratio = sum(at <= moment for at in made(asked[heavy])) / COMPARED
    RenditionRequest.objects.filter(state="queued").delete()

    first = ask(owner, matte, colours, MANY)
    lines.RENDITIONS.top_up(owner.pk)
    until(lambda: len(made(first)) >= COMPARED, "renditions of the first user are done", 120)
    crowd = User.objects.bulk_create(User(email=f"crowd{number}@example.org") for number in range(CROWD))
    by_user = [ask(user, matte, colours, EACH) for user in crowd]
    arrived = clock.now()
    while lines.RENDITIONS.top_up_everyone():
        pass
    everybody = list(itertools.chain.from_iterable(by_user))
    until(lambda: len(made(everybody)) == len(everybody) or None, "renditions of the crowd are done", 300)
    firsts = [made(ids)[0] for ids in by_user]
    last = max(firsts)
    between = sum(arrived < at <= last for at in made(first))
    return RenditionFairness(ratio, len(firsts), between, (last - arrived).total_seconds())


def ask(user: Any, matte: Any, colours: Iterator[int], count: int) -> list[UUID]:
    """Rendition requests as rows alone, each with its own colour. Returns the ids of their renditions."""
    from jobs.models import RenditionRequest
    from segmentation.recipe import Recipe

    recipes = [Recipe.parse({"model": "u2netp", "background": f"#{next(colours):06x}"}) for _ in range(count)]
    rows = RenditionRequest.objects.bulk_create(
        RenditionRequest(
            user=user,
            picture=matte.picture,
            matte=matte,
            recipe=recipe.as_dict(),
            recipe_digest=recipe.digest,
        )
        for recipe in recipes
    )
    return [row.pk for row in rows]


def made(ids: Sequence[UUID]) -> list[Any]:
    """The times at which renditions of these ids were made, the earliest first."""
    from jobs.models import Rendition

    return list(
        Rendition.objects.filter(pk__in=ids).order_by("created_at").values_list("created_at", flat=True)
    )
