"""A pool of processes in which the caller works too."""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

import cv2

MIN_IMAGES_FOR_POOL = 4000
"""Images below which starting further processes takes longer than it saves."""

Task = TypeVar("Task")
Result = TypeVar("Result")


class ProcessPool:
    """A pool of this process and further ones, which start in the background.

    Args:
        jobs: Processes, this one included.
    """

    def __init__(self, jobs: int) -> None:
        self._others = max(0, jobs - 1)
        # a fork would copy OpenCV's threads in an unknown state
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(self._others, spawn) if self._others else None

    @classmethod
    def for_images(cls, images: int, jobs: int) -> Self:
        """Return a pool of `jobs` processes, or of this process alone where there are few images."""
        return cls(jobs if images >= MIN_IMAGES_FOR_POOL else 1)

    def __enter__(self) -> Self:
        """Start the other processes."""
        if self._pool:
            self._pool.__enter__()
            with _block_ctrl_c():
                for _ in range(self._others):
                    self._pool.submit(cv2.setNumThreads, 1)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait until the other processes have ended."""
        if self._pool:
            self._pool.__exit__(kind, fault, trace)

    def share(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[tuple[int, Result]]:
        """Do all tasks, and yield number and result of each as it is done. OpenCV uses one thread for each.

        This process works too, from the front, others from the back: two that write into one folder wait for each
        other.

        Args:
            work: What is done with a task; a function of a module, since other processes import it.
            tasks: What there is to do.
        """
        left = deque(enumerate(tasks))
        theirs: dict[Future[Result], int] = {}
        try:
            while True:
                while self._pool and left and len(theirs) < 2 * self._others:  # for each one under way, one to come
                    number, task = left.pop()
                    theirs[self._pool.submit(_run_in_one_thread, work, task)] = number
                mine = left.popleft() if left else None
                if mine:
                    yield mine[0], _run_in_one_thread(work, mine[1])
                elif not theirs:
                    return
                for future in [future for future in theirs if mine is None or future.done()]:
                    yield theirs.pop(future), future.result()
        finally:  # no process still writes when this ends early
            for future in theirs:
                future.cancel()
            wait(theirs)


@contextmanager
def _block_ctrl_c() -> Iterator[None]:
    """Start processes within that never see Ctrl-C: they finish their task, and this process tells them to end.

    Blocked signals stay blocked in processes that are started; one that arrives meanwhile is delivered here afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run_in_one_thread(work: Callable[[Task], Result], task: Task) -> Result:
    """Do a task with OpenCV's threads off: an image is too small to share, and processes share the cores already."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return work(task)
    finally:
        cv2.setNumThreads(threads)
