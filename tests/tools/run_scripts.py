"""Runs the scripts that the page writes, one after another in one Python, and tells what each printed.

    python tests/tools/run_scripts.py < SCRIPTS.json

SCRIPTS.json is a list of texts. Writes a JSON list of what they printed. With `--literals` the texts are Python literals, and what they
mean is written. Nothing is downloaded.
"""
import ast
import contextlib
import io
import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"


def printed(script):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(script, "<script>", "exec"), {"__name__": "__main__"})
    return out.getvalue()


work = ast.literal_eval if "--literals" in sys.argv else printed
found = [work(text) for text in json.load(sys.stdin)]
json.dump(found, sys.stdout)
