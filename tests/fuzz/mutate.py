"""Random damage: flips, cuts, insertions, splices of two files, and edits of whatever looks like a header."""

INTERESTING = (b"\x00", b"\xff", b"\x7f", b"-1", b"0", b"99999999999", b"nan", b"inf", b"1e999", b"'", b'"', b"{", b"]")


def mutant(content, other, rng):
    """One damaged variant of the content; other is a second valid file of the format."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 4))):
        if not data:
            break
        data = OPERATIONS[int(rng.integers(len(OPERATIONS)))](data, other, rng)
    return bytes(data)


def place(data, rng):
    """A position: anywhere, or near the beginning or the end, where formats keep their headers."""
    choice, n = rng.integers(3), len(data)
    span = n if choice == 0 else min(n, 200)
    position = int(rng.integers(span))
    return position if choice < 2 else n - 1 - position


def flip(data, other, rng):
    for _ in range(int(rng.integers(1, 9))):
        data[place(data, rng)] ^= 1 << int(rng.integers(8))
    return data


def overwrite(data, other, rng):
    start = place(data, rng)
    size = int(rng.integers(1, 9))
    data[start : start + size] = rng.bytes(size)
    return data


def cut(data, other, rng):
    start = place(data, rng)
    del data[start : start + int(rng.integers(1, max(2, len(data) // 4)))]
    return data


def truncate(data, other, rng):
    return data[: place(data, rng)]


def insert(data, other, rng):
    start = place(data, rng)
    data[start:start] = INTERESTING[int(rng.integers(len(INTERESTING)))] * int(rng.integers(1, 20))
    return data


def repeat(data, other, rng):
    start = place(data, rng)
    data[start:start] = data[start : start + int(rng.integers(1, 100))]
    return data


def splice(data, other, rng):
    return data[: place(data, rng)] + bytearray(other[place(other, rng) :])


def edit_digits(data, other, rng):
    """Change a digit of a header, or of a text."""
    digits = [i for i in range(min(len(data), 400)) if 48 <= data[i] < 58]
    if digits:
        data[digits[int(rng.integers(len(digits)))]] = 48 + int(rng.integers(10))
    return data


OPERATIONS = (flip, overwrite, cut, truncate, insert, repeat, splice, edit_digits)
