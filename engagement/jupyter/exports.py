"""What JupyterLab exports as HTML: with its figures, and without a network to draw them.

A figure is kept in a notebook as its data alone, which JupyterLab draws and nbconvert leaves out.
"""

import json
from typing import Any, Final

FIGURE: Final = "application/vnd.plotly.v1+json"


def with_figures(notebook: Any, resources: Any) -> tuple[Any, Any]:
    """Return the notebook with its figures as HTML; the script that draws them comes once, with the first.

    As nbconvert calls a preprocessor: `jupyter_config.json`, which is installed where Jupyter looks, tells it to.
    """
    from plotly import io

    script = True
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if FIGURE in output.get("data", {}):
                figure = json.loads(json.dumps(output.data[FIGURE]))
                drawn = {name: figure.get(name) for name in ("data", "layout")}
                output.data = {
                    "text/html": io.to_html(drawn, include_plotlyjs=script, full_html=False, validate=False)
                }
                script = False
    return notebook, resources
