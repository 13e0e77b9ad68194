r"""How Asterisk cuts an AGI command line into words, and an application's argument into values.

    line   := word (blank+ word)*            blank is space or tab
    word   := (plain | quoted)+              quotes may begin and end inside a word
    quoted := '"' (any | '\' any)* '"'      a backslash makes the next byte plain, quoted or not

Source: `parse_args` of res_agi.c, checked against captured conversations (tests/fixtures/agi).
"""

_BLANKS = b" \t"
_QUOTE = 0x22
_BACKSLASH = 0x5C
_MAX_WORDS = 127
"""Asterisk drops the bytes of further words and says so in its log only."""


def split_words(line: bytes) -> list[bytes]:
    """The words of one command line, without its line end. A quote left open runs to the end."""
    words: list[bytearray] = []
    quoted = escaped = False
    between = True
    for byte in line.split(b"\0", 1)[0]:
        if not escaped and byte == _BACKSLASH:
            escaped = True
            continue
        if not escaped and not quoted and byte in _BLANKS:
            between = True
            continue
        if between and len(words) < _MAX_WORDS:
            # A closing quote cannot come here: it never follows a blank outside quotes.
            words.append(bytearray())
            between = False
        if not escaped and byte == _QUOTE:
            quoted = not quoted
        elif not between:
            words[-1].append(byte)
        escaped = False
    return [bytes(word) for word in words]


def split_values(argument: str) -> list[str]:
    """An application's argument cut at commas outside quotes and brackets; quotes and escapes go."""
    values = [""]
    quoted = escaped = False
    depth = 0
    for char in argument:
        if escaped:
            values[-1] += char
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted and depth == 0:
            values.append("")
        else:
            depth += {"(": 1, ")": -1}.get(char, 0) if not quoted else 0
            values[-1] += char
    return values
