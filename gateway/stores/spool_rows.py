"""The spool's rows: what is put, taken and settled, as few statements a batch, however many records.

A statement for each record would be slow twice over: SQLite is left and entered again for it, and Python's
interpreter lock changes hands with the event loop each time. So records go in by rows of many, and lists of
ids go in, and slices come out, as one JSON text.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import groupby
from typing import Any

import msgspec
import orjson

from gateway.model.delivery import DeliveryState, Outcome, Slice, Stored, Taken
from gateway.model.dial import Dial
from gateway.stores.sqlite import Transaction, Value

_MAX_ROWS = 64
"""Most records of one INSERT: of five values each, well below SQLite's limit of 999 in all versions."""
_DECODER = msgspec.json.Decoder(Dial)


def encoded(dial: Dial) -> str:
    """The record as JSON, without the half characters (lone surrogates) that no file and no API takes."""
    return _mended(dial)[1]


def decoded(text: str) -> Dial:
    """The record `encoded` wrote; fields of a later version are left out. Raises `ValueError`."""
    return _DECODER.decode(text)


def put(
    transaction: Transaction,
    dials: Sequence[Dial],
    targets: Sequence[str],
    now: float,
    settle_s: float = 0.0,
) -> list[Stored]:
    """Put records, or let them better those known by their `dial_id`; an answer for each."""
    mended = [_mended(dial) for dial in dials]
    dials, texts = [dial for dial, _ in mended], [text for _, text in mended]
    known = _known(transaction, [dial.dial_id for dial in dials])
    number = first = _next_number(transaction)
    rows: list[tuple[Value, ...]] = []
    others = []
    for place, dial in enumerate(dials):
        if dial.dial_id in known:
            others.append(place)
            continue
        known.add(dial.dial_id)
        rows.append((number, dial.dial_id, dial.rank, texts[place], now))
        number += 1
    _insert(transaction, rows)
    for target in targets if rows else ():
        transaction.execute(
            "INSERT INTO deliveries SELECT id, ?, ?, 0, ?, '' FROM records WHERE id >= ?",
            (target, DeliveryState.WAITING, now + settle_s, first),
        )
    answers = [Stored.NEW] * len(dials)
    for place in others:
        answers[place] = _better(transaction, dials[place], texts[place])
    return answers


def take(transaction: Transaction, target: str, most: int, now: float) -> Slice:
    """Up to `most` records due for `target`, the longest due first; they count as sent from now on."""
    rows = _due(transaction, target, most, now)
    if rows:
        transaction.execute(
            "UPDATE deliveries SET state = ?, attempts = attempts + 1"
            " WHERE target = ? AND record IN (SELECT value FROM json_each(?))",
            (DeliveryState.SENT, target, _json([number for number, *_ in rows])),
        )
    taken = []
    for _, dial_id, text, attempts, put_at in rows:
        try:
            taken.append(Taken(decoded(text), attempts + 1, put_at))
        except ValueError:
            reason = "unreadable in the spool"
            settle(transaction, [Outcome(dial_id, target, DeliveryState.DEAD, reason=reason)], now)
    next_at = transaction.execute(
        "SELECT min(next_at) FROM deliveries WHERE target = ? AND state = ?",
        (target, DeliveryState.WAITING),
    )
    return Slice(taken, next_at[0][0])


def settle(transaction: Transaction, outcomes: Sequence[Outcome], now: float) -> None:
    """Write down what became of records that were taken; a record nobody knows is left out."""
    # By dial_id and not by row number: the file may have been replaced since the record was taken.
    for outcome in outcomes:
        if outcome.state is not DeliveryState.DONE:
            transaction.execute(
                "UPDATE deliveries SET state = ?, next_at = ?, reason = ? WHERE target = ? AND state = ?"
                " AND record = (SELECT id FROM records WHERE dial_id = ?)",
                (
                    outcome.state,
                    outcome.next_at or now,
                    outcome.reason,
                    outcome.target,
                    DeliveryState.SENT,
                    outcome.dial_id,
                ),
            )
    for target, dial_ids in _done(outcomes):
        found = transaction.execute(
            "SELECT json_group_array(id) FROM records WHERE dial_id IN (SELECT value FROM json_each(?))",
            (_json(dial_ids),),
        )
        numbers: str = found[0][0]
        transaction.execute(
            "DELETE FROM deliveries WHERE target = ? AND record IN (SELECT value FROM json_each(?))",
            (target, numbers),
        )
        _forget(transaction, numbers, now)


def forget_if_done(transaction: Transaction, number: int, now: float) -> None:
    """Keep only the `dial_id` of a record that no target needs any more."""
    _forget(transaction, _json([number]), now)


def _forget(transaction: Transaction, numbers: str, now: float) -> None:
    transaction.execute(
        "UPDATE records SET dial = NULL, done_at = ? WHERE id IN (SELECT value FROM json_each(?))"
        " AND NOT EXISTS (SELECT 1 FROM deliveries WHERE record = id)",
        (now, numbers),
    )


def _mended(dial: Dial) -> tuple[Dial, str]:
    """The record as `encoded` writes it, and the text."""
    try:
        return dial, orjson.dumps(dial).decode()
    except orjson.JSONEncodeError:
        texts: dict[str, Any] = {
            name: value.encode("utf-8", "replace").decode()
            for name in dial.__slots__
            if isinstance(value := getattr(dial, name), str)
        }
        dial = replace(dial, **texts)
        return dial, orjson.dumps(dial).decode()


def _known(transaction: Transaction, dial_ids: Sequence[str]) -> set[str]:
    rows = transaction.execute(
        "SELECT dial_id FROM records WHERE dial_id IN (SELECT value FROM json_each(?))", (_json(dial_ids),)
    )
    return {dial_id for (dial_id,) in rows}


def _next_number(transaction: Transaction) -> int:
    """The number SQLite would give the next record; nobody else writes before this transaction ends."""
    number: int = transaction.execute("SELECT coalesce(max(id), 0) + 1 FROM records")[0][0]
    return number


def _insert(transaction: Transaction, rows: Sequence[tuple[Value, ...]]) -> None:
    start = 0
    for size in _sizes(len(rows)):
        values = [value for row in rows[start : start + size] for value in row]
        transaction.execute(_insertion(size), values)
        start += size


def _sizes(count: int) -> Iterator[int]:
    """`count` as powers of two, so that there are few different statements, which SQLite then keeps ready."""
    while count:
        size = min(_MAX_ROWS, 1 << count.bit_length() - 1)
        yield size
        count -= size


@cache
def _insertion(rows: int) -> str:
    places = ", ".join(["(?, ?, ?, ?, ?)"] * rows)
    return f"INSERT INTO records (id, dial_id, rank, dial, put_at) VALUES {places}"  # noqa: S608 - places only


def _better(transaction: Transaction, dial: Dial, text: str) -> Stored:
    better = transaction.execute(
        "UPDATE records SET rank = ?, dial = ? WHERE dial_id = ? AND rank < ? AND dial IS NOT NULL"
        " RETURNING id",
        (dial.rank, text, dial.dial_id, dial.rank),
    )
    return Stored.BETTER if better else Stored.KNOWN


def _due(
    transaction: Transaction, target: str, most: int, now: float
) -> list[tuple[int, str, str, int, float]]:
    """Number, dial_id, text, attempts and time of arrival, the last to 0.1 ms."""
    found = transaction.execute(
        "SELECT json_group_array(json_array(record, dial_id, dial, attempts, put_at)) FROM ("
        "SELECT record, dial_id, dial, attempts, put_at FROM deliveries JOIN records ON id = record"
        " WHERE target = ? AND state = ? AND next_at <= ? ORDER BY next_at LIMIT ?)",
        (target, DeliveryState.WAITING, now, most),
    )
    rows: list[tuple[int, str, str, int, float]] = orjson.loads(found[0][0])
    return rows


def _done(outcomes: Iterable[Outcome]) -> Iterator[tuple[str, list[str]]]:
    """The dial ids of those delivered, by target."""
    done = sorted(
        (outcome for outcome in outcomes if outcome.state is DeliveryState.DONE),
        key=lambda outcome: outcome.target,
    )
    for target, group in groupby(done, key=lambda outcome: outcome.target):
        yield target, [outcome.dial_id for outcome in group]


def _json(values: Sequence[int] | Sequence[str]) -> str:
    return orjson.dumps(values).decode()
