"""A process pool in which the calling process works too."""

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
"""Number of images below which starting processes takes longer than it saves."""

Task = TypeVar("Task")
Result = TypeVar("Result")


class ProcessPool:
    """A pool of this process and others, which start in the background.

    Args:
        jobs: Number of processes, including this one.
    """

    def __init__(self, jobs: int) -> None:
        self._others = max(0, jobs - 1)
        # a fork would copy OpenCV's threads in an unknown state
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(self._others, spawn) if self._others else None

    @classmethod
    def for_images(cls, images: int, jobs: int) -> Self:
        """Return a pool of `jobs` processes, or of this process alone if there are few images."""
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
        """Run all tasks, and yield the index and result of each as it finishes. OpenCV uses one thread per task.

        This process takes tasks from the front and the others take them from the back, because processes that write
        into the same folder block each other.

        Args:
            work: The function to run on each task, defined at the top level of a module so that it can be imported.
            tasks: The tasks.
        """
        left = deque(enumerate(tasks))
        submitted: dict[Future[Result], int] = {}
        try:
            while True:
                while self._pool and left and len(submitted) < 2 * self._others:  # one running, one queued for each
                    number, task = left.pop()
                    submitted[self._pool.submit(_run_in_one_thread, work, task)] = number
                own = left.popleft() if left else None
                if own:
                    yield own[0], _run_in_one_thread(work, own[1])
                elif not submitted:
                    return
                for future in [future for future in submitted if own is None or future.done()]:
                    yield submitted.pop(future), future.result()
        finally:  # no process may still be writing if the caller stops early
            for future in submitted:
                future.cancel()
            wait(submitted)


@contextmanager
def _block_ctrl_c() -> Iterator[None]:
    """Block Ctrl-C in processes started within: they finish their task, and this process shuts them down.

    Started processes inherit blocked signals. A Ctrl-C that arrives during the block reaches this process afterwards.
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
    """Run a task without OpenCV's threads: images are too small to split, and the processes already use all cores."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return work(task)
    finally:
        cv2.setNumThreads(threads)
