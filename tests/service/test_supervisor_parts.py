import socket
from pathlib import Path

import pytest

from gateway.service import supervisor_control as control
from gateway.service.supervisor_control import Cover, LineError, Order, Ready, Start
from gateway.service.supervisor_patience import Patience
from gateway.service.supervisor_sockets import FeedSocket, bind_slots, close_all


def test_first_death_is_an_accident_and_more_are_waited_for() -> None:
    patience = Patience()
    assert [patience.died(now) for now in (0.0, 1.0, 2.0, 3.0)] == [0.0, 0.25, 0.5, 1.0]
    assert not patience.are_many
    assert patience.died(4.0) == 2.0
    assert patience.are_many


def test_waiting_has_an_end_and_a_quiet_minute_forgives() -> None:
    patience = Patience()
    assert max(patience.died(float(now)) for now in range(50)) == 15.0
    assert patience.died(49.0 + 60.0) == 0.0
    assert not patience.are_many


def test_an_order_arrives_whole_and_brings_its_sockets() -> None:
    ours, theirs = control.pair()
    with ours, theirs, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        control.send(ours, Start(1, "/run/feed"))
        control.send(ours, Cover(2), [listener])
        assert control.receive(theirs, Start) == (Start(1, "/run/feed"), [])
        order, (descriptor,) = control.receive(theirs, Order)
        with socket.socket(fileno=descriptor) as given:
            assert order == Cover(2)
            assert given.getsockname() == listener.getsockname()
            assert given.fileno() != listener.fileno()
        with pytest.raises(BlockingIOError):
            control.receive(ours, Ready)


def test_the_end_of_a_process_is_the_end_of_its_line() -> None:
    ours, theirs = control.pair()
    with ours:
        theirs.send(b'{"type": "hello"}')
        theirs.close()
        for _ in range(2):
            with pytest.raises(LineError):
                control.receive(ours, Ready)
        with pytest.raises(LineError):
            control.send(ours, Cover(1))


def test_all_slots_share_one_free_port() -> None:
    slots = bind_slots(["127.0.0.1:0", "[::1]:0"], 3)
    ports = [[sock.getsockname()[1] for sock in sockets] for sockets in slots]
    assert ports[0] == ports[1] == ports[2]
    assert all(ports[0])
    close_all(slots)


def test_a_slot_without_a_worker_refuses_calls_until_one_listens() -> None:
    slots = bind_slots(["127.0.0.1:0"], 2)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(slots[0][0].getsockname())
    close_all(slots)


def test_a_port_that_another_gateway_shares_is_not_shared_with_it() -> None:
    """SO_REUSEPORT would let two gateways of one user take half of the calls each."""
    others = bind_slots(["127.0.0.1:0"], 2)
    for sock in others[0] + others[1]:
        sock.listen()
    port = others[0][0].getsockname()[1]
    with pytest.raises(OSError, match=rf"cannot listen on agi\.listen 127\.0\.0\.1:{port}: Address already"):
        bind_slots(["127.0.0.1:0", f"127.0.0.1:{port}"], 2)
    close_all(others)


def test_the_feed_is_for_this_user_only_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    feed = FeedSocket()
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert Path(feed.path).parent == folder
    feed.close()
    assert list(tmp_path.iterdir()) == []
