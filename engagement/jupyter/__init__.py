"""JupyterLab, notebooks and the kernels they run in."""
