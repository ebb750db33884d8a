"""Baseline: PyTorch's MNIST example recipe (1,199,882 parameters), trained until 99.0 % on the test set.

Recipe: conv 1->32 3x3, relu, conv 32->64 3x3, relu, maxpool 2, dropout .25, flatten, fc 9216->128, relu, dropout .5,
fc 10, log_softmax; nll loss; Adadelta lr 1.0, StepLR gamma 0.7 every epoch; batch 64; inputs normalized with
mean 0.1307 and standard deviation 0.3081. The data are in memory as one tensor, and an epoch is a randperm with one
index operation per batch. This is faster than the DataLoader of the published script. Only the training epochs are
timed, not the test evaluations after them.
"""

import argparse
import json
import platform
import time

import numpy as np


def load(path):
    """(x_train, y_train), (x_test, y_test): uint8 images (n, 28, 28) and labels (n,) from an .npz of those names."""
    with np.load(path) as arrays:
        return tuple((arrays[f"x_{part}"], arrays[f"y_{part}"]) for part in ("train", "test"))


def main():
    a = argparse.ArgumentParser()
    a.add_argument("data", help="an .npz with x_train, y_train, x_test, y_test")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--limit-epochs", type=int, default=14)
    a.add_argument("--target", type=float, default=0.99)
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--limit-steps", type=int, default=0, help="steps per epoch, for a smoke test; 0 = all")
    a = a.parse_args()
    import torch
    import torch.nn as nn
    import torch.nn.functional as functional

    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(
                nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)
            )
            self.drop1, self.drop2 = nn.Dropout(0.25), nn.Dropout(0.5)
            self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

        def forward(self, v):
            v = torch.flatten(self.drop1(self.features(v)), 1)
            return functional.log_softmax(self.fc2(self.drop2(functional.relu(self.fc1(v)))), dim=1)

    def prepare(pair):
        images = torch.from_numpy(pair[0].astype(np.float32) / 255).sub_(0.1307).div_(0.3081).unsqueeze_(1)
        return images, torch.from_numpy(pair[1].astype(np.int64))

    train, test = load(a.data)
    (x, y), (xt, yt) = prepare(train), prepare(test)
    net = Net()
    params = sum(p.numel() for p in net.parameters())
    assert params == 1_199_882
    optimizer = torch.optim.Adadelta(net.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    seconds, accuracy, epoch = 0.0, 0.0, 0
    while epoch < a.limit_epochs and accuracy < a.target:
        start = time.perf_counter()
        net.train()
        batches = torch.randperm(len(x)).split(64)
        for pick in batches[: a.limit_steps or None]:
            optimizer.zero_grad()
            loss = functional.nll_loss(net(x[pick]), y[pick])
            loss.backward()
            optimizer.step()
        schedule.step()
        seconds += time.perf_counter() - start
        epoch += 1
        net.eval()
        with torch.no_grad():
            accuracy = sum(
                (net(v).argmax(1) == w).sum().item() for v, w in zip(xt.split(1000), yt.split(1000), strict=True)
            ) / len(xt)
        print(f"epoch {epoch}: {seconds:.1f} s, test {accuracy:.4f}", flush=True)
    print(
        json.dumps(
            {
                "peer": "pytorch-mnist-example",
                "seconds": round(seconds, 2),
                "epochs": epoch,
                "accuracy": accuracy,
                "reached": accuracy >= a.target,
                "seed": a.seed,
                "params": params,
                "versions": {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
