"""The coordinators' dashboard: one widget, the methods that answer it, and the server that serves nothing else."""
