"""Appeals: the person's one answer to a decision, also by a link without a sign-in."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditAction, User
from accounts.services import audit
from common.deadlocks import again_after_deadlock
from jobs.errors import ModerationError, WrongStateError
from jobs.models import Appeal, Case, Decision
from jobs.moderation.services import deciding, notices, permission


def appeal(decision: Decision, words: str) -> Appeal:
    """Records the person's answer to a decision. The case waits for a moderator again.

    Raises ModerationError for no words or too many, WrongStateError where the person answered before or the
    decision was undone.
    """
    words = words.strip()
    if not words:
        raise ModerationError("words_missing", "Write why you disagree.")
    if "\0" in words:
        raise ModerationError("null_character", "Remove the null character: it cannot be stored.")
    if len(words) > Appeal.MAX_WORDS:
        raise ModerationError("too_long", f"Write at most {Appeal.MAX_WORDS} characters.")
    with transaction.atomic():
        if not Decision.objects.filter(
            pk=decision.pk, undone_at__isnull=True, action__in=Decision.AGAINST
        ).exists():
            raise WrongStateError("undone_already", "This decision was undone. There is nothing to answer.")
        try:
            with transaction.atomic():
                made: Appeal = Appeal.objects.create(decision=decision, words=words)
        except IntegrityError as error:
            raise WrongStateError("appealed_already", "You have answered this decision already.") from error
        Case.objects.filter(pk=decision.case_id, state=Case.State.DECIDED).update(
            state=Case.State.APPEALED, assigned_to=None, assigned_at=None
        )
        # Who follows the link is not signed in, but holds the person's mail.
        audit.record(
            AuditAction.APPEALED,
            subject=decision.user_id,
            on=decision.case,
            actor=User(pk=decision.user_id),
            facts={"decision": str(decision.pk)},
        )
    return made


@again_after_deadlock
def answer(made: Appeal, moderator: User, *, upheld: bool, words: str) -> None:
    """Answers an appeal, once. Where it is upheld, the decision is undone as far as it can be.

    Raises PermissionDenied; ModerationError for no words or too many; WrongStateError where it is answered.
    """
    permission.require(moderator, permission.ANSWER)
    permission.require_not_own(moderator, made.decision.case)
    words = words.strip()
    if not words:
        raise ModerationError("answer_missing", "Write what the person shall read as the answer.")
    if len(words) > Appeal.MAX_WORDS:
        raise ModerationError("too_long", f"An answer has at most {Appeal.MAX_WORDS} characters.")
    decision = made.decision
    with transaction.atomic():
        answered = Appeal.objects.filter(pk=made.pk, answered_at__isnull=True).update(
            answered_at=timezone.now(), answered_by=moderator, answer=words, upheld=upheld
        )
        if not answered:
            raise WrongStateError("answered_already", "This appeal is answered already.")
        audit.record(
            AuditAction.APPEAL_ANSWERED,
            subject=decision.user_id,
            on=decision.case,
            actor=moderator,
            reason=words,
            facts={"decision": str(decision.pk), "upheld": upheld},
        )
        waiting = Appeal.objects.filter(decision__case=decision.case_id, answered_at__isnull=True)
        if not waiting.exists():
            Case.objects.filter(pk=decision.case_id, state=Case.State.APPEALED).update(
                state=Case.State.DECIDED
            )
        if upheld and decision.action in Decision.UNDOABLE and decision.undone_at is None:
            deciding.undo_now(decision, moderator)
        notices.tell_answer(made, upheld=upheld, answer=words)
