"""Makes llama3.json: ids that Python's tokenizers give hard texts with the Llama-3 vocabulary, that of 2B4T.

The vocabulary comes from the npm package llama3-tokenizer-js, as llama3-vocabulary.js builds it:

    node test/golden/tokenizers/llama3-vocabulary.js tokenizer.json
    pip install tokenizers==0.23.3
    python test/golden/tokenizers/llama3.py tokenizer.json
"""

import json
import random
import sys
import unicodedata
from pathlib import Path

import tokenizers

HARD = [
    "", " ", "a", "Hello, world!",
    # contractions, in both cases, and the long s that folds to s
    "'s 'S 'T 're 'RE 'Ve 'M 'LL 'd", "I'M IT'S WE'LL DON'T they'Ve", "'ſ x'ſ 'ſt", "'", "''s", "’s ’LL", "a'b'c", "x'S\n'T",
    # white space: U+0085 is one, U+FEFF is none, whatever JavaScript's \s says
    "\u0085", "a\u0085b", " \u0085 \u0085\n", "\ufeff", "a\ufeffb \ufeff\ufeff c", "\u200b \u200c\u200d", "\u00a0\u00a0x\u00a0",
    "\u2028\u2029\u202f\u205f\u3000", "\u180e\u1680", "\x1c\x1d\x1e\x1f a", "\x0b\x0c \r \r\n\n \n", "   \n   \n\n  x", "x   ",
    # digits in threes, of all kinds
    "123456789 1234 12 0", "١٢٣٤٥ ½ ²³ Ⅷ", "a1b22c333d4444",
    # code and punctuation
    "\t\tif (a) {\n\t\t\treturn b;\n\t\t}\n", "!!!???...\n\n--", "https://example.org/?q=a&b=c#d", "C:\\Users\\x", "()[]{}<>", " .  ,  ;",
    # scripts, marks, emoji, private use
    "e\u0301 \u0301\u0301", "नमस्ते दुनिया", "한국어 텍스트", "日本語" * 40, "👨‍👩‍👧 🏳️‍🌈 🇩🇪", "\U0001d4d0\U0001d4d1", "ﬁ ﬀ ß ẞ İ ı K", "ǅ ʰ ª º",
    "ab\u00adcd", "\u0000\u0001", "\ue000\uf8ff\U000f0000", "\ufffd\ufffe\uffff",
    # special tokens in the text, and what only looks like them
    "<|eot_id|>", "a <|eot_id|> b<|begin_of_text|>", "<|eot_id", "<|reserved_special_token_247|><|reserved_special_token_248|>",
    "<|python_tag|>x<|eom_id|>",
    # long pieces without a place to cut
    "A" * 40, "ab" * 300, " " * 300, "\n" * 50, "=" * 130,
]
POOLS = [
    range(0x20, 0x7F), [9, 10, 11, 12, 13, 32, 0x85, 0xA0, 0x2003, 0x2028, 0x3000, 0xFEFF, 0x200B, 0x1C], range(0xA0, 0x250),
    [*range(0x300, 0x370), *range(97, 110)], range(0x400, 0x460), range(0x600, 0x700), range(0x900, 0x980), range(0x4E00, 0x4E80),
    range(0x1F300, 0x1F650), [*range(0x30, 0x3A), *range(0x660, 0x66A), 0xB2, 0xBD, 0x2167], [ord(c) for c in "'sStTrReEvVmMlLdD ſ"],
    range(0x110000),
]
# Characters that are not assigned today may be letters tomorrow, in one library earlier than in the other.
POOLS = [[chr(c) for c in pool if unicodedata.category(chr(c)) not in ("Cn", "Cs")] for pool in POOLS]


def random_text(rng: random.Random) -> str:
    text = ""
    for _ in range(rng.randint(1, 8)):
        pool = rng.choice(POOLS)
        text += "".join(rng.choice(pool) for _ in range(rng.randint(1, 6)))
    return text


tokenizer = tokenizers.Tokenizer.from_file(sys.argv[1])
rng = random.Random(7)
cases = []
for text in HARD + [random_text(rng) for _ in range(200)]:
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    assert tokenizer.encode(text).ids == [128000, *ids]
    cases.append({"text": text, "ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False)})
golden = {
    "made_with": {"script": "llama3.py", "tokenizers": tokenizers.__version__, "llama3-tokenizer-js": "1.2.0"},
    "cases": cases,
}
lines = ",\n".join(json.dumps(case) for case in cases)
head = json.dumps(golden["made_with"])
Path(__file__).with_name("llama3.json").write_text(f'{{"made_with": {head},\n"cases": [\n{lines}\n]}}\n', "utf-8")
