"""Webhook pages: list, create, change, and the delivery log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from accounts.current_user import user_of
from jobs.errors import WebhookRefusedError
from jobs.models import WebhookDelivery, WebhookEndpoint
from jobs.webhooks import deliveries, notifications, selectors, services
from jobs.webhooks.forms import WebhookForm

SWITCHES: Final[dict[str, Callable[[WebhookEndpoint], object]]] = {
    "on": services.enable,
    "off": services.disable,
}


@login_required
@never_cache
@sensitive_variables("secret")
@require_http_methods(["GET", "HEAD", "POST"])
def listing(request: HttpRequest) -> HttpResponse:
    """The list with a form. After a POST it shows the new webhook with its secret, only this once."""
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            endpoint, secret = services.create(
                user_of(request), data["url"], events=data["events"], description=data["description"]
            )
        except WebhookRefusedError as error:
            form.refuse(error)
        else:
            # No redirect: the secret would have to be stored somewhere in between.
            return _page(request, endpoint, secret=secret)
    context = {"form": form, "endpoints": selectors.endpoints_of(user_of(request))}
    return render(request, "jobs/webhooks.html", context, status=400 if form.errors else 200)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def webhook(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """One webhook with its log. A POST changes it."""
    endpoint = _own(request, endpoint_id)
    if request.method != "POST":
        return _page(request, endpoint)
    form = WebhookForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            services.update(endpoint, url=data["url"], events=data["events"], description=data["description"])
        except WebhookRefusedError as error:
            form.refuse(error)
        else:
            messages.success(request, "Saved.")
            return redirect("jobs:webhook", endpoint.pk)
    return _page(request, endpoint, form)


@login_required
@never_cache
@sensitive_variables("secret")
@require_POST
def rotate(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Replaces the secret and shows the new one, only this once."""
    endpoint = _own(request, endpoint_id)
    return _page(request, endpoint, secret=services.rotate(endpoint), is_exchanged=True)


@login_required
@require_POST
def switch(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Enables or disables the webhook, as the POST says."""
    endpoint = _own(request, endpoint_id)
    act = SWITCHES.get(request.POST.get("to", ""))
    if act is not None:
        _try(request, lambda: act(endpoint), f"The webhook is switched {request.POST['to']}.")
    return redirect("jobs:webhook", endpoint.pk)


@login_required
@require_POST
def test(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Sends a test message."""
    endpoint = _own(request, endpoint_id)
    _try(
        request,
        lambda: notifications.test(endpoint),
        "A test message is on its way. The log shows the result.",
    )
    return redirect(f"{_address(endpoint)}#log")


@login_required
@require_POST
def delete(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Deletes the webhook with its log."""
    endpoint = _own(request, endpoint_id)
    services.delete(endpoint)
    messages.success(request, f"The webhook to {endpoint.url} was deleted.")
    return redirect("jobs:webhooks")


@login_required
@require_POST
def replay(request: HttpRequest, endpoint_id: UUID) -> HttpResponse:
    """Sends one message again, or all that failed."""
    endpoint = _own(request, endpoint_id)
    chosen = request.POST.get("delivery", "")
    if chosen:
        delivery = _own_delivery(request, chosen)
        _try(request, lambda: deliveries.replay(delivery), "The message is being sent again.")
    else:
        _try(request, lambda: deliveries.replay_failed(endpoint), "The failed messages are being sent again.")
    return redirect(f"{_address(endpoint)}#log")


def _try(request: HttpRequest, act: Callable[[], object], done: str) -> None:
    try:
        act()
    except WebhookRefusedError as error:
        messages.error(request, error.sentence)
    else:
        messages.success(request, done)


def _own(request: HttpRequest, endpoint: UUID) -> WebhookEndpoint:
    try:
        return selectors.endpoint_of(user_of(request), endpoint)
    except WebhookEndpoint.DoesNotExist as error:
        raise Http404("No such webhook.") from error


def _own_delivery(request: HttpRequest, delivery: str) -> WebhookDelivery:
    try:
        return selectors.delivery_of(user_of(request), UUID(delivery))
    except (WebhookDelivery.DoesNotExist, ValueError) as error:
        raise Http404("No such delivery.") from error


def _address(endpoint: WebhookEndpoint) -> str:
    return reverse("jobs:webhook", args=[endpoint.pk])


def _page(
    request: HttpRequest,
    endpoint: WebhookEndpoint,
    form: WebhookForm | None = None,
    *,
    secret: str = "",
    is_exchanged: bool = False,
) -> HttpResponse:
    log = selectors.log_of(endpoint)
    try:
        older = UUID(request.GET.get("older", ""))
        log = log.filter(pk__lt=older)
    except ValueError:
        older = None
    rows = list(log[: selectors.LOG_PER_PAGE + 1])
    more = len(rows) > selectors.LOG_PER_PAGE
    rows = rows[: selectors.LOG_PER_PAGE]
    known = {"url": endpoint.url, "events": endpoint.events, "description": endpoint.description}
    context = {
        "endpoint": endpoint,
        "form": form or WebhookForm(initial=known),
        "secret": secret,
        "is_exchanged": is_exchanged,
        "log": rows,
        "older": rows[-1].pk if more else "",
        "first_page": older is None,
        "given_up": any(row.state == WebhookDelivery.State.FAILED for row in rows),
    }
    return render(request, "jobs/webhook.html", context, status=400 if form and form.errors else 200)
