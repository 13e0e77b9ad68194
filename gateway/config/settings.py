"""All settings, assembled; each section stands beside its user."""

from dataclasses import dataclass, field

from gateway.agi.settings import AgiSettings
from gateway.assignment.settings import AssignmentSettings, CampaignSettings
from gateway.engine.settings import ApiSettings, EngineSettings
from gateway.providers.outboundiq import OutboundIqSettings
from gateway.telemetry.settings import LogSettings


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration. Each field is a section of the TOML file."""

    agi: AgiSettings = field(default_factory=AgiSettings)
    assignment: AssignmentSettings = field(default_factory=AssignmentSettings)
    outboundiq: OutboundIqSettings = field(default_factory=OutboundIqSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    log: LogSettings = field(default_factory=LogSettings)
    campaigns: dict[str, CampaignSettings] = field(default_factory=dict)
