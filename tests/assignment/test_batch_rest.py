from gateway.assignment.batch_rest import BatchRest


def test_failed_batches_rest_ever_longer_until_one_does_well() -> None:
    rest = BatchRest()
    rest.failed(0)
    assert rest.is_broken(0.9)
    assert not rest.is_broken(1.0)
    rest.failed(1)
    assert rest.is_broken(2.9)
    rest.saw_batch(3, 0.02)
    rest.failed(4)
    assert not rest.is_broken(5.0)


def test_batches_far_slower_than_single_requests_rest() -> None:
    rest = BatchRest()
    rest.saw_single(0.02)
    rest.saw_batch(0, 0.05)
    assert not rest.is_slow(0)
    rest.saw_batch(0, 0.2)
    assert rest.is_slow(0.5)
    assert not rest.is_broken(0.5)


def test_without_a_single_request_to_compare_no_batch_is_slow() -> None:
    rest = BatchRest()
    rest.saw_batch(0, 5.0)
    assert not rest.is_slow(0)
