"""Which bucket a key is in, computed by somebody who only knows the documents."""


def murmur3(data: bytes) -> int:
    """The reference: x86 32-bit, seed 0."""
    hash_, mask = 0, 0xFFFFFFFF

    def scramble(block: int) -> int:
        block = block * 0xCC9E2D51 & mask
        return ((block << 15 | block >> 17) & mask) * 0x1B873593 & mask

    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        hash_ ^= scramble(int.from_bytes(data[at : at + 4], "little"))
        hash_ = ((hash_ << 13 | hash_ >> 19) & mask) * 5 + 0xE6546B64 & mask
    hash_ ^= scramble(int.from_bytes(data[whole:], "little"))
    hash_ ^= len(data)
    hash_ = (hash_ ^ hash_ >> 16) * 0x85EBCA6B & mask
    hash_ = (hash_ ^ hash_ >> 13) * 0xC2B2AE35 & mask
    return hash_ ^ hash_ >> 16


def bucket(salt: str, key: str) -> int:
    return murmur3(f"assign\0{salt}\0{key}".encode()) * 10000 >> 32
