"""The owned-number guard: only a plausible number, of a configured country, that is ours, reaches a call."""

from gateway.assignment.settings import AssignmentSettings
from gateway.model.phone import PhoneNumber
from gateway.providers.base import OwnedNumbers


class OwnedGuard:
    """Refuses what a provider should not have answered. Without an inventory only the shape is checked."""

    def __init__(self, settings: AssignmentSettings, inventory: OwnedNumbers | None) -> None:
        self._countries = settings.ani_countries
        self._inventory = inventory

    def accepts(self, ani: PhoneNumber) -> bool:
        """Whether the number may be shown."""
        if not ani.is_plausible() or not ani.e164.startswith(self._countries):
            return False
        return self._inventory is None or self._inventory.owns(ani)
