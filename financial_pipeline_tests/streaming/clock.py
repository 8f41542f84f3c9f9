"""A clock for tests of what waits."""


class Clock:
    """Time that passes only by sleeping."""

    time = 100.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
