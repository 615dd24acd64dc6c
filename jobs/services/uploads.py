"""Upload: start gives a target, the bytes go there, finish checks what arrived."""

from __future__ import annotations

from typing import IO, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from accounts.errors import QuotaExceededError
from accounts.models import User
from accounts.services import quota
from common import names
from jobs import storage
from jobs.errors import GoneError, UploadRefusedError, WrongStateError
from jobs.models import Upload
from jobs.services.open_uploads import check_room
from jobs.storage import StoreUnavailableError
from segmentation import pictures
from segmentation.errors import PictureError
from segmentation.pictures import refusals

EMPTY: Final = refusals.empty_file()


def limits() -> pictures.Limits:
    """What the operator allows a picture to be."""
    return pictures.Limits(max_bytes=settings.MAX_PICTURE_BYTES, max_pixels=settings.MAX_PICTURE_PIXELS)


def start(user: User, name: str, size: int, *, by_program: bool = False) -> Upload:
    """Announce a file of `size` bytes; its name may hold the folders that it lies in.

    by_program: it comes with a token, and is no business of the pages'. Raises UploadRefusedError where its
    size alone rules it out, QuotaExceededError where there is no room, TooManyError where too many are in no
    job yet, StoreFullError where the store has no room for anybody.
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


def most(upload: Upload) -> int:
    """How many bytes are taken in for it: what was announced was checked against the quota, more was not."""
    return min(upload.announced_size, settings.MAX_PICTURE_BYTES)


def too_many_bytes(upload: Upload | None = None) -> str:
    """The sentence for a file that is too large, or larger than its upload was announced."""
    if upload is not None and upload.announced_size < settings.MAX_PICTURE_BYTES:
        return f"This file is larger than the {upload.announced_size} bytes announced. Send it again."
    most = settings.MAX_PICTURE_BYTES / 2**20
    return f"This file is larger than {most:g} MB. Save it smaller or as a JPEG, and try again."


def receive(upload: Upload, content: IO[bytes], size: int) -> None:
    """Store the bytes of a started upload; sent twice, the later bytes count until it is finished.

    Raises UploadRefusedError for more of them than were announced, WrongStateError where the upload was
    finished or swept, also while they came in, StoreFullError where the store has no room for them.
    """
    closed = WrongStateError("upload_closed", "This upload was finished already. Start a new one.")
    if upload.state != Upload.State.STARTED:
        raise closed
    if size > most(upload):
        raise UploadRefusedError("too_many_bytes", too_many_bytes(upload))
    storage.check_room(size)
    storage.write(storage.incoming_key(upload.pk), content)
    state = Upload.objects.filter(pk=upload.pk).values_list("state", flat=True).first()
    if state != Upload.State.STARTED:
        # Its end took what had come until then; nobody else will look under this key again.
        storage.delete([storage.incoming_key(upload.pk)])
        raise closed


def finish(upload: Upload) -> Upload:
    """Check what arrived: that it is there, how large it is, and by its bytes that it is a picture.

    The upload is then `uploaded`, or `refused` with code and sentence and its bytes are deleted.
    Finishing twice gives the first answer. Raises GoneError where it was discarded meanwhile.
    """
    if upload.state != Upload.State.STARTED:
        return upload
    arrived = _arrived(upload)
    if arrived is None:
        return _refuse(upload, "nothing_arrived", "Nothing of this file arrived. Try to send it again.")
    key, size = arrived
    if size == 0:
        return _refuse(upload, EMPTY.code, EMPTY.sentence)
    if size > most(upload):
        return _refuse(upload, "too_many_bytes", too_many_bytes(upload))
    try:
        with storage.peeking(key) as file:
            info = pictures.inspect(file, limits())
    except PictureError as error:
        return _refuse(upload, error.code, error.sentence)
    except FileNotFoundError:
        # Finished by somebody else between the two looks: it moved, and does so only once.
        _look_again(upload)
        return finish(upload)
    # From here on nobody outside can write it: what was looked at is what will be worked on.
    storage.move(storage.incoming_key(upload.pk), upload.key)
    return _accept(
        upload,
        size=size,
        format=info.format,
        width=info.width,
        height=info.height,
    )


def take_in(user: User, name: str, content: IO[bytes], size: int, *, by_program: bool = False) -> Upload:
    """Start, receive and finish in one: for forms that send the file itself. by_program: as for `start`.

    Never raises for a bad file: the upload that comes back is then `refused` and says why. Raises
    StoreUnavailableError, and nothing stays.
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
        # Nobody was told of it and could send the bytes again. Those that arrived are an orphan's.
        Upload.objects.filter(pk=upload.pk, state=Upload.State.STARTED).delete()
        raise


def _announced(user: User) -> int:
    """The bytes that a user may still send without being asked again."""
    started = Upload.objects.for_user(user).filter(state=Upload.State.STARTED)
    return started.aggregate(total=Sum("announced_size"))["total"] or 0


def _arrived(upload: Upload) -> tuple[str, int] | None:
    """Where the bytes are and how many; also where an earlier finish broke off after moving them."""
    for key in (storage.incoming_key(upload.pk), upload.key):
        try:
            return key, storage.size(key)
        except FileNotFoundError:
            continue
    return None


def _accept(upload: Upload, *, size: int, **facts: object) -> Upload:
    """It is a picture, and there is room for it: that is decided with the row, or not at all."""
    try:
        with transaction.atomic():
            if _close(upload, state=Upload.State.UPLOADED, size=size, **facts):
                quota.add_storage(upload.user, size)
    except QuotaExceededError as error:
        _look_again(upload)
        return _refuse(upload, error.code, error.sentence)
    return upload


def _refuse(upload: Upload, code: str, sentence: str) -> Upload:
    _close(upload, state=Upload.State.REFUSED, error_code=code, error_sentence=sentence[:500])
    if upload.state == Upload.State.REFUSED:
        storage.delete([storage.incoming_key(upload.pk), upload.key])
    return upload


def _close(upload: Upload, **facts: object) -> bool:
    """Give a started upload its end; false where it had one. The object says then what the row says."""
    with transaction.atomic():
        closed = Upload.objects.filter(pk=upload.pk, state=Upload.State.STARTED).update(**facts)
    _look_again(upload)
    return bool(closed)


def _look_again(upload: Upload) -> None:
    """What its row says now. Raises GoneError where it was discarded meanwhile."""
    try:
        upload.refresh_from_db()
    except Upload.DoesNotExist as error:
        raise GoneError from error
