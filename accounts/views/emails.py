"""The account's e-mail address: show it, change it, confirm it by a link.

These replace django-allauth's pages, which allow several addresses.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import cast

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from allauth.account.internal.stagekit import unstash_login
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import perform_login
from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts import email_selectors
from accounts.models import User
from accounts.services import emails
from accounts.signing_forms import AddressForm, OwnPasswordForm
from accounts.site import mail_in_log


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@reauthentication_required(allow_get=True)  # type: ignore[untyped-decorator]  # allauth ships no types
def email(request: HttpRequest) -> HttpResponse:
    """Show the current and the requested address. A POST changes it, sends the e-mail again, or cancels."""
    user = cast(User, request.user)
    emails.record_confirmed(user)
    form = AddressForm(user, request.POST if "action_add" in request.POST else None)
    if request.method == "POST":
        refusal: HttpResponse | None = ratelimit.consume_or_429(request, action="manage_email", user=user)
        if refusal is not None:
            return refusal
        if "action_remove" in request.POST:
            if emails.cancel_change(user):
                messages.success(request, _("Your address stays as it is."))
            return redirect("account_email")
        if "action_send" in request.POST:
            _send(request, email_selectors.pending_address(user) or _unconfirmed(user))
            return redirect("account_email")
        if form.is_valid():
            _send(request, emails.request_change(user, form.cleaned_data["email"]))
            return redirect("account_email")
    context = {
        "form": form,
        "has_address": email_selectors.has_address(user),
        "confirmed": email_selectors.is_confirmed(user),
        "wanted": email_selectors.pending_address(user),
    }
    return render(request, "account/email.html", context, status=400 if form.errors else 200)


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, key: str) -> HttpResponse:
    """The page of a confirmation link. The link proves access to the mailbox, not ownership of the account.

    So the visitor must be signed in to the account, have just given its password, or give it here.
    """
    link = EmailConfirmationHMAC.from_key(key)
    if link is None:
        return render(request, "account/email_confirm.html", {"state": "dead"})
    address: EmailAddress = link.email_address
    owner = cast(User, address.user)
    known = request.user.pk == owner.pk or _has_just_given_the_password(request, owner)
    form = None if known else OwnPasswordForm(owner, request.POST if request.method == "POST" else None)
    holder = email_selectors.confirmed_holder(address.email)
    context = {"state": "ask", "address": address, "owner": owner, "form": form, "key": key}
    if holder is not None and holder.pk != owner.pk:
        return render(request, "account/email_confirm.html", {**context, "state": "taken"})
    if request.method != "POST" or (form is not None and not form.is_valid()):
        status = HTTPStatus.BAD_REQUEST if form is not None and form.errors else HTTPStatus.OK
        return render(request, "account/email_confirm.html", context, status=status)
    try:
        before = emails.confirm(address)
    except emails.AddressTakenError:
        return render(
            request, "account/email_confirm.html", {**context, "state": "taken"}, status=HTTPStatus.CONFLICT
        )
    owner.refresh_from_db()
    if before and email_selectors.is_real(before):
        changed = {"from_email": before, "to_email": owner.email}
        get_adapter().send_notification_mail("account/email/email_changed", owner, changed, email=before)
    messages.success(request, _("%s is confirmed.") % owner.email)
    if request.user.pk == owner.pk:
        return redirect("account_email")
    if request.user.is_authenticated:
        return redirect("jobs:studio")
    answer: HttpResponse = perform_login(request, owner, email=owner.email)
    return answer


def _unconfirmed(user: User) -> EmailAddress | None:
    return EmailAddress.objects.filter(user=user, email=user.email, verified=False).first()


def _send(request: HttpRequest, address: EmailAddress | None) -> None:
    """Send the link, or notify the owner of a taken address; the response is the same."""
    if address is None:
        return
    if ratelimit.consume(request, action="address_mail", key=f"{address.user_id}:{address.email}"):
        holder = email_selectors.confirmed_holder(address.email)
        if holder is not None and holder.pk != address.user_id:
            get_adapter().send_mail("account/email/address_wanted", address.email, {})
        else:
            address.send_confirmation(request)
    if mail_in_log():
        said = _("The link for %s is in the server's log: this site has no mail server.")
    else:
        said = _("A link was sent to %s. Nothing after a few minutes? Look into the spam folder.")
    messages.info(request, said % address.email)


def _has_just_given_the_password(request: HttpRequest, owner: User) -> bool:
    """Whether this browser has passed the password step of a sign-in that waits for confirmation."""
    login = unstash_login(request, peek=True)
    return login is not None and login.user is not None and login.user.pk == owner.pk
