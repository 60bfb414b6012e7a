"""Makes characters.json: what Python's tokenizers and transformers do with a tokenizer.json of CharacterTokenizer.

    npm run build
    pip install tokenizers==0.23.3 transformers==5.23.0
    python test/golden/tokenizers/characters.py
"""

import json
import subprocess
import tempfile
from pathlib import Path

import tokenizers
import transformers

HERE = Path(__file__).parent
TRAINING_TEXT = "First Citizen:\nBefore we proceed any further, hear me speak.\n\tIt's 3 o'clock ; naïve café — 日本語 🌊\r\n\u0085\ufeff\u00a0\"\\<>[]^$.*+?(){}|"
TEXTS = [
    "",
    "F",
    "First Citizen:\nBefore we",
    "  speak .  speak ?\n\n",
    " 's 'm n't ,",
    "\r\n\t\u0085\ufeff\u00a0",
    "naïve café — 日本語 🌊🌊",
    "\"\\<>[]^$.*+?(){}|",
    TRAINING_TEXT,
]
UNKNOWN = "we speak Ж"

with tempfile.TemporaryDirectory() as folder:
    subprocess.run(
        [
            "node",
            "--input-type=module",
            "-e",
            f"""import {{ CharacterTokenizer }} from {json.dumps((HERE / '../../../lib/dist/corpora/characters.js').resolve().as_uri())};
            await CharacterTokenizer.fromText({json.dumps(TRAINING_TEXT)}).save({json.dumps(folder)});""",
        ],
        check=True,
    )
    tokenizer = tokenizers.Tokenizer.from_file(f"{folder}/tokenizer.json")
    fast = transformers.AutoTokenizer.from_pretrained(folder)
    cases = []
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        assert fast(text)["input_ids"] == ids
        decoded = tokenizer.decode(ids)
        assert fast.decode(ids) == decoded, (fast.decode(ids), decoded)
        cases.append({"text": text, "ids": ids, "decoded": decoded})
    try:
        tokenizer.encode(UNKNOWN)
        error = None
    except Exception as exception:
        error = str(exception)
    golden = {
        "made_with": {
            "script": "characters.py",
            "tokenizers": tokenizers.__version__,
            "transformers": transformers.__version__,
        },
        "training_text": TRAINING_TEXT,
        "tokenizer_json": json.loads(Path(folder, "tokenizer.json").read_text("utf-8")),
        "vocab_size": tokenizer.get_vocab_size(),
        "cases": cases,
        "unknown": {"text": UNKNOWN, "error": error},
    }
    (HERE / "characters.json").write_text(json.dumps(golden, indent=1) + "\n", "utf-8")
