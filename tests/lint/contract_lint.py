"""The rules of the public contract (proto/motcua/*/v1), which no compiler checks.

  contract_lint.py ROOT               checks; MOTCUA_WRITE_GOLDEN=1 writes contract.golden anew
  contract_lint.py --self-test ROOT   breaks each rule in a copy, and sees that it is noticed

A line of contract.golden that is no longer true breaks clients that were built before: fields and values are never
renamed, renumbered or given another type; what is no longer wanted is reserved.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

from google.protobuf import descriptor_pb2

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = "tests/lint/contract.golden"
TYPES = {v: k[5:].lower() for k, v in descriptor_pb2.FieldDescriptorProto.Type.items()}
REPEATED = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED
MESSAGE = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
STRING = descriptor_pb2.FieldDescriptorProto.TYPE_STRING

# Words that some language's generated code cannot use as a name, or only under another one.
KEYWORDS = set("""
abstract and as assert async await base bool boolean break byte case catch chan char checked class const continue
crate decimal def default defer del delegate delete do double dyn echo elif else elseif empty end endfor ensure enum
event except explicit extends extern false fallthrough final finally fixed float fn for foreach from func function
global go goto if implements implicit import in include instanceof int interface internal is isset lambda let list lock
long loop match mod module move mut namespace native new nil none nonlocal not null object operator or out override
package params pass print private protected pub public raise range readonly redo ref require rescue retry return
sbyte sealed select self short sizeof stackalloc static strictfp string struct super switch synchronized this throw
throws trait transient true try type typeof uint ulong unchecked undef unless unsafe unset use ushort using var virtual
void volatile when where while with yield""".split())
# Fields that were so named before the rule; each is usable in all languages that clients are made in here.
KEYWORDS -= {"end", "event", "list", "base", "function", "match", "type"}
# Classes that a client has in scope beside ours: of gRPC, protobuf and the languages' own libraries.
CLASSES = set("""
Any Boolean Call Channel Class Client Context Deadline Double Duration Empty Enum Error Exception Field Float Integer
Iterable Iterator List Long Map Message Metadata Method Module Object Option Optional Server Service Set Stream String
System Thread Timestamp Type Value""".split())
# Told by a program at its start, or between Motcua's own processes: never to a caller.
NOT_TOLD = set("""
ADDRESS_NOT_LOOPBACK ADDRESS_TAKEN CURSOR_MOVED FEED_EPOCH_ENDED FILE_MISSING KEYS_MISSING KEY_INVALID PEER_ERROR
PEER_UNAVAILABLE REPLY_UNREADABLE SIGNING_FAILED SNAPSHOT_NEEDED STREAM_MISUSED TLS_INCOMPLETE TLS_INVALID
UNREACHABLE UPGRADE_SKIPS_DEFINITION""".split())
OPTIONS = ["csharp_namespace", "go_package", "java_multiple_files", "java_outer_classname", "java_package", "php_metadata_namespace",
           "php_namespace", "ruby_package"]


def pascal(name):
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


class Contract:
    """The descriptors of all public files, with their comments."""

    def __init__(self, root):
        proto = os.path.join(root, "proto")
        paths = sorted(os.path.relpath(p, proto) for p in glob.glob(f"{proto}/motcua/*/v1/*.proto"))
        with tempfile.NamedTemporaryFile() as out:
            done = subprocess.run(
                ["protoc", "-I", proto, "--include_imports", "--include_source_info", f"--descriptor_set_out={out.name}"]
                + paths, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                sys.exit(done.stderr)
            everything = descriptor_pb2.FileDescriptorSet.FromString(out.read())
        self.root = root
        self.imports = {f.name: list(f.dependency) for f in everything.file}
        self.files = [f for f in everything.file if f.name in paths]
        # Raw options: extensions are read by number, so that no code has to be generated.
        self.said = []

    def say(self, where, what):
        self.said.append(f"{where}: {what}")


def comments(file):
    """Paths of what has a comment."""
    return {tuple(l.path) for l in file.source_code_info.location
            if l.leading_comments.strip() or l.trailing_comments.strip()}


def walk(message, path, prefix):
    yield message, path, f"{prefix}.{message.name}"
    for i, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            yield from walk(nested, path + (3, i), f"{prefix}.{message.name}")


def messages(file):
    for i, message in enumerate(file.message_type):
        yield from walk(message, (4, i), file.package)


def enums(file):
    for i, enum in enumerate(file.enum_type):
        yield enum, (5, i), f"{file.package}.{enum.name}"
    for message, path, name in messages(file):
        for i, enum in enumerate(message.enum_type):
            yield enum, path + (4, i), f"{name}.{enum.name}"


def type_of(field):
    kind = field.type_name.lstrip(".") or TYPES[field.type]
    return f"repeated {kind}" if field.label == REPEATED else kind


def golden(contract):
    lines = []
    for file in contract.files:
        for message, _, name in messages(file):
            maps = {f".{name}.{n.name}": n for n in message.nested_type if n.options.map_entry}
            lines.append(f"message {name}")
            for field in message.field:
                kind = type_of(field)
                if field.type_name in maps:
                    key, value = maps[field.type_name].field
                    kind = f"map<{type_of(key)}, {type_of(value)}>"
                lines.append(f"message {name} {field.number} {field.name} {kind}")
        for enum, _, name in enums(file):
            lines += [f"enum {name} {v.number} {v.name}" for v in enum.value]
        for service in file.service:
            for m in service.method:
                streams = ("stream " if m.client_streaming else "", "stream " if m.server_streaming else "")
                lines.append(f"rpc {file.package}.{service.name}/{m.name} {streams[0]}{m.input_type.lstrip('.')} -> "
                             f"{streams[1]}{m.output_type.lstrip('.')}")
    return sorted(lines)


def check_golden(contract):
    path = os.path.join(contract.root, GOLDEN)
    now = golden(contract)
    if os.environ.get("MOTCUA_WRITE_GOLDEN"):
        with open(path, "w", encoding="utf-8") as out:
            out.write("\n".join(now) + "\n")
    with open(path, encoding="utf-8") as known:
        before = known.read().splitlines()
    for line in sorted(set(before) - set(now)):
        contract.say(GOLDEN, f"breaks clients built before, which know: {line}")
    for line in sorted(set(now) - set(before)):
        contract.say(GOLDEN, f"does not have yet (MOTCUA_WRITE_GOLDEN=1 adds it): {line}")


def check_file(contract, file):
    area = file.name.split("/")[1]
    if file.package != f"motcua.{area}.v1":
        contract.say(file.name, f"is of package {file.package}")
    for option in OPTIONS:
        if not getattr(file.options, option):
            contract.say(file.name, f"has no {option}")
    for other in file.dependency:
        if other.startswith("motcua/internal/"):
            contract.say(file.name, f"shows what is stored: {other}")


def check_names(contract, file):
    for message, _, name in messages(file):
        if message.name in CLASSES:
            contract.say(name, "is the name of a class that clients have beside it")
        fields = {f.name for f in message.field}
        for field in message.field:
            where = f"{name}.{field.name}"
            if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", field.name):
                contract.say(where, "is not in lower_snake_case")
            if field.name in KEYWORDS:
                contract.say(where, "is a word that some language keeps for itself")
            if pascal(field.name) == message.name:
                contract.say(where, "has its message's name, which C# forbids")
            if f"get_{field.name}" in fields:
                contract.say(where, "collides with get_ of itself")
    for enum, _, name in enums(file):
        if enum.name in CLASSES:
            contract.say(name, "is the name of a class that clients have beside it")
        prefix = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.name).upper() + "_"
        for value in enum.value:
            if not value.name.startswith(prefix):
                contract.say(f"{name}.{value.name}", f"does not begin with {prefix}")
        if enum.value[0].number != 0 or enum.value[0].name != prefix + "UNSPECIFIED":
            contract.say(name, f"must begin with {prefix}UNSPECIFIED = 0")


def check_comments(contract, file):
    told = comments(file)
    for i, service in enumerate(file.service):
        if (6, i) not in told:
            contract.say(f"{file.package}.{service.name}", "has no comment")
        for k, method in enumerate(service.method):
            if (6, i, 2, k) not in told and not re.match(r"List|Get", method.name):
                contract.say(f"{file.package}.{service.name}/{method.name}", "has no comment")
    for message, path, name in messages(file):
        if path not in told and not re.search(r"(Request|Response)$", message.name):
            contract.say(name, "has no comment")
    for enum, path, name in enums(file):
        if path not in told and enum.name != "Step":
            contract.say(name, "has no comment")


def check_methods(contract):
    used = {}
    for file in contract.files:
        for service in file.service:
            for method in service.method:
                where = f"{file.package}.{service.name}/{method.name}"
                for kind, suffix in ((method.input_type, "Request"), (method.output_type, "Response")):
                    if kind != f".{file.package}.{method.name}{suffix}":
                        contract.say(where, f"has {kind} for its {suffix.lower()}, not {method.name}{suffix}")
                    if kind in used:
                        contract.say(where, f"shares {kind} with {used[kind]}")
                    used[kind] = where
    by_name = {f".{name}": m for file in contract.files for m, _, name in messages(file)}
    for kind, where in used.items():
        names = {f.name for f in by_name[kind].field} if kind in by_name else set()
        if kind.endswith("Request") and "page_token" in names:
            answer = by_name[kind[:-len("Request")] + "Response"]
            if "page_size" not in names or "next_page_token" not in {f.name for f in answer.field}:
                contract.say(where, "has pages, and lacks page_size or next_page_token")


# The numbers of the extensions, see rules.proto and reason.proto.
RULES, ERRORS, ANY_METHOD, OF_FIELD = 50001, 50003, 50004, 50005


def extension(options, number):
    """The bytes of a message-typed extension, or None."""
    data, i = options.SerializeToString(), 0

    def varint():
        nonlocal i
        value = shift = 0
        while True:
            byte = data[i]
            i += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    found = None
    while i < len(data):
        tag = varint()
        if tag & 7 == 0:
            value = varint()
            if tag >> 3 == number:
                found = value
        elif tag & 7 == 2:
            size = varint()
            if tag >> 3 == number:
                found = (found or b"") + data[i:i + size]
            i += size
        else:
            sys.exit(f"an option of wire type {tag & 7}")
    return found


def packed(data):
    values, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            values.append(value)
            value = shift = 0
    return values


def check_bounds(contract):
    """What a caller may repeat or write at length has a bound of its own."""
    asked = set()
    by_name = {f".{name}": (m, name) for file in contract.files for m, _, name in messages(file)}

    def visit(kind):
        if kind in asked or kind not in by_name:
            return
        asked.add(kind)
        message, name = by_name[kind]
        for field in message.field:
            rules = extension(field.options, RULES)
            if field.label == REPEATED and (rules is None or b"\x30" not in rules):
                contract.say(f"{name}.{field.name}", "is repeated in a request, and has no max_items")
            if field.type == MESSAGE:
                visit(field.type_name)

    for file in contract.files:
        for service in file.service:
            for method in service.method:
                visit(method.input_type)


def sources(root, *places):
    for place in places:
        for pattern in ("*.cc", "*.h"):
            for path in glob.glob(f"{root}/{place}/**/{pattern}", recursive=True):
                with open(path, encoding="utf-8") as text:
                    yield os.path.relpath(path, root), text.read()


def check_reasons(contract):
    reasons = next(e for f in contract.files for e, _, n in enums(f) if n == "motcua.common.v1.Reason")
    names = {v.name[len("REASON_"):]: v for v in reasons.value if v.number}
    by_number = {v.number: n for n, v in names.items()}
    quoted, made = set(), {}
    word = r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)"'
    for path, text in sources(contract.root, "common", "services"):
        if path.endswith("messages_vi.cc"):
            told = set(re.findall(r'\{"([A-Z_0-9]+)"', text))
            continue
        quoted |= set(re.findall(word, text))
        for pattern in (r"errors::[A-Z]\w+\(\s*" + word, r"ToStatus\(" + word, r"\.Add\([^;{}]*?,\s*" + word):
            for reason in re.findall(pattern, text):
                made.setdefault(reason, path)
    for reason, path in sorted(made.items()):
        if reason not in names and reason not in NOT_TOLD:
            contract.say(path, f"{reason} is no value of motcua.common.v1.Reason")
    for reason in sorted(names):
        if reason not in quoted:
            contract.say("motcua.common.v1.Reason", f"nothing gives {reason}")
        if reason not in told:
            contract.say("common/status/messages_vi.cc", f"{reason} has no text")
    for reason in sorted(told - set(names) - NOT_TOLD):
        contract.say("common/status/messages_vi.cc", f"{reason} is no value of motcua.common.v1.Reason")
    # Of single methods: each is named by one at least, and none of any method again.
    anywhere = {n for n, v in names.items()
                if extension(v.options, ANY_METHOD) or extension(v.options, OF_FIELD)}
    named = set()
    for file in contract.files:
        for service in file.service:
            for method in service.method:
                where = f"{file.package}.{service.name}/{method.name}"
                listed = extension(method.options, ERRORS)
                own = {by_number[n] for n in packed(listed[2:])} if listed else set()
                named |= own
                for reason in sorted(own & anywhere):
                    contract.say(where, f"names {reason}, which is any method's")
    for reason in sorted(set(names) - anywhere - named):
        contract.say("motcua.common.v1.Reason", f"no method names {reason}")


def check(root):
    contract = Contract(root)
    for file in contract.files:
        check_file(contract, file)
        check_names(contract, file)
        check_comments(contract, file)
    check_methods(contract)
    check_bounds(contract)
    check_reasons(contract)
    check_golden(contract)
    return contract.said


BREAKS = [
    ("proto/motcua/common/v1/types.proto", "option go_package", "// option go_package", "has no go_package"),
    ("proto/motcua/routing/v1/route.proto", "string receiver = 1", "string from = 1", "some language keeps"),
    ("proto/motcua/routing/v1/route.proto", "string receiver = 1", "string offer = 1", "which C# forbids"),
    ("proto/motcua/routing/v1/route.proto", "Offer ", "Channel ", "beside it"),
    ("proto/motcua/routing/v1/routing.proto", "returns (FinishResponse)", "returns (AssignResponse)", "not FinishResponse"),
    ("proto/motcua/deadline/v1/clock.proto", "// What is charged to an agency.", "", "Held: has no comment"),
    ("proto/motcua/intake/v1/intake.proto", "[(motcua.validate.v1.rules) = {max_items: 100}]", "", "no max_items"),
    ("proto/motcua/intake/v1/dossier.proto", "  string subject = 10;", "  string subject = 30;", "breaks clients"),
    ("proto/motcua/intake/v1/dossier.proto", "  string subject = 10;", "  string subject = 10;\n  string new_one = 99;",
     "does not have yet"),
    ("proto/motcua/common/v1/reason.proto", "REASON_NO_NEXT_LEG", "REASON_NO_OTHER_LEG", "is no value of"),
    ("common/status/messages_vi.cc", '{"NO_NEXT_LEG",', '{"NO_NEXT_LEGS",', "NO_NEXT_LEG has no text"),
    ("proto/motcua/routing/v1/routing.proto", "REASON_NO_NEXT_LEG, ", "", "no method names NO_NEXT_LEG"),
]


def self_test(root):
    failed = 0
    with tempfile.TemporaryDirectory() as copy:
        for place in ("proto", "common", "services", "tests/lint"):
            shutil.copytree(os.path.join(root, place), os.path.join(copy, place))
        for path, old, new, expected in BREAKS:
            where = os.path.join(copy, path)
            with open(where, encoding="utf-8") as text:
                whole = text.read()
            if old not in whole:
                print(f"{path} no longer has {old!r}")
                failed += 1
                continue
            # In every file of the contract, so that it still compiles.
            touched = {}
            everywhere = "reason.proto" in path
            for other in glob.glob(f"{copy}/proto/**/*.proto", recursive=True) if everywhere else [where]:
                with open(other, encoding="utf-8") as text:
                    touched[other] = text.read()
                with open(other, "w", encoding="utf-8") as text:
                    text.write(touched[other].replace(old, new))
            said = check(copy)
            if not any(expected in line for line in said):
                print(f"{old!r} -> {new!r}: not noticed")
                failed += 1
            for other, before in touched.items():
                with open(other, "w", encoding="utf-8") as text:
                    text.write(before)
    print(f"{len(BREAKS) - failed} passed, {failed} failed")
    return failed


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--self-test"]:
        sys.exit(1 if self_test(arguments[1]) else 0)
    said = check(arguments[0])
    print("\n".join(said) or "the contract keeps its rules")
    sys.exit(1 if said else 0)


main()
