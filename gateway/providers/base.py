"""What every provider has in common: abilities as protocols, errors as types.

The tree of errors; callers choose by type, never by text:

    ProviderError
    ├── UnavailableError       try later: no connection, a 5xx, no answer in time; `retry_after_s` when named
    │   ├── TimedOutError      the time given ran out
    │   └── RateLimitedError   429
    ├── RefusedError           trying again will not help: 401, 403, another 4xx
    │   ├── NotFoundError      there is no such thing
    │   └── AlreadyExistsError what was to be created is there already
    └── BadAnswerError         an answer arrived and makes no sense
"""

from collections.abc import Sequence
from typing import Protocol, Self

from msgspec import Struct

from gateway.model.decision import Source, Waits
from gateway.model.dial import Dial
from gateway.model.inventory import Item, Kind
from gateway.model.inventory_change import Change
from gateway.model.lead import Lead
from gateway.model.phone import PhoneNumber


class ProviderError(Exception):
    """A provider's fault. `request_id` is the provider's own `x-request-id`, "" when it gave none."""

    def __init__(self, message: str, *, request_id: str = "") -> None:
        super().__init__(message)
        self.request_id = request_id

    def without_trace(self) -> Self:
        """Itself, as a value that is kept: without the frames it came through and the errors behind it.

        One of those frames may hold it in turn, a ring that only the garbage collector would find.
        """
        self.__traceback__ = self.__cause__ = self.__context__ = None
        return self


class UnavailableError(ProviderError):
    """No connection, a 5xx, or no answer in time; trying later may help."""

    def __init__(
        self,
        message: str,
        *,
        request_id: str = "",
        never_sent: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message, request_id=request_id)
        self.never_sent = never_sent
        """True when no byte of the request reached the provider, so repeating it is safe."""
        self.retry_after_s = retry_after_s
        """How long the provider asks to be left alone; `None` when it named no time."""


class TimedOutError(UnavailableError):
    """The provider did not answer in the time given."""


class RateLimitedError(UnavailableError):
    """429: the request was not worked on."""


class RefusedError(ProviderError):
    """The provider refuses: the key (401, 403) or the request (another 4xx). `status` is its HTTP status."""

    def __init__(self, message: str, *, status: int, request_id: str = "") -> None:
        super().__init__(message, request_id=request_id)
        self.status = status


class NotFoundError(RefusedError):
    """There is no such thing at the provider."""


class AlreadyExistsError(RefusedError):
    """What was to be created is there already."""


class BadAnswerError(ProviderError):
    """The provider answered something that cannot be understood."""


class Answer(Struct, frozen=True, gc=False):
    """A provider's answer for one lead. `ani` is `None` when it has no number: an answer, not an error."""

    ani: PhoneNumber | None
    message: str = ""
    request_id: str = ""
    waits: Waits | None = None
    """What it took, where the way to the provider tells."""


class RemoteAssigner(Protocol):
    """Chooses numbers over the network. It is asked by an `Errand`: it does without `asyncio.timeout`."""

    @property
    def source(self) -> Source:
        """What `GATEWAY_SOURCE` says when this provider answered."""
        ...

    async def assign(self, lead: Lead, *, timeout_s: float) -> Answer:
        """The number for one lead, within `timeout_s`. Raises `ProviderError`."""
        ...

    async def assign_batch(self, leads: Sequence[Lead], *, timeout_s: float) -> list[Answer | ProviderError]:
        """One result for each lead, in the order of `leads`, within `timeout_s`.

        A row that failed alone is its error in the list. Raises `ProviderError` when all failed together.
        """
        ...


class LocalAssigner(Protocol):
    """Chooses numbers in this process, without waiting."""

    @property
    def source(self) -> Source:
        """What `GATEWAY_SOURCE` says when this provider answered."""
        ...

    def assign_now(self, lead: Lead) -> Answer:
        """The number for one lead. Never blocks, never raises for want of a number."""
        ...


class OwnedNumbers(Protocol):
    """The inventory as the owned-number guard asks it."""

    def owns(self, ani: PhoneNumber) -> bool:
        """Whether the number is ours. Never blocks."""
        ...


class DialTarget(Protocol):
    """Takes dial records."""

    @property
    def name(self) -> str:
        """Its name in settings, spool, logs and metrics."""
        ...

    @property
    def repeats_safely(self) -> bool:
        """Whether a record that may have arrived can be sent again: the target knows it by its `dial_id`."""
        ...

    async def post_dial(self, dial: Dial, *, timeout_s: float) -> None:
        """Deliver one record; returns when the target has taken it. Raises `ProviderError`.

        `RefusedError` means it will never be taken. With `UnavailableError`, `never_sent` says that it
        certainly did not arrive.
        """
        ...


class InventoryService(Protocol):
    """Keeps campaigns, dispositions and ANIs, here or at a vendor's.

    Every method raises `ProviderError`. `key` is a campaign's or disposition's id, or an ANI in E.164 with
    plus (`model.inventory.key_of`).
    """

    @property
    def name(self) -> str:
        """Its name in settings, commands, logs and errors."""
        ...

    @property
    def can_list(self) -> bool:
        """Whether `list_all` works; the vendors' APIs can only be asked for one item."""
        ...

    @property
    def lacks(self) -> frozenset[str]:
        """Fields of our items it has no place for; an item or change that uses one may be refused."""
        ...

    async def create(self, item: Item, *, timeout_s: float) -> None:
        """Add `item`. Raises `AlreadyExistsError` where the service tells that it is there already."""
        ...

    async def get(self, kind: Kind, key: str, *, timeout_s: float) -> Item | None:
        """The item as the service has it, `None` when it has none."""
        ...

    async def update(self, change: Change, *, timeout_s: float) -> None:
        """Change what `change` names and leave the rest. Raises `NotFoundError`."""
        ...

    async def delete(self, kind: Kind, key: str, *, timeout_s: float) -> None:
        """Take the item out. Raises `NotFoundError`."""
        ...

    async def list_all(self, kind: Kind, *, timeout_s: float) -> Sequence[Item]:
        """Everything of a kind, ordered by key. Only where `can_list`."""
        ...
