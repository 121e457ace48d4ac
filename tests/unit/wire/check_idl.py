#!/usr/bin/env python3
"""Compiles def/ntdsb.idl with widl for 64 and 32 bits and holds it against src/wire/operations.h and the codec.

Checks: it compiles without errors; interface UUIDs, operation numbers and their order agree with operations.h; each
parameter list agrees with the struct's `fields`, construction by construction; the limits agree; no operation was
forgotten where foreign implementations are held against ours (tests/interop). Skips what widl would be needed for where
it is not installed. Prints "N passed, N failed, N skipped".
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
IDL = ROOT / "def" / "ntdsb.idl"
OPERATIONS = ROOT / "src" / "wire" / "operations.h"
UUIDS = ROOT / "src" / "wire" / "operations.cpp"
COMPILERS = ["x86_64-w64-mingw32-widl", "i686-w64-mingw32-widl"]

passed = failed = skipped = 0


def check(what, condition, details=""):
    global passed, failed
    if condition:
        passed += 1
    else:
        failed += 1
        print(f"FAILED: {what} {details}")


def skip(what):
    global skipped
    skipped += 1
    print(f"skipped: {what}")


def without_comments(text):
    return re.sub(r"//[^\n]*", "", text)


def idl_interfaces():
    """Name -> (uuid, version, [(operation, [parameter, ...]), ...]) as the IDL has them."""
    text = without_comments(IDL.read_text())
    interfaces = {}
    pattern = r"uuid\(([0-9a-f-]+)\),\s*version\(([\d.]+)\).*?\]\s*interface (\w+)\s*\{(.*?)\n\}"
    for uuid, version, name, body in re.findall(pattern, text, re.S):
        operations = [(operation, [" ".join(part.split()) for part in re.split(r",\s*(?=\[)", parameters)
                                   if part.strip() != "void"])
                      for operation, parameters in re.findall(r"\blong (Ntdsb\w+)\((.*?)\);", body, re.S)]
        interfaces[name] = (uuid, version, operations)
    return interfaces


def header_operations():
    """Interface -> {opnum: struct name} as operations.h has them."""
    pattern = r"\nstruct (\w+) \{\s*static constexpr Interface interface_of = Interface::(\w+);" \
              r"\s*static constexpr std::uint16_t opnum = (\d+);"
    result = {}
    for name, interface, opnum in re.findall(pattern, OPERATIONS.read_text()):
        result.setdefault(interface, {})[int(opnum)] = name
    return result


def header_uuids():
    """Interface -> UUID in text form, from the octets of operations.cpp."""
    result = {}
    for interface, octets in re.findall(r"(\w+)_interface_uuid\{(.*?)\}", UUIDS.read_text(), re.S):
        o = [int(octet, 16) for octet in re.findall(r"0x(\w\w)", octets)]
        h = "".join(f"{octet:02x}" for octet in o[3::-1] + o[5:3:-1] + o[7:5:-1] + o[8:])
        result[interface] = "-".join([h[:8], h[8:12], h[12:16], h[16:20], h[20:]])
    return result


def wire_of_idl(parameters, direction):
    """The constructions that the parameters of one direction put on the wire, in the codec's terms."""
    wire, waiting = [], None
    for parameter in parameters:
        attributes, declaration = re.match(r"\[(.*)\] (.*)$", parameter).groups()
        if not re.search(rf"\b{direction}\b", attributes):
            continue
        if "length_is" in attributes:
            wire.append("varying array")
        elif "NTDSB_RESTORE_MAP_PAIR" in declaration:
            wire[-1] = "map"
        elif "size_is" in attributes:
            wire[-1] = "list" if "wchar_t" in declaration else "token"
        elif "string" in attributes:
            wire.append("string")
        elif "_SESSION" in declaration:
            wire.append("context")
        elif "range(1, 16777216)" in attributes:
            wire.append("ranged")
        else:
            kind = re.match(r"(.*?) \*?\w+$", declaration).group(1)
            wire.append({"unsigned long": "u32", "long": "i32", "unsigned hyper": "u64"}.get(kind, kind))
    return wire + (["i32"] if direction == "out" else [])


KINDS = {"std::u16string": "string", "std::uint32_t": "u32", "std::uint64_t": "u64", "Code": "i32",
         "ContextHandle": "context"}


def wire_of_struct(text, name, part):
    """The same, of the Request or Reply of one operation in operations.h."""
    body = re.search(rf"\nstruct {name} \{{(.*?)\n\}};", text, re.S).group(1)
    alias = re.search(rf"using {part} = (\w+);", body)
    if alias:
        body = re.search(rf"\nstruct {alias.group(1)} \{{(.*?)\n\}};", text, re.S).group(1)
    else:
        own = re.search(rf"\n    struct {part} \{{(.*?)\n    \}};", body, re.S)
        if own is None:
            return None
        body = own.group(1)
    kinds = {member: KINDS.get(kind) for kind, member in
             re.findall(r"^\s*([\w:<>]+) (\w+)(?: = [^;]*|\{\})?;", without_comments(body), re.M)}
    calls = re.findall(r"codec(?:\.(\w+))?\((\w+)", body[body.index("void fields"):])
    return [{"counted_token": "token", "counted_list": "list", "counted_map": "map", "ranged": "ranged"}.get(
        how, kinds.get(member)) for how, member in calls if member != "Codec"]


def check_against_header():
    interfaces, operations, uuids = idl_interfaces(), header_operations(), header_uuids()
    text = OPERATIONS.read_text()
    check("no binding handle among the parameters, which widl -Oif would marshal",
          re.search(r"\n\s*\[[^\]]*\] handle_t", IDL.read_text()) is None)
    check("the IDL's interfaces", set(interfaces) == {f"ntdsb_{name}" for name in operations}, str(set(interfaces)))
    for name, (uuid, version, procedures) in interfaces.items():
        interface = name.removeprefix("ntdsb_")
        check(f"{name}: UUID", uuid == uuids.get(interface), f"{uuid}, operations.cpp {uuids.get(interface)}")
        check(f"{name}: version", version == "1.0", version)
        own = operations.get(interface, {})
        check(f"{name}: opnums", sorted(own) == list(range(len(procedures))), f"{sorted(own)}, {len(procedures)} in IDL")
        for opnum, (procedure, parameters) in enumerate(procedures):
            check(f"{name} {opnum}: name", procedure == f"Ntdsb{own.get(opnum)}", f"{procedure}, {own.get(opnum)}")
            if opnum not in own:
                continue
            for part, direction in (("Request", "in"), ("Reply", "out")):
                ours, theirs = wire_of_struct(text, own[opnum], part), wire_of_idl(parameters, direction)
                if ours is None:  # BackupRead's reply, which has no struct
                    ours = ["varying array", "u32", "i32"]
                check(f"{name} {opnum}: {part}", ours == theirs, f"{ours}, IDL {theirs}")


def check_limits():
    text, idl = OPERATIONS.read_text(), IDL.read_text()
    limits = {name: eval(value, {}) for name, value in
              re.findall(r"constexpr std::uint32_t (max_\w+) = ([\d *+]+);", text)}
    for name, attribute in (("max_restore_map_pairs", "range(1, {})"), ("max_token_bytes", "range(0, {})"),
                            ("max_read_bytes", "range(1, {})")):
        check(f"limit {name}", attribute.format(limits[name]) in idl, str(limits[name]))


def check_interop():
    """Each operation is called by widl's client, served by both foreign servers, and expected in what they log."""
    texts = {name: (ROOT / "tests" / "interop" / name).read_text()
             for name in ("widl_client.c", "widl_server.c", "impacket_server.py", "foreign_server_test.cpp")}
    for _, _, procedures in idl_interfaces().values():
        for procedure, _ in procedures:
            operation = procedure.removeprefix("Ntdsb")
            check(f"widl_client.c calls {procedure}", f"{procedure}(" in texts["widl_client.c"])
            for name in ("widl_server.c", "impacket_server.py", "foreign_server_test.cpp"):
                check(f"{name} logs {operation}", re.search(rf'"{operation}[ "]', texts[name]))


def c_syntax(uuid):
    """The UUID and version 1.0 as a generated stub writes them."""
    one, two, three, four, five = uuid.split("-")
    last = ",".join(f"0x{octet:02x}" for octet in bytes.fromhex(four + five))
    return f"{{{{0x{one},0x{two},0x{three},{{{last}}}}},{{1,0}}}}"


def check_compiled(compiler):
    path = shutil.which(compiler)
    if path is None:
        return skip(f"{compiler} is not installed (package mingw-w64-tools)")
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([path, "-Oif", "-c", "-s", "-h", str(IDL)], cwd=folder, capture_output=True, text=True)
        output = run.stdout + run.stderr
        check(f"{compiler}: compiles", run.returncode == 0 and "error" not in output and "warning" not in output, output)
        if run.returncode != 0:
            return
        stub = (pathlib.Path(folder) / "ntdsb_c.c").read_text()
    compiled = {}
    for name, operation in re.findall(r"\(procedure (\w+)::(\w+)\)", stub):
        compiled.setdefault(name, []).append(operation)
    for name, (uuid, _, procedures) in idl_interfaces().items():
        check(f"{compiler}: {name}", compiled.get(name) == [procedure for procedure, _ in procedures],
              str(compiled.get(name)))
        check(f"{compiler}: {name} UUID", c_syntax(uuid) in stub, c_syntax(uuid))


check_against_header()
check_limits()
check_interop()
for widl in COMPILERS:
    check_compiled(widl)
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(1 if failed else 0)
