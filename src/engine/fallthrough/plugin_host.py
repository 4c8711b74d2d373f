# Calls Ansible's filters, tests and lookups of this machine: a JSON line on the socket asks, a JSON line answers.
import datetime
import json
import os
import socket
import sys


def plain(value):
    """Returns what JSON has no form for in one that it has."""
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if hasattr(value, "items"):
        return dict(value.items())
    if hasattr(value, "__iter__"):
        return list(value)
    return str(value)


class Plugins:
    def __init__(self, settings):
        from ansible.parsing.dataloader import DataLoader
        from ansible.plugins import loader

        if hasattr(loader, "init_plugin_loader"):
            loader.init_plugin_loader(settings["collections"])
        self.loaders = {"filter": loader.filter_loader, "test": loader.test_loader, "lookup": loader.lookup_loader}
        for kind, folders in settings["folders"].items():
            for folder in folders:
                getattr(loader, kind + "_loader").add_directory(folder)
        self.files = DataLoader()

    def has(self, kind, name):
        try:
            if kind == "lookup":
                return self.loaders[kind].find_plugin(name) is not None
            return self.loaders[kind].get(name) is not None
        except Exception:
            return False

    def call(self, kind, name, args, named, variables):
        from ansible import template

        expression = {
            "filter": "rplay_args[0] | %s(*rplay_args[1:], **rplay_named)" % name,
            "test": "rplay_args[0] is %s(*rplay_args[1:], **rplay_named)" % name,
            "lookup": "query(%r, *rplay_args, **rplay_named)" % name,
        }[kind]
        templar = template.Templar(loader=self.files, variables=dict(variables, rplay_args=args, rplay_named=named))
        if hasattr(templar, "evaluate_expression"):
            return templar.evaluate_expression(template.trust_as_template(expression))
        return templar.template("{{ %s }}" % expression)


def main():
    end = socket.socket(socket.AF_UNIX)
    end.connect(sys.argv[1])
    # What plugins print must not be taken for anything.
    os.dup2(2, 1)
    lines = end.makefile("rwb")

    def answer(value):
        lines.write(json.dumps(value, default=plain, allow_nan=False).encode() + b"\n")
        lines.flush()

    plugins = Plugins(json.loads(lines.readline()))
    answer({"value": "ready"})
    for line in lines:
        asked = json.loads(line)
        try:
            if asked["ask"] == "has":
                answer({"value": plugins.has(asked["kind"], asked["name"])})
            else:
                answer({"value": plugins.call(asked["kind"], asked["name"], asked["args"], asked["named"], asked["variables"])})
        except BaseException as error:
            answer({"error": str(error) or type(error).__name__})


main()
