"""Work shared over processes."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TypeVar

import cv2

Task = TypeVar("Task")
Result = TypeVar("Result")


def shared(work: Callable[[Task], Result], tasks: Sequence[Task], jobs: int) -> Iterator[tuple[int, Result]]:
    """Does all tasks and gives number and result of each as it is done. OpenCV uses one thread for each.

    This process works too, from the front, others from the back: two that write into one folder wait for each other.

    Args:
        work: What is done with a task; a function of a module, since other processes import it.
        tasks: What there is to do.
        jobs: Processes, this one included.
    """
    if jobs == 1:
        yield from ((number, _alone(work, task)) for number, task in enumerate(tasks))
        return
    left = deque(enumerate(tasks))
    # a fork would copy OpenCV's threads in an unknown state
    with ProcessPoolExecutor(jobs - 1, multiprocessing.get_context("spawn")) as pool:
        theirs: dict[Future[Result], int] = {}
        while True:
            while left and len(theirs) < 2 * (jobs - 1):  # for each one under way, one to come
                number, task = left.pop()
                theirs[pool.submit(_alone, work, task)] = number
            mine = left.popleft() if left else None
            if mine:
                yield mine[0], _alone(work, mine[1])
            elif not theirs:
                return
            for future in [future for future in theirs if mine is None or future.done()]:
                yield theirs.pop(future), future.result()


def _alone(work: Callable[[Task], Result], task: Task) -> Result:
    """Does a task with OpenCV's threads off: an image is too small to share, and processes share the cores already."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return work(task)
    finally:
        cv2.setNumThreads(threads)
