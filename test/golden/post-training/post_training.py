"""
Reference values for quantizing after training, by PyTorch and NumPy:  pip install torch numpy && python post_training.py
Writes post_training.json beside itself. GPTQ is its authors' loop (IST-DASLab/gptq, gptq.py: damping, Cholesky of the inverse,
one column after the other, `static_groups`) in float64; the Hadamard matrix is a Kronecker power; SmoothQuant is its equation 4.
"""
import json
from pathlib import Path

import numpy as np
import torch

torch.manual_seed(11)
torch.set_default_dtype(torch.float64)
ROWS, COLUMNS = 5, 24


def absmax_grid(part, bits):
    """Absmax: the outermost of the levels at the largest magnitude."""
    highest = 2 ** (bits - 1) - 1
    return part.abs().max() / highest, highest


def gptq(weights, moments, bits, group):
    columns = weights.shape[1]
    hessian = moments.clone()
    hessian += torch.eye(columns) * 0.01 * torch.diag(hessian).mean()
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(hessian))
    upper = torch.linalg.cholesky(inverse, upper=True)
    rounded = torch.zeros_like(weights)
    left = weights.clone()
    steps = {}
    for row in range(weights.shape[0]):
        for start in range(0, columns, group):
            steps[row, start] = absmax_grid(weights[row, start : start + group], bits)
    for column in range(columns):
        values = left[:, column]
        found = torch.zeros_like(values)
        for row in range(weights.shape[0]):
            step, highest = steps[row, column // group * group]
            found[row] = torch.clamp(torch.round(values[row] / step), -highest, highest) * step
        rounded[:, column] = found
        error = (values - found) / upper[column, column]
        left[:, column:] -= torch.outer(error, upper[column, column:])
    return rounded


weights = torch.randn(ROWS, COLUMNS).float().double()
shared = torch.randn(200, 4)
inputs = shared @ torch.randn(4, COLUMNS) + 0.4 * torch.randn(200, COLUMNS)
moments = inputs.T @ inputs / len(inputs)

signs = np.where(np.random.default_rng(5).random(COLUMNS) < 0.5, -1, 1)
two = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
block = np.kron(np.eye(3), np.kron(two, np.kron(two, two)))
rotation = block * signs  # H · diag(signs)

largest = inputs.abs().max(dim=0).values
reach = weights.abs().max(dim=0).values
record = {
    "versions": {"torch": torch.__version__, "numpy": np.__version__},
    "rows": ROWS,
    "columns": COLUMNS,
    "weights": weights.flatten().tolist(),
    "moments": moments.flatten().tolist(),
    "gptq": [
        {"bits": bits, "group": group, "rounded": gptq(weights, moments, bits, group).flatten().tolist()}
        for bits, group in [(4, 8), (3, 8), (4, 10), (8, 24)]
    ],
    "rotation": {
        "signs": signs.tolist(),
        "block": 8,
        "rotatedRows": (weights.numpy() @ rotation.T).flatten().tolist(),
        "rotatedMoments": (rotation @ moments.numpy() @ rotation.T).flatten().tolist(),
    },
    "smooth": {
        "largest": largest.tolist(),
        "factors": (largest.sqrt() / reach.sqrt()).tolist(),
    },
    "kurtosis": float(((inputs - inputs.mean()) ** 4).mean() / ((inputs - inputs.mean()) ** 2).mean() ** 2),
}
Path(__file__).with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
