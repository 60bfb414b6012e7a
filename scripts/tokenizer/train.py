"""train.py TEXT SIZE OUTPUT: byte pairs of a UTF-8 text, as tokenizer.json of Hugging Face's tokenizers."""
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

text, size, output = sys.argv[1:]
tokenizer = Tokenizer(models.BPE())
# Every byte is a token, so no text is unknown. Words carry the space before them, as in GPT-2 and LLaMA 3.
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
alphabet = pre_tokenizers.ByteLevel.alphabet()
tokenizer.train(
    [text], trainers.BpeTrainer(vocab_size=int(size), initial_alphabet=alphabet, special_tokens=[], show_progress=False)
)
tokenizer.save(output)
