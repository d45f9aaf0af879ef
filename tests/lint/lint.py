#!/usr/bin/python3
"""The rules of the tree, checked over all of its files. What is allowed stands in rules.json; this file only knows how to look.

  lint.py [--only RULE]… [--list] [TREE]     TREE: the folder to check (default: the one this file is in)
  lint.py --self-test                        plant one fault for each rule into a copy of the tree; each must be found

A finding is `path:line: rule: what is wrong`. Exit code 1 if there is one.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import routes_lint  # noqa: E402

C_FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-Wno-pragma-once-outside-header"]


class Tree:
    """The files under a folder that belong to the project, and their texts."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.rules = json.loads((self.root / "tests/lint/rules.json").read_text())
        self.files = sorted(self.listed())
        self.texts = {}

    def listed(self):
        """What git would commit; in a copy without git, everything."""
        done = subprocess.run(["git", "-C", str(self.root), "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True)
        if done.returncode == 0 and (self.root / ".git").exists():
            names = done.stdout.splitlines()
        else:
            names = [str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file()]
        return [name for name in names if (self.root / name).is_file() and not name.startswith("build")]

    def text(self, name):
        if name not in self.texts:
            self.texts[name] = (self.root / name).read_text(errors="replace")
        return self.texts[name]

    def lines(self, name):
        return self.text(name).splitlines()

    def c_files(self, *endings):
        return [name for name in self.files if name.endswith(endings or (".c", ".h"))]


def under(name, folders):
    """The longest of folders that name lies in (or is), or None."""
    fits = [folder for folder in folders if name == folder or name.startswith(folder + "/")]
    return max(fits, key=len, default=None)


def under_prefix(name, prefixes):
    """The longest of prefixes that name begins with, or None."""
    return max((prefix for prefix in prefixes if name.startswith(prefix)), key=len, default=None)


def code_only(text, keep_texts=False):
    """C text with comments (and the insides of literals) blanked, line numbers kept."""
    def blank(match):
        found = match.group(0)
        if found.startswith("/"):
            return re.sub(r"[^\n]", " ", found)
        return found if keep_texts else found[0] + re.sub(r"[^\n]", " ", found[1:-1]) + found[-1]
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def layers(tree):
    """A file includes only what its folder may include."""
    table, keepers = tree.rules["layers"], tree.rules["keepers"]
    for name in tree.c_files():
        folder = under(name, table)
        if folder is None:
            yield name, 1, "lies in no folder of the layer table"
            continue
        for number, line in enumerate(tree.lines(name), 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if not match:
                continue
            quote, included = match.groups()
            if included in keepers and under(name, keepers[included]) is None:
                yield name, number, f"<{included}> may be included only in {', '.join(keepers[included])}"
            if quote == '"':
                target = under(included, table) or (included.rpartition("/")[0] or ".")
                if "/" not in included and (tree.root / pathlib.Path(name).parent / included).exists():
                    if name.startswith("tests/"):
                        continue  # a helper beside the test
                    yield name, number, f'"{included}": name it from the root of the tree'
                elif not (tree.root / included).exists() and "/" in included:
                    continue  # made by the build
                elif target not in table[folder]:
                    yield name, number, f'{folder} may not include "{included}" (allowed: {", ".join(table[folder])})'


def headers_alone(tree):
    """A header compiles alone, with gcc and with clang."""
    headers = tree.c_files(".h")
    flags = subprocess.run(["pkg-config", "--cflags", "jansson", "sqlite3", "openblas", "libmicrohttpd", "libsodium", "libzstd", "zlib", "inih", "libutf8proc"],
                           capture_output=True, text=True).stdout.split()
    made = [f"-I{folder}" for folder in sorted(tree.root.glob("build/*")) if (folder / "schema/schema_sql.h").exists()][:1]  # headers that the build makes
    compilers = [compiler for compiler in ("gcc", "clang-14") if shutil.which(compiler)]
    with tempfile.TemporaryDirectory() as folder:
        running = []
        for name in headers:
            for compiler in compilers:
                unit = pathlib.Path(folder) / f"{compiler}-{name.replace('/', '_')}.c"
                # twice: the guard must hold as well
                unit.write_text(f'#include "{name}"\n#include "{name}"\ntypedef int translation_unit_is_not_empty;\n')
                needs = tree.rules["header_needs"].get(under_prefix(name, tree.rules["header_needs"]), [])
                running.append((name, compiler, subprocess.Popen([compiler, *C_FLAGS, *needs, *flags, f"-I{tree.root}", *made, str(unit)],
                                                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)))
                if len(running) > 4:
                    yield from header_result(running.pop(0))
        for one in running:
            yield from header_result(one)


def header_result(started):
    name, compiler, process = started
    _, said = process.communicate()
    if process.returncode:
        reason = next((line for line in said.splitlines() if "error" in line), said.strip()[:200])
        yield name, 1, f"does not compile alone with {compiler}: {reason}"


def banned(tree):
    """No call of a function that is unsafe, not reentrant or out of our control."""
    everywhere = tree.rules["banned"]
    for name in tree.c_files():
        functions = everywhere if name.startswith("tests/") else everywhere | tree.rules["banned_outside_tests"]
        pattern = re.compile(r"(?<![\w.>])(" + "|".join(map(re.escape, functions)) + r")\s*\(")
        for number, line in enumerate(code_only(tree.text(name)).splitlines(), 1):
            for match in pattern.finditer(line):
                yield name, number, f"{match.group(1)}() is banned: use {functions[match.group(1)]}"


def silent(tree):
    """Code below the verbs neither prints nor ends the process."""
    rule = tree.rules["silent"]
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(rule["functions"]) + r")\s*\(|(?<!\w)f(?:printf|puts|putc|write)\s*\([^;]*\b(stderr|stdout)\b")
    for name in tree.c_files():
        if under(name, rule["where"]) and name not in rule["except"]:
            for number, line in enumerate(code_only(tree.text(name)).splitlines(), 1):
                if pattern.search(line):
                    yield name, number, "prints or ends the process; only server/verbs and main.c may"


def sql(tree):
    """No SQL text in C: it lives in schema/."""
    pattern = re.compile(r'"\s*(select\s.+?(\sfrom\s|")|insert\s+(or\s+\w+\s+)?into\s|update\s+\w+\s+set\s|delete\s+from\s|create\s+(unique\s+)?(table|index|view|trigger)\s'
                         r"|drop\s+(table|index)\s|alter\s+table\s|pragma\s|begin(\s+(immediate|exclusive|deferred))?[;\"]|commit[;\"]|rollback[;\"])", re.I)
    for name in tree.c_files():
        if name.startswith("tests/bench"):
            continue  # a measured rival may be what it is
        for number, line in enumerate(code_only(tree.text(name), keep_texts=True).splitlines(), 1):
            if pattern.search(line):
                yield name, number, "SQL in C: put it into schema/"


def globals_rule(tree):
    """No mutable variable at file scope besides the logger's."""
    pattern = re.compile(r"^(?!\s|#|typedef|extern|enum\s+\w+\s*\{|struct\s+\w+\s*\{|union\s+\w+\s*\{|return|\}|DEFINE_|_Static_assert)"
                         r"(?:static\s+)?(?:_Atomic\s+|_Thread_local\s+|volatile\s+)?[A-Za-z_][\w\s*]*?[\s*](\w+)\s*(\[[^\]]*\]\s*)*(=|;)")
    for name in tree.c_files(".c"):
        if name in tree.rules["globals_except"] or name.startswith("tests/"):
            continue
        depth = 0
        for number, line in enumerate(code_only(tree.text(name)).splitlines(), 1):
            match = pattern.match(line) if depth == 0 else None
            if match and not re.search(r"\bconst\b", line.partition("=")[0]) and not re.match(r"(struct|enum|union)\s+\w+\s*;", line):
                yield name, number, f"'{match.group(1)}' is a mutable global"
            depth += line.count("{") - line.count("}")


def sizes(tree):
    """A file has at most 600 lines, a function at most 80."""
    for name in tree.c_files():
        lines = tree.lines(name)
        if len(lines) > tree.rules["most_lines"]:
            yield name, len(lines), f"{len(lines)} lines, more than {tree.rules['most_lines']}: split it"
        began = None
        for number, line in enumerate(lines, 1):
            if line == "{" or (re.match(r"^(Test|Theory|ParameterizedTest\w*)\(", line) and line.endswith("{")):
                began = number
            elif line == "}" and began:
                if number - began - 1 > tree.rules["most_function_lines"] and not flat_switch(lines[began:number - 1]):
                    yield name, began, f"a function of {number - began - 1} lines, more than {tree.rules['most_function_lines']}"
                began = None


def flat_switch(body):
    """A function that is one switch may be long: it is a table."""
    return sum(1 for line in body if re.match(r"\s*(case\b|default:)", line)) * 3 >= len(body)


def names(tree):
    """A file's name is unique in the tree, so that a name in a message is enough to find it."""
    first = {}
    for name in tree.files:
        short = pathlib.PurePath(name).name
        if short in tree.rules["same_name_allowed"] or name.startswith(("tests/http/cases/", "tests/fuzz/corpus/", "tests/golden/")) or short.startswith("."):
            continue
        if short in first:
            yield name, 1, f"has the name of {first[short]}"
        first.setdefault(short, name)


def top_level(tree):
    """The top level holds what the design lists, nothing else."""
    for entry in sorted({name.split("/")[0] for name in tree.files}):
        if entry not in tree.rules["top_level"]:
            yield entry, 1, "does not belong at the top level"


def todo(tree):
    """A TODO says why it is not done and what would make it so: `TODO(reason)`."""
    for name in tree.files:
        if name.startswith("tests/lint/") or name.endswith((".zst", ".png", ".safetensors", ".md")):
            continue
        for number, line in enumerate(tree.lines(name), 1):
            if re.search(r"\b(TODO|FIXME|XXX)\b(?!\([^)]{3,}\))", line):
                yield name, number, "a TODO without a reason: TODO(reason)"


def readmes(tree):
    """Every folder has a README of its own."""
    folders = {str(pathlib.PurePath(name).parent) for name in tree.files}
    for folder in sorted(folders):
        if folder != "." and not under(folder, tree.rules["readme_except"]) and f"{folder}/README.md" not in tree.files:
            yield folder, 1, "has no README.md"


def heads(tree):
    """A C file opens with a comment that says what it is for, and a header has a guard."""
    for name in tree.c_files():
        if not tree.text(name).lstrip().startswith(("/*", "//")):
            yield name, 1, "does not open with what it is for"
        if name.endswith(".h") and not re.search(r"^#ifndef \w+_H\n#define \w+_H$", tree.text(name), re.M):
            yield name, 1, "has no include guard"


def routes(tree):
    """The route table and openapi.yaml name the same operations."""
    yield from routes_lint.findings(tree)


RULES = {"layers": layers, "headers": headers_alone, "banned": banned, "silent": silent, "sql": sql, "globals": globals_rule, "sizes": sizes, "names": names,
         "top-level": top_level, "todo": todo, "readmes": readmes, "heads": heads, "routes": routes}


def check(tree, only=None):
    found = []
    for rule, look in RULES.items():
        if not only or rule in only:
            found += [(rule, *finding) for finding in look(tree)]
    return found


# One planted fault a rule: (rule, file, text). An empty text for a file means: delete it.
PLANTED = [
    ("layers", "storage/planted.c", '/* planted */\n#include "core/model.h"\n'),
    ("layers", "core/planted.c", '/* planted */\n#include "storage/store.h"\n'),
    ("layers", "server/api/planted.c", '/* planted */\n#include <sqlite3.h>\n'),
    ("layers", "core/planted.c", '/* planted */\n#include <pthread.h>\n'),
    ("headers", "core/planted.h", "/* planted */\n#ifndef PLANTED_H\n#define PLANTED_H\nuint32_t planted(void);\n#endif\n"),
    ("banned", "core/planted.c", "/* planted */\nvoid planted(char *to, const char *from)\n{\n    strcpy(to, from);\n}\n"),
    ("banned", "server/app/planted.c", "/* planted: strcpy( in a comment is none */\nint planted(const char *text)\n{\n    return atoi (text);\n}\n"),
    ("silent", "core/planted.c", '/* planted */\nvoid planted(void)\n{\n    fprintf(stderr, "oh");\n}\n'),
    ("silent", "storage/planted.c", "/* planted */\nvoid planted(void)\n{\n    exit(1);\n}\n"),
    ("sql", "storage/planted.c", '/* planted */\nconst char *planted = "SELECT seq FROM event";\n'),
    ("globals", "core/planted.c", "/* planted */\nstatic int calls;\n"),
    ("globals", "server/app/planted.c", "/* planted */\nstatic struct thing *last_thing = NULL;\n"),
    ("sizes", "core/planted.c", "/* planted */\n" + "extern int planted;\n" * 600),
    ("sizes", "core/planted.c", "/* planted */\nint planted(void)\n{\n" + "    planted();\n" * 81 + "}\n"),
    ("names", "tests/race/store.h", "/* planted */\n#ifndef PLANTED_H\n#define PLANTED_H\n#endif\n"),
    ("top-level", "scripts/planted.sh", "true\n"),
    ("todo", "core/planted.c", "/* planted */\n// TODO later\n"),
    ("readmes", "server/planted/thing.txt", "planted\n"),
    ("heads", "core/planted.c", "int planted;\n"),
    ("routes", "openapi.yaml", None),
    ("routes", "server/api/routes.c", None),
]


def self_test(root):
    """Every rule finds its planted fault, and finds it in the planted file. Returns (passed, failed)."""
    passed = failed = 0
    source = Tree(root)
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "tree"
        for name in source.files:
            if not name.startswith("deploy/sample/"):
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source.root / name, copy / name)
        for rule, name, text in PLANTED:
            target = copy / name
            before = target.read_bytes() if target.exists() else None
            if text is None:
                text = routes_lint.with_one_missing(name, before.decode()) if before else None
                if text is None:
                    continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            found = [one for one in check(Tree(copy), {rule}) if one[1] in (name, name.split("/")[0], str(pathlib.PurePath(name).parent), "openapi.yaml", "server/api/routes.c")]
            if before is None:
                target.unlink()
                if not any(target.parent.iterdir()):
                    target.parent.rmdir()
            else:
                target.write_bytes(before)
            if found:
                passed += 1
            else:
                failed += 1
                print(f"FAIL  the rule '{rule}' does not see a fault planted in {name}")
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=RULES, help="check only this rule")
    parser.add_argument("--list", action="store_true", help="list the rules")
    parser.add_argument("--self-test", action="store_true", help="check the rules themselves")
    parser.add_argument("tree", nargs="?", default=pathlib.Path(__file__).resolve().parents[2])
    args = parser.parse_args()
    if args.list:
        for rule, look in RULES.items():
            print(f"{rule:10} {look.__doc__}")
        return 0
    if args.self_test:
        passed, failed = self_test(args.tree)
        print(f"SUITE {passed} passed, {failed} failed: planted faults found")
        return 1 if failed else 0
    tree = Tree(args.tree)
    found = check(tree, args.only)
    for rule, name, number, what in found:
        print(f"{name}:{number}: {rule}: {what}")
    broken = len({rule for rule, *_ in found})
    n_rules = len(args.only or RULES)
    print(f"SUITE {n_rules - broken} passed, {broken} failed: of {n_rules} rules over {len(tree.files)} files, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
