"""The catalogue: the same bytes for the same facts, whole links, and nothing of a matrix that becomes markup."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.__main__ import main
from builder.build.records import NOT_PROVED
from builder.catalogue import layer_chart
from builder.catalogue.image_info import Info, LastVerification, Layer, dump
from builder.catalogue.pages import pages
from tests.support.command_line import ROOT
from tests.support.image_infos import CELLS, IMAGE, INFOS, INPUTS


class Reader(HTMLParser):
    """The tags, links and texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.attributes: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        self.attributes |= found.keys()
        self.links += [str(found[name]) for name in ("href", "src") if name in found]
        self.ids += [str(found["id"])] if "id" in found else []


def test_the_same_facts_give_the_same_bytes() -> None:
    assert pages(INFOS) == pages(INFOS)
    assert len(pages(INFOS)) == len(CELLS) + 3


def test_a_cpu_image_whose_torch_has_cuda_says_so_in_its_row_and_on_its_page() -> None:
    files = pages(INFOS, (), {"pytorch/1.6.0-cpu-debian12": "10.2"})
    assert files["index.html"].count("10.2, in torch") == 1
    assert "Torch with CUDA 10.2: the CPU image holds" in files["images/pytorch-1.6.0-cpu-debian12.html"]
    assert "Torch with CUDA" not in "".join(pages(INFOS).values())


def test_every_link_leads_to_a_file_or_a_place_and_nowhere_else() -> None:
    files = pages(INFOS)
    for name, text in files.items():
        if name.endswith(".html"):
            page = Reader(text)
            assert len(set(page.ids)) == len(page.ids), name
            for link in page.links:
                if link.startswith("#"):
                    assert link[1:] in page.ids
                elif link != "data:,":
                    parts = [part for part in (PurePosixPath(name).parent / link).parts if part != "."]
                    while ".." in parts:
                        at = parts.index("..")
                        del parts[at - 1 : at + 1]
                    assert "/".join(parts) in files, (name, link)


def test_a_page_says_why_a_pin_differs_how_to_pull_and_what_was_verified() -> None:
    files = pages(INFOS)
    page = files["images/pytorch-1.6.0-gpu-debian12.html"]
    for text in (
        "torchvision 0.5.0 requires torch==1.4.0",
        f"registry.example/ml/pytorch@{IMAGE.digest}",
        "15 asserted",
    ):
        assert text in page
    rendered = files["images/pytorch-1.0.0-cpu-ubuntu16.04.html"]
    assert "Rendered, linted, locked only" in rendered
    assert "python -m builder build --framework pytorch --version 1.0.0 --cpu --platform ubuntu16.04" in rendered


def test_a_record_is_told_where_there_is_no_image_and_a_rehearsal_is_never_called_verified() -> None:
    files = pages(INFOS)
    page = files["images/pytorch-1.1.0-cpu-ubuntu16.04.html"]
    assert "Rehearsed 2026-11-28" in page
    assert NOT_PROVED.split(",", maxsplit=1)[0] in page
    assert "erified 2026" not in page
    other = files["images/pytorch-1.2.0-cpu-ubuntu16.04.html"]
    assert "Verified 2026-11-28, of an earlier matrix" in other
    assert "32 passed, 2 not checked; amd64, no GPU, Docker Engine 29.1.2" in other
    assert 'data-state="rehearsed"' in files["index.html"]
    assert "</time>, of an earlier matrix" in files["index.html"]


@settings(deadline=None, max_examples=15)
@given(st.text(alphabet=st.sampled_from("<>\"'&{}%/= ascript\n"), min_size=1, max_size=80))
def test_hostile_text_stays_text(text: str) -> None:
    """The same tags and attributes, whatever the rows say."""
    plain, odd = (pages([hostile(word)]) for word in ("plain", text))
    for name in ("index.html", "images/x.html"):
        assert Reader(odd[name]).tags == Reader(plain[name]).tags
        assert Reader(odd[name]).attributes == Reader(plain[name]).attributes


def hostile(text: str) -> Info:
    pins = tuple(replace(pin, value=text, documented=text, reason=text) for pin in INFOS[0].pins)
    layer = Layer(digest=text, made_by=text, unpacked=5)
    verification = LastVerification(when="2026-11-23", summary=text, checks=text)
    lists = {"requirements/rest.txt": {text: text}}
    inputs = replace(INPUTS, lists=lists)
    image = replace(IMAGE, layers=(layer,), verification=verification, inputs=inputs, base=text, fingerprint=text)
    return replace(INFOS[0], name="x", title=text, tags=(text,), pins=pins, image=image)


def test_the_history_is_told_from_older_states() -> None:
    newer = replace(
        IMAGE, digest=f"sha256:{'d' * 64}", fingerprint="f" * 64, inputs=replace(INPUTS, pins={"torch": "1.6.1"})
    )
    again = replace(newer, digest=f"sha256:{'e' * 64}")
    now = tuple(replace(info, image=again if info.image else None) for info in INFOS)
    then = tuple(replace(info, image=newer if info.image else None) for info in INFOS)
    page = pages(now, [INFOS, then])["images/pytorch-1.6.0-gpu-debian12.html"]
    assert re.search(r"built again from the same inputs, with other bytes.*torch 1.6.0 → 1.6.1", page, re.DOTALL)
    assert "History" not in pages(now, [now])["images/pytorch-1.6.0-gpu-debian12.html"]


def test_the_picture_is_filled_and_every_layer_can_be_seen() -> None:
    found = layer_chart.parts(next(info for info in INFOS if info.image))
    assert sum(part.width for part in found) == 1000
    assert min(part.width for part in found) >= 6
    assert [part.title for part in found] == [
        "Base system",
        "System packages",
        "Python environment",
        "torch 1.6.0 (1 of 2)",
    ]
    sizes = [layer_chart.human(size) for size in (5, 4096, 361_296_033, 2_700_000_000)]
    assert sizes == ["5 B", "4.1 kB", "361 MB", "2.7 GB"]


def test_the_verb_writes_it_and_removes_pages_of_images_that_are_gone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "image-info.json"
    file.write_text(dump(INFOS), "utf-8")
    flags = [
        "docs",
        "--all-platforms",
        f"--matrix={ROOT}/matrix.yaml",
        f"--image-info={file}",
        f"--output={tmp_path}/out",
    ]
    assert main(flags) == 0
    index = tmp_path / "out/index.html"
    assert capsys.readouterr().out == f"{index}\n"
    gone, other = tmp_path / "out/images/gone.html", tmp_path / "out/images/other.html"
    gone.write_text((tmp_path / "out/images/pytorch-1.6.0-gpu-debian12.html").read_text("utf-8"), "utf-8")
    other.write_text("somebody's own", "utf-8")
    assert main([*flags, f"--since={file}"]) == 0
    assert (gone.exists(), other.exists()) == (False, True)
    assert main(["docs", f"--matrix={ROOT}/matrix.yaml"]) == 2
    content = json.loads(file.read_text("utf-8"))
    content["images"].pop()
    file.write_text(json.dumps(content), "utf-8")
    assert main(flags) == 2
