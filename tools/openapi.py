#!/usr/bin/env python3
"""openapi.py - makes net/openapi.json, which the server sends at /openapi.json.

    tools/openapi.py DIALECT.json            # writes net/openapi.json
    tools/openapi.py DIALECT.json --check    # fails where it would change

DIALECT.json is the OpenAPI description of the dialect. Of it are taken the routes that
net/api.c has (those that answer 501 left out) and the schemas they need, without prose;
tools/openapi_duet.json has what Duet adds: its own routes, and members of the dialect's
objects. Run it whenever a route comes; tests/net/openapi_test.c compares the two.
"""

import json
import re
import sys

PROSE = ("description", "example", "examples", "summary", "deprecated", "tags")
NOT_DESCRIBED = ("api_unsupported", "api_page_index", "api_page_file", "api_openapi")


def routes(path="net/api.c"):
    """(method, pattern) of each route that does something, in the order of the table."""
    source = open(path, encoding="utf-8").read()
    table = source[source.index("api_routes[]"):source.index("api_n_routes")]
    found = re.findall(r'\{"([A-Z]+)",\s*(COLLECTION)?\s*(?:"([^"]*)")?,\s*(\w+),', table)
    return [(method, ("/collections/{collection_name}" if prefix else "") + rest)
            for method, prefix, rest, run in found if run not in NOT_DESCRIBED]


def without_prose(value, is_map=False):
    """A schema without words for people; `is_map`: its keys are names, not keywords."""
    if isinstance(value, dict):
        return {k: without_prose(v, k == "properties" and not is_map)
                for k, v in value.items() if is_map or k not in PROSE}
    if isinstance(value, list):
        return [without_prose(v) for v in value]
    return value


def operation_of(operation):
    """The dialect's operation as it is here: every answer is final, none is a 202."""
    kept = without_prose(operation)
    kept["tags"] = operation["tags"]
    for parameter in kept.get("parameters", []):
        parameter.pop("description", None)
    kept["responses"] = {code: dict(r, description="error" if code != "200" else "done")
                         for code, r in kept["responses"].items() if code != "202"}
    return kept


def references(value):
    """Names of the schemas that a value refers to."""
    if isinstance(value, dict):
        ref = value.get("$ref")
        if isinstance(ref, str):
            yield ref.rsplit("/", 1)[1]
        for v in value.values():
            yield from references(v)
    elif isinstance(value, list):
        for v in value:
            yield from references(v)


def schemas_for(paths, schemas):
    wanted, todo = {}, list(references(paths))
    while todo:
        name = todo.pop()
        if name not in wanted:
            wanted[name] = schemas[name]
            todo.extend(references(schemas[name]))
    return dict(sorted(wanted.items()))


def merge(into, more):
    """Puts members of `more` into `into`; objects are merged, all else replaced."""
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = value


def build(dialect, ours):
    schemas = {n: without_prose(s) for n, s in dialect["components"]["schemas"].items()}
    merge(schemas, ours["schemas"])
    paths, missing = {}, []
    for method, pattern in routes():
        key = method.lower()
        if pattern in ours["paths"] and key in ours["paths"][pattern]:
            operation = ours["paths"][pattern][key]
        elif pattern in dialect["paths"] and key in dialect["paths"][pattern]:
            operation = operation_of(dialect["paths"][pattern][key])
        else:
            missing.append(f"{method} {pattern}")
            continue
        paths.setdefault(pattern, {})[key] = operation
    if missing:
        sys.exit("no description of " + ", ".join(missing) + ": tools/openapi_duet.json")
    return {
        "openapi": dialect["openapi"],
        "info": ours["info"],
        "security": dialect["security"],
        "paths": paths,
        "components": {
            "securitySchemes": without_prose(dialect["components"]["securitySchemes"]),
            "schemas": schemas_for(paths, schemas),
        },
    }


def text_of(doc):
    """JSON with a line for each operation and each schema."""
    def line(value):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def lines(mapping, pad):
        return ",\n".join(f"{pad}{line(k)}:{line(v)}" for k, v in mapping.items())

    paths = ",\n".join(
        f" {line(path)}:{{\n{lines(operations, '  ')}}}"
        for path, operations in doc["paths"].items())
    return (f'{{"openapi":{line(doc["openapi"])},\n"info":{line(doc["info"])},\n'
            f'"security":{line(doc["security"])},\n"paths":{{\n{paths}}},\n'
            f'"components":{{"securitySchemes":{line(doc["components"]["securitySchemes"])},\n'
            f'"schemas":{{\n{lines(doc["components"]["schemas"], " ")}}}}}}}\n')


def main():
    dialect = json.load(open(sys.argv[1], encoding="utf-8"))
    ours = json.load(open("tools/openapi_duet.json", encoding="utf-8"))
    text = text_of(build(dialect, ours))
    json.loads(text)
    if "--check" in sys.argv:
        if open("net/openapi.json", encoding="utf-8").read() != text:
            sys.exit("net/openapi.json is not what tools/openapi.py makes: run it")
        return
    with open("net/openapi.json", "w", encoding="utf-8") as out:
        out.write(text)
    print(f"net/openapi.json: {len(routes())} routes, {len(text)} bytes")


if __name__ == "__main__":
    main()
