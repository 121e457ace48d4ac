"""What a Windows DLL or program exports and imports, read from the file itself: no compiler's tool
has to be there, and nothing is run."""
import struct
from collections.abc import Iterator

MACHINES = {"x64": 0x8664, "x86": 0x014C}
PE32_PLUS = 0x20B
EXPORTS, IMPORTS = 0, 1  # numbers of data directories


class Image:
    """The parts of a PE file that say what it exports and imports."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        header = self.number(0x3C)
        if data[:2] != b"MZ" or data[header:header + 4] != b"PE\0\0":
            raise ValueError("not a Windows library")
        self.machine, sections = struct.unpack_from("<HH", data, header + 4)
        optional_size = struct.unpack_from("<H", data, header + 20)[0]
        optional = header + 24
        is_64 = struct.unpack_from("<H", data, optional)[0] == PE32_PLUS
        self.directories = optional + (112 if is_64 else 96)
        self.thunk_size = 8 if is_64 else 4
        table = optional + optional_size
        # Per section: its virtual address, its size in the file, where in the file it is.
        self.sections = [struct.unpack_from("<III", data, table + 40 * index + 12)
                         for index in range(sections)]

    def number(self, offset: int) -> int:
        return struct.unpack_from("<I", self.data, offset)[0]

    def offset(self, address: int) -> int:
        for start, size, position in self.sections:
            if start <= address < start + size:
                return address - start + position
        raise ValueError(f"the address 0x{address:x} lies in no section")

    def string(self, address: int) -> str:
        start = self.offset(address)
        return self.data[start:self.data.index(b"\0", start)].decode("ascii")

    def directory(self, index: int) -> tuple[int, int]:
        return struct.unpack_from("<II", self.data, self.directories + 8 * index)

    def exports(self) -> tuple[list[str], int, list[str]]:
        """Names, number of addresses (as many as names unless some have an ordinal only), and the
        names of those that forward to another DLL."""
        start, size = self.directory(EXPORTS)
        if size == 0:
            return [], 0, []
        table = self.offset(start)
        addresses, names = self.number(table + 20), self.number(table + 24)
        address_table = self.offset(self.number(table + 28))
        name_table = self.offset(self.number(table + 32))
        ordinal_table = self.offset(self.number(table + 36))
        found, forwarded = [], []
        for index in range(names):
            name = self.string(self.number(name_table + 4 * index))
            ordinal = struct.unpack_from("<H", self.data, ordinal_table + 2 * index)[0]
            found.append(name)
            if start <= self.number(address_table + 4 * ordinal) < start + size:
                forwarded.append(name)
        return found, addresses, forwarded

    def imports(self) -> dict[str, list[str]]:
        """The functions of each DLL; those without a name as #ORDINAL."""
        start, size = self.directory(IMPORTS)
        found: dict[str, list[str]] = {}
        entry = self.offset(start) if size else 0
        while size and self.number(entry + 12):
            name = self.string(self.number(entry + 12)).lower()
            found.setdefault(name, []).extend(self.functions(self.number(entry)))
            entry += 20
        return found

    def functions(self, table: int) -> Iterator[str]:
        by_ordinal = 1 << 8 * self.thunk_size - 1
        at = self.offset(table)
        while thunk := int.from_bytes(self.data[at:at + self.thunk_size], "little"):
            # A name stands behind two octets of a hint.
            yield f"#{thunk & 0xFFFF}" if thunk & by_ordinal else self.string(thunk + 2)
            at += self.thunk_size
