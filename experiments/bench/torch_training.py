"""PyTorch's eager training step of the same ternary model, for `npm run bench -- training --torch PYTHON`.

usage: torch_training.py THREADS SIZES
SIZES: JSON, a list of model configs with `batch` and `context`. Prints a JSON list: median ms per step of each size.
The model: RMSNorm, rotary positions, gated squared ReLU, SubLN, tied embeddings; absmean ternary weights and int8
activations per token, straight through. AdamW (fused) and clipping are part of the step.
"""
import json
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

WARM_UP_STEPS = 4
STEPS = 20
# A step may take a millisecond or a second: small sizes get more steps in the same time.
LEAST_SECONDS = 1.5


def quantized_activations(x):
    scale = 127 / x.abs().amax(-1, keepdim=True).clamp_(min=1e-5)
    return x + ((x * scale).round().clamp(-128, 127) / scale - x).detach()


def quantized_weights(w):
    scale = 1 / w.abs().mean().clamp_(min=1e-5)
    return w + ((w * scale).round().clamp(-1, 1) / scale - w).detach()


class BitLinear(nn.Linear):
    def forward(self, x):
        return F.linear(quantized_activations(x), quantized_weights(self.weight))


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, 1e-5)


def rotated(x, cos, sin):
    first, second = x.chunk(2, -1)
    return x * cos + torch.cat((-second, first), -1) * sin


class Block(nn.Module):
    def __init__(self, width, inner, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (BitLinear(width, width, bias=False) for _ in range(4))
        self.gate, self.up = BitLinear(width, inner, bias=False), BitLinear(width, inner, bias=False)
        self.down = BitLinear(inner, width, bias=False)
        self.before_attention, self.before_output = Norm(width), Norm(width)
        self.before_feed_forward, self.before_down = Norm(width), Norm(inner)

    def forward(self, x, cos, sin):
        batch, tokens, width = x.shape
        normed = self.before_attention(x)
        q, k, v = (
            layer(normed).view(batch, tokens, self.heads, width // self.heads).transpose(1, 2)
            for layer in (self.q, self.k, self.v)
        )
        attended = F.scaled_dot_product_attention(rotated(q, cos, sin), rotated(k, cos, sin), v, is_causal=True)
        x = x + self.o(self.before_output(attended.transpose(1, 2).reshape(batch, tokens, width)))
        normed = self.before_feed_forward(x)
        return x + self.down(self.before_down(F.relu(self.gate(normed)) ** 2 * self.up(normed)))


class LanguageModel(nn.Module):
    def __init__(self, size):
        super().__init__()
        width, heads, tokens = size["hidden_size"], size["num_attention_heads"], size["context"]
        self.embedding = nn.Embedding(size["vocab_size"], width)
        nn.init.normal_(self.embedding.weight, std=size["initializer_range"])
        self.blocks = nn.ModuleList(
            Block(width, size["intermediate_size"], heads) for _ in range(size["num_hidden_layers"])
        )
        self.norm = Norm(width)
        head = width // heads
        frequencies = 1 / size["rope_theta"] ** (torch.arange(0, head, 2) / head)
        angles = torch.outer(torch.arange(tokens), frequencies)
        angles = torch.cat((angles, angles), -1)
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, inputs, targets):
        x = self.embedding(inputs)
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        logits = F.linear(self.norm(x), self.embedding.weight)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def milliseconds(size):
    torch.manual_seed(1)
    model = LanguageModel(size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1, betas=(0.9, 0.95), fused=True)
    shape = (size["batch"], size["context"])
    times = []
    started = time.perf_counter()
    while len(times) < WARM_UP_STEPS + STEPS or time.perf_counter() - started < LEAST_SECONDS:
        inputs, targets = (torch.randint(0, size["vocab_size"], shape) for _ in range(2))
        begun = time.perf_counter()
        loss = model(inputs, targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()
        times.append((time.perf_counter() - begun) * 1e3)
    return statistics.median(times[WARM_UP_STEPS:])


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]))
    print(json.dumps([milliseconds(size) for size in json.loads(sys.argv[2])]))
