"""Tell of each epoch in a file, and stop the training when it is good enough. Data: a folder of class folders."""

import sys
from pathlib import Path

import charcnn


class Log(charcnn.Callback):
    """Append a line per epoch to a file; stop at an accuracy."""

    def __init__(self, path: Path, enough: float) -> None:
        self.path, self.enough = path, enough

    def on_epoch_end(self, record: charcnn.EpochRecord, is_best: bool) -> None:
        """Write the line."""
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(f"epoch {record.epoch}: loss {record.loss:.3f}, accuracy {record.val_accuracy}\n")
        if record.val_accuracy is not None and record.val_accuracy >= self.enough:
            self.should_stop = True


config = charcnn.TrainConfig(data=[sys.argv[1]], epochs=3, name="logged")
trained = charcnn.train(config, callbacks=[Log(Path("training.log"), enough=0.99)])
print("stopped early" if trained.interrupted else "trained to the end", trained.version.card.reference)
