"""Uploads: `start` announces a file, `receive` stores its bytes, `finish` checks them."""

from __future__ import annotations

from typing import IO, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from accounts.errors import QuotaExceededError
from accounts.models import User
from accounts.services import quota
from jobs import names, storage
from jobs.errors import GoneError, UploadRefusedError, WrongStateError
from jobs.models import Upload
from jobs.services import refused_pictures
from jobs.services.open_uploads import check_room
from jobs.storage import StoreUnavailableError
from segmentation import pictures
from segmentation.errors import PictureError
from segmentation.pictures import refusals

EMPTY: Final = refusals.empty_file()


def limits() -> pictures.Limits:
    """Returns the operator's limits on pictures."""
    return pictures.Limits(max_bytes=settings.MAX_PICTURE_BYTES, max_pixels=settings.MAX_PICTURE_PIXELS)


def start(user: User, name: str, size: int, *, by_program: bool = False) -> Upload:
    """Announces a file of `size` bytes. Its name may contain folders.

    by_program: it comes with an API token, and pages do not show it.

    Raises UploadRefusedError if the size is not allowed, QuotaExceededError if the user's storage is full,
    TooManyError if too many uploads are in no job yet, StoreFullError if the store is full.
    """
    if size <= 0:
        raise UploadRefusedError(EMPTY.code, EMPTY.sentence)
    if size > settings.MAX_PICTURE_BYTES:
        raise UploadRefusedError("too_many_bytes", too_many_bytes())
    check_room(user)
    quota.check_storage(user, size + _announced(user))
    storage.check_room(size)
    return Upload.objects.create(
        user=user,
        name=names.clean(name),
        folder=names.folder(name),
        announced_size=size,
        by_program=by_program,
    )


def max_bytes(upload: Upload) -> int:
    """Returns how many bytes an upload may have: the quota was checked for the announced size only."""
    return min(upload.announced_size, settings.MAX_PICTURE_BYTES)


def too_many_bytes(upload: Upload | None = None) -> str:
    """The error sentence for a file above the limit, or above the announced size."""
    if upload is not None and upload.announced_size < settings.MAX_PICTURE_BYTES:
        return f"This file is larger than the {upload.announced_size} bytes announced. Send it again."
    most = settings.MAX_PICTURE_BYTES / 2**20
    return f"This file is larger than {most:g} MB. Save it smaller or as a JPEG, and try again."


def receive(upload: Upload, content: IO[bytes], size: int) -> None:
    """Stores the bytes of a started upload. Bytes sent again before it is finished replace them.

    Raises UploadRefusedError if there are more bytes than announced, StoreFullError if the store is full, and
    WrongStateError if the upload was finished or swept, even while the bytes came in.
    """
    closed = WrongStateError("upload_closed", "This upload was finished already. Start a new one.")
    if upload.state != Upload.State.STARTED:
        raise closed
    if size > max_bytes(upload):
        raise UploadRefusedError("too_many_bytes", too_many_bytes(upload))
    storage.check_room(size)
    storage.write(storage.incoming_key(upload.pk), content)
    state = Upload.objects.filter(pk=upload.pk).values_list("state", flat=True).first()
    if state != Upload.State.STARTED:
        # The upload ended while these bytes came in. No later step reads this key, so delete it.
        storage.delete([storage.incoming_key(upload.pk)])
        raise closed


def finish(upload: Upload) -> Upload:
    """Checks the bytes that arrived: their number, that they are a picture, and that staff do not refuse it.

    The upload becomes `uploaded`, or `refused` with a code and a sentence and without its bytes. A second
    call returns the first result. Raises GoneError if the upload was discarded in the meantime.
    """
    if upload.state != Upload.State.STARTED:
        return upload
    arrived = _arrived(upload)
    if arrived is None:
        return _refuse(upload, "nothing_arrived", "No data of this file arrived. Send it again.")
    key, size = arrived
    if size == 0:
        return _refuse(upload, EMPTY.code, EMPTY.sentence)
    if size > max_bytes(upload):
        return _refuse(upload, "too_many_bytes", too_many_bytes(upload))
    try:
        with storage.peeking(key) as file:
            info = pictures.inspect(file, limits())
    except PictureError as error:
        return _refuse(upload, error.code, error.sentence)
    except FileNotFoundError:
        # Another request has finished this upload since the size was read. Its file has moved.
        _reload(upload)
        return finish(upload)
    # Clients cannot write to the new key, so the checked bytes are the ones that get processed.
    storage.move(storage.incoming_key(upload.pk), upload.key)
    try:
        refused_pictures.check_file(upload.key, size)
    except UploadRefusedError as error:
        return _refuse(upload, error.code, error.sentence)
    return _accept(
        upload,
        size=size,
        format=info.format,
        width=info.width,
        height=info.height,
    )


def take_in(user: User, name: str, content: IO[bytes], size: int, *, by_program: bool = False) -> Upload:
    """Starts, receives and finishes an upload: for forms that send the file itself.

    by_program: as for `start`.

    Does not raise for a bad file: the returned upload is `refused` and says why. Raises
    StoreUnavailableError, and deletes the upload's row then.
    """
    upload = Upload.objects.create(
        user=user, name=names.clean(name), announced_size=size, by_program=by_program
    )
    if size == 0:
        return _refuse(upload, EMPTY.code, EMPTY.sentence)
    if size > settings.MAX_PICTURE_BYTES:
        return _refuse(upload, "too_many_bytes", too_many_bytes())
    try:
        receive(upload, content, size)
        return finish(upload)
    except StoreUnavailableError:
        # No client knows this upload, so none can send the bytes again. The orphan sweep deletes those that
        # arrived.
        Upload.objects.filter(pk=upload.pk, state=Upload.State.STARTED).delete()
        raise


def _announced(user: User) -> int:
    """Returns the announced bytes of started uploads, which may still arrive."""
    started = Upload.objects.for_user(user).filter(state=Upload.State.STARTED)
    return started.aggregate(total=Sum("announced_size"))["total"] or 0


def _arrived(upload: Upload) -> tuple[str, int] | None:
    """Returns the key and size of the bytes. An interrupted `finish` may have moved them already."""
    for key in (storage.incoming_key(upload.pk), upload.key):
        try:
            return key, storage.size(key)
        except FileNotFoundError:
            continue
    return None


def _accept(upload: Upload, *, size: int, **facts: object) -> Upload:
    """Accepts an upload if the quota has room for it. Row and counter change in one transaction."""
    try:
        with transaction.atomic():
            if _close(upload, state=Upload.State.UPLOADED, size=size, **facts):
                quota.add_storage(upload.user, size)
    except QuotaExceededError as error:
        _reload(upload)
        return _refuse(upload, error.code, error.sentence)
    return upload


def _refuse(upload: Upload, code: str, sentence: str) -> Upload:
    _close(upload, state=Upload.State.REFUSED, error_code=code, error_sentence=sentence[:500])
    if upload.state == Upload.State.REFUSED:
        storage.delete([storage.incoming_key(upload.pk), upload.key])
    return upload


def _close(upload: Upload, **facts: object) -> bool:
    """Ends a started upload. Returns False if it had already ended. Reloads the object in either case."""
    with transaction.atomic():
        closed = Upload.objects.filter(pk=upload.pk, state=Upload.State.STARTED).update(**facts)
    _reload(upload)
    return bool(closed)


def _reload(upload: Upload) -> None:
    """Reloads an upload from its row. Raises GoneError if it was discarded in the meantime."""
    try:
        upload.refresh_from_db()
    except Upload.DoesNotExist as error:
        raise GoneError from error
