"""Forms around signing in, in place of django-allauth's where our rules are stricter."""

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
from accounts.models import ApiToken, User
from accounts.services import emails, sign_up, tokens


class SignUpForm(SignupForm):  # type: ignore[misc]  # allauth ships no types
    """An address and a password. Whether the address is taken is told to its owner, by mail."""

    def validate_unique_email(self, value: str) -> str:
        """Any address may be given; see services/sign_up.py."""
        return value

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """The new user, or the answer that asks to look into the mail.

        Without mandatory confirmation an address of which nobody has heard is let in at once.
        """
        email = self.cleaned_data["email"]
        if settings.ACCOUNT_EMAIL_VERIFICATION != "mandatory" and is_unknown(email):
            try:
                return self._made(request, email), None
            except IntegrityError:
                pass  # somebody else was faster: as if the address had been known
        sign_up.begin(request, email, self.cleaned_data["password1"])
        return None, get_adapter().respond_email_verification_sent(request, None)

    def _made(self, request: HttpRequest, email: str) -> User:
        with transaction.atomic():
            user: User = self.save(request)
            # Without a row the address would count as confirmed, and allauth makes none in a race.
            EmailAddress.objects.get_or_create(user=user, email=email, defaults={"primary": True})
        return user


class AddressForm(forms.Form):
    """The address that an account is to have from now on."""

    email = EmailField(label=gettext_lazy("New address"), required=True, max_length=254)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self) -> str:
        """Any address but the present one; whether it is taken is told to its owner alone."""
        email = str(self.cleaned_data["email"]).lower()
        if email == self.user.email:
            raise forms.ValidationError(_("That is your address already."), code="same_as_current")
        return email


class OwnPasswordForm(forms.Form):
    """The password of an account, from whoever opens a link that is about it without being signed in."""

    password = PasswordField(label=gettext_lazy("Password of the account"), autocomplete="current-password")

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        """The right one; wrong ones count as at the sign-in."""
        password = str(self.cleaned_data["password"])
        found = get_adapter().authenticate(context.request, email=self.user.email, password=password)
        if found is None or found.pk != self.user.pk:
            raise get_adapter().validation_error("incorrect_password")
        return password


class NewPasswordForm(SetPasswordForm):  # type: ignore[misc]  # allauth ships no types
    """A password for an account that begins here."""


class ResetPasswordForm(AllauthResetPasswordForm):  # type: ignore[misc]  # allauth ships no types
    """Asks for the link. It goes to confirmed addresses only: another may be somebody else's."""

    def clean_email(self) -> str:
        """The address, and the account that it is confirmed for."""
        email = str(self.cleaned_data["email"]).lower()
        holder = confirmed_holder(email)
        self.users = [holder] if holder is not None and holder.is_active else []
        for user in self.users:
            emails.adopt(user)
        return email

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Send a mail. Too many to one address are left out in silence: strangers can ask for them."""
        email: str = self.cleaned_data["email"]
        if ratelimit.consume(request, action="reset_mail", key=email):
            super().save(request, **kwargs)
        return email


class ChangePasswordForm(AllauthChangePasswordForm):  # type: ignore[misc]  # allauth ships no types
    """Another password, and on request the end of all tokens."""

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
        """Set it."""
        with transaction.atomic():
            super().save()
            if self.cleaned_data.get("revoke_tokens"):
                _revoke(self.user)


class ResetFromKeyForm(ResetPasswordKeyForm):  # type: ignore[misc]  # allauth ships no types
    """A new password by the link of a mail. All tokens end unless one asks to keep them.

    Whoever forgot a password may have lost it to somebody, who may have made tokens.
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
        """Set it."""
        with transaction.atomic():
            super().save()
            if not self.cleaned_data.get("keep_tokens"):
                _revoke(self.user)


def _has_tokens(user: User | None) -> bool:
    return user is not None and ApiToken.objects.for_user(user).filter(revoked_at__isnull=True).exists()


def _revoke(user: User) -> None:
    if ended := tokens.revoke_all(user):
        sentence = ngettext("%d API token is revoked.", "%d API tokens are revoked.", ended) % ended
        messages.success(context.request, sentence)
