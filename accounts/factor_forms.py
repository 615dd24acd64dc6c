"""Forms of second factors that replace django-allauth's where our rules are stricter."""

from __future__ import annotations

import struct
from typing import Any, Final

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditAction
from accounts.services import audit, factors

NAME_LENGTH: Final = 60
# A browser's answer without a manufacturer's certificates has 1 to 2 KB.
CREDENTIAL_LENGTH: Final = 32_768
# What the parsers of a browser's answer raise for malformed ones.
MALFORMED: Final = (AttributeError, IndexError, KeyError, TypeError, ValueError, struct.error)


def _wrong() -> ValidationError:
    error: ValidationError = get_adapter().validation_error("wrong_passkey")
    return error


def _said_better(error: ValidationError) -> ValidationError:
    """allauth says "Incorrect code" of passkeys, too."""
    return _wrong() if getattr(error, "code", None) == "incorrect_code" else error


class CredentialField(forms.JSONField):
    """The browser's answer, as JSON. It comes from anybody, so its length and depth are limited."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Any:
        """Returns the parsed object. Raises ValidationError for everything else."""
        if len(str(value)) > CREDENTIAL_LENGTH:
            raise _wrong()
        try:
            parsed = super().to_python(value)
        except RecursionError as error:
            raise _wrong() from error
        if value and not isinstance(parsed, dict):
            raise _wrong()
        return parsed

    def bound_data(self, data: Any, initial: Any) -> None:
        """A refused answer is not shown again: each works once."""


class PasskeyNameForm(EditWebAuthnForm):  # type: ignore[misc]  # allauth ships no types
    """Renames a passkey."""

    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH)


class AddPasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey with a name."""

    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_LENGTH,
        required=False,
        help_text=_("So that you recognize it later, such as the device's name."),
    )
    credential = CredentialField()
    # The browser decides whether the passkey can sign in alone: we ask for it where the device is able to.
    passwordless = None

    def clean(self) -> dict[str, Any]:
        """Check the browser's answer against the challenge."""
        try:
            return dict(super().clean())
        except ValidationError as error:
            raise _said_better(error) from error
        except MALFORMED as error:
            raise _wrong() from error


class _CheckedPasskey(AuthenticateWebAuthnForm):  # type: ignore[misc]
    credential = CredentialField()

    def clean_credential(self) -> Authenticator:
        """Returns the passkey that answered the challenge."""
        try:
            return super().clean_credential()
        except ValidationError as error:
            raise _said_better(error) from error
        except MALFORMED as error:
            raise _wrong() from error


class PasskeyStepForm(_CheckedPasskey):
    """A passkey as the second step of a sign-in."""


class PasskeySignInForm(LoginWebAuthnForm, _CheckedPasskey):  # type: ignore[misc]
    """A passkey instead of address and password."""

    # Again: the class first in the list has a field of this name.
    credential = CredentialField()


class PasskeyConfirmForm(ReauthenticateWebAuthnForm, _CheckedPasskey):  # type: ignore[misc]
    """A passkey before a change of the account."""

    credential = CredentialField()


class _Code(forms.Form):
    """A code from an app, or a recovery code."""

    code = forms.CharField(
        label=_("Code from your app, or a recovery code"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def clean_code(self) -> str:
        """Check the code. A recovery code works once; its use is noted in the same transaction."""
        try:
            with transaction.atomic():
                code = str(super().clean_code())  # type: ignore[misc]  # of the class beside this one
                if self.authenticator.type == Authenticator.Type.RECOVERY_CODES:  # type: ignore[attr-defined]
                    factors.note_code_used(self.user)  # type: ignore[attr-defined]
                return code
        except ValidationError:
            facts = {"step": "second factor"}
            audit.record_alone(AuditAction.SIGN_IN_FAILED, subject=self.user, facts=facts)  # type: ignore[attr-defined]
            raise


class CodeStepForm(_Code, AuthenticateForm):  # type: ignore[misc]
    """A code as the second step of a sign-in."""


class CodeConfirmForm(_Code, ReauthenticateForm):  # type: ignore[misc]
    """A code before a change of the account."""
