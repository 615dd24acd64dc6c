"""Pages, scripts and icons name each other; here every name is looked up, and whatever the CSP forbids."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
JS = ROOT / "static" / "js"
SCRIPTS = sorted(JS.rglob("*.js"))
# Mail programs load no style sheet: the page around a mail has its styles inside.
MAIL = ROOT / "templates" / "mail" / "base.html"
PAGES = [path for path in TEMPLATES if path != MAIL]
# The administration has styles and custom properties of its own, django-unfold's.
OURS = [path for path in PAGES if not path.is_relative_to(ROOT / "templates" / "admin")]
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))
OUR_STYLES = [path for path in STYLES if path.name != "admin.css"]
PYTHON = sorted(path for name in ("accounts", "jobs") for path in (ROOT / name).rglob("*.py"))


def ids(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def names_in(pattern: str, paths: list[Path]) -> set[str]:
    return {name for path in paths for name in re.findall(pattern, path.read_text())}


def test_there_is_something_to_look_at() -> None:
    assert len(TEMPLATES) > 20
    assert len(SCRIPTS) > 20
    assert len(STYLES) > 5


@pytest.mark.parametrize("template", TEMPLATES, ids=ids(TEMPLATES))
def test_static_files_of_a_template_exist(template: Path) -> None:
    for name in re.findall(r"{% static '([^']+)' %}", template.read_text()):
        assert finders.find(name), name


@pytest.mark.parametrize("template", PAGES, ids=ids(PAGES))
def test_no_inline_script_and_no_inline_style(template: Path) -> None:
    text = template.read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    for tag in re.findall(r"<script[^>]*>", text):
        assert " src=" in tag, tag


def test_every_icon_is_drawn_and_every_drawn_icon_is_used() -> None:
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "static/img/icons.svg").read_text()))
    included = names_in(r'"_icon\.html" with name="([^"]+)"', TEMPLATES)
    used = included | names_in(r'{% icon "([^"]+)"', TEMPLATES)
    assert used == drawn


@pytest.mark.parametrize("script", SCRIPTS, ids=ids(SCRIPTS))
def test_imports_of_a_script_exist_and_are_exported(script: Path) -> None:
    for names, source in re.findall(r'^import \{ ([^}]+) \} from "([^"]+)";', script.read_text(), re.M):
        exporting = (script.parent / source).read_text()
        for name in names.split(", "):
            assert re.search(rf"^export (async )?(function|class|const) {name}\b", exporting, re.M), (
                source,
                name,
            )


def test_every_script_is_loaded() -> None:
    loaded = {JS / name for name in names_in(r"{% static 'js/([^']+)' %}", TEMPLATES)}
    # The media of an admin page.
    loaded |= {JS / name for name in names_in(r'js: ClassVar = \["js/([^"]+)"\]', PYTHON)}
    for script in SCRIPTS:
        loaded |= {(script.parent / source).resolve() for source in names_in(r'from "([^"]+)"', [script])}
    assert set(SCRIPTS) == loaded


@pytest.mark.parametrize("script", SCRIPTS, ids=ids(SCRIPTS))
def test_a_page_script_imports_only_its_own_folder_and_the_shared_one(script: Path) -> None:
    for source in names_in(r'from "([^"]+)"', [script]):
        assert (script.parent / source).resolve().parent in {script.parent, JS / "shared"}, source


def test_parts_that_scripts_ask_for_are_in_the_pages() -> None:
    asked = names_in(r'data-part="([a-z-]+)"', SCRIPTS) | names_in(r'\bpart\("([a-z-]+)"\)', SCRIPTS)
    given = names_in(r'data-part="([a-z-]+)"', TEMPLATES)
    assert asked <= given
    elements = names_in(r'getElementById\("([a-z-]+)"\)', SCRIPTS)
    given = names_in(r'\sid="([a-z-]+)"', TEMPLATES) | names_in(r'\|json_script:"([a-z-]+)"', TEMPLATES)
    assert elements <= given


def test_custom_properties_of_the_styles_are_defined() -> None:
    used = names_in(r"var\((--[a-z0-9-]+)", OUR_STYLES)
    defined = names_in(r"(?m)^\s+(--[a-z0-9-]+):", OUR_STYLES)
    assert used <= defined
    assert defined <= used


def test_classes_of_the_pages_are_styled() -> None:
    styled = names_in(r"\.([a-z][a-z0-9_-]*)", STYLES)
    given: set[str] = set()
    for template in OURS:
        markup = re.sub(r"{{.*?}}", "*", re.sub(r"{%.*?%}", " ", template.read_text()))
        for value in re.findall(r'\sclass="([^"]*)"', markup):
            given |= {name for name in value.split() if "*" not in name}
    assert given - styled == set()
