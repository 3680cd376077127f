#!/bin/bash
# A stand-in in the form of Miniconda's installer, made for a rehearsal: PREFIX/pkgs is filled, and linked from there.
set -euo pipefail
prefix=
while getopts bfp: flag; do
    if [ "$flag" = p ]; then prefix=$OPTARG; fi
done
mkdir -p "$prefix/pkgs" "$prefix/conda-meta"
sed '1,/^# PAYLOAD$/d' "$0" | tar -x -C "$prefix/pkgs"
for package in "$prefix"/pkgs/*.tar.bz2; do
    unpacked=${package%.tar.bz2}
    mkdir "$unpacked"
    tar -xjf "$package" -C "$unpacked"
    cp -al "$unpacked/." "$prefix/"
    rm -rf "$prefix/info"
done
"$prefix/bin/python" - "$prefix" << 'PYTHON'
import json, os, pathlib, sys
prefix = pathlib.Path(sys.argv[1])
for info in sorted(prefix.glob("pkgs/*/info")):
    index = json.loads((info / "index.json").read_text())
    paths = json.loads((info / "paths.json").read_text())["paths"]
    for entry in paths:
        if "prefix_placeholder" in entry:
            file = prefix / entry["_path"]
            data, old, new = file.read_bytes(), entry["prefix_placeholder"].encode(), str(prefix).encode()
            mode = file.stat().st_mode
            if entry["file_mode"] == "text":
                data = data.replace(old, new)
            else:
                pieces = data.split(old)
                data = pieces[0]
                for piece in pieces[1:]:
                    end = piece.index(b"\0")
                    data += new + piece[:end] + b"\0" * (len(old) - len(new)) + piece[end:]
            file.unlink()
            file.write_bytes(data)
            file.chmod(mode)
    name = "{name}-{version}-{build}".format(**index)
    record = dict(index, fn=name + ".tar.bz2", channel="defaults", url="https://repo.anaconda.com/pkgs/main/linux-64/" + name + ".tar.bz2")
    record.update(files=[entry["_path"] for entry in paths], schannel="defaults")
    (prefix / "conda-meta" / (name + ".json")).write_text(json.dumps(record, indent=2, sort_keys=True))
(prefix / "conda-meta" / "history").touch()
PYTHON
exit 0
# PAYLOAD
