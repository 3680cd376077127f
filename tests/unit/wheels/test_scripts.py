"""The scripts of entry points are those of the pip that a row pins."""

import zipfile
from pathlib import Path

import pytest

from builder.errors import InputError
from builder.wheels.scripts import PLACES, USUAL, script, template
from builder.wheels.unpack import names_of

OLD = "r'''# -*- coding: utf-8 -*-\nimport re\nfrom %(module)s import %(import_name)s\n%(func)s()\n'''"


def pip(directory: Path, files: dict[str, str]) -> Path:
    path = directory / "pip-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


def test_a_recent_pip_has_a_text_of_its_own(tmp_path: Path) -> None:
    own = 'import textwrap\nclass PipScriptMaker:\n    text = textwrap.dedent("""\\\n        from %(module)s import %(import_name)s\n""")\n'
    found = template(pip(tmp_path, {PLACES[0]: own, PLACES[1]: f"SCRIPT_TEMPLATE = {OLD}\n"}))
    assert found == "from %(module)s import %(import_name)s\n"


def test_an_old_pip_has_that_of_distlib(tmp_path: Path) -> None:
    found = template(pip(tmp_path, {PLACES[0]: "x = 'y'\n", PLACES[1]: f"SCRIPT_TEMPLATE = {OLD}\n"}))
    assert found.startswith("# -*- coding: utf-8 -*-\n")
    written = script(found, "toy.main", "Class.run")
    assert (
        written
        == b"#!/opt/env/bin/python\n# -*- coding: utf-8 -*-\nimport re\nfrom toy.main import Class\nClass.run()\n"
    )


@pytest.mark.parametrize("files", [{}, {PLACES[0]: "x = 1", PLACES[1]: "x = 1"}, {PLACES[0]: "x = (", PLACES[1]: ""}])
def test_a_pip_without_it_is_refused(files: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not hold the text of the scripts") as caught:
        template(pip(tmp_path, files))
    assert "pin another pip" in str(caught.value.hint)


def test_the_usual_text_is_a_script() -> None:
    assert compile(script(USUAL, "a.b", "c"), "script", "exec")


def test_pip_names_its_scripts_after_the_python() -> None:
    assert names_of("pip3.9", "3.11.2") == names_of("pip", "3.11.2") == ("pip", "pip3", "pip3.11")
    assert names_of("easy_install", "3.6.15") == ("easy_install", "easy_install-3.6")
    assert names_of("pipx", "3.11.2") == ("pipx",)
