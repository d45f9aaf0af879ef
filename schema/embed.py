#!/usr/bin/env python3
"""Turn the SQL files of schema/ into C: schema_sql.h and schema_sql.c, written into the folder that is named first.

  embed.py FOLDER FILE.sql…

  NNN_name.sql       a migration; number NNN. Runs in one transaction, `pragma user_version = NNN` is added at its end.
  scripts/name.sql   SCRIPT_NAME: statements that are run one after the other.
  queries/*.sql      QUERY_NAME: one statement each, introduced by a line `-- name: query_name`.
"""
import pathlib
import re
import sys


def stop(path, words):
    sys.exit(f"{path}: {words}")


def c_text(sql):
    """A C string literal, a line of SQL a line of C."""
    quoted = (line.replace("\\", "\\\\").replace('"', '\\"') for line in sql.strip().splitlines())
    return "\n".join(f'        "{line}\\n"' for line in quoted)


def without_comments(sql):
    """Comments are for readers of the files; the program carries none."""
    lines = (re.sub(r"\s*--.*", "", line) for line in sql.splitlines())
    return "\n".join(line for line in lines if line.strip())


def queries_of(path):
    """(name, sql) of each `-- name:` in a file of queries."""
    head, *parts = re.split(r"^-- name: *(.*)$", path.read_text(), flags=re.M)
    if without_comments(head).strip():
        stop(path, "a statement before the first `-- name:`")
    for name, sql in zip(parts[::2], parts[1::2]):
        sql = without_comments(sql)
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or sql.count(";") != 1 or not sql.rstrip().endswith(";"):
            stop(path, f"query '{name}': expected a name in lower case and exactly one statement")
        yield name, sql


def collect(paths):
    migrations, scripts, queries = [], {}, {}
    for path in paths:
        match = re.match(r"(\d{3})_([a-z_]+)\.sql$", path.name)
        if match:
            number = int(match.group(1))
            migrations.append((number, without_comments(path.read_text()) + f"\npragma user_version = {number};"))
        elif path.parent.name == "scripts":
            scripts[path.stem] = without_comments(path.read_text())
        else:
            for name, sql in queries_of(path):
                if name in queries:
                    stop(path, f"query '{name}' is there twice")
                queries[name] = sql
    migrations.sort()
    if [number for number, _ in migrations] != list(range(1, len(migrations) + 1)):
        sys.exit("migrations must be numbered 001, 002, … without a gap")
    return migrations, scripts, queries


def enum(what, prefix, names):
    rows = "".join(f"    {prefix}_{name.upper()},\n" for name in names)
    return f"enum {what} {{\n{rows}    {prefix}_COUNT\n}};\n"


def table(declaration, prefix, texts):
    rows = "".join(f"    [{prefix}_{name.upper()}] =\n{c_text(sql)},\n" for name, sql in texts.items())
    return f"{declaration} = {{\n{rows}}};\n"


def main():
    folder, paths = pathlib.Path(sys.argv[1]), [pathlib.Path(name) for name in sys.argv[2:]]
    migrations, scripts, queries = collect(paths)
    note = "/* Made by schema/embed.py from the .sql files of schema/. */\n"
    (folder / "schema_sql.h").write_text(
        f"{note}#ifndef SCHEMA_SQL_H\n#define SCHEMA_SQL_H\n\n#define MIGRATIONS {len(migrations)} /* the newest version of the schema */\n\n"
        + enum("script", "SCRIPT", scripts) + "\n" + enum("query", "QUERY", queries) + "\n"
        + "extern const char *const migration_texts[MIGRATIONS]; /* [i] leads from version i to i + 1 */\n"
        + "extern const char *const script_texts[SCRIPT_COUNT];\nextern const char *const query_texts[QUERY_COUNT];\n"
        + "extern const char *const query_names[QUERY_COUNT];\n\n#endif\n")
    (folder / "schema_sql.c").write_text(
        f'{note}#include "schema/schema_sql.h"\n\n'
        + "const char *const migration_texts[MIGRATIONS] = {\n" + "".join(f"    [{number - 1}] = (\n{c_text(sql)}),\n" for number, sql in migrations) + "};\n\n"
        + table("const char *const script_texts[SCRIPT_COUNT]", "SCRIPT", scripts) + "\n"
        + table("const char *const query_texts[QUERY_COUNT]", "QUERY", queries) + "\n"
        + "const char *const query_names[QUERY_COUNT] = {\n" + "".join(f'    [QUERY_{name.upper()}] = "{name}",\n' for name in queries) + "};\n")


if __name__ == "__main__":
    main()
