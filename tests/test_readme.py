"""The README says what there is."""

from tests import readme_names


def test_the_table_of_names_is_what_there_is():
    text = (readme_names.ROOT / "README.md").read_text("utf-8")
    assert readme_names.in_readme(text) == readme_names.table(), "run: python -m tests.readme_names"
