"""How often all gateways used each number: counters in a shared Redis, changed by one atomic script.

Each number has for each day one counter for each node (a process that chooses), and each node only ever
raises its own. What a number was used is their sum. So what is told twice, late or after Redis lost
everything is told right: a counter takes the greater of what it has and what it is told, and a node tells
what it used in all, never "one more". Nothing has to be matched with what was told before.

    PREFIXepoch              one text; another one tells nodes that everything was lost
    PREFIXseq                counts changes
    PREFIXnews:DAY           numbers by the change that touched them last (sorted set)
    PREFIXuses:DAY:NUMBER    uses by node (hash)
    PREFIXpace:NUMBER        the number's open hour: @b its beginning, uses by node; @l the last use (hash)
    PREFIXseen:PROSPECT      the number a prospect saw and when: "+12125550100|1772452800.5"
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from gateway.stores.base import StoreRefusedError

MOST_ROWS = 500
"""Most numbers told, and most asked for, in one request: about 5 ms of the server's time."""
_MOST_NEWS = 200

USES_SCRIPT = """
local prefix, node, epoch, fresh = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local day, mark, now = ARGV[5], ARGV[6], tonumber(ARGV[7])
local daily_cap, hourly_cap, cool_down = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local most_news, asked = tonumber(ARGV[11]), cjson.decode(ARGV[12])
local keep_s, hour_s = 172800, 3600

local current = redis.call('GET', prefix .. 'epoch')
if not current then
  redis.call('SET', prefix .. 'epoch', fresh)
  current = fresh
end
if current ~= epoch then
  return cjson.encode({current})
end

local news_key, seq_key = prefix .. 'news:' .. day, prefix .. 'seq'
local found = redis.call('ZRANGEBYSCORE', news_key, '(' .. mark, '+inf', 'WITHSCORES', 'LIMIT', 0, most_news)
local told = {}
for i = 1, #found, 2 do told[#told + 1] = found[i] end

local function uses_key(number) return prefix .. 'uses:' .. day .. ':' .. number end
local function pace_key(number) return prefix .. 'pace:' .. number end

local function touch(number)
  redis.call('ZADD', news_key, redis.call('INCR', seq_key), number)
  redis.call('EXPIRE', uses_key(number), keep_s)
end

local function raise(key, field, value)
  if value > tonumber(redis.call('HGET', key, field) or '0') then
    redis.call('HSET', key, field, value)
    return true
  end
  return false
end

-- The number's open hour, with one that began then in it. Of two that overlap the earlier beginning stays.
local function join_hour(number, began)
  local key = pace_key(number)
  local open = tonumber(redis.call('HGET', key, '@b') or '0')
  if open == 0 or now - open >= hour_s then
    local last = redis.call('HGET', key, '@l')
    redis.call('DEL', key)
    redis.call('HSET', key, '@b', began)
    if last then redis.call('HSET', key, '@l', last) end
  elseif began < open then
    redis.call('HSET', key, '@b', began)
  end
  redis.call('EXPIRE', key, math.ceil(2 * hour_s + cool_down))
  return key
end

local function others(key)
  local fields, sum = redis.call('HGETALL', key), 0
  for i = 1, #fields, 2 do
    if fields[i] ~= node and string.sub(fields[i], 1, 1) ~= '@' then sum = sum + tonumber(fields[i + 1]) end
  end
  return sum
end

for _, row in ipairs(asked.tell) do
  local number, counts, began, hour_uses, last = row[1], row[2], row[3], row[4], row[5]
  local changed = false
  for i = 1, #counts, 2 do
    changed = raise(uses_key(number), counts[i], counts[i + 1]) or changed
  end
  if hourly_cap > 0 or cool_down > 0 then
    if hour_uses > 0 and now - began < hour_s then
      changed = raise(join_hour(number, began), node, hour_uses) or changed
    end
    if last > 0 then
      changed = raise(pace_key(number), '@l', last) or changed
      redis.call('EXPIRE', pace_key(number), math.ceil(2 * hour_s + cool_down))
    end
  end
  if changed then touch(number) end
end

local granted, wanted = {}, {}
for i, row in ipairs(asked.want) do
  local number, uses, began, hour_uses = row[1], row[2], row[3], row[4]
  local ok = others(uses_key(number)) + uses <= daily_cap
  local pace
  if ok and cool_down > 0 then
    ok = now - tonumber(redis.call('HGET', pace_key(number), '@l') or '0') >= cool_down
  end
  if ok and (hourly_cap > 0 or cool_down > 0) then
    pace = join_hour(number, began)
    if hourly_cap > 0 then ok = others(pace) + hour_uses <= hourly_cap end
  end
  if ok then
    raise(uses_key(number), node, uses)
    if pace then
      raise(pace, node, hour_uses)
      raise(pace, '@l', now)
    end
    touch(number)
    if row[5] ~= '' then
      redis.call('SET', prefix .. 'seen:' .. row[5], number .. '|' .. row[6], 'PX', row[7])
    end
  end
  granted[i] = ok and 1 or 0
  wanted[number] = (not ok) or pace ~= nil or wanted[number] or false
end

for _, number in ipairs(told) do wanted[number] = true end
local rows = {}
for number, is_told in pairs(wanted) do
  if is_told then
    local pace = redis.call('HMGET', pace_key(number), '@b', '@l')
    local hour = pace[1] and others(pace_key(number)) or 0
    local uses = redis.call('HGETALL', uses_key(number))
    rows[#rows + 1] = {number, tonumber(pace[1] or '0'), hour, tonumber(pace[2] or '0'), uses}
  end
end
local new_mark = tonumber(redis.call('GET', seq_key) or '0')
if #told >= most_news then new_mark = tonumber(found[#found]) end
return cjson.encode({current, new_mark, granted, rows})
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What a node knows of one number: its own uses, and after a loss those of others as well."""

    number: str
    """E.164 with plus."""
    uses: Mapping[str, int]
    """Uses of the day by node."""
    hour_began_s: float
    """Unix time; 0 for none."""
    hour_uses: int
    """This node's in that hour."""
    last_used_s: float
    """Unix time; 0 for never."""


@dataclass(frozen=True, slots=True)
class Want:
    """One use a node asks for, told as what its counters would be with it."""

    number: str
    uses: int
    hour_began_s: float
    hour_uses: int
    prospect: str = ""
    """Who is to see the number again; "" when nobody is remembered."""
    seen_s: float = 0.0
    keep_ms: int = 0


@dataclass(frozen=True, slots=True)
class Total:
    """What all nodes used of one number."""

    number: str
    uses: Mapping[str, int]
    """By node, this one included."""
    hour_began_s: float
    """Beginning of its last hour; 0 for none."""
    others_hour_uses: int
    """What the other nodes used in that hour."""
    last_used_s: float


@dataclass(frozen=True, slots=True)
class Request:
    """One run of the script."""

    prefix: str
    node: str
    epoch: str
    """As last heard; another one is answered by nothing but the right one."""
    fresh_epoch: str
    """Taken when there is none."""
    day: str
    mark: int
    now_s: float
    daily_cap: int
    hourly_cap: int
    cool_down_s: float
    tell: Sequence[Told] = ()
    want: Sequence[Want] = ()

    def args(self) -> list[str | int | float]:
        """As the script takes them."""
        tell = [
            (row.number, _flat(row.uses), row.hour_began_s, row.hour_uses, row.last_used_s)
            for row in self.tell
        ]
        want = [
            (row.number, row.uses, row.hour_began_s, row.hour_uses, row.prospect, row.seen_s, row.keep_ms)
            for row in self.want
        ]
        asked = orjson.dumps({"tell": tell, "want": want}).decode()
        caps = (self.daily_cap, self.hourly_cap, self.cool_down_s)
        place = (self.prefix, self.node, self.epoch, self.fresh_epoch)
        return [*place, self.day, self.mark, self.now_s, *caps, _MOST_NEWS, asked]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the script answered."""

    epoch: str
    is_done: bool = False
    """False when the epoch was another one: nothing was told, granted or asked."""
    mark: int = 0
    granted: Sequence[bool] = ()
    """One for each want, in their order."""
    totals: Sequence[Total] = field(default=())
    """Numbers others used since the mark, some at a time, and those that were refused."""

    @property
    def has_more(self) -> bool:
        """Whether others may have used more numbers than are told here."""
        return len(self.totals) >= _MOST_NEWS


def parse_reply(text: str) -> Reply:
    """The script's answer. Raises `StoreRefusedError` when it makes no sense."""
    try:
        epoch, *rest = orjson.loads(text)
        if not rest:
            return Reply(str(epoch))
        mark, granted, rows = rest
        return Reply(
            str(epoch),
            is_done=True,
            mark=int(mark),
            granted=[one == 1 for one in granted],
            totals=_totals(rows),
        )
    except (ValueError, TypeError) as error:
        raise StoreRefusedError("the shared counters answer what makes no sense") from error


def seen_key(prefix: str, prospect: str) -> str:
    """The key of what a prospect saw."""
    return f"{prefix}seen:{prospect}"


def _totals(rows: Iterable[Sequence[object]]) -> list[Total]:
    # cjson writes an empty list as {}, which has no rows either.
    return [_total(*row) for row in rows]


def _total(number: object, began: object, hour: object, last: object, fields: object) -> Total:
    flat = list(map(str, fields)) if isinstance(fields, list) else []
    uses = {node: int(count) for node, count in zip(flat[::2], flat[1::2], strict=True)}
    return Total(str(number), uses, float(str(began)), int(float(str(hour))), float(str(last)))


def _flat(uses: Mapping[str, int]) -> list[str | int]:
    return [part for pair in uses.items() for part in pair]
