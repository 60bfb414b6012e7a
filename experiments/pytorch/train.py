"""
Trains one run of this project with PyTorch, on a graphics card where there is one, and writes what the project's own engine
writes: python RUN.py [--output result.json] [--device cuda] [--steps 20]

Made by `npm run export-run`; the specification of the run is below. Weights and batches are drawn from the very random numbers that
the project draws, so the first losses agree to rounding. Needs torch and numpy, and nothing else of the project.
"""
import argparse
import hashlib
import json
import math
import time
from bisect import bisect_right
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

SPEC = json.loads("""@SPEC@""")
CORPUS, MODEL, TRAINING = SPEC["corpus"], SPEC["model"], SPEC["training"]
OPTIONS = MODEL["bitlm"]
MASK = np.uint64(0xFFFFFFFF)
PURPOSES = {"training": 1, "validation": 2, "table": 3, "weights": 4, "test": 8}


class RandomStream:
    """Philox4x32-10 (Salmon et al., SC11), a function of seed, purpose and step: words in the project's order."""

    def __init__(self, seed, purpose, step=0):
        self.key = [seed & 0xFFFFFFFF, seed >> 32]
        self.counter = [PURPOSES[purpose], step & 0xFFFFFFFF, step >> 32]
        self.blocks, self.words, self.used = 0, [], 0

    def draw(self, blocks):
        """The next 4 · blocks words, [4 · blocks] uint64."""
        c = [np.arange(self.blocks, self.blocks + blocks, dtype=np.uint64)]
        c += [np.full(blocks, value, np.uint64) for value in self.counter]
        k0, k1 = self.key
        for _ in range(10):
            p0, p1 = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
            c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & MASK, (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & MASK]
            k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
        self.blocks += blocks
        return np.stack(c, 1).ravel()

    def uint32(self):
        if self.used == len(self.words):
            self.words, self.used = self.draw(256).tolist(), 0
        self.used += 1
        return self.words[self.used - 1]

    def uniform(self):
        high, low = self.uint32() >> 5, self.uint32() >> 6
        return (high * 0x4000000 + low) / 2**53

    def below(self, limit):
        accepted = 2**32 - 2**32 % limit
        while (word := self.uint32()) >= accepted:
            pass
        return word % limit


class ZipfFacts:
    """Triples (a, b, v): keys by Zipf's law, v looked up in a random table, or noise."""

    kinds = ["a", "b", "v"]

    def __init__(self):
        self.size, self.noise, self.seed = CORPUS["vocabSize"], CORPUS["noise"], CORPUS.get("seed", 0)
        weights = [(rank + 1) ** -CORPUS["exponent"] for rank in range(self.size)]
        total = 0.0
        for weight in reversed(weights):
            total += weight
        self.cumulative, running = [], 0.0
        for weight in weights:
            running += weight / total
            self.cumulative.append(running)
        table = RandomStream(self.seed, "table")
        self.facts = [table.below(self.size) for _ in range(self.size**2)]
        self.opening = [self.size] if CORPUS.get("startToken") else []

    def key(self, random):
        return min(bisect_right(self.cumulative, random.uniform()), self.size - 1)

    def window(self, random, length):
        tokens = list(self.opening)
        while len(tokens) < length:
            a, b = self.key(random), self.key(random)
            is_noise = random.uniform() < self.noise
            tokens += [a, b, random.below(self.size) if is_noise else self.facts[a * self.size + b]]
        return tokens[:length]

    def batch(self, step, seed, rows, context):
        random = RandomStream(seed, "training", step)
        return np.array([self.window(random, context + 1) for _ in range(rows)])

    def windows(self, part, rows, context):
        return np.array([self.window(RandomStream(self.seed, part, row), context + 1) for row in range(rows)])

    def kind(self, position):
        return (position + (0 if self.opening else 1)) % 3


class Text:
    """Tokens of a text, in the file beside this one."""

    kinds = None

    def __init__(self):
        data = SPEC["data"]
        raw = (Path(__file__).parent / data["file"]).read_bytes()
        if hashlib.sha256(raw).hexdigest() != data["sha256"]:
            raise SystemExit(f"{data['file']} is damaged: its SHA-256 is not {data['sha256']}. Export the run again.")
        ids = np.frombuffer(raw, "<u2").astype(np.int64)
        self.parts, start = {}, 0
        for part in ("training", "validation", "test"):
            self.parts[part] = ids[start : start + data[part]]
            start += data[part]

    def batch(self, step, seed, rows, context):
        ids, random = self.parts["training"], RandomStream(seed, "training", step)
        places = len(ids) - context
        return np.stack([ids[(at := random.below(places)) : at + context + 1] for _ in range(rows)])

    def windows(self, part, rows, context):
        ids = self.parts[part]
        spacing = 0 if rows == 1 else (len(ids) - context - 1) / (rows - 1)
        return np.stack([ids[(at := math.floor(row * spacing)) : at + context + 1] for row in range(rows)])

    def count(self, part, context):
        return (len(self.parts[part]) - 1) // context


def first_weights(name, shape, seed):
    """Box and Muller's normal numbers, as the project draws them for a tensor of that name."""
    value = 0x811C9DC5
    for letter in name.encode():
        value = ((value ^ letter) * 0x01000193) & 0xFFFFFFFF
    pairs = (math.prod(shape) + 1) // 2
    words = RandomStream(seed, "weights", value).draw(pairs).reshape(pairs, 4)
    high, low = words[:, ::2] >> np.uint64(5), words[:, 1::2] >> np.uint64(6)
    uniform = (high * np.uint64(0x4000000) + low).astype(np.float64) / 2**53
    radius = MODEL["initializer_range"] * np.sqrt(-2 * np.log(1 - uniform[:, 0]))
    angle = 2 * np.pi * uniform[:, 1]
    values = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel()[: math.prod(shape)]
    return torch.from_numpy(values.astype(np.float32).reshape(shape))


def quantized_inputs(x):
    if OPTIONS["activation_quantizer"] == "none":
        return x
    scale = 127 / x.abs().amax(-1, keepdim=True).clamp(min=1e-5)
    return x + ((x * scale).round().clamp(-128, 127) / scale - x).detach()


def quantized_weights(w):
    kind = OPTIONS["weight_quantizer"]
    if kind == "none":
        return w
    if kind == "sign":
        level = torch.where(w > w.mean(), 1.0, -1.0) * w.abs().mean()
    else:
        scale = 1 / w.abs().mean().clamp(min=1e-5)
        level = (w * scale).round().clamp(-1, 1) / scale
    return w + (level - w).detach()


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight, MODEL["rms_norm_eps"])


class BitLinear(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))

    def forward(self, x):
        return F.linear(x, quantized_weights(self.weight))


class Attention(nn.Module):
    def __init__(self, width, heads, key_heads, head):
        super().__init__()
        self.heads, self.key_heads, self.head = heads, key_heads, head
        self.q_proj, self.k_proj = BitLinear(width, heads * head), BitLinear(width, key_heads * head)
        self.v_proj, self.o_proj = BitLinear(width, key_heads * head), BitLinear(heads * head, width)
        self.attn_sub_norm = Norm(heads * head) if OPTIONS["norm_placement"] == "subln" else nn.Identity()

    def forward(self, x, cos, sin):
        batch, tokens, _ = x.shape
        x = quantized_inputs(x)
        q = self.q_proj(x).view(batch, tokens, self.heads, self.head).transpose(1, 2)
        k = self.k_proj(x).view(batch, tokens, self.key_heads, self.head).transpose(1, 2)
        v = self.v_proj(x).view(batch, tokens, self.key_heads, self.head).transpose(1, 2)
        q, k = (one * cos + torch.cat((-one[..., self.head // 2 :], one[..., : self.head // 2]), -1) * sin for one in (q, k))
        k, v = (one.repeat_interleave(self.heads // self.key_heads, 1) for one in (k, v))
        heads = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(batch, tokens, -1)
        return self.o_proj(quantized_inputs(self.attn_sub_norm(heads)))


class FeedForward(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.gate_proj, self.up_proj, self.down_proj = BitLinear(width, inner), BitLinear(width, inner), BitLinear(inner, width)
        self.ffn_sub_norm = Norm(inner) if OPTIONS["norm_placement"] == "subln" else nn.Identity()

    def forward(self, x):
        x = quantized_inputs(x)
        gate = self.gate_proj(x)
        active = F.relu(gate) ** 2 if MODEL["hidden_act"] == "relu2" else F.silu(gate)
        return self.down_proj(quantized_inputs(self.ffn_sub_norm(active * self.up_proj(x))))


class Layer(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.input_layernorm, self.post_attention_layernorm = Norm(width), Norm(width)
        self.self_attn = Attention(width, MODEL["num_attention_heads"], MODEL["num_key_value_heads"], MODEL["head_dim"])
        self.mlp = FeedForward(width, MODEL["intermediate_size"])

    def forward(self, x, cos, sin):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class BitLM(nn.Module):
    """BitNet b1.58 2B4T's body (arXiv 2504.12285, section 2) with tied embeddings; tensors have transformers' names."""

    def __init__(self, seed):
        super().__init__()
        width, head, tokens = MODEL["hidden_size"], MODEL["head_dim"], MODEL["max_position_embeddings"]
        self.model = nn.Module()
        self.model.embed_tokens = nn.Embedding(MODEL["vocab_size"], width)
        self.model.layers = nn.ModuleList(Layer(width) for _ in range(MODEL["num_hidden_layers"]))
        self.model.norm = Norm(width)
        frequencies = (1 / np.float32(MODEL["rope_theta"]) ** (np.arange(0, head, 2, dtype=np.float32) / np.float32(head))).astype(np.float32)
        angles = torch.from_numpy(np.outer(np.arange(tokens, dtype=np.float32), frequencies)).repeat(1, 2)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        with torch.no_grad():
            for name, parameter in self.named_parameters():
                if parameter.dim() == 2:
                    parameter.copy_(first_weights(name, tuple(parameter.shape), seed))

    def losses(self, inputs, targets):
        """Cross-entropy of every position, [B, T]."""
        tokens = inputs.shape[1]
        x = self.model.embed_tokens(inputs)
        for layer in self.model.layers:
            x = layer(x, self.cos[:tokens], self.sin[:tokens])
        logits = F.linear(self.model.norm(x), self.model.embed_tokens.weight)
        return F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")


def learning_rate(step):
    """Linear warm-up, then half a cosine."""
    s = TRAINING["schedule"]
    if step < s["warmupSteps"]:
        return s["peak"] * (step + 1) / s["warmupSteps"]
    progress = (step - s["warmupSteps"]) / (s["totalSteps"] - s["warmupSteps"])
    return s["minimum"] + (s["peak"] - s["minimum"]) * 0.5 * (1 + math.cos(math.pi * progress))


def on(device, windows):
    windows = torch.from_numpy(windows).to(device)
    return windows[:, :-1], windows[:, 1:]


@torch.no_grad()
def evaluate(model, corpus, device, part, rows, context):
    """Mean loss and, on Zipf facts, the mean on each kind of position. Nats per token."""
    windows = corpus.windows(part, rows, context)
    sums = sum(model.losses(*on(device, windows[at : at + 512])).double().sum(0) for at in range(0, rows, 512))
    by_position = (sums / rows).cpu().numpy()
    if corpus.kinds is None:
        return float(by_position.mean()), None
    kinds = np.array([corpus.kind(position) for position in range(context)])
    return float(by_position.mean()), {name: float(by_position[kinds == i].mean()) for i, name in enumerate(corpus.kinds)}


def train(device, steps, is_trial):
    """The result, the loss of every step's batch before its update, and when it began. A trial is not evaluated."""
    seeds, context, batch = TRAINING["seeds"], TRAINING["context"], TRAINING["batch"]
    corpus = ZipfFacts() if CORPUS["name"] == "zipf-facts" else Text()
    model = BitLM(seeds["weights"]).to(device)
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    gains = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": TRAINING["schedule"]["weightDecay"]}, {"params": gains, "weight_decay": 0}]
    optimizer = torch.optim.AdamW(groups, lr=0.0, betas=TRAINING.get("betas", (0.9, 0.95)), eps=1e-8)
    losses, curve, since, started = [], [], 0, time.perf_counter()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        inputs, targets = on(device, corpus.batch(step, seeds["batches"], batch, context))
        loss = model.losses(inputs, targets).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), TRAINING.get("clipNorm", 1)).item()
        losses.append(loss.item())
        result = {"parameters": sum(p.numel() for p in model.parameters()), "curve": curve}
        if not math.isfinite(losses[-1]) or not math.isfinite(norm):
            lost = {"step": step + 1, "message": f"loss {losses[-1]} and gradient norm {norm} must be finite"}
            return {**result, "validationLoss": None, "validationTokens": 0, "diverged": lost}, losses, started
        optimizer.step()
        if is_trial:
            continue
        if (step + 1) % TRAINING["evaluateEvery"] == 0 or step + 1 == steps:
            validation, _ = evaluate(model, corpus, device, "validation", TRAINING["validationWindows"], context)
            seconds = time.perf_counter() - started
            curve.append({"step": step + 1, "trainLoss": float(np.mean(losses[since:])), "validationLoss": validation, "gradientNorm": norm, "seconds": seconds})
            since = step + 1
            print(f"step {step + 1} of {steps}, loss {losses[-1]:.4f}, validation {validation:.4f}, {seconds:.0f} s", flush=True)
    if is_trial:
        return result, losses, started
    rows = SPEC["finalWindows"]
    result["validationLoss"], kinds = evaluate(model, corpus, device, "validation", rows, context)
    result["validationTokens"] = rows * context
    if kinds:
        result["lossByKind"] = kinds
    if "testWindows" in SPEC:
        rows = corpus.count("test", context) if SPEC["testWindows"] == "all" else SPEC["testWindows"]
        loss, kinds = evaluate(model, corpus, device, "test", rows, context)
        bytes_per_token = SPEC.get("data", {}).get("testBytesPerToken")
        result["test"] = {"loss": loss, "tokens": rows * context, **({"lossByKind": kinds} if kinds else {}), **({"bytesPerToken": bytes_per_token} if bytes_per_token else {})}
    return result, losses, started


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", default=Path(__file__).with_suffix(".json"), type=Path)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--steps", type=int, help="fewer than the run has: prints the loss of each and writes nothing")
    options = parser.parse_args()
    # Sums of float32 products must not be those of shorter formats.
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    result, losses, started = train(options.device, options.steps or TRAINING["steps"], options.steps is not None)
    if options.steps:
        return print(json.dumps(losses))
    name = torch.cuda.get_device_name() if options.device.startswith("cuda") else options.device
    backend = {"name": f"PyTorch on {name}", "version": torch.__version__, "threads": torch.get_num_threads()}
    versions = {**SPEC["versions"], "node": "none", "packages": {"torch": torch.__version__}}
    run = {key: SPEC[key] for key in SPEC if key not in ("data", "versions")}
    run.update(result, seconds=time.perf_counter() - started, backend=backend, versions=versions)
    options.output.write_text(json.dumps(run, indent=1) + "\n")
    print(f"Written to {options.output}. In a notebook: readExportedRun({json.dumps(str(options.output))}).")


if __name__ == "__main__":
    main()
