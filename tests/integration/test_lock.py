"""The lock against a real build: a mirror that has moved is said."""

from tests.integration.conftest import NewLab


def test_a_build_says_where_its_mirror_has_moved(new_lab: NewLab) -> None:
    lab = new_lab()
    file = lab.root / "builder.lock"
    text = file.read_text("utf-8")
    now = next(line for line in text.splitlines() if '"libgomp1"' in line).split('"')[3]
    file.write_text(text.replace(f'"libgomp1": "{now}"', '"libgomp1": "1.0"'), "utf-8")
    assert lab.run("render").code == 0
    done = lab.build()
    assert done.code == 0, done.err
    assert f"{lab.cell}: apt: libgomp1 1.0 → {now}; python -m builder lock --upgrade apt records it" in done.err
    assert "--upgrade base" not in done.err
