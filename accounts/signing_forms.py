"""Sign-in forms that replace django-allauth's where our rules are stricter."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.fields import EmailField, PasswordField
from allauth.account.forms import ChangePasswordForm as AllauthChangePasswordForm
from allauth.account.forms import ResetPasswordForm as AllauthResetPasswordForm
from allauth.account.forms import ResetPasswordKeyForm, SetPasswordForm, SignupForm
from allauth.account.models import EmailAddress
from allauth.core import context, ratelimit
from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.email_selectors import confirmed_holder, is_unknown
from accounts.models import ApiToken, AuditAction, User
from accounts.services import audit, emails, sign_up, tokens


class SignUpForm(SignupForm):  # type: ignore[misc]  # allauth ships no types
    """An address and a password. Only the address's owner learns, by e-mail, that it has an account."""

    def validate_unique_email(self, value: str) -> str:
        """Accept any address; see services/sign_up.py."""
        return value

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Returns the new user, or the page that asks to check the e-mail.

        Without mandatory confirmation an unknown address gets its account at once.
        """
        email = self.cleaned_data["email"]
        if settings.ACCOUNT_EMAIL_VERIFICATION != "mandatory" and is_unknown(email):
            try:
                return self._made(request, email), None
            except IntegrityError:
                pass  # lost a race: continue as if the address had been known
        sign_up.begin(request, email, self.cleaned_data["password1"])
        return None, get_adapter().respond_email_verification_sent(request, None)

    def _made(self, request: HttpRequest, email: str) -> User:
        with transaction.atomic():
            user: User = self.save(request)
            # Without a row the address would count as confirmed, and allauth creates none in a race.
            EmailAddress.objects.get_or_create(user=user, email=email, defaults={"primary": True})
            audit.record(AuditAction.SIGNED_UP, subject=user, actor=user)
        return user


class AddressForm(forms.Form):
    """The new address of an account."""

    email = EmailField(label=gettext_lazy("New address"), required=True, max_length=254)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self) -> str:
        """Accept any address but the current one; only its owner learns that it has an account."""
        email = str(self.cleaned_data["email"]).lower()
        if email == self.user.email:
            raise forms.ValidationError(_("That is your address already."), code="same_as_current")
        return email


class SignOnAddressForm(forms.Form):
    """The address of a new account of single sign-on."""

    email = EmailField(label=gettext_lazy("Email"), required=True, max_length=254)

    def clean_email(self) -> str:
        """Accept any address; only its owner learns that it has an account."""
        return str(self.cleaned_data["email"]).lower()


class OwnPasswordForm(forms.Form):
    """The account's password, from a visitor who opened a link without being signed in."""

    password = PasswordField(label=gettext_lazy("Password of the account"), autocomplete="current-password")

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        """Check the password; failures count as failed sign-ins."""
        password = str(self.cleaned_data["password"])
        found = get_adapter().authenticate(context.request, email=self.user.email, password=password)
        if found is None or found.pk != self.user.pk:
            raise get_adapter().validation_error("incorrect_password")
        return password


class NewPasswordForm(SetPasswordForm):  # type: ignore[misc]  # allauth ships no types
    """The password for a new account."""


class FirstPasswordForm(SetPasswordForm):  # type: ignore[misc]  # allauth ships no types
    """The first password of an account that signs in elsewhere."""

    def save(self) -> None:
        """Set it, and note it in the audit log."""
        with transaction.atomic():
            super().save()
            audit.record(AuditAction.PASSWORD_CHANGED, subject=self.user)


class ResetPasswordForm(AllauthResetPasswordForm):  # type: ignore[misc]  # allauth ships no types
    """Requests a reset link. It goes to confirmed addresses only: others may belong to somebody else."""

    def clean_email(self) -> str:
        """Find the account that has confirmed the address."""
        email = str(self.cleaned_data["email"]).lower()
        holder = confirmed_holder(email)
        self.users = [holder] if holder is not None and holder.is_active else []
        for user in self.users:
            emails.record_confirmed(user)
        return email

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Send the e-mail. Beyond the rate limit it is silently not sent: strangers can request it."""
        email: str = self.cleaned_data["email"]
        if ratelimit.consume(request, action="reset_mail", key=email):
            super().save(request, **kwargs)
        return email


class ChangePasswordForm(AllauthChangePasswordForm):  # type: ignore[misc]  # allauth ships no types
    """Changes the password, and revokes all tokens on request."""

    revoke_tokens = forms.BooleanField(
        label=gettext_lazy("Revoke my API tokens, too"),
        required=False,
        help_text=gettext_lazy("Programs that use them stop working until you give them new ones."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not _has_tokens(self.user):
            del self.fields["revoke_tokens"]

    def save(self) -> None:
        """Set the password."""
        with transaction.atomic():
            super().save()
            audit.record(AuditAction.PASSWORD_CHANGED, subject=self.user)
            if self.cleaned_data.get("revoke_tokens"):
                _revoke(self.user)


class ResetFromKeyForm(ResetPasswordKeyForm):  # type: ignore[misc]  # allauth ships no types
    """Sets a new password by a link from an e-mail. Revokes all tokens unless told to keep them.

    A lost password may be known to somebody else, who may have created tokens.
    """

    keep_tokens = forms.BooleanField(
        label=gettext_lazy("Keep my API tokens"),
        required=False,
        help_text=gettext_lazy(
            "Otherwise they are revoked. Keep them only if nobody else could have known your password."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not _has_tokens(self.user):
            del self.fields["keep_tokens"]

    def save(self) -> None:
        """Set the password."""
        with transaction.atomic():
            super().save()
            audit.record(AuditAction.PASSWORD_RESET, subject=self.user)
            if not self.cleaned_data.get("keep_tokens"):
                _revoke(self.user)


def _has_tokens(user: User | None) -> bool:
    return user is not None and ApiToken.objects.for_user(user).filter(revoked_at__isnull=True).exists()


def _revoke(user: User) -> None:
    if ended := tokens.revoke_all(user):
        sentence = ngettext("%d API token is revoked.", "%d API tokens are revoked.", ended) % ended
        messages.success(context.request, sentence)
