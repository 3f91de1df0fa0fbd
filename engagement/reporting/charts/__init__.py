"""The charts of reports and notebooks: small frames in, plotly figures out."""
