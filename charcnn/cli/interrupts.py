"""Ctrl-C and SIGTERM during training: the first stops after the current step, the second at once."""

import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING, Any

from charcnn.training.callbacks import Callback

if TYPE_CHECKING:
    from torch import nn

    from charcnn.specs.resolved_config import ResolvedConfig
    from charcnn.training.history import History


class StopOnSignal(Callback):
    """Ask training to stop at the first SIGINT or SIGTERM; raise `KeyboardInterrupt` at the second.

    The handlers are installed only while training runs, and only in the main thread: others receive no signals.
    """

    def __init__(self) -> None:
        self._handlers_before: dict[signal.Signals, Any] = {}

    def on_train_begin(self, config: "ResolvedConfig", network: "nn.Module", images: int) -> None:
        """Install the handlers."""
        if threading.current_thread() is threading.main_thread():
            self._handlers_before = {
                number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)
            }

    def on_train_end(self, history: "History", error: BaseException | None) -> None:
        """Restore the previous handlers."""
        for number, handler in self._handlers_before.items():
            signal.signal(number, handler)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        if self.should_stop:
            raise KeyboardInterrupt
        self.should_stop = True
