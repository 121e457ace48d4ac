"""The operations' parameters (def/ntdsb.idl) as classes of impacket, an independent NDR implementation (Debian's
python3-impacket, which the system's Python sees)."""
from impacket.dcerpc.v5.dtypes import LPWSTR, WSTR
from impacket.dcerpc.v5.ndr import (NDRSTRUCT, NDRUniConformantArray, NDRUniConformantVaryingArray, PNDRUniConformantArray,
                                    NDRPOINTER)


class Text(WSTR):
    """WSTR that takes lone surrogates (contract ABI-7) and appends the terminator."""

    def __setitem__(self, key, value):
        WSTR.__setitem__(self, key, "")
        self.fields["Data"] = (value + "\0").encode("utf-16le", "surrogatepass")


class TextPointer(LPWSTR):
    referent = (("Data", Text),)


class Pair(NDRSTRUCT):
    structure = (("source", TextPointer), ("target", TextPointer))


class Pairs(NDRUniConformantArray):
    item = Pair


class Session(NDRSTRUCT):
    structure = (("attributes", "<L=0"), ("uuid", "16s=b''"))

    def getAlignment(self):
        return 4


class Units(NDRUniConformantArray):
    item = "<H"


class List(NDRPOINTER):
    referent = (("Data", Units),)


class Octets(NDRUniConformantVaryingArray):
    item = "c"


class Token(PNDRUniConformantArray):
    pass
