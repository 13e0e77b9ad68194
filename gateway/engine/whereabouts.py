"""Where a prospect is: by the zip when it tells, else by the phone."""

from gateway.engine.geo import AreaFacts, Geography, Point, ZipFacts
from gateway.engine.limits import Limits
from gateway.model.lead import AssignmentType, Lead

# An enum's member costs more to look up than a constant, and this is asked at every call.
_AREA_CODE = AssignmentType.AREA_CODE


class Whereabouts:
    """Answers for one geography and one reach."""

    def __init__(self, geography: Geography, limits: Limits) -> None:
        self._geography = geography
        self._zip = geography.zip
        self._nearest_km = limits.nearest_km

    def area(self, lead: Lead) -> str:
        """The phone's area, "" when it has none."""
        return self._geography.area(lead.phone)

    def home(self, lead: Lead) -> ZipFacts | None:
        """The zip's facts. A prospect asked for by area code is where the phone is from, whatever the zip."""
        if not lead.zip or lead.assignment_type is _AREA_CODE or not lead.phone.is_nanp:
            return None
        return self._zip(lead.zip)

    def facts(self, lead: Lead) -> ZipFacts | AreaFacts | None:
        """State and middle of where the prospect is, `None` when unknown."""
        return self.home(lead) or self.of_phone(lead)

    def of_phone(self, lead: Lead) -> AreaFacts | None:
        """State and middle of the phone's area, `None` when unknown."""
        return self._geography.facts(self._geography.area(lead.phone))

    def near(self, point: Point, country: str) -> tuple[str, ...]:
        """The areas of the country within reach, nearest first."""
        return self._geography.near(point, self._nearest_km, country)
