#!/usr/bin/env python3
"""Write openapi.yaml, and the same as JSON, as C arrays (server/api/contract.h).

  embed_openapi.py openapi.yaml VERSION OUT.c

VERSION is the program's: the contract must carry it.
"""
import json
import sys

import yaml


def array(name, data):
    rows = [",".join(map(str, data[start:start + 32])) for start in range(0, len(data), 32)]
    return f"const unsigned char {name}[] = {{\n" + ",\n".join(rows) + f"\n}};\nconst size_t n_{name} = sizeof {name};\n"


def main():
    source, version, out = sys.argv[1:]
    with open(source, "rb") as file:
        text = file.read()
    contract = yaml.safe_load(text)
    if contract["info"]["version"] != version:
        sys.exit(f"{source}: info.version is {contract['info']['version']}, the program's is {version}")
    with open(out, "w") as file:
        file.write('/* Made by embed_openapi.py. */\n#include "server/api/contract.h"\n\n')
        file.write(array("contract_yaml", text) + "\n" + array("contract_json", json.dumps(contract, separators=(",", ":")).encode()))


if __name__ == "__main__":
    main()
