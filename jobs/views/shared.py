"""What a visitor sees under the link of a share: gallery, pictures, files, archive, report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from common.addresses import client_address
from jobs import names
from jobs.archive import results_archive
from jobs.models import Picture, ReportReason, Share
from jobs.moderation import services as moderation
from jobs.selectors import shares as selectors
from jobs.services import downloads, share_access, shares, thumbnails
from jobs.serving import ServedFile, serve_file, serve_zip
from jobs.views.share_forms import ReportForm, UnlockForm
from jobs.views.share_gate import FORM_REFERRER, is_unlocked, shared, unlock

# Short, so that a revoked share soon shows nothing more in a browser that was there before.
CACHE_FIVE_MINUTES: Final = "max-age=300"
# Limits the memory of an archive's directory. A larger share has several archives.
PICTURES_AN_ARCHIVE: Final = 1_000


@dataclass(frozen=True)
class Tile:
    """One picture of the gallery. label: what the visitor reads, without the name of the owner's file unless
    the owner shows it.
    """

    picture: Picture
    label: str


@require_http_methods(["GET", "HEAD", "POST"])
@shared(locked=True)
def gallery(request: HttpRequest, share: Share) -> HttpResponseBase:
    """The pictures of a share, or the form for its password."""
    if not is_unlocked(request, share):
        return _ask_password(request, share)
    if request.method == "POST":
        return redirect(request.path)
    _count_view(request, share)
    total = selectors.count_of(share)
    page = _number(request.GET.get("page", ""))
    size = selectors.PICTURES_PER_PAGE
    start = (page - 1) * size
    found = selectors.pictures_of(share, start)
    if not found and page > 1:
        raise Http404("There is no such page.")
    context = {
        "share": share,
        "title": _title(share),
        "owner": _owner(share),
        "tiles": [Tile(picture, _label(share, picture, start + at)) for at, picture in enumerate(found, 1)],
        "total": total,
        "newer": page - 1,
        "older": page + 1 if start + size < total else 0,
        "archives": range(1, -(-total // PICTURES_AN_ARCHIVE) + 1) if share.may_download else [],
    }
    return render(request, "shares/gallery.html", context)


@require_safe
@shared(locked=True)
def picture(request: HttpRequest, share: Share, picture_id: UUID) -> HttpResponseBase:
    """One picture of a share, large, with links to its neighbours."""
    if not is_unlocked(request, share):
        return redirect("jobs:shared", _token(request))
    shown = selectors.shown_of(share, picture_id)
    _count_view(request, share)
    context = {
        "share": share,
        "title": _title(share),
        "shown": shown,
        "page": (shown.number - 1) // selectors.PICTURES_PER_PAGE + 1,
        "label": _label(share, shown.picture, shown.number),
        "total": selectors.count_of(share),
    }
    return render(request, "shares/picture.html", context)


@require_safe
@shared()
def preview(request: HttpRequest, share: Share, picture_id: UUID) -> ServedFile:
    """A preview of the newest result: all that a share without downloads gives away."""
    key = thumbnails.preview_of(selectors.picture_of(share, picture_id))
    if not key:
        raise Http404("There is no preview yet.")
    return serve_file(
        key, media_type="image/webp", name="preview.webp", download=False, keep=CACHE_FIVE_MINUTES
    )


@require_safe
@shared()
def file(request: HttpRequest, share: Share, picture_id: UUID) -> ServedFile:
    """The newest result as a download, if the share allows it."""
    shown = selectors.shown_of(_downloadable(share), picture_id)
    rendition = shown.picture.rendition
    if rendition is None:
        raise Http404("This picture has no result.")
    address = client_address(request)
    if request.method == "GET":
        share_access.take_file(address)
        shares.count_download(share, str(picture_id), address)
    name = names.with_extension(_file_name(share, shown.picture, shown.number), rendition.extension)
    response = serve_file(
        rendition.key, media_type=rendition.media_type, name=name, download=True, cache=False
    )
    if request.method == "GET":
        downloads.note([shown.picture])
    return response


@require_safe
@shared()
def archive(request: HttpRequest, share: Share) -> StreamingHttpResponse:
    """All results as a ZIP, if the share allows downloads; a large share in several parts."""
    part = _number(request.GET.get("part", ""))
    start = (part - 1) * PICTURES_AN_ARCHIVE
    found = selectors.pictures_of(_downloadable(share), start, PICTURES_AN_ARCHIVE)
    if not found:
        raise Http404("There is no such part.")
    address = client_address(request)
    if request.method == "GET":
        share_access.take_archive(address)
        shares.count_download(share, f"part {part}", address)
    for at, one in enumerate(found, start + 1):
        # The archive takes its names from the rows; nothing is saved here.
        one.name, one.folder = _file_name(share, one, at), ""
    title = names.of_title(_title(share))
    response = serve_zip(results_archive(found), f"{title}{f' {part}' if part > 1 else ''}.zip")
    if request.method == "GET":
        downloads.note(found)
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@shared(locked=True)
def report(request: HttpRequest, share: Share) -> HttpResponseBase:
    """A form by which visitors tell the moderators what is wrong with a share."""
    form = ReportForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        share_access.take_report(client_address(request))
        moderation.report(
            share=share,
            reason=ReportReason(form.cleaned_data["reason"]),
            words=form.cleaned_data["words"],
            reporter=request.user if isinstance(request.user, User) else None,
        )
        messages.success(request, _("Thank you. A moderator will look at it."))
        return redirect("jobs:shared", _token(request))
    response = render(request, "shares/report.html", {"form": form}, status=400 if form.errors else 200)
    response.headers["Referrer-Policy"] = FORM_REFERRER
    return response


def _ask_password(request: HttpRequest, share: Share) -> HttpResponse:
    form = UnlockForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        if share_access.is_password(share, form.cleaned_data["password"], client_address(request)):
            opened = redirect(request.path)
            unlock(opened, share, request.path)
            return opened
        form.add_error("password", _("This is not the password. Ask the person who sent you the link."))
    response = render(request, "shares/locked.html", {"form": form}, status=400 if form.errors else 200)
    response.headers["Referrer-Policy"] = FORM_REFERRER
    return response


def _downloadable(share: Share) -> Share:
    if not share.may_download:
        raise Http404("This share is for viewing only.")
    return share


def _count_view(request: HttpRequest, share: Share) -> None:
    """Counts a visit, except of the owner, who looks at what others will see."""
    if request.method == "GET" and request.user != share.user:
        shares.count_view(share, client_address(request))


def _title(share: Share) -> str:
    return share.title or _("Shared pictures")


def _owner(share: Share) -> str:
    return share.user.name if share.show_owner else ""


def _label(share: Share, picture: Picture, number: int) -> str:
    return picture.name if share.show_names else _("Picture %(number)d") % {"number": number}


def _file_name(share: Share, picture: Picture, number: int) -> str:
    return picture.name if share.show_names else f"picture-{number:04d}"


def _number(text: str) -> int:
    """Reads the number of a page or part; 1 for anything else."""
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _token(request: HttpRequest) -> str:
    match = request.resolver_match
    return str(match.kwargs["token"]) if match else ""
