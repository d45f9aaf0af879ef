"""Do the route table (server/api/routes.c) and openapi.yaml name the same operations? Both are read as text: the table by its shape, a line of
which names a method and a path as two literals, the contract as YAML."""
import re

TABLE, CONTRACT = "server/api/routes.c", "openapi.yaml"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ROW = re.compile(r'\{\s*(?:\.method\s*=\s*)?(?:"(?P<text>[A-Z]+)"|(?:HTTP_)?(?P<name>GET|POST|PUT|PATCH|DELETE))\s*,\s*(?:\.path\s*=\s*)?"(?P<path>/[^"]*)"')


def plain(path):
    """Parameter names do not matter: /v1/items/{item} and /v1/items/{item_id} are one path."""
    return re.sub(r"\{[^}]*\}", "{}", path)


def table_rows(text):
    """(method, path) -> line of the route table."""
    rows = {}
    for number, line in enumerate(text.splitlines(), 1):
        for match in ROW.finditer(line):
            rows[(match.group("text") or match.group("name"), plain(match.group("path")))] = number
    return rows


def contract_rows(text):
    import yaml
    rows = {}
    for path, operations in (yaml.safe_load(text).get("paths") or {}).items():
        for method in operations:
            if method.upper() in METHODS:
                rows[(method.upper(), plain(path))] = 1 + text[:max(0, text.find(f"\n  {path}:"))].count("\n") + 1
    return rows


def findings(tree):
    for name in (TABLE, CONTRACT):
        if name not in tree.files:
            yield name, 1, "is not there"
            return
    table = table_rows(tree.text(TABLE))
    contract = contract_rows(tree.text(CONTRACT))
    if not table:
        yield TABLE, 1, "no row of the route table was recognised"
    for row in sorted(set(table) - set(contract)):
        yield TABLE, table[row], f"{row[0]} {row[1]} is not in {CONTRACT}"
    for row in sorted(set(contract) - set(table)):
        yield CONTRACT, contract[row], f"{row[0]} {row[1]} is not in {TABLE}"


def with_one_missing(name, text):
    """The same file with one operation less, for the self-test; None if there is none to take away."""
    if name == TABLE:
        rows = table_rows(text)
        if not rows:
            return None
        lines = text.splitlines(keepends=True)
        del lines[min(rows.values()) - 1]
        return "".join(lines)
    match = re.search(r"^  (/\S+):\n", text, re.M)
    return text.replace(match.group(0), f"  {match.group(1)}/planted:\n", 1) if match else None
