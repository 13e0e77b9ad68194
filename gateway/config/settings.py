"""All settings, assembled; each section stands beside its user."""

from dataclasses import dataclass, field

from gateway.admin.settings import AdminSettings
from gateway.agi.settings import AgiSettings
from gateway.ami.settings import AmiSettings
from gateway.assignment.settings import AssignmentSettings, CampaignSettings
from gateway.config.service import ServiceSettings
from gateway.dials.confirmations import WebhookInSettings
from gateway.dials.lines_target import LinesSettings
from gateway.dials.settings import (
    ConstantSettings,
    DeliverySettings,
    DispositionSettings,
    RecorderSettings,
    VariableSettings,
)
from gateway.engine.settings import ApiKeySettings, ApiSettings, EngineSettings
from gateway.engine.webhooks import WebhookSettings
from gateway.model.setting import setting
from gateway.providers.outboundani import OutboundAniSettings
from gateway.providers.outboundani_results import OutboundAniResultsSettings
from gateway.providers.outboundiq_account import OutboundIqSettings
from gateway.providers.outboundiq_dials import OutboundIqDialsSettings
from gateway.providers.voipbin_requests import VoipBinSettings
from gateway.stores.redis_settings import RedisSettings
from gateway.stores.settings import SpoolSettings
from gateway.sync.settings import ManagementSettings
from gateway.telemetry.settings import LogSettings

TARGETS = ("outboundiq", "outboundani", "engine", "file")
"""Where dial records can go."""


@dataclass(frozen=True, slots=True)
class DialsSettings(OutboundIqDialsSettings):
    """`[dials]`: dial records, what they say and where they go."""

    targets: tuple[str, ...] = setting(
        (),
        "Where dial records go: outboundiq, outboundani, engine, file; several at once.",
        why="none: nothing is reported before you say where to",
        choices=TARGETS,
    )
    dispositions: DispositionSettings = field(default_factory=DispositionSettings)
    variables: VariableSettings = field(default_factory=VariableSettings)
    constants: ConstantSettings = field(default_factory=ConstantSettings)

    @property
    def recorder(self) -> RecorderSettings:
        """The part that makes records out of calls."""
        return RecorderSettings(self.dispositions, self.variables, self.constants)


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole configuration. Each field is a section of the TOML file."""

    agi: AgiSettings = field(default_factory=AgiSettings)
    assignment: AssignmentSettings = field(default_factory=AssignmentSettings)
    outboundiq: OutboundIqSettings = field(default_factory=OutboundIqSettings)
    outboundani: OutboundAniSettings = field(default_factory=OutboundAniSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    api: ApiSettings = field(default_factory=ApiSettings)
    api_keys: dict[str, ApiKeySettings] = field(default_factory=dict)
    webhooks: dict[str, WebhookSettings] = field(default_factory=dict)
    ami: dict[str, AmiSettings] = field(default_factory=dict)
    dials: DialsSettings = field(default_factory=DialsSettings)
    redis: RedisSettings = field(default_factory=RedisSettings)
    spool: SpoolSettings = field(default_factory=SpoolSettings)
    delivery: DeliverySettings = field(default_factory=DeliverySettings)
    voipbin: VoipBinSettings = field(default_factory=VoipBinSettings)
    outboundani_results: OutboundAniResultsSettings = field(default_factory=OutboundAniResultsSettings)
    dials_file: LinesSettings = field(default_factory=LinesSettings)
    management: ManagementSettings = field(default_factory=ManagementSettings)
    webhook_in: WebhookInSettings = field(default_factory=WebhookInSettings)
    admin: AdminSettings = field(default_factory=AdminSettings)
    service: ServiceSettings = field(default_factory=ServiceSettings)
    log: LogSettings = field(default_factory=LogSettings)
    campaigns: dict[str, CampaignSettings] = field(default_factory=dict)
