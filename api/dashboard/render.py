"""Draw a chart or build the browser's bundle, in a process of its own: `python -m api.dashboard.render svg < spec`.

vl-convert holds about 100 MB once it has been used, so it never runs inside the service. Reads a Vega-Lite
specification on standard input (nothing for `bundle`) and writes the result to standard output.
"""

from __future__ import annotations

import sys

BUNDLE_SNIPPET = "export {vegaEmbed, vega, vegaLite};"
KINDS = ("svg", "png", "bundle")


def main(kind: str) -> int:
    if kind not in KINDS:
        sys.stderr.write(f"cannot make {kind!r}; one of {', '.join(KINDS)}\n")
        return 2
    import vl_convert

    if kind == "bundle":
        result = vl_convert.javascript_bundle(BUNDLE_SNIPPET).encode()
    elif kind == "svg":
        result = vl_convert.vegalite_to_svg(sys.stdin.buffer.read().decode()).encode()
    else:
        result = vl_convert.vegalite_to_png(sys.stdin.buffer.read().decode(), scale=2.0)
    sys.stdout.buffer.write(result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
