"""Takes the steps of a plan. Whatever happened before, each step ends with the item as the plan wants it.

A step that fails takes none of the others with it, except those that name its campaign; deletions wait until
everything before them went well. Nothing is kept of a run that breaks off: the next plan sees what is done.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from gateway.model.inventory import Campaign, Item
from gateway.providers.base import (
    InventoryService,
    NotFoundError,
    ProviderError,
    RateLimitedError,
    RefusedError,
    UnavailableError,
)
from gateway.sync.kept import kept
from gateway.sync.order import Wave, named_by, waves
from gateway.sync.patience import Patience, StoppedError
from gateway.sync.plan import Act, Ident, Plan, Step


@dataclass(frozen=True, slots=True)
class Failure:
    """A step that was not taken, and why."""

    step: Step
    reason: str


@dataclass(slots=True)
class Outcome:
    """What became of a plan."""

    done: Counter[Act] = field(default_factory=Counter)
    deleted: set[Ident] = field(default_factory=set)
    failures: list[Failure] = field(default_factory=list)
    not_tried: Counter[Act] = field(default_factory=Counter)
    """Steps left out, because the backend is away or steps before them failed."""
    stopped: str = ""
    """Why the run ended early, "" when it did not."""

    @property
    def is_complete(self) -> bool:
        """Whether every step was taken."""
        return not (self.failures or self.not_tried)


class Apply:
    """One run of one plan against one backend."""

    def __init__(
        self,
        service: InventoryService,
        patience: Patience,
        *,
        on_step: Callable[[], None],
    ) -> None:
        """`on_step` is called for each step tried."""
        self._service = service
        self._patience = patience
        self._timeout_s = patience.limits.timeout_s
        self._on_step = on_step
        self._outcome = Outcome()
        self._missing: set[str] = set()
        """Campaigns that could not be created in this run."""

    async def run(self, plan: Plan) -> Outcome:
        """Take all steps of `plan`, as far as possible. Never raises for a backend's fault."""
        for wave in waves(plan):
            await self._take_wave(wave)
        outcome = self._outcome
        for step in plan.steps:
            outcome.not_tried[step.act] += 1
        outcome.not_tried -= outcome.done
        outcome.not_tried -= Counter(failure.step.act for failure in outcome.failures)
        return outcome

    async def _take_wave(self, wave: Wave) -> None:
        is_cut = wave[0].act is Act.DELETE
        if self._outcome.stopped or (is_cut and self._outcome.failures):
            return
        await self._patience.for_each(wave, self._take)

    async def _take(self, step: Step) -> bool:
        """Take one step; whether others may follow."""
        named = named_by(step.item)
        if step.act is not Act.DELETE and named in self._missing:
            self._fail(step, f'campaign "{named}" could not be created')
            return True
        try:
            await self._make(step)
        except StoppedError as error:
            self._outcome.stopped = str(error)
            return False
        except ProviderError as error:
            self._fail(step, str(error))
        else:
            self._outcome.done[step.act] += 1
            if step.act is Act.DELETE:
                self._outcome.deleted.add(step.ident)
            self._on_step()
        return True

    def _fail(self, step: Step, reason: str) -> None:
        self._outcome.failures.append(Failure(step, reason))
        if step.act is Act.CREATE and isinstance(step.item, Campaign):
            self._missing.add(step.item.id)
        self._on_step()

    async def _make(self, step: Step) -> None:
        match step.act:
            case Act.CREATE:
                await self._create(step)
            case Act.UPDATE:
                await self._update(step)
            case Act.DELETE:
                await self._delete(step)

    async def _create(self, step: Step) -> None:
        """Creations are not repeated blindly: one whose answer was lost may have happened.

        A refused one too, when somebody else was quicker.
        """
        may_be_there = False

        async def create() -> Item | None:
            nonlocal may_be_there
            if may_be_there and (there := await self._there(step.ident)) is not None:
                return there
            try:
                await self._service.create(step.item, timeout_s=self._timeout_s)
            except UnavailableError as error:
                may_be_there |= not (error.never_sent or isinstance(error, RateLimitedError))
                raise
            return None

        try:
            there = await self._patience.ask(create)
        except RefusedError:
            there = await self._patience.ask(partial(self._there, step.ident))
            if there is None:
                raise
        if there is not None:
            await self._change(Step(kept(there, self._service.lacks), step.item))

    async def _there(self, ident: Ident) -> Item | None:
        return await self._service.get(*ident, timeout_s=self._timeout_s)

    async def _update(self, step: Step) -> None:
        try:
            await self._change(step)
        except NotFoundError:
            await self._patience.ask(partial(self._service.create, step.item, timeout_s=self._timeout_s))

    async def _change(self, step: Step) -> None:
        change = step.change
        if change is not None:
            await self._patience.ask(partial(self._service.update, change, timeout_s=self._timeout_s))

    async def _delete(self, step: Step) -> None:
        delete = partial(self._service.delete, *step.ident, timeout_s=self._timeout_s)
        try:
            await self._patience.ask(delete)
        except NotFoundError:
            return
