"""The operations (def/ntdsb.idl) as classes of impacket, an independent NDR implementation (Debian's python3-impacket,
which the system's Python sees)."""
from impacket.dcerpc.v5 import transport
from impacket.dcerpc.v5.dtypes import LONG, LPWSTR, ULONG, WSTR
from impacket.dcerpc.v5.ndr import (NDRCALL, NDRSTRUCT, NDRUHYPER, NDRUniConformantArray, NDRUniConformantVaryingArray,
                                    PNDRUniConformantArray, NDRPOINTER)

RESTORE_INTERFACE = ("a8fe3c8c-6895-427d-a91c-95cc81b46064", "1.0")
BACKUP_INTERFACE = ("fbc80959-3c7d-4ae4-b3ed-4afb9ec73267", "1.0")


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


TEXT, SESSION = ("instance", Text), ("session", Session)
STATUS = ("status", LONG)
LIST_REPLY = (("count", ULONG), ("list", List), STATUS)


def operation(opnum, request, reply):
    """The class of an operation's request, and that of its reply."""
    call = type("Operation", (NDRCALL,), {"opnum": opnum, "structure": request})
    return call, type("OperationResponse", (NDRCALL,), {"structure": reply})


ONLINE = operation(0, (TEXT,), (("online", ULONG), STATUS))
PREPARE = operation(1, (TEXT, ("flags", ULONG), ("size", ULONG), ("token", Token)), (SESSION, STATUS))
REGISTER = operation(2, (SESSION, ("checkpoint", Text), ("log", Text), ("count", LONG), ("pairs", Pairs),
                         ("backup", Text), ("low", ULONG), ("high", ULONG)), (STATUS,))
COMPLETE = operation(3, (SESSION, ("state", LONG)), (STATUS,))
LOCATIONS = operation(4, (SESSION,), LIST_REPLY)
END = operation(5, (SESSION,), (SESSION, STATUS))
SET_LOG = operation(6, (TEXT, ("number", ULONG)), (STATUS,))
CHECK_TOKEN = operation(7, (TEXT, ("size", ULONG), ("token", Token)), (STATUS,))
B_PREPARE = operation(0, (TEXT, ("grbit", ULONG), ("type", ULONG)),
                      (("size", ULONG), ("token", Token), SESSION, STATUS))
B_END = operation(1, (SESSION,), (SESSION, STATUS))
B_NAMES = operation(2, (SESSION,), LIST_REPLY)
B_OPEN = operation(3, (SESSION, ("name", Text), ("hint", ULONG)), (("size", NDRUHYPER), STATUS))
B_READ = operation(4, (SESSION, ("size", ULONG)), (("data", Octets), ("count", ULONG), STATUS))
B_CLOSE = operation(5, (SESSION,), (STATUS,))
B_LOGS = operation(6, (SESSION,), LIST_REPLY)
B_TRUNCATE = operation(7, (SESSION,), (STATUS,))
B_PING = operation(8, (), (STATUS,))
B_LOCATIONS = operation(9, (SESSION,), LIST_REPLY)


def fill(operation_of, **values):
    """A request with its arguments."""
    request = operation_of[0]()
    for name, value in values.items():
        if name == "session":
            request[name]["uuid"] = value
        elif name == "token" and value is not None:
            request[name] = list(value)
        elif name == "token":
            request.fields[name].fields["ReferentID"] = 0
        elif name == "pairs":
            for source, target in value:
                pair = Pair()
                pair["source"], pair["target"] = source, target
                request[name].append(pair)
        elif isinstance(value, str):
            request.fields[name]["Data"] = value
        else:
            request[name] = value
    return request


def octets(reply, name):
    data = reply[name]
    return b"".join(bytes([item]) if isinstance(item, int) else item for item in data)


def entries(reply):
    units = list(reply["list"])
    text = "".join(chr(unit) for unit in units)
    return [entry for entry in text.split("\0") if entry]


class Client:
    """A caller without credentials, bound to one interface (not where it is None)."""

    def __init__(self, port, interface, fragment=0, host="127.0.0.1"):
        carrier = transport.DCERPCTransportFactory(f"ncacn_ip_tcp:{host}[{port}]")
        self.dce = carrier.get_dce_rpc()
        self.dce.connect()
        if fragment:
            self.dce.set_max_tfrag(fragment)
        if interface is not None:
            self.dce.bind(interface)

    def call(self, kind, **values):
        request = fill(kind, **values)
        self.dce.call(request.opnum, request)
        return kind[1](self.dce.recv())

    def drop(self):
        self.dce.get_rpc_transport().get_socket().close()
