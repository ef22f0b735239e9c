"""Writes a model of the llama architecture with random weights, for llama-cpp-python.

    python tiny_gguf.py OUT.gguf

Nothing is downloaded, and what it says is noise; but its tokens are counted, their probabilities
add up, grammars hold it and its context is finite. Needs `gguf` and `numpy`.
"""

import sys

import numpy as np
from gguf import GGUFWriter, TokenType

CONTEXT, WIDTH, LAYERS, HEADS, INNER = 512, 64, 2, 4, 128
WORDS = "the a is of and to yes no true false answer hello status ok".split()
SPACE = "\u2581"
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def vocabulary():
    """(token, score, type): bytes to fall back on, characters, words, and their beginnings."""
    yield "<unk>", 0.0, TokenType.UNKNOWN
    yield "<s>", 0.0, TokenType.CONTROL
    yield "</s>", 0.0, TokenType.CONTROL
    for byte in range(256):
        yield f"<0x{byte:02X}>", 0.0, TokenType.BYTE
    words = [start + word for word in WORDS for start in (SPACE, "")]
    # The tokenizer merges pairs, so that what leads to a word has to be there too.
    parts = [word[:end] for word in words for end in range(1, len(word))]
    characters = [chr(code) for code in range(0x21, 0x7F)]
    seen = set()
    for score, texts in ((-1.0, words), (-50.0, parts), (-100.0, [*characters, SPACE])):
        for place, text in enumerate(texts):
            if text not in seen:
                seen.add(text)
                yield text, score - place / 1000, TokenType.NORMAL


def tensors(size):
    random = np.random.default_rng(11)

    def weights(*shape, scale=None):
        scale = shape[-1] ** -0.5 if scale is None else scale
        return (random.standard_normal(shape) * scale).astype(np.float32)

    ones = np.ones(WIDTH, np.float32)
    yield "token_embd.weight", weights(size, WIDTH, scale=1.0)
    yield "output_norm.weight", ones
    yield "output.weight", weights(size, WIDTH, scale=0.3)
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", ones
        yield block + "ffn_norm.weight", ones
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            yield f"{block}{name}.weight", weights(WIDTH, WIDTH)
        yield block + "ffn_gate.weight", weights(INNER, WIDTH)
        yield block + "ffn_up.weight", weights(INNER, WIDTH)
        yield block + "ffn_down.weight", weights(WIDTH, INNER)


def main():
    tokens = list(vocabulary())
    model = GGUFWriter(sys.argv[1], "llama")
    model.add_name("tiny")
    model.add_context_length(CONTEXT)
    model.add_embedding_length(WIDTH)
    model.add_block_count(LAYERS)
    model.add_feed_forward_length(INNER)
    model.add_head_count(HEADS)
    model.add_head_count_kv(HEADS)
    model.add_rope_dimension_count(WIDTH // HEADS)
    model.add_layer_norm_rms_eps(1e-5)
    model.add_vocab_size(len(tokens))
    model.add_file_type(0)
    model.add_tokenizer_model("llama")
    model.add_tokenizer_pre("default")
    model.add_token_list([text.encode() for text, _, _ in tokens])
    model.add_token_scores([score for _, score, _ in tokens])
    model.add_token_types([int(kind) for _, _, kind in tokens])
    model.add_bos_token_id(1)
    model.add_eos_token_id(2)
    model.add_unk_token_id(0)
    model.add_add_bos_token(True)
    model.add_chat_template(TEMPLATE)
    for name, tensor in tensors(len(tokens)):
        model.add_tensor(name, tensor)
    model.write_header_to_file()
    model.write_kv_data_to_file()
    model.write_tensors_to_file()
    model.close()


main()
