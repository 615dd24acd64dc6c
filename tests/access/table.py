"""The access table: every URL × visitor, stranger, owner, staff.

An answer is a status code or a redirect target. `staff` is a superuser; `clerk`, in the admin, is staff
without permissions. The URLs of jobs and of the API have tables with more columns beside their tests, and the
matrix includes those.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SIGN_IN: Final = "to the sign-in"
STUDIO: Final = "to the studio"
ADMIN: Final = "to the administration's sign-in"

Answer = int | str


@dataclass(frozen=True)
class Row:
    """The answer for each role; `owner` owns the object that the URL names."""

    method: str
    visitor: Answer
    stranger: Answer
    owner: Answer
    staff: Answer


def everybody(answer: Answer, method: str = "get") -> Row:
    """The same answer for all roles."""
    return Row(method, answer, answer, answer, answer)


def ones_own(answer: Answer, method: str = "get") -> Row:
    """A page about the signed-in user."""
    return Row(method, SIGN_IN, answer, answer, answer)


def before_sign_in(method: str = "get") -> Row:
    """A page for visitors; signed-in users are redirected."""
    return Row(method, 200, STUDIO, STUDIO, STUDIO)


# By URL name, or by pattern where there is none.
SITE: Final[dict[str, Row]] = {
    "healthz": everybody(200),
    "metrics": everybody(200),  # these tests run on this machine
    "readyz": everybody(503),  # these tests run no worker
    "favicon": everybody(302),
    "security_txt": everybody(404),  # these tests set no SECURITY_CONTACT
    "well_known_change_password": everybody(302),
    "robots": everybody(200),
    # django-allauth's URLs
    "account_login": before_sign_in(),
    "account_signup": before_sign_in(),
    "account_logout": Row("get", STUDIO, 200, 200, 200),
    "account_inactive": everybody(200),
    "account_reauthenticate": ones_own(200),
    "account_email": ones_own(200),
    "account_email_verification_sent": everybody(200),
    "account_change_password": ones_own(200),
    "account_set_password": ones_own(302),
    "account_reset_password": everybody(200),
    "account_reset_password_done": everybody(200),
    "account_reset_password_from_key": everybody(200),
    "account_reset_password_from_key_done": everybody(200),
    "account_confirm_email": everybody(200),
    "account_confirm_login_code": Row("get", SIGN_IN, STUDIO, STUDIO, STUDIO),
    # Changes ask for the password first, whoever owns the factor; tests/accounts/test_factors.py goes on.
    "mfa_index": ones_own(200),
    "mfa_authenticate": Row("get", SIGN_IN, STUDIO, STUDIO, STUDIO),  # only in the middle of a sign-in
    "mfa_reauthenticate": Row("get", SIGN_IN, 302, 200, 302),
    "mfa_activate_totp": ones_own(302),
    "mfa_deactivate_totp": Row("get", SIGN_IN, 404, 302, 404),
    "mfa_view_recovery_codes": ones_own(404),
    "mfa_generate_recovery_codes": ones_own(302),
    "mfa_download_recovery_codes": ones_own(404),
    "mfa_list_webauthn": ones_own(302),
    "mfa_add_webauthn": ones_own(302),
    "mfa_reauthenticate_webauthn": ones_own(302),
    "mfa_remove_webauthn": ones_own(302),
    "mfa_edit_webauthn": ones_own(302),
    "mfa_login_webauthn": Row("get", SIGN_IN, STUDIO, STUDIO, STUDIO),
    "usersessions_list": ones_own(200),
    "socialaccount_login_cancelled": everybody(200),
    "socialaccount_login_error": everybody(401),
    "socialaccount_signup": everybody(SIGN_IN),  # nobody comes from a provider
    # Without OIDC_ISSUER there is no single sign-on.
    "socialaccount_connections": ones_own(404),
    "openid_connect_login": everybody(404),
    "openid_connect_callback": everybody(404),
    # Old addresses of the library, which redirect.
    "account/social/login/cancelled/": everybody(301),
    "account/social/login/error/": everybody(301),
    "account/social/signup/": everybody(301),
    "account/social/connections/": everybody(301),
    # our own URLs
    "accounts:sign_up_confirm": everybody(200),
    "accounts:tokens": ones_own(200),
    "accounts:token_rotate": Row("post", SIGN_IN, 404, 200, 404),
    "accounts:token_revoke": Row("post", SIGN_IN, 404, 302, 404),
    "accounts:keep": Row("get", SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN),
    "accounts:activity": ones_own(200),
    "accounts:profile": ones_own(200),
    "accounts:invitation": everybody(404),  # an unknown link
    "accounts:sessions_end_others": ones_own(302, "post"),
    "accounts:session_end": Row("post", SIGN_IN, 404, 302, 404),
    "accounts:usage": ones_own(200),
    "jobs:decisions": ones_own(200),
    "jobs:decision": everybody(404),  # a link that nobody made
    "jobs:webhooks": ones_own(200),
    "jobs:webhook": Row("get", SIGN_IN, 404, 200, 404),
    "jobs:webhook_rotate": Row("post", SIGN_IN, 404, 200, 404),
    "jobs:webhook_switch": Row("post", SIGN_IN, 404, 302, 404),
    "jobs:webhook_test": Row("post", SIGN_IN, 404, 302, 404),
    "jobs:webhook_replay": Row("post", SIGN_IN, 404, 302, 404),
    "jobs:webhook_delete": Row("post", SIGN_IN, 404, 302, 404),
    # For whoever has the link of a share, here one without a password and with downloads.
    "jobs:shared": everybody(200),
    "jobs:shared_picture": everybody(200),
    "jobs:shared_preview": everybody(200),
    "jobs:shared_file": everybody(200),
    "jobs:shared_zip": everybody(200),
    "jobs:shared_report": everybody(200),
    # The API's documentation.
    "api-schema": everybody(200),
    "api-docs": everybody(200),
    "api-docs-short": everybody(200),
    "api-docs-slash": everybody(200),
    "api-nowhere": everybody(404),
    # The compatible APIs accept tokens only: a session counts as anonymous.
    "v1.0/removebg": everybody(403, "post"),
    "v1.0/removebg/": everybody(403, "post"),
    "v1.0/account": everybody(403),
    "v1.0/account/": everybody(403),
    "v1.0/improve": everybody(403, "post"),
    "v1.0/improve/": everybody(403, "post"),
    "api/remove": everybody(401, "post"),
    "api/remove/": everybody(401, "post"),
    r"^(?:/*)v1\.0(?:/|\Z)": everybody(404),
    r"^(?:/*)api/+remove(?:/|\Z)": everybody(404),
}


def administration(staff: Answer, method: str = "get") -> Row:
    """A page for staff only."""
    return Row(method, ADMIN, ADMIN, ADMIN, staff)


ADMINISTRATION: Final[dict[str, Row]] = {
    "admin:index": administration(200),
    "admin:app_list": administration(200),
    "admin:search": administration(200),
    "admin:login": Row("get", SIGN_IN, 403, 403, 302),
    "admin:logout": Row("post", 302, 302, 302, 200),
    "admin:password_change": administration(200),
    "admin:password_change_done": administration(200),
    "admin:autocomplete": administration(403),  # a request without the required field
    "admin:jsi18n": administration(200),
    "admin:view_on_site": administration(404),  # for an object of a kind that does not exist
    "admin:auth_user_password_change": administration(200),
    "admin:jobs_picture_thumb": administration(200),
    "admin:jobs_picture_preview": administration(200),
    "admin:jobs_improvement_file": administration(200),
    "admin:jobs_case_take": administration(302, "post"),
    "admin:jobs_case_release": administration(302, "post"),
    "admin:jobs_case_decide": administration(422, "post"),  # an empty form
    "admin:jobs_case_undo": administration(404, "post"),  # names no decision
    "admin:jobs_case_refuse": administration(404, "post"),  # names no picture
    "admin:jobs_case_answer": administration(404, "post"),
    "admin:jobs_case_image": administration(200),
    "admin:jobs_case_person": administration(200),
    "admin:jobs_case_open": administration(302, "post"),
    "admin:accounts_auditentry_export": administration(200),
    "admin:jobs_dailyfigures_changelist": administration(200),
    "admin:jobs_dailyfigures_export": administration(200),
    "admin:accounts_user_data": administration(200),
    "admin/(?P<url>.*)$": administration(404),
}

# What a superuser may do with a table's rows; other staff need permissions.
LISTS: Final = {"changelist": 200, "history": 200, "change": 200}
EDITS: Final = {**LISTS, "add": 200, "delete": 200}
DELETES: Final = {**LISTS, "add": 403, "delete": 200}
LOOKS: Final = {**LISTS, "add": 403, "delete": 403}
TABLES: Final[dict[str, dict[str, int]]] = {
    "auth_group": EDITS,
    "account_emailaddress": LOOKS,
    "accounts_user": {**EDITS, "delete": 403},
    "mfa_authenticator": LOOKS,
    "socialaccount_socialaccount": LOOKS,
    "usersessions_usersession": LOOKS,
    "accounts_plan": EDITS,
    "accounts_apitoken": LOOKS,
    "accounts_auditentry": LOOKS,
    "accounts_erasure": LOOKS,
    "accounts_invitation": {**LOOKS, "add": 200},
    "accounts_entry": LOOKS,
    "accounts_usage": LOOKS,
    "accounts_storage": LOOKS,
    "jobs_webhookendpoint": LOOKS,
    "jobs_webhookdelivery": LOOKS,
    "jobs_job": DELETES,
    "jobs_picture": DELETES,
    "jobs_matte": LOOKS,
    "jobs_rendition": LOOKS,
    "jobs_upload": LOOKS,
    "jobs_receipt": LOOKS,
    "jobs_feedback": LOOKS,
    "jobs_share": LOOKS,
    "jobs_improvement": LOOKS,
    "jobs_case": LOOKS,
    "jobs_refusedpicture": EDITS,
}
for _table, _actions in TABLES.items():
    for _action, _status in _actions.items():
        ADMINISTRATION[f"admin:{_table}_{_action}"] = administration(_status)
