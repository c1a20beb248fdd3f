"""Signals during training: the first one asks to stop, the second one stops at once."""

import signal
import threading
from collections.abc import Iterator

import pytest
from torch import nn

from charcnn.cli.interrupts import StopOnSignal
from charcnn.specs.resolved_config import ResolvedConfig
from charcnn.training.history import History
from tests.support.configs import resolved


@pytest.fixture
def config() -> ResolvedConfig:
    return resolved()


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN], ids=["default", "ignored"], autouse=True)
def handler(request: pytest.FixtureRequest) -> Iterator[object]:
    """What handles SIGINT before training; a shell ignores it in the background."""
    before = signal.signal(signal.SIGINT, request.param)
    yield request.param
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=str)
def test_the_first_signal_asks_and_the_second_one_stops(config: ResolvedConfig, number: signal.Signals) -> None:
    stop = StopOnSignal()
    stop.on_train_begin(config, nn.Identity(), 1)
    try:
        asked = [stop.should_stop]
        signal.raise_signal(number)
        asked.append(stop.should_stop)
        assert asked == [False, True]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    finally:
        stop.on_train_end(History(), None)


def test_the_handlers_are_those_of_before_again(config: ResolvedConfig, handler: object) -> None:
    before = signal.getsignal(signal.SIGTERM)
    stop = StopOnSignal()
    stop.on_train_begin(config, nn.Identity(), 1)
    assert signal.getsignal(signal.SIGINT) is not handler
    stop.on_train_end(History(), None)
    assert signal.getsignal(signal.SIGINT) is handler
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_installs_nothing(config: ResolvedConfig, handler: object) -> None:
    stop, faults = StopOnSignal(), list[BaseException]()

    def train() -> None:
        try:
            stop.on_train_begin(config, nn.Identity(), 1)
            stop.on_train_end(History(), None)
        except ValueError as fault:
            faults.append(fault)

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert faults == []
    assert signal.getsignal(signal.SIGINT) is handler
