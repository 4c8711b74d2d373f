# Runs one Ansible module of this machine: what to run, and with which arguments, comes as JSON on the standard input.
import json
import os
import runpy
import sys


def understood(args):
    """Leaves out what this Ansible does not know of itself: what it hands to modules changes with its version."""
    try:
        from ansible.module_utils.common.parameters import PASS_BOOLS, PASS_VARS
    except ImportError:
        return args
    known = {"_ansible_" + name for name in (*PASS_BOOLS, *PASS_VARS)}
    return {name: value for name, value in args.items() if name in known or not name.startswith("_ansible_")}


def main():
    order = json.loads(sys.stdin.buffer.read())
    # A module that reads its standard input gets nothing, as under Ansible.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    import ansible.module_utils as shared

    shared.__path__[:0] = order["module_utils"]
    if order["collections"]:
        from ansible.utils.collection_loader import _collection_finder as finder

        finder._AnsibleCollectionFinder(paths=order["collections"])._install()

    from ansible.module_utils import basic

    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": understood(order["args"])}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    name = order["name"]
    init = {"_module_fqn": name or "ansible.legacy.module", "_modlib_path": None}
    sys.argv = [order["path"]]
    if name:
        runpy.run_module(name, init_globals=init, run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, os.path.dirname(order["path"]))
        runpy.run_path(order["path"], init_globals=init, run_name="__main__")


main()
