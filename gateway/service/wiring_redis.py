"""What several nodes share: opened when the settings name a Redis; only then is the driver loaded."""

import time

from gateway.assignment.recall import SharedAnswers
from gateway.config.settings import Settings
from gateway.engine.provider import EngineProvider
from gateway.engine.shared import SharedEngine
from gateway.stores.redis_link import RedisLink


class SharedPath:
    """One node's part in what is shared: the engine's counters, and the answers of all."""

    def __init__(self, settings: Settings, engine: EngineProvider | None) -> None:
        """Make it within the running loop. The engine stays the caller's."""
        from gateway.stores.redis import RedisStore

        redis = settings.redis
        self._link = RedisLink(RedisStore(redis), redis)
        self.answers = SharedAnswers(self._link, settings.assignment, redis.prefix, time=time.time)
        self.engine = SharedEngine(engine, self._link, settings.engine, redis) if engine else None

    @classmethod
    def wanted(cls, settings: Settings, engine: EngineProvider | None) -> "SharedPath | None":
        """`None` when nothing is shared."""
        return cls(settings, engine) if settings.redis.url else None

    async def start(self) -> None:
        """Connect, if that is possible now, and take part."""
        await self._link.start()
        self.answers.start()
        if self.engine is not None:
            await self.engine.start()

    async def stop(self) -> None:
        """Tell the last, and leave. Safe to call twice."""
        if self.engine is not None:
            await self.engine.close()
        await self.answers.close()
        await self._link.close()
