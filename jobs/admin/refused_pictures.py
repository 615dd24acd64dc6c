"""The list of refused pictures: staff add files or hashes, and take entries off it."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.current_user import user_of
from common.admin import ReadOnly
from jobs.models import RefusedPicture
from jobs.models.refused_picture import signed
from jobs.services import refused_pictures

SHA256: Final = re.compile(r"[0-9a-f]{64}")
PHASH: Final = re.compile(r"[0-9a-f]{16}")


class RefusedPictureForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A file, or the SHA-256 of one."""

    file = forms.FileField(
        label="File",
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text="Only its hash and its size are kept.",
    )
    sha256 = forms.CharField(
        label="SHA-256",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text="Instead of a file: 64 hexadecimal digits.",
    )
    size = forms.IntegerField(
        label="Size in bytes",
        required=False,
        min_value=1,
        max_value=2**40,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Without it every upload has to be read as a whole.",
    )
    similar = forms.CharField(
        label="Perceptual hash",
        required=False,
        widget=UnfoldAdminTextInputWidget,
        validators=[RegexValidator(rf"(?i)^{PHASH.pattern}$", "Write 16 hexadecimal digits.")],
        help_text="The picture's phash, 16 hexadecimal digits. Without it similar pictures are not flagged.",
    )

    class Meta:
        model = RefusedPicture
        fields = ("file", "sha256", "size", "similar", "note")

    def clean(self) -> dict[str, Any]:
        """Hashes the file. Refuses both or neither of file and hash."""
        given = super().clean() or {}
        file, sha256 = given.get("file"), (given.get("sha256") or "").strip().lower()
        if bool(file) == bool(sha256):
            raise ValidationError("Choose a file, or write its SHA-256.")
        if isinstance(file, UploadedFile):
            digest = hashlib.sha256()
            for chunk in file.chunks():
                digest.update(chunk)
            sha256, given["size"] = digest.hexdigest(), file.size
        if not SHA256.fullmatch(sha256):
            raise ValidationError({"sha256": "Write 64 hexadecimal digits."})
        if RefusedPicture.objects.filter(sha256=sha256).exists():
            raise ValidationError("This picture is on the list already.")
        given["sha256"] = sha256
        return given


class RefusedPictureAdmin(ReadOnly):
    """Staff add and delete entries. An entry is never changed."""

    form = RefusedPictureForm
    list_display = ("sha256", "note", "size", "finds_similar", "added_by", "created_at")
    list_filter = ("created_at",)
    search_fields = ("^sha256", "note")
    search_help_text = "The first digits of a SHA-256, or words of the note."

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Staff with the permission to add entries."""
        return bool(request.user.has_perm("jobs.add_refusedpicture"))

    def get_fields(self, request: HttpRequest, obj: RefusedPicture | None = None) -> Any:
        """What an entry holds, or the form of a new one."""
        if obj is None:
            return RefusedPictureForm.Meta.fields
        return ("sha256", "size", "finds_similar", "note", "added_by", "created_at")

    def get_readonly_fields(self, request: HttpRequest, obj: RefusedPicture | None = None) -> Any:
        """An entry is not changed."""
        return () if obj is None else self.get_fields(request, obj)

    @admin.display(description="finds similar pictures", boolean=True)
    def finds_similar(self, entry: RefusedPicture) -> bool:
        """Whether the entry has a perceptual hash."""
        return entry.phash is not None

    def save_model(self, request: HttpRequest, obj: RefusedPicture, form: Any, change: bool) -> None:
        """Adds the entry through the service, which writes the audit log."""
        given = form.cleaned_data
        phash = signed(int(given["similar"], 16)) if given["similar"] else None
        made = refused_pictures.add(
            given["sha256"],
            size=given["size"],
            phash=phash,
            note=given["note"],
            moderator=user_of(request),
        )
        obj.pk = made.pk
        obj.refresh_from_db()

    def delete_model(self, request: HttpRequest, obj: RefusedPicture) -> None:
        """Takes the entry off the list."""
        refused_pictures.remove(obj, moderator=user_of(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[RefusedPicture]) -> None:
        """Takes the chosen entries off the list."""
        for row in queryset:
            refused_pictures.remove(row, moderator=user_of(request))
