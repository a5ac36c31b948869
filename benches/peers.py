"""Frameworks to compare with, one a process: each line on standard input is answered by a line.

    peers.py torch mlp|lenet5 THREADS        `measure`: samples a second of training
    peers.py onnxruntime MODEL.onnx THREADS  `measure`: milliseconds of an inference that follows another
                                             `outputs`: all elements of all outputs
"""

import sys
import time

SECONDS = 0.3


def torch_training(network, threads):
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(1)
    if network == "mlp":
        batch = 128
        layers = [nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10)]
    else:
        batch = 64
        layers = [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(),
                  nn.MaxPool2d(2), nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
                  nn.Linear(84, 10)]
    model = nn.Sequential(*layers)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01)
    loss_of = nn.CrossEntropyLoss()
    pictures, classes = torch.randn(batch, 1, 28, 28), torch.randint(0, 10, (batch,))

    def step():
        optimiser.zero_grad()
        loss_of(model(pictures), classes).backward()
        optimiser.step()

    def measure():
        start, steps = time.perf_counter(), 0
        while time.perf_counter() - start < SECONDS:
            step()
            steps += 1
        return batch * steps / (time.perf_counter() - start)

    return {"measure": measure}


def onnxruntime_inference(model, threads):
    import numpy
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    types = {"tensor(float)": numpy.float32, "tensor(int64)": numpy.int64}
    feeds = {}
    for x in session.get_inputs():
        shape = [size if isinstance(size, int) else 1 for size in x.shape]
        feeds[x.name] = numpy.full(shape, 0.5, types[x.type])

    def measure():
        session.run(None, feeds)
        start = time.perf_counter()
        session.run(None, feeds)
        return (time.perf_counter() - start) * 1e3

    def outputs():
        return " ".join(str(x) for output in session.run(None, feeds) for x in output.ravel().tolist())

    return {"measure": measure, "outputs": outputs}


def main():
    framework, what, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    answers = {"torch": torch_training, "onnxruntime": onnxruntime_inference}[framework](what, threads)
    answers["measure"]()
    print("ready", flush=True)
    for question in sys.stdin:
        print(answers[question.strip()](), flush=True)


main()
