"""Settings of Sphinx for `make docs`; tools/docs.py makes the folder that it reads."""

project = "urmanac.talos"
author = "The urmanac.talos authors"
copyright = "the urmanac.talos authors, GPL-3.0-or-later"  # noqa: A001 (Sphinx reads this name)

extensions = ["myst_parser", "sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
# The map of pages became the first page. The changelog is a page of its own.
exclude_patterns = ["docs/README.md", "changelogs"]
# Links to headings, as on GitHub.
myst_heading_anchors = 4
# Labels of Ansible's documentation, from a file that tools/docs.py writes: a build needs no network.
intersphinx_mapping = {"ansible": ("https://docs.ansible.com/projects/ansible/latest/", "ansible.inv")}
# JSON of AWX and templates of Jinja in our pages are examples, which no lexer knows exactly.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "sphinx_ansible_theme"
# Its default for the first page is "/", which a site in a folder does not have.
html_theme_options = {
    "documentation_home_url": "https://github.com/urmanac/ansible-collection-talos",
    "show_rtd_ethical_ads": False,
}
html_title = "urmanac.talos"
html_show_sphinx = False
html_copy_source = False
html_use_index = False
html_use_smartypants = False
smartquotes = False
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
