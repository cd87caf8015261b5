"""Functions that keep the next statuses of each status correct when the stage of a status changes."""

from collections.abc import Iterable, Sequence

from orders.models import Stage, Status

FOLLOWING: dict[str, tuple[Stage, ...]] = {
    Stage.NEW: (Stage.ACCEPTED, Stage.MAKING, Stage.WAITING, Stage.PROBLEM, Stage.CANCELLED),
    Stage.ACCEPTED: (Stage.MAKING, Stage.READY, Stage.DELIVERING, Stage.WAITING, Stage.PROBLEM, Stage.CANCELLED),
    Stage.WAITING: (Stage.ACCEPTED, Stage.MAKING, Stage.PROBLEM, Stage.CANCELLED),
    Stage.MAKING: (Stage.READY, Stage.DELIVERING, Stage.WAITING, Stage.PROBLEM, Stage.CANCELLED),
    Stage.READY: (Stage.DELIVERING, Stage.DONE, Stage.MAKING, Stage.PROBLEM, Stage.CANCELLED),
    Stage.DELIVERING: (Stage.DONE, Stage.PROBLEM, Stage.CANCELLED),
    Stage.DONE: (Stage.PROBLEM, Stage.CANCELLED),
    Stage.PROBLEM: (
        *(Stage.ACCEPTED, Stage.MAKING, Stage.WAITING, Stage.READY),
        *(Stage.DELIVERING, Stage.DONE, Stage.CANCELLED),
    ),
    Stage.CANCELLED: (),
}
"""The stages that usually follow each stage, the usual one first."""


def refit_next_steps(statuses: Iterable[Status], changed: Status, *, keeps_own: bool = False) -> int:
    """Correct the next statuses after the stage of `changed` has changed, and return the number of other statuses.

    The next statuses of `changed` become those of the stages that follow its stage, unless `keeps_own`. In the next
    statuses of the other rows only `changed` itself is added or removed. `statuses` are locked rows; those that change
    are saved.
    """
    every = sorted(statuses, key=lambda status: (status.sort, status.code))
    steps = steps_of(changed, every)
    if changed.next_codes != steps and not keeps_own:
        changed.next_codes = steps
        changed.save(update_fields=["next_codes", "updated_at"])
    stages = {status.code: status.stage for status in every}
    return sum(_refit(status, changed, stages) for status in every if status != changed)


def steps_of(status: Status, every: Sequence[Status]) -> list[str]:
    """Return the codes of the statuses whose stages follow the stage of `status`, the usual one first."""
    return [one.code for stage in FOLLOWING[status.stage] for one in every if one.stage == stage and one != status]


def _refit(status: Status, changed: Status, stages: dict[str, str]) -> bool:
    """Add `changed` to the next statuses of `status`, or remove it. Return whether they have changed."""
    following = FOLLOWING[status.stage]
    is_next = changed.code in status.next_codes
    if not status.next_codes or status.is_questioned or is_next == (changed.stage in following):
        return False  # a status without next statuses allows all of them, or is final
    if is_next:
        status.next_codes = [code for code in status.next_codes if code != changed.code]
        if not status.next_codes:
            status.next_codes = [code for code, stage in stages.items() if stage in following and code != changed.code]
    else:
        before = following[: following.index(Stage(changed.stage)) + 1]
        place = sum(stages.get(code) in before for code in status.next_codes)
        status.next_codes = [*status.next_codes[:place], changed.code, *status.next_codes[place:]]
    status.save(update_fields=["next_codes", "updated_at"])
    return True
